"""Reads the text under `machine:` into drafts: every state, transition and action that can be read is read."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from nbflow.spec import forms
from nbflow.spec.chart import Kind, Read, Work
from nbflow.spec.document import Located
from nbflow.spec.durations import parse_duration
from nbflow.spec.expressions import EvaluationError, Expression, Value
from nbflow.spec.forms import Fields, Reading
from nbflow.spec.machine import fields
from nbflow.spec.machine.actions import ActionReader
from nbflow.spec.machine.drafts import StateDraft, TransitionDraft
from nbflow.spec.machine.names import ID, STATE_ID, TAKEN, wrong_event
from nbflow.spec.nodes import NodeSpec, read_node

OWN = frozenset({"ctx", "event"})
_FINAL_LACKS = ("states", "initial", "events", "always", "after", "invoke")
_HISTORY_HAS = frozenset({"history", "to", "label", "doc", "tags"})


class MachineReader:
    """One machine. `states` are in document order; `by_id` finds them; `works` run beside."""

    def __init__(self, reading: Reading) -> None:
        self.reading = reading
        self.states: list[StateDraft] = []
        self.by_id: dict[str, StateDraft] = {}
        self.works: list[Work] = []
        self.reads: list[Read] = []
        self.context: list[tuple[str, Value]] = []
        self.declares_context = False  # names of the context are known, if only that there are none
        self.assigned: dict[str, Located] = {}
        self.raised: dict[str, Located] = {}
        self.actions = ActionReader(self)

    # ---- values ----

    def condition(self, at: Located, roots: frozenset[str] = frozenset()) -> Expression | None:
        found: Expression | None = forms.CONDITION.read(at, self.reading, "if")
        if found is not None:
            self.reads.append(Read(found, OWN | roots, condition=True))
        return found

    def value(self, at: Located, roots: frozenset[str] = frozenset()) -> Value:
        found: Value = forms.VALUE.read(at, self.reading, "")
        self.reads.append(Read(found, OWN | roots))
        return found

    # ---- states ----

    def machine(self, at: Located) -> StateDraft:
        """The machine itself, and all that is in it."""
        found = forms.read_fields(at, self.reading, fields.MACHINE, "a machine")
        root = StateDraft("", at, None)
        self.states.append(root)
        if "context" in found:
            self._context(found["context"])
        self._state(root, found, at)
        return root

    def _context(self, at: Located) -> None:
        if not isinstance(at.value, dict):
            self.reading.wrong(at, "type.mapping", f"'context' maps names to first values, not {forms.kind_of(at)}")
            return
        self.declares_context = True
        for name, value in at.value.items():
            if ID.match(name):
                self.context.append((name, self.value(value)))
            else:
                self.reading.wrong(value, "machine.name", f"'{name}' cannot be a name of the context", key=True)

    def _child(self, id: str, at: Located, parent: StateDraft) -> None:
        if not STATE_ID.match(id):
            self.reading.wrong(
                at,
                "machine.name",
                f"'{id}' cannot be a state's name",
                "letters, digits, _ and -, a letter first",
                key=True,
            )
        state = StateDraft(id, at, parent, index=len(self.states))
        if id in self.by_id:
            first = self.by_id[id].at.key_line
            self.reading.wrong(
                at,
                "machine.duplicate_state",
                f"state '{id}' is already on line {first}",
                "names are unique in the whole machine",
                key=True,
            )
        else:
            self.by_id[id] = state
        self.states.append(state)
        parent.children.append(state)
        if at.value == "final":
            state.kind = "final"
        elif at.value is not None:
            self._state(state, forms.read_fields(at, self.reading, fields.STATE, f"state '{id}'"), at)

    def _state(self, state: StateDraft, found: dict[str, Any], at: Located) -> None:
        state.kind = self._kind(state, found)
        state.label, state.doc, state.output = found.get("label"), found.get("doc"), found.get("output")
        if state.output is not None:
            self.reads.append(Read(state.output, OWN))
        self._check_kind(state, found, at)
        if "initial" in found:
            state.initial = self._start(state, found["initial"])
        elif "to" in found and state.history:
            state.initial = self._start(state, found["to"])
        state.entry = self.actions.blocks(found["entry"]) if "entry" in found else ()
        state.exit = self.actions.blocks(found["exit"]) if "exit" in found else ()
        for work in self._items(found["invoke"]) if "invoke" in found else ():
            self._invoke(state, work)
        self._transitions(state, found)
        states = found.get("states")
        if states is not None and not isinstance(states.value, dict):
            self.reading.wrong(states, "type.mapping", f"'states' maps names to states, not {forms.kind_of(states)}")
        elif states is not None:
            for id, child in states.value.items():
                self._child(id, child, state)

    def _kind(self, state: StateDraft, found: Mapping[str, Any]) -> Kind:
        if found.get("history"):
            kind: Kind = found["history"]
            return kind
        if found.get("type") == "final":
            return "final"
        if found.get("type") == "parallel" or found.get("parallel"):
            return "parallel"
        return "compound" if "states" in found or state.parent is None else "atomic"

    def _check_kind(self, state: StateDraft, found: Mapping[str, Any], at: Located) -> None:
        """Fields that a state of this kind cannot have."""
        for name, code, message, hint in _misfits(state, found):
            given = at.value.get(name) if isinstance(at.value, dict) else None
            self.reading.wrong(given or at, code, message, hint, key=True)

    def _start(self, state: StateDraft, at: Located) -> TransitionDraft:
        """`initial`: a name, several of a parallel inside, or {to, actions}."""
        if not isinstance(at.value, dict):
            return TransitionDraft(state, at, self._texts(at))
        found = forms.read_fields(
            at, self.reading, {name: fields.TRANSITION[name] for name in ("to", "actions")}, "'initial'", ["to"]
        )
        actions = self.actions.block(found["actions"]) if "actions" in found else ()
        return TransitionDraft(state, at, self._texts(found["to"]) if "to" in found else [], actions=actions)

    # ---- transitions ----

    def _transitions(self, state: StateDraft, found: Mapping[str, Any]) -> None:
        if "events" in found:
            self._events(state, found["events"])
        if "after" in found:
            self._after(state, found["after"])
        for item in self._items(found["always"]) if "always" in found else ():
            made = self._transition(state, item)
            if made is not None:
                state.always.append(made)

    def _events(self, state: StateDraft, at: Located) -> None:
        if isinstance(at.value, list):
            for item in at.value:
                self._listed(state, item)
            return
        if not isinstance(at.value, dict):
            self.reading.wrong(at, "type.mapping", f"'events' maps events to transitions, not {forms.kind_of(at)}")
            return
        for name, value in at.value.items():
            problem = wrong_event(name)
            if problem is not None:
                self.reading.wrong(value, "machine.event", *problem, key=True)
                continue
            for item in self._items(value):
                made = self._transition(state, item, key=value if item is value else None)
                if made is not None:
                    made.events = (name,)
                    state.transitions.append(made)

    def _listed(self, state: StateDraft, at: Located) -> None:
        """A transition in a list under `events`, which names its events itself."""
        made = self._transition(state, at, listed=True)
        if made is None or not isinstance(at.value, dict):
            return
        if "event" not in at.value:
            self.reading.wrong(at, "schema.missing", "in a list under 'events' a transition names its 'event'")
            return
        names = self._texts(at.value["event"])
        for name in names:
            problem = wrong_event(str(name.value))
            if problem is not None:
                self.reading.wrong(name, "machine.event", *problem)
        made.events = tuple(str(name.value) for name in names)
        state.transitions.append(made)

    def _after(self, state: StateDraft, at: Located) -> None:
        if not isinstance(at.value, dict):
            self.reading.wrong(
                at,
                "type.mapping",
                f"'after' maps durations to transitions, not {forms.kind_of(at)}",
                "after: {10m: late}",
            )
            return
        for text, value in at.value.items():
            try:
                seconds = parse_duration(text)
            except ValueError as error:
                message, _, hint = str(error).partition("; ")
                self.reading.wrong(value, "type.duration", message, hint or None, key=True)
                continue
            name = f"after.{text}.{state.id or 'machine'}"
            state.timers.append((name, seconds))
            for item in self._items(value):
                made = self._transition(state, item, key=value if item is value else None)
                if made is not None:
                    made.timer = name
                    state.transitions.append(made)

    def _transition(
        self, state: StateDraft, at: Located, *, key: Located | None = None, listed: bool = False
    ) -> TransitionDraft | None:
        if isinstance(at.value, str):
            return TransitionDraft(state, key or at, [at])
        if not isinstance(at.value, dict):
            hint = "a target's name, or {to: …, if: …}"
            self.reading.wrong(
                at,
                "machine.transition",
                f"a transition is a target or a mapping, not {forms.kind_of(at)}",
                hint,
                key=at.value is None,
            )
            return None
        table: Fields = (
            fields.TRANSITION if listed else {n: form for n, form in fields.TRANSITION.items() if n != "event"}
        )
        found = forms.read_fields(at, self.reading, table, "a transition")
        made = TransitionDraft(state, key or at, label=found.get("label"), internal=found.get("internal", False))
        made.targets = self._texts(found["to"]) if "to" in found else []
        if "if" in found:
            made.condition = self.condition(found["if"])
            made.holds = _known(made.condition)
        made.actions = self.actions.beside(at, {name: value for name, value in found.items() if name != "to"})
        if "actions" in found:
            made.actions += self.actions.block(found["actions"])
        if not (found.keys() - {"if", "label", "doc", "event", "internal"}) and all(name in table for name in at.value):
            self.reading.wrong(
                at, "machine.transition", "this transition goes nowhere and does nothing", "it needs 'to' or an action"
            )
        return made

    # ---- works ----

    def _invoke(self, state: StateDraft, at: Located) -> None:
        work = self.work(at, {}, state.id or "machine")
        if work is not None:
            state.invokes.append(work)

    def work(self, at: Located, near: Mapping[str, Located], stem: str) -> int | None:
        """A piece of work: a workflow's name, or a node with `as` and `finalize`. Its number."""
        if isinstance(at.value, str):
            node = replace(at, value={"workflow": at, **({"with": near["with"]} if "with" in near else {})})
            own: Mapping[str, Located] = near
        elif isinstance(at.value, dict):
            own = {**near, **at.value}
            node = replace(
                at, value={name: value for name, value in at.value.items() if name not in ("as", "finalize")}
            )
        else:
            self.reading.wrong(
                at, "machine.invoke", f"what runs is a workflow's name or a node, not {forms.kind_of(at)}"
            )
            return None
        given = own.get("as")
        id = self._work_id(given, node, stem)
        spec: NodeSpec | None = read_node(id, node, self.reading, f"the work '{id}'")
        finalize = (
            self.actions.block(at.value["finalize"]) if isinstance(at.value, dict) and "finalize" in at.value else ()
        )
        if spec is None:
            return None
        self.works.append(Work(id, spec, at.line, at.column, finalize))
        return len(self.works) - 1

    def _work_id(self, given: Located | None, node: Located, stem: str) -> str:
        if given is not None:
            id = str(given.value)
            if not ID.match(id) or id in TAKEN:
                self.reading.wrong(
                    given,
                    "machine.name",
                    f"'{id}' cannot be the name of what runs",
                    "letters, digits and _, a letter first",
                )
            return id
        assert isinstance(node.value, dict)
        named = node.value.get("workflow")
        name = (
            str(named.value).partition("@")[0].replace("-", "_")
            if named is not None and isinstance(named.value, str)
            else stem
        )
        return name if ID.match(name) and name not in TAKEN else "work"

    # ---- small forms ----

    def _items(self, at: Located) -> list[Located]:
        return at.value if isinstance(at.value, list) else [at]

    def _texts(self, at: Located) -> list[Located]:
        found = forms.NAMES.read(at, self.reading, "to")
        return list(found or ())


def _known(condition: Expression | None) -> bool | None:
    """What a condition always says; one that always fails does not hold. None when that shows only later."""
    if condition is None or not condition.constant:
        return None
    try:
        return bool(condition.evaluate({}))
    except EvaluationError:
        return False


def _misfits(state: StateDraft, found: Mapping[str, Any]) -> Iterator[tuple[str, str, str, str | None]]:
    """(field, code, message, hint) of each."""
    if state.kind == "final":
        for name in (name for name in _FINAL_LACKS if name in found):
            yield name, "machine.final", f"'{state.id}' is final: it cannot have '{name}'", None
    elif "output" in found:
        yield "output", "machine.final", "only a final state has an 'output'", None
    if state.history:
        yield from _history_misfits(state, found)
    elif "to" in found:
        hint = "transitions stand under 'events', 'always' or 'after'"
        yield "to", "machine.history", "'to' belongs to a history or a transition", hint
    if state.kind == "parallel" and "initial" in found:
        message = f"{state.named()} is parallel: all its states are active at once"
        yield "initial", "machine.parallel", message, "remove 'initial'"


def _history_misfits(state: StateDraft, found: Mapping[str, Any]) -> Iterator[tuple[str, str, str, str | None]]:
    for name in found:
        if name not in _HISTORY_HAS:
            yield name, "machine.history", f"'{state.id}' is a history: it cannot have '{name}'", None
    if state.parent is not None and state.parent.parent is None:
        message = f"'{state.id}' remembers the whole machine, which is never left"
        yield "history", "machine.history", message, "put it inside a state"
