"""The shape of the graph: cycles, nodes that can never run, cases never reached, skipped nodes that are read."""

from __future__ import annotations

from nbflow.errors import NbflowError
from nbflow.plan.checks.conditions import Conditions, conditions
from nbflow.plan.checks.findings import Checking
from nbflow.plan.link import DATA, ERROR_GATE, GATE, ORDER, Linked, Use
from nbflow.plan.order import cycles
from nbflow.spec.document import Located
from nbflow.spec.expressions import Expression
from nbflow.spec.nodes import NodeSpec

_SHOWN = 8


def check_graph(checking: Checking) -> bool:
    """Whether there is an order to run in; only then are the checks done that need one."""
    bodies = list(checking.root.everything())
    sound = sum(_cycles(checking, body) for body in bodies) == 0
    for body in bodies:
        for node in body.nodes:
            if node.kind == "switch":
                _switch(checking, node)
    if sound:
        _reachable(checking, bodies)
    return sound


# --- cycles --------------------------------------------------------------------------------------------------


def _cycles(checking: Checking, body: Linked) -> int:
    """Reports them; how many there are."""
    knots = cycles(body.incoming)
    for cycle in knots:
        source, target = (cycle[-1], cycle[0])
        at, offset = place_of_edge(body, source, target)
        if len(cycle) == 1:
            id = body.nodes[cycle[0]].id
            message, hint = f"'{id}' waits for itself", "a node cannot read its own output; repetition is a 'loop'"
            checking.wrong(at, "graph.self_loop", message, hint, offset=offset, length=len(id))
            continue
        message = f"these nodes wait for each other in a cycle: {written(body, cycle)}"
        checking.wrong(at, "graph.cycle", message, "cut one of these; repetition is a 'loop'", offset=offset)
    return len(knots)


def written(body: Linked, cycle: list[int]) -> str:
    """``a -> b -> a``; a long cycle is shortened."""
    ids = [body.nodes[index].id for index in cycle]
    if len(ids) > _SHOWN:
        ids = [*ids[: _SHOWN - 2], f"… {len(ids) - _SHOWN + 1} more …", ids[-1]]
    return " -> ".join([*ids, body.nodes[cycle[0]].id])


def place_of_edge(body: Linked, source: int, target: int) -> tuple[Located, int]:
    """Where an edge was written: in `needs`, in `then`, or where the source is read."""
    node, draft = body.nodes[target], body.incoming[target][source]
    id = body.nodes[source].id
    if draft.kinds & ORDER:
        return next(need for need in node.fields["needs"] if need.value == id), 0
    if draft.kinds & (GATE | ERROR_GATE):
        found = _gate_place(body.nodes[source], node.id)
        if found is not None:
            return found, 0
    for inner in [body, *body.everything()]:
        for use in inner.uses:
            if use.found is body and use.source == source and owner_in(use, body) == target:
                return use.reference.at or node.at, use.reference.offset
    return node.at, 0


def _gate_place(source: NodeSpec, target: str) -> Located | None:
    for case in source.verb.get("cases", ()) if source.kind == "switch" else ():
        for then in case.then:
            if then.value == target:
                found: Located = then
                return found
    return next(
        (
            rule.then
            for rule in source.fields.get("on_error", ())
            if rule.then is not None and rule.then.value == target
        ),
        None,
    )


def owner_in(use: Use, body: Linked) -> int:
    """The node of `body` for which something is read: the reader, or the node that holds its body. -1: none."""
    here: Linked | None = use.body
    reader = use.reader
    while here is not None and here is not body:
        if here.detached:
            return -1
        reader, here = here.owner, here.around
    return reader


# --- branches ------------------------------------------------------------------------------------------------


def _switch(checking: Checking, node: NodeSpec) -> None:
    cases = node.verb.get("cases", ())
    has_else = any(case.when is None for case in cases)
    certain = None
    for number, case in enumerate(cases, 1):
        if certain is not None:
            message = f"this case of '{node.id}' is never reached: case {certain} always holds"
            checking.wrong(case.at, "graph.unreachable", message, severity="warning")
        elif case.when is not None and case.when.constant and _holds(case.when):
            certain = number
    if not has_else and certain is None and cases:
        checking.wrong(
            node.place("switch"), "graph.no_else", f"switch '{node.id}' has no 'else': perhaps none of its nodes runs",
            "add '- {else: node}', if something should run then", severity="info", key=True,
        )  # fmt: skip


def _holds(expression: Expression) -> bool:
    try:
        return bool(expression.evaluate({}))
    except NbflowError:  # said elsewhere
        return False


# --- what runs when ------------------------------------------------------------------------------------------


def _reachable(checking: Checking, bodies: list[Linked]) -> None:
    known: dict[int, Conditions] = {}
    for body in bodies:
        found = known[id(body)] = conditions(body)
        for index in found.never:
            _never(checking, body, index)
    for body in bodies:
        for use in body.uses:
            if use.found is not None and use.source >= 0:
                _maybe_skipped(checking, use, use.found, known[id(use.found)])


def _never(checking: Checking, body: Linked, index: int) -> None:
    node = body.nodes[index]
    incoming = body.incoming[index]
    ordered = any(draft.kinds & ~DATA for draft in incoming.values())
    names = [body.nodes[source].id for source, draft in incoming.items() if not ordered or draft.kinds & ~DATA]
    message = f"'{node.id}' can never run: {' and '.join(repr(name) for name in names[:4])} exclude each other"
    place = node.place("needs") if "needs" in node.fields else node.at
    checking.wrong(
        place,
        "graph.never_runs",
        message,
        "write 'join: active' to run after whichever of them ran",
        severity="warning",
        key=True,
    )


def _maybe_skipped(checking: Checking, use: Use, body: Linked, known: Conditions) -> None:
    reader = owner_in(use, body)
    if use.reference.tested and use.reference.truth:
        _plain_truth(checking, use, body, known)
    if use.body.detached or use.reference.tested or (reader < 0 and use.read.path[:1] == ("outputs",)):
        return
    source = use.source
    if reader >= 0:
        certain = known.activated[reader] if use.read.path == ("if",) and use.body is body else known.runs[reader]
    elif use.body is body:
        certain = 0
    else:
        return
    if known.live[source] & ~certain == 0 and not _unfinished(body, source, reader):
        return
    if not use.reference.path and (reader < 0 or _takes_nulls(body.nodes[reader])):
        return
    id = body.nodes[source].id
    where = f"when '{body.nodes[reader].id}' runs" if reader >= 0 else "here"
    checking.at(
        use, "graph.maybe_skipped", f"'{id}' may have been skipped {where}: then it is null",
        f"test it: '… if {id} is not None else …', or join on it with 'needs'", severity="warning",
    )  # fmt: skip


def _plain_truth(checking: Checking, use: Use, body: Linked, known: Conditions) -> None:
    id = body.nodes[use.source].id
    if known.live[use.source] and not use.reference.path:
        message = f"'{id}' is tested for its truth: 0, \"\" and [] are outputs too, and count as missing here"
        checking.at(use, "expr.truthiness", message, f"write '{id} is not None'", severity="info")


def _unfinished(body: Linked, source: int, reader: int) -> bool:
    """Whether the reader may run before the source is done: one of several it does not all wait for."""
    if reader < 0:
        return False
    join = body.nodes[reader].fields.get("join")
    if join is None or join.mode not in ("count", "race"):
        return False
    incoming = body.incoming[reader]
    activating = [draft for draft in incoming.values() if draft.kinds & ~DATA] or list(incoming.values())
    return incoming.get(source) in activating and join.count < len(activating)


def _takes_nulls(node: NodeSpec) -> bool:
    join = node.fields.get("join")
    return join is not None and join.mode != "all"
