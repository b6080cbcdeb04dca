"""Passes that make a plan cheaper and change no outcome. One function a law; each gives the plan and says what it did.

fold: a constant expression has one value. reduce: an order that follows from other orders need not be waited for.
rank: what the longest way hangs on goes first. prune (only when asked): what no output and no effect needs is not run.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields, is_dataclass, replace
from typing import Any

from nbflow.errors import NbflowError
from nbflow.plan.digraph import bodies_of
from nbflow.plan.plan import Body, Branches, Edge, ForEach, Loop, Machine, NodePlan, Plan, SubWorkflow, Switch
from nbflow.spec.expressions import Expression, Value, literal

Weight = Callable[[str, NodePlan], float]


@dataclass(frozen=True, slots=True)
class Note:
    """What a pass did, where: `law` is the pass, `path` the node."""

    law: str
    path: str
    text: str

    def __str__(self) -> str:
        return f"{self.law}: {self.path}: {self.text}"


def optimise(plan: Plan, *, prune: bool = False) -> tuple[Plan, list[Note]]:
    """All passes in turn."""
    notes: list[Note] = []
    if prune:
        plan = pruned(plan, notes)
    plan = folded(plan, notes)
    plan = reduced(plan, notes)
    return ranked(plan), notes


def explain(plan: Plan, *, prune: bool = False) -> list[str]:
    """What the passes would do to a plan, and its critical path, one line each."""
    made, notes = optimise(plan, prune=prune)
    lines = [str(note) for note in notes] or ["nothing to fold or to drop"]
    return [*lines, "critical path: " + " -> ".join(critical_path(made.body))]


def critical_path(body: Body) -> list[str]:
    """Ids along the longest way through a graph."""
    path: list[str] = []
    here = max(body.roots, key=lambda index: (body.nodes[index].rank, -index), default=None)
    while here is not None:
        node = body.nodes[here]
        path.append(node.id)
        here = max((edge.target for edge in node.out), key=lambda index: (body.nodes[index].rank, -index), default=None)
    return path


# --- bodies, whatever holds them -----------------------------------------------------------------------------

Pass = Callable[[Body, str], Body]


def _everywhere(plan: Plan, change: Pass) -> Plan:
    """The plan with a pass made over each of its bodies, inner ones first."""
    body = _within(plan.body, "", change)
    handler = _within(plan.on_error, "on_error", change) if plan.on_error is not None else None
    return replace(plan, body=body, on_error=handler)


def _within(body: Body, path: str, change: Pass) -> Body:
    nodes = tuple(_node(node, f"{path}.{node.id}" if path else node.id, change) for node in body.nodes)
    if any(new is not old for new, old in zip(nodes, body.nodes, strict=True)):
        body = replace(body, nodes=nodes)
    return change(body, path)


def _node(node: NodePlan, path: str, change: Pass) -> NodePlan:
    work = node.work
    match work:
        case Loop() | ForEach():
            work = replace(work, body=_within(work.body, path, change))
        case Branches():
            work = replace(
                work, bodies=tuple((name, _within(each, f"{path}.{name}", change)) for name, each in work.bodies)
            )
        case SubWorkflow(plan=Plan() as inner):
            work = replace(work, plan=replace(inner, body=_within(inner.body, path, change)))
        case Machine(works=[_, *_]):
            work = replace(work, works=tuple(_within(each, path, change) for each in work.works))
        case _:
            pass
    undo = node.compensate
    if undo is not None:
        undo = _within(undo, f"{path}.compensate", change)
    return node if work is node.work and undo is node.compensate else replace(node, work=work, compensate=undo)


# --- fold ----------------------------------------------------------------------------------------------------


def folded(plan: Plan, notes: list[Note]) -> Plan:
    """Constant templates become literals; `if` that always holds goes; one that raises stays and raises when run."""

    def change(body: Body, path: str) -> Body:
        nodes = tuple(_folded_node(node, f"{path}.{node.id}" if path else node.id, notes) for node in body.nodes)
        same = all(new is old for new, old in zip(nodes, body.nodes, strict=True))
        return body if same else replace(body, nodes=nodes)

    return _everywhere(plan, change)


def _folded_node(node: NodePlan, path: str, notes: list[Note]) -> NodePlan:
    changes: dict[str, Any] = {}
    condition = node.condition
    if condition is not None and condition.constant and _value(condition) is True:
        changes["condition"] = None
        notes.append(Note("fold", path, f"'if: {condition.text}' always holds"))
    work = node.work
    if not isinstance(work, Switch):
        literals = {each.name: _literal(getattr(work, each.name)) for each in fields(work)}
        found: dict[str, Any] = {name: value for name, value in literals.items() if value is not None}
        if found:
            changes["work"] = replace(work, **found)
            notes.append(Note("fold", path, f"{', '.join(sorted(found))} evaluated once"))
    return replace(node, **changes) if changes else node


def _literal(value: Any) -> Value | None:
    """A template that is constant, not yet a literal, and does not raise, as a literal."""
    if not isinstance(value, Value) or not value.constant or not value.constants:
        return None
    try:
        return literal(value.evaluate({}))
    except NbflowError:
        return None


def _value(expression: Expression) -> Any:
    try:
        return expression.evaluate({})
    except NbflowError:
        return None


# --- reduce --------------------------------------------------------------------------------------------------


def reduced(plan: Plan, notes: list[Note]) -> Plan:
    """Drops an order edge from S to T when another source of T already cannot complete before S has.

    Only where T joins all, only edges that order and nothing else, and only through nodes that join all:
    then T runs, and is skipped, in the same cases as before.
    """

    def change(body: Body, path: str) -> Body:
        drop = list(_redundant(body))
        for source, target in drop:
            ids = body.nodes[source].id, body.nodes[target].id
            at = f"{path}.{ids[1]}" if path else ids[1]
            notes.append(Note("reduce", at, f"need not wait for '{ids[0]}' itself: its other sources do"))
        return _without(body, set(drop)) if drop else body

    return _everywhere(plan, change)


def _redundant(body: Body) -> Iterator[tuple[int, int]]:
    behind = _implied(body)
    activating = _activating(body)
    for target, sources in enumerate(activating):
        if body.nodes[target].join.mode != "all" or len(sources) < 2:
            continue
        for source, edge in sources.items():
            if edge.kinds == ("order",) and any(behind[other] >> source & 1 for other in sources if other != source):
                yield source, target


def _activating(body: Body) -> list[dict[int, Edge]]:
    found: list[dict[int, Edge]] = [{} for _ in body.nodes]
    for node in body.nodes:
        for edge in node.out:
            if edge.activating:
                found[edge.target][node.index] = edge
    return found


def _implied(body: Body) -> list[int]:
    """For each node, the nodes that must have completed for it to complete, as bits."""
    behind = [0] * len(body.nodes)
    activating = _activating(body)
    for index in _sorted(body):
        sources = activating[index]
        if body.nodes[index].join.mode == "all" or len(sources) == 1:
            for source in sources:
                behind[index] |= behind[source]
                if not _takes_over(body.nodes[source], body.nodes[index].id):
                    behind[index] |= 1 << source
    return behind


def _takes_over(source: NodePlan, target: str) -> bool:
    """Whether the target may run because the source failed."""
    return any(rule.then == target for rule in source.policies.on_error)


def _sorted(body: Body) -> list[int]:
    """Sources before targets."""
    waiting = [len(sources) for sources in body.sources]
    ready = [index for index in range(len(body.nodes) - 1, -1, -1) if not waiting[index]]
    found: list[int] = []
    while ready:
        index = ready.pop()
        found.append(index)
        for edge in body.nodes[index].out:
            waiting[edge.target] -= 1
            if not waiting[edge.target]:
                ready.append(edge.target)
    return found


def _without(body: Body, drop: set[tuple[int, int]]) -> Body:
    lost = [0] * len(body.nodes)
    for _, target in drop:
        lost[target] += 1
    nodes = tuple(
        replace(
            node,
            out=tuple(edge for edge in node.out if (node.index, edge.target) not in drop),
            activating=node.activating - lost[node.index],
        )
        for node in body.nodes
    )
    sources = tuple(
        tuple(source for source in each if (source, target) not in drop) for target, each in enumerate(body.sources)
    )
    return replace(body, nodes=nodes, sources=sources)


# --- rank ----------------------------------------------------------------------------------------------------


def ranked(plan: Plan, weight: Weight | None = None) -> Plan:
    """Ranks by the longest way to the end. `weight(path, node)` is how long a node takes, in any unit; default 1."""

    def change(body: Body, path: str) -> Body:
        ranks = [0.0] * len(body.nodes)
        for index in reversed(_sorted(body)):
            node = body.nodes[index]
            inside = max((inner.rank for _, each in bodies_of(node) for inner in each.nodes), default=0)
            own = weight(f"{path}.{node.id}" if path else node.id, node) if weight is not None else 1
            ranks[index] = own + inside + max((ranks[edge.target] for edge in node.out), default=0)
        nodes = tuple(
            node if node.rank == round(rank) else replace(node, rank=round(rank))
            for node, rank in zip(body.nodes, ranks, strict=True)
        )
        return (
            body if all(new is old for new, old in zip(nodes, body.nodes, strict=True)) else replace(body, nodes=nodes)
        )

    return _everywhere(plan, change)


# --- prune ---------------------------------------------------------------------------------------------------

_PURE = frozenset({"set", "aggregate", "switch"})


def has_effect(node: NodePlan) -> bool:
    """Whether a node may matter beyond its output: tools, people, events and time, unless it says `effects: none`."""
    if node.effects is not None:
        return node.effects != "none"
    inner = bodies_of(node)
    if inner:
        return any(has_effect(each) for _, body in inner for each in body.nodes)
    return node.kind not in _PURE


def pruned(plan: Plan, notes: list[Note], effect: Callable[[NodePlan], bool] = has_effect) -> Plan:
    """The plan without the nodes of the root graph that no output and no effect needs.

    Only with `outputs:` (else every last node is an output). An execution that completes gives the same outputs.
    """
    if plan.outputs is None:
        return plan
    body = plan.body
    keep = {index for index, node in enumerate(body.nodes) if effect(node)}
    keep |= {body.index[read.root] for _, value in plan.outputs for read in value.references if read.root in body.index}
    if plan.on_error is not None:
        keep |= {body.index[id] for id in _names(plan.on_error) if id in body.index}
    todo = sorted(keep)
    while todo:
        index = todo.pop()
        node = body.nodes[index]
        after = [body.index[rule.then] for rule in node.policies.on_error if rule.then is not None]
        after += [body.index[id] for id in _names(node.compensate) if id in body.index]
        for need in (*body.sources[index], *after):
            if need not in keep:
                keep.add(need)
                todo.append(need)
    gone = (node.id for node in body.nodes if node.index not in keep)
    notes += [Note("prune", id, "no output and no effect needs it") for id in gone]
    return plan if len(keep) == len(body.nodes) else replace(plan, body=_kept(body, keep))


def _names(value: Any) -> Iterator[str]:
    """Roots read anywhere in plan data."""
    if isinstance(value, Expression | Value):
        yield from (read.root for read in value.references)
    elif isinstance(value, tuple | list):
        for item in value:
            yield from _names(item)
    elif is_dataclass(value):
        for each in fields(value):
            yield from _names(getattr(value, each.name))


def _kept(body: Body, keep: set[int]) -> Body:
    order = sorted(keep)
    place = {old: new for new, old in enumerate(order)}
    nodes = tuple(
        replace(
            body.nodes[old], index=new,
            out=tuple(replace(edge, target=place[edge.target]) for edge in body.nodes[old].out if edge.target in place),
        )
        for new, old in enumerate(order)
    )  # fmt: skip
    return replace(
        body,
        nodes=nodes,
        index={node.id: node.index for node in nodes},
        roots=tuple(place[old] for old in body.roots if old in place),
        sources=tuple(tuple(place[source] for source in body.sources[old]) for old in order),
    )
