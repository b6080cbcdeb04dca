"""Reads actions: a mapping of `assign emit raise cancel run` in the order written, or a list of such mappings.

A list inside the list is a block of its own: an action that fails ends its block and no other.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from nbflow.spec import chart as c
from nbflow.spec import forms
from nbflow.spec.document import Located
from nbflow.spec.expressions import Expression, Value
from nbflow.spec.machine import fields
from nbflow.spec.machine.names import ID, wrong_event

if TYPE_CHECKING:
    from nbflow.spec.machine.reading import MachineReader

_EACH = frozenset({"item", "index"})
_NONE: frozenset[str] = frozenset()
_TAKES = {
    "raise": ("with", "delay", "id"),
    "emit": ("with", "delay", "id", "key", "to"),
    "run": ("with", "as"),
}


class ActionReader:
    """Reads the actions of one machine; expressions and works are noted at the machine's reader."""

    def __init__(self, machine: MachineReader) -> None:
        self._machine, self._reading = machine, machine.reading
        self._roots = _NONE
        self.ids: dict[str, Located] = {}  # of delayed events and runs
        self.cancelled: list[Located] = []

    def blocks(self, at: Located) -> tuple[c.Block, ...]:
        """`entry` and `exit`: the blocks, one after the other."""
        if not isinstance(at.value, list):
            return (self.block(at),)
        loose = [item for item in at.value if not isinstance(item.value, list)]
        found: list[c.Block] = [tuple(action for item in loose for action in self._step(item))] if loose else []
        found += [self.block(item) for item in at.value if isinstance(item.value, list)]
        return tuple(block for block in found if block)

    def block(self, at: Located) -> c.Block:
        """Actions in order."""
        items = at.value if isinstance(at.value, list) else [at]
        return tuple(action for item in items for action in self._step(item))

    def beside(self, at: Located, given: Mapping[str, Located]) -> c.Block:
        """The actions that stand in a mapping with other fields, in the order written."""
        short = [
            name for name in given if name == "run" or (name in _TAKES and not isinstance(given[name].value, dict))
        ]
        found: list[c.Action] = []
        for name, value in given.items():
            action = self._one(name, value, given if name in short[:1] else {})
            if action is not None:
                found.append(action)
        self._misplaced(given, short)
        return tuple(found)

    def _step(self, at: Located) -> c.Block:
        found = forms.read_fields(at, self._reading, fields.STEP, "an action")
        if "for_each" in found:
            return self._each(at, found)
        if "if" in found or "then" in found:
            return self._when(at, found)
        for name in ("else", "do"):
            if name in found:
                self._reading.wrong(
                    found[name],
                    "machine.action",
                    f"'{name}' belongs to {'an if' if name == 'else' else 'a for_each'}",
                    key=True,
                )
        return self.beside(at, found)

    def _each(self, at: Located, found: dict[str, Located]) -> c.Block:
        items = self._machine.condition(found["for_each"], self._roots)
        outside, self._roots = self._roots, self._roots | _EACH
        block = (
            self.block(found["do"])
            if "do" in found
            else self.beside(at, _without(found, "for_each", "if", "then", "else"))
        )
        self._roots = outside
        return () if items is None else (c.Each(items, block),)

    def _when(self, at: Located, found: dict[str, Located]) -> c.Block:
        if "if" not in found:
            self._reading.wrong(found["then"], "machine.action", "'then' belongs to an 'if'", key=True)
            return ()
        condition = self._machine.condition(found["if"], self._roots)
        rest = _without(found, "if", "then", "else", "for_each", "do")
        branches: list[tuple[Expression | None, c.Block]] = []
        if condition is not None:
            branches.append((condition, self.block(found["then"]) if "then" in found else self.beside(at, rest)))
        if "else" in found:
            branches.append((None, self.block(found["else"])))
        return (c.When(tuple(branches)),)

    def _one(self, name: str, at: Located, near: Mapping[str, Located]) -> c.Action | None:
        match name:
            case "assign":
                return self._assign(at)
            case "raise":
                return self._raise(at, near)
            case "emit":
                return self._emit(at, near)
            case "cancel":
                return self._cancel(at)
            case "run":
                return self._run(at, near)
            case _:
                return None

    def _assign(self, at: Located) -> c.Assign | None:
        if not isinstance(at.value, dict):
            self._reading.wrong(
                at, "type.mapping", f"'assign' maps names of the context to values, not {forms.kind_of(at)}"
            )
            return None
        values: list[tuple[tuple[str, ...], Value]] = []
        for name, value in at.value.items():
            path = tuple(name.split("."))
            if all(ID.match(part) for part in path):
                values.append((path, self._machine.value(value, self._roots)))
                self._machine.assigned.setdefault(path[0], value)
            else:
                self._reading.wrong(value, "machine.name", f"'{name}' cannot be a name of the context", key=True)
        return c.Assign(tuple(values)) if values else None

    def _raise(self, at: Located, near: Mapping[str, Located]) -> c.Raise | None:
        name, parts = self._event(at, near, fields.EVENT_PARTS, "raise")
        if name is None:
            return None
        return c.Raise(name, self._data(parts), self._delay(parts), self._id(parts))

    def _emit(self, at: Located, near: Mapping[str, Located]) -> c.Emit | None:
        name, parts = self._event(at, near, fields.EMIT_PARTS, "emit")
        if name is None:
            return None
        key = self._machine.value(parts["key"], self._roots) if "key" in parts else None
        to = self._text(parts["to"]) if "to" in parts else None
        return c.Emit(name, self._data(parts), key, to, self._delay(parts), self._id(parts))

    def _event(
        self, at: Located, near: Mapping[str, Located], parts: forms.Fields, verb: str
    ) -> tuple[str | Value | None, Mapping[str, Located]]:
        if not isinstance(at.value, dict):
            return self._name(at), near
        found = forms.read_fields(at, self._reading, parts, f"'{verb}'", ["event"])
        return (self._name(found["event"]) if "event" in found else None), found

    def _name(self, at: Located) -> str | Value | None:
        name = self._text(at)
        if isinstance(name, str):
            problem = wrong_event(name, whole=True)
            if problem is not None:
                self._reading.wrong(at, "machine.event", *problem)
                return None
            self._machine.raised.setdefault(name, at)
        return name

    def _text(self, at: Located) -> str | Value | None:
        """A text, or a template that gives one."""
        if not isinstance(at.value, str):
            self._reading.wrong(at, "type.string", f"this must be text, not {forms.kind_of(at)}")
            return None
        value = self._machine.value(at, self._roots)
        return (
            str(at.value)
            if value.constant and not at.value.startswith(("=", "\\=")) and "${{" not in at.value
            else value
        )

    def _data(self, parts: Mapping[str, Located]) -> Value | None:
        return self._machine.value(parts["with"], self._roots) if "with" in parts else None

    def _delay(self, parts: Mapping[str, Located]) -> float | Value | None:
        at = parts.get("delay")
        if at is None:
            return None
        if forms.is_expression(at):
            return self._machine.value(at, self._roots)
        seconds: float | None = forms.DURATION.read(at, self._reading, "delay")
        return seconds

    def _id(self, parts: Mapping[str, Located]) -> str | Value | None:
        at = parts.get("id")
        if at is None:
            return None
        id = self._text(at)
        if isinstance(id, str):
            self.ids.setdefault(id, at)
        return id

    def _cancel(self, at: Located) -> c.Cancel | None:
        id = self._text(at)
        if isinstance(id, str):
            self.cancelled.append(at)
        return None if id is None else c.Cancel(id)

    def _run(self, at: Located, near: Mapping[str, Located]) -> c.Run | None:
        work = self._machine.work(at, near, "run")
        if work is None:
            return None
        self.ids.setdefault(self._machine.works[work].id, at)
        return c.Run(work)

    def _misplaced(self, given: Mapping[str, Any], short: list[str]) -> None:
        """What stands beside belongs to one action written short."""
        allowed: tuple[str, ...] = _TAKES[short[0]] if short else ()
        if short[:1] == ["run"] and isinstance(given["run"].value, dict):
            allowed = ("as",)
        for name, value in given.items():
            if name in fields.BESIDE and name not in allowed and isinstance(value, Located):
                owner = f"'{short[0]}' takes no '{name}'" if short else f"'{name}' belongs to a raise, an emit or a run"
                self._reading.wrong(value, "machine.action", owner, key=True)
            elif name in short[1:]:
                message = f"'{short[0]}' and '{name}' share what stands beside them"
                if any(part in given for part in fields.BESIDE):
                    self._reading.wrong(
                        value, "machine.action", message, "write one of them as a mapping, or make a list", key=True
                    )


def _without(found: Mapping[str, Located], *names: str) -> dict[str, Located]:
    return {name: at for name, at in found.items() if name not in names}
