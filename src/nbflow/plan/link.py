"""Who depends on whom: names are resolved here, and become edges.

Three kinds: data (a node is read), order (`needs`), gate (`then`, `else`, `on_error` with `then`). One edge a
pair. What a body reads of the nodes around it is a data edge to the node that owns the body.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from nbflow.plan.reads import ITEM_ROOTS, LOOP_ROOTS, NOTHING, Read, machine_reads, reads
from nbflow.plan.templates import constants_of
from nbflow.spec.chart import Chart
from nbflow.spec.document import Located
from nbflow.spec.expressions import Reference
from nbflow.spec.nodes import NodeSpec
from nbflow.spec.workflow import WorkflowSpec

DATA, ORDER, GATE, ERROR_GATE = 1, 2, 4, 8
GATES = GATE | ERROR_GATE

KNOWN_ROOTS = frozenset({"loop", "previous", "error"})  # special ones whose fields are known
USUAL_ROOTS = frozenset({"inputs", "env", "secrets", "execution"})


@dataclass(slots=True)
class Draft:
    """An edge while it is made: the kinds that hold, and the labels of the branches that choose it."""

    kinds: int
    labels: list[str]


@dataclass(slots=True)
class Use:
    """A reference: who reads what, in which template. `source` is the index read, in the body `found`."""

    body: Linked
    reader: int  # -1: the body's own result, or an output of the workflow
    read: Read
    reference: Reference
    found: Linked | None = None
    source: int = -1


@dataclass(slots=True)
class Linked:
    """A body with its names resolved. `incoming` has, by target, the edges by source; `bodies` those of its nodes.

    `detached` bodies (compensation, the workflow's `on_error`) read the nodes around them without an edge.
    """

    nodes: tuple[NodeSpec, ...]
    index: dict[str, int]
    around: Linked | None = None
    owner: int = -1
    roots: frozenset[str] = NOTHING
    detached: bool = False
    name: str = ""
    incoming: list[dict[int, Draft]] = field(default_factory=list)
    uses: list[Use] = field(default_factory=list)
    unknown: list[Use] = field(default_factory=list)
    lost: list[tuple[int, Located, str]] = field(default_factory=list)  # needs and targets that name no node here
    repeated: list[tuple[int, Located]] = field(default_factory=list)  # needs written twice
    bodies: dict[tuple[int, str], Linked] = field(default_factory=dict)
    error_roots: frozenset[int] = frozenset()
    ends: list[Read] = field(default_factory=list)  # what the body as a whole reads: results, outputs
    reads: list[tuple[int, Read]] = field(default_factory=list)  # conditions, and templates with constant expressions

    def everything(self) -> Iterator[Linked]:
        """This body and those inside it, outermost first."""
        stack = [self]
        while stack:
            body = stack.pop()
            yield body
            stack.extend(reversed(body.bodies.values()))

    def ids_around(self) -> Iterator[str]:
        """Every id that can be named here."""
        body: Linked | None = self
        while body is not None:
            yield from body.index
            body = body.around


def link(spec: WorkflowSpec) -> Linked:
    """The root body. Nothing is reported here: what could not be resolved is kept for the checks."""
    root = _body(spec.nodes, None, -1, NOTHING)
    for name, (_, value) in (spec.outputs or {}).items():
        root.ends.append(Read(value, ("outputs", name), "body", _MACHINE if spec.chart is not None else NOTHING))
    if spec.chart is not None:
        root.ends += machine_reads(spec.chart)
        _works(root, -1, spec.chart)
    _resolve(root)
    if spec.on_error:
        nodes = _named(spec.on_error, root, "report")
        handler = _body(nodes, root, -1, frozenset({"error"}), detached=True, name="on_error")
        _resolve(handler)
        root.bodies[-1, "on_error"] = handler
    return root


def _body(
    nodes: tuple[NodeSpec, ...],
    around: Linked | None,
    owner: int,
    roots: frozenset[str],
    *,
    detached: bool = False,
    name: str = "",
) -> Linked:
    index = {node.id: place for place, node in enumerate(nodes)}
    inherited = around.roots if around is not None else NOTHING
    if around is not None and owner in around.error_roots:
        inherited |= {"error"}
    return Linked(nodes, index, around, owner, inherited | roots, detached, name, [{} for _ in nodes])


def _named(nodes: tuple[NodeSpec, ...], around: Linked, stem: str) -> tuple[NodeSpec, ...]:
    """Gives ids to nodes written without one, none of which can be named by an expression around."""
    taken = {*around.ids_around(), *(node.id for node in nodes)}
    for number, node in enumerate(nodes, 1):
        if not node.id:
            id = stem if len(nodes) == 1 else f"{stem}_{number}"
            while id in taken:
                id += "_"
            node.id = id
    return nodes


def _resolve(body: Linked) -> None:
    """Makes the edges of this body, and of the bodies inside it."""
    body.error_roots = frozenset(_gates(body))
    for target, node in enumerate(body.nodes):
        if "needs" in node.fields:
            _needs(body, target, node)
        for read in reads(node):
            if read.stage != "body":
                _read(body, target, read)
        if node.nodes is not None or node.kind in ("parallel", "machine") or "compensate" in node.fields:
            _inside(body, target, node)
    for read in body.ends:
        _read(body, -1, read)


def _inside(body: Linked, owner: int, node: NodeSpec) -> None:
    if node.nodes is not None:
        roots = ITEM_ROOTS if node.kind == "parallel" else LOOP_ROOTS
        inner = _body(node.nodes, body, owner, roots)
        inner.ends = [read for read in reads(node) if read.stage == "body"]
        body.bodies[owner, ""] = inner
        _resolve(inner)
    for branch in node.verb.get("branches", ()) if node.kind == "parallel" else ():
        inner = _body(branch.nodes, body, owner, NOTHING, name=branch.name)
        if branch.result is not None:
            inner.ends = [Read(branch.result, ("parallel", "branches", branch.name, "result"), "body")]
        body.bodies[owner, branch.name] = inner
        _resolve(inner)
    if node.kind == "machine" and "chart" in node.verb:
        _works(body, owner, node.verb["chart"])
    if "compensate" in node.fields:
        nodes = _named(node.fields["compensate"].nodes, body, "undo")
        inner = _body(nodes, body, owner, frozenset({"error"}), detached=True, name="compensate")
        for step in range(1, len(nodes)):
            inner.incoming[step][step - 1] = Draft(ORDER, [])
        body.bodies[owner, "compensate"] = inner
        _resolve(inner)


_MACHINE = frozenset({"ctx", "event"})


def _works(body: Linked, owner: int, chart: Chart) -> None:
    """What a statechart runs beside itself: a body for each."""
    for number, work in enumerate(chart.works):
        inner = _body((work.node,), body, owner, _MACHINE, name=work.id)
        body.bodies[owner, work_label(number, work.id)] = inner
        _resolve(inner)


def work_label(number: int, id: str) -> str:
    """What a work's body is known by: several states may run something of one name."""
    return f"{id}.{number}"


def _needs(body: Linked, target: int, node: NodeSpec) -> None:
    seen: set[str] = set()
    for need in node.fields["needs"]:
        if need.value in seen:
            body.repeated.append((target, need))
            continue
        seen.add(need.value)
        source = body.index.get(need.value)
        if source is None:
            body.lost.append((target, need, "needs"))
        else:
            _join(body, source, target, ORDER)


def _gates(body: Linked) -> Iterator[int]:
    """Makes the gate edges; gives the targets in which `error` can be read."""
    for source, node in enumerate(body.nodes):
        if node.kind == "switch":
            for case in node.verb.get("cases", ()):
                label = case.label or ("else" if case.when is None else case.when.text)
                for then in case.then:
                    _gate(body, source, then, GATE, label)
        for rule in node.fields.get("on_error", ()):
            if rule.then is not None:
                target = _gate(body, source, rule.then, ERROR_GATE, "error")
                if target is not None:
                    yield target


def _gate(body: Linked, source: int, then: Located, kind: int, label: str) -> int | None:
    target = body.index.get(str(then.value))
    if target is None:
        body.lost.append((source, then, "then"))
    else:
        _join(body, source, target, kind, label)
    return target


def _join(body: Linked, source: int, target: int, kind: int, label: str | None = None) -> None:
    edges = body.incoming[target]
    draft = edges.get(source)
    if draft is None:
        edges[source] = Draft(kind, [label] if label else [])
        return
    draft.kinds |= kind
    if label and label not in draft.labels:
        draft.labels.append(label)


def _read(body: Linked, reader: int, read: Read) -> None:
    template = read.template
    if read.condition or read.path[-1] == "for_each" or constants_of(template):
        body.reads.append((reader, read))
    for reference in template.references:
        root = reference.root
        use = Use(body, reader, read, reference)
        if root in USUAL_ROOTS:
            body.uses.append(use)
            continue
        if root in read.roots or root in body.roots or (root == "error" and reader in body.error_roots):
            if root in KNOWN_ROOTS:
                body.uses.append(use)
            continue
        if _find(use, root, read.stage != "aside"):
            body.uses.append(use)
        else:
            body.unknown.append(use)


def _find(use: Use, root: str, edges: bool) -> bool:
    """Looks for a node of this name here and in the bodies around; where it is found there is an edge."""
    body: Linked | None = use.body
    reader = use.reader
    while body is not None:
        source = body.index.get(root)
        if source is not None:
            use.found, use.source = body, source
            if edges and reader >= 0:
                _join(body, source, reader, DATA)
            return True
        edges = edges and not body.detached
        reader, body = body.owner, body.around
    return False
