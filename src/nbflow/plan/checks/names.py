"""Names that name nothing, or name something that cannot be read where they stand."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain, islice

from nbflow.plan.checks.findings import Checking
from nbflow.plan.link import Linked, Use
from nbflow.spec.document import Located
from nbflow.spec.names import ROOTS, listed

_SCOPES = {
    "loop": "'loop' can be read in a loop only",
    "previous": "'previous' can be read in a loop only",
    "item": "'item' can be read in a 'parallel' with 'for_each', and in 'by' and 'step' of an aggregate",
    "index": "'index' can be read in a 'parallel' with 'for_each' only",
    "acc": "'acc' can be read in 'step' of a reduce only",
    "event": "'event' can be read in triggers, in 'if' of a 'listen' and in statecharts only",
    "error": "'error' can be read in 'on_error', in 'compensate', and in the node that 'on_error: {then: …}' names",
    "ctx": "'ctx' can be read in statecharts only",
    "outputs": "'outputs' cannot be read: read the nodes themselves",
    "result": "'result' can be read in 'transform' only",
}
_HINTS = {
    "event": "data from outside comes through 'inputs'",
    "loop": "a value that is carried belongs in a loop's 'start'",
    "ctx": "in a graph, read the nodes' outputs or 'inputs'",
}


def check_names(checking: Checking) -> None:
    """Every reference, `needs` and target names something that is there."""
    hidden: dict[str, str] | None = None
    for body in checking.root.everything():
        if body.unknown and hidden is None:
            hidden = dict(_hidden(checking.root))
        for use in body.unknown:
            _unknown(checking, use, hidden or {})
        for target, at, field in body.lost:
            _lost(checking, body, target, at, field)
        for target, at in body.repeated:
            message = f"'{body.nodes[target].id}' needs '{at.value}' twice"
            checking.wrong(at, "graph.duplicate_edge", message, "once is enough", severity="warning")


def _hidden(root: Linked) -> Iterator[tuple[str, str]]:
    """Ids inside bodies, with the node that holds them."""
    for body in root.everything():
        if body.around is not None and body.owner >= 0 and not body.detached:
            for id in body.index:
                yield id, body.around.nodes[body.owner].id


def _unknown(checking: Checking, use: Use, hidden: dict[str, str]) -> None:
    name = use.reference.root
    if name in _SCOPES:
        checking.at(use, "expr.scope", _SCOPES[name], _HINTS.get(name))
        return
    owner = hidden.get(name)
    if owner is not None:
        hint = f"'{name}' is inside '{owner}': read what '{owner}' gives"
    else:
        hint = checking.guess(name, chain(use.body.ids_around(), ROOTS)) or f"there is no node '{name}'"
    checking.at(use, "expr.unknown_name", f"unknown name '{name}'", hint)


def _lost(checking: Checking, body: Linked, target: int, at: Located, field: str) -> None:
    name = str(at.value)
    id = body.nodes[target].id
    around = body.around
    while around is not None and name not in around.index:
        around = around.around
    if around is not None:
        hint = f"'{name}' stands outside this body; order it from the node that holds the body"
    else:
        hint = checking.guess(name, body.index) or f"nodes here: {listed(islice(body.index, 8))}"
    verb = "needs" if field == "needs" else "chooses"
    checking.wrong(at, "graph.unknown_ref", f"'{id}' {verb} '{name}', which is no node here", hint, length=len(name))
