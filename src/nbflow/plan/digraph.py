"""A plan as a networkx graph, for people who know networkx. networkx is loaded when this is called."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nbflow.plan.plan import Body, Branches, ForEach, Loop, Machine, NodePlan, Plan, SubWorkflow, ToolCall

if TYPE_CHECKING:
    import networkx as nx


def digraph(plan: Plan) -> nx.DiGraph[str]:
    """The root graph. Nodes have `kind`, `label`, `doc`, `line` and, where they hold nodes, `bodies`: graphs by name.

    Edges have `kinds` (data, order, gate), `activating`, `gate`, and the `label` of the branch.
    """
    graph = _graph(plan.body)
    graph.graph.update(name=plan.name, version=plan.version, hash=plan.hash)
    return graph


def _graph(body: Body) -> nx.DiGraph[str]:
    import networkx as nx

    graph: nx.DiGraph[str] = nx.DiGraph()
    for node in body.nodes:
        graph.add_node(node.id, kind=node.kind, label=label_of(node), doc=node.doc, line=node.line, tags=node.tags)
        inner = {name: _graph(each) for name, each in bodies_of(node)}
        if inner:
            graph.nodes[node.id]["bodies"] = inner
    for node in body.nodes:
        for edge in node.out:
            graph.add_edge(
                node.id, body.nodes[edge.target].id, kinds=edge.kinds, activating=edge.activating, gate=edge.gate,
                label=edge.label,
            )  # fmt: skip
    return graph


def bodies_of(node: NodePlan) -> tuple[tuple[str, Body], ...]:
    """The bodies a node runs, by name: `""` for the one of a loop or of each item; for a machine, what it runs."""
    work = node.work
    match work:
        case Loop() | ForEach():
            return (("", work.body),)
        case Branches():
            return work.bodies
        case SubWorkflow(plan=Plan() as plan):
            return (("", plan.body),)
        case Machine():
            return tuple(zip(_names(work), work.works, strict=True))
        case _:
            return ()


def _names(machine: Machine) -> list[str]:
    """The names of what a machine runs; a name that comes again is numbered."""
    names: list[str] = []
    for work in machine.chart.works:
        again = sum(name.partition("#")[0] == work.id for name in names)
        names.append(f"{work.id}#{again + 1}" if again else work.id)
    return names


def label_of(node: NodePlan) -> str:
    """What a picture writes under the id."""
    work = node.work
    if isinstance(work, ToolCall | SubWorkflow):
        return f"{node.kind}: {work.name}"
    how = getattr(work, "how", None) or getattr(work, "event", None) or getattr(work, "model", None)
    return f"{node.kind}: {how}" if how else node.kind
