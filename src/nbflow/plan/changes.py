"""What changed between two versions, node by node and in meaning: formatting, comments and order are no changes."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from nbflow.plan.charts import states_of
from nbflow.plan.digraph import bodies_of
from nbflow.plan.meaning import canonical
from nbflow.plan.plan import Body, Machine, NodePlan, Plan
from nbflow.spec.durations import format_duration

_WORDS = {
    "work.arguments": "with", "work.items": "with", "condition": "if", "schema": "output", "work.values": "set",
    "work.while_": "while", "work.payload": "with", "work.parameters": "parameters",
}  # fmt: skip
_DOES = ("work", "schema", "transform", "kind", "on_error")
_INNER = ("body", "bodies", "plan", "chart", "works")
_TIMES = frozenset({"timeout", "deadline", "delay", "max_delay", "cache", "seconds"})
_LONGEST = 60


@dataclass(frozen=True, slots=True)
class Change:
    """One change. `path` is the node (empty: the workflow itself), `field` in the author's words, values as JSON data.

    `meaning` says whether the node gives other results than before, so that its old ones are not reused.
    """

    what: Literal["added", "removed", "renamed", "changed"]
    path: str
    field: str = ""
    before: Any = None
    after: Any = None
    meaning: bool = True

    @property
    def text(self) -> str:
        """The change in one line."""
        place = self.path or "workflow"
        match self.what:
            case "added":
                return f"+ {place}" + (
                    f".{self.field}: {self._value(self.after)}" if self.field else f" ({self.after})"
                )
            case "removed":
                return f"- {place}" + (
                    f".{self.field}: {self._value(self.before)}" if self.field else f" ({self.before})"
                )
            case "renamed":
                return f"~ {self.before} is now {self.after}"
            case _:
                return f"~ {place}.{self.field}: {self._value(self.before)} → {self._value(self.after)}"

    def _value(self, value: Any) -> str:
        if self.field.rpartition(".")[2] in _TIMES and isinstance(value, float):
            return format_duration(value)
        return _shown(value)


def _shown(value: Any) -> str:
    if isinstance(value, dict) and len(value) == 1:
        if "=" in value:
            return _cut(str(value["="]))
        if "value" in value:
            return _shown(value["value"])
    return _cut(value if isinstance(value, str) else json.dumps(value, ensure_ascii=False))


def _cut(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= _LONGEST else line[: _LONGEST - 1] + "…"


def diff(old: Plan, new: Plan) -> list[Change]:
    """Changes from `old` to `new`: of the workflow, then of its nodes in the order of the new text."""
    found = list(_workflow(old, new))
    found += _bodies(old.body, new.body, "")
    if old.on_error is not None or new.on_error is not None:
        found += _bodies(old.on_error or _NONE, new.on_error or _NONE, "on_error.")
    return found


_NONE = Body((), {}, ())
_FIELDS = ("timeout", "priority", "pools", "rates", "budget")


def _workflow(old: Plan, new: Plan) -> Iterator[Change]:
    for name in _FIELDS:
        yield from _compared("", name, canonical(getattr(old, name)), canonical(getattr(new, name)), meaning=False)
    before, after = old.inputs.get("properties", {}), new.inputs.get("properties", {})
    yield from _compared("", "inputs", canonical(before), canonical(after), meaning=True)
    yield from _compared("", "outputs", _outputs(old), _outputs(new), meaning=True)
    yield from _compared("", "triggers", canonical(old.triggers), canonical(new.triggers), meaning=False)


def _outputs(plan: Plan) -> Any:
    return None if plan.outputs is None else {name: canonical(value) for name, value in plan.outputs}


def _bodies(old: Body, new: Body, prefix: str) -> Iterator[Change]:
    gone = {node.meaning: node for node in old.nodes if node.id not in new.index}
    matched: set[str] = set()
    for node in new.nodes:
        path = prefix + node.id
        if node.id in old.index:
            yield from _node(old, new, old.nodes[old.index[node.id]], node, path)
            continue
        before = gone.get(node.meaning)
        if before is not None and before.id not in matched:
            matched.add(before.id)
            yield Change("renamed", path, "", prefix + before.id, path, meaning=False)
            yield from _node(old, new, before, node, path)
        else:
            yield Change("added", path, "", None, node.kind)
    for node in old.nodes:
        if node.id not in new.index and node.id not in matched:
            yield Change("removed", prefix + node.id, "", node.kind)


def _node(old: Body, new: Body, before: NodePlan, after: NodePlan, path: str) -> Iterator[Change]:
    one, two = _facts(before, old), _facts(after, new)
    found: list[Change] = []
    for field in sorted(one.keys() | two.keys()):
        meaning = field.split(".")[0] in _DOES and before.meaning != after.meaning
        found += _compared(path, _named(field), one.get(field), two.get(field), meaning=meaning)
    yield from found
    if isinstance(before.work, Machine) and isinstance(after.work, Machine):
        yield from _states(before.work, after.work, path)
    inner_old, inner_new = dict(bodies_of(before)), dict(bodies_of(after))
    for name in [*inner_new, *(name for name in inner_old if name not in inner_new)]:
        prefix = f"{path}.{name}." if name and not isinstance(after.work, Machine) else f"{path}."
        yield from _bodies(inner_old.get(name, _NONE), inner_new.get(name, _NONE), prefix)
    if before.meaning != after.meaning and not found and not inner_new:
        yield Change("changed", path, "order", list(one), list(two))


def _states(before: Machine, after: Machine, path: str) -> Iterator[Change]:
    """Of two statecharts, in the order of the new one's states. Their works are compared as the bodies they are."""
    old, new = states_of(before.chart), states_of(after.chart)
    for id in [*new, *(id for id in old if id not in new)]:
        place = f"{path}.{id}" if id else path
        if id not in old:
            yield Change("added", place, "", None, "state")
        elif id not in new:
            yield Change("removed", place, "", "state")
        else:
            for field in [*new[id], *(field for field in old[id] if field not in new[id])]:
                yield from _compared(place, field, old[id].get(field), new[id].get(field), meaning=field != "label")


def _named(field: str) -> str:
    for inside, word in _WORDS.items():
        if field == inside or field.startswith(inside + "."):
            return word + field[len(inside) :]
    return field.removeprefix("work.").removeprefix("policies.")


def _facts(node: NodePlan, body: Body) -> dict[str, Any]:
    """What a node says, one entry a leaf; its bodies are compared by themselves."""
    said = {"kind": node.kind, **_flat("work", canonical(node.work))}
    for name in ("policies", "join"):
        said.update(_flat(name, canonical(getattr(node, name))))
    for name in ("condition", "schema", "transform", "mock", "effects", "breakpoint", "compensate"):
        value = canonical(getattr(node, name))
        if value not in (None, False):
            said[name] = value
    sources = body.sources[node.index] if body.sources else ()
    needs = {
        body.nodes[source].id: edge.kinds
        for source in sources
        for edge in body.nodes[source].out
        if edge.target == node.index and edge.kinds != ("data",)
    }
    if needs:
        said["needs"] = sorted(needs)
    return said


def _flat(prefix: str, value: Any) -> dict[str, Any]:
    if not isinstance(value, Mapping) or not value or (len(value) == 1 and "=" in value):
        return {} if value in (None, [], {}) else {prefix: value}
    if len(value) == 1 and "value" in value:
        return _flat(prefix, value["value"])
    found: dict[str, Any] = {}
    for key, inner in value.items():
        if key not in _INNER:
            found.update(_flat(f"{prefix}.{key}", inner))
    return found


def _is_tree(value: Any) -> bool:
    """Whether it is a mapping of parts, and not one template."""
    return isinstance(value, dict) and not (len(value) == 1 and ("=" in value or "value" in value))


def _compared(path: str, field: str, before: Any, after: Any, *, meaning: bool) -> Iterator[Change]:
    if before == after:
        return
    if _is_tree(before) and _is_tree(after):
        for key in [*after, *(key for key in before if key not in after)]:
            yield from _compared(path, f"{field}.{key}", before.get(key), after.get(key), meaning=meaning)
    elif before is None:
        yield Change("added", path, field, None, after, meaning)
    elif after is None:
        yield Change("removed", path, field, before, None, meaning)
    else:
        yield Change("changed", path, field, before, after, meaning)
