"""Orders and cycles, on graphs of any depth and against networkx."""

from __future__ import annotations

import networkx as nx
from hypothesis import given
from hypothesis import strategies as st

from nbflow.plan.order import backwards, cycles, forwards
from nbflow.plan.workflow import diagnose, parse

GRAPHS = st.integers(1, 12).flatmap(
    lambda size: st.lists(st.sets(st.integers(0, size - 1), max_size=4), min_size=size, max_size=size)
)


def incoming(sets: list[set[int]]) -> list[dict[int, None]]:
    return [dict.fromkeys(sorted(each)) for each in sets]


def as_graph(sets: list[set[int]]) -> nx.DiGraph:
    graph = nx.DiGraph()
    graph.add_nodes_from(range(len(sets)))
    graph.add_edges_from((source, target) for target, each in enumerate(sets) for source in each)
    return graph


@given(GRAPHS)
def test_sources_come_before_targets(sets: list[set[int]]) -> None:
    order = forwards(incoming(sets))
    place = {node: number for number, node in enumerate(order)}
    assert all(place[source] < place[node] for node in order for source in sets[node])
    assert backwards(incoming(sets)) == order[::-1]


@given(GRAPHS)
def test_what_is_left_out_is_on_or_behind_a_cycle(sets: list[set[int]]) -> None:
    graph = as_graph(sets)
    knots = [knot for knot in nx.strongly_connected_components(graph) if len(knot) > 1]
    on_cycles = set().union(*knots) | {node for node in graph if graph.has_edge(node, node)}
    behind = on_cycles.union(*(nx.descendants(graph, node) for node in on_cycles)) if on_cycles else set()
    assert set(range(len(sets))) - set(forwards(incoming(sets))) == behind


@given(GRAPHS)
def test_each_knot_gives_one_real_cycle(sets: list[set[int]]) -> None:
    graph = as_graph(sets)
    knots = [
        knot
        for knot in nx.strongly_connected_components(graph)
        if len(knot) > 1 or any(graph.has_edge(node, node) for node in knot)
    ]
    found = cycles(incoming(sets))
    assert len(found) == len(knots)
    for cycle in found:
        assert all(graph.has_edge(source, target) for source, target in zip(cycle, [*cycle[1:], cycle[0]], strict=True))
        assert len(set(cycle)) == len(cycle)


def test_a_short_cycle_is_written_out() -> None:
    text = "nodes: {a: {set: {v: =c.v}}, b: {set: {v: =a.v}}, c: {set: {v: =b.v}}}"
    (found,) = [each for each in diagnose(text) if each.code == "graph.cycle"]
    assert "a -> b -> c -> a" in found.message


def test_a_cycle_of_a_thousand_nodes_is_shortened() -> None:
    text = "nodes:\n" + "".join(f"  n{i}: {{wait: 1s, needs: n{(i + 1) % 1000}}}\n" for i in range(1000))
    (found,) = diagnose(text)
    assert found.code == "graph.cycle"
    assert len(found.message) < 200
    assert "more" in found.message


def test_a_chain_of_five_thousand_nodes_is_no_problem_in_either_direction() -> None:
    for step in (1, -1):
        places = range(5000)[::step]
        nodes = "".join(f"  n{i}: {{wait: 1s{f', needs: n{i - 1}' if i else ''}}}\n" for i in places)
        plan = parse(f"nodes:\n{nodes}").plan
        assert plan.body.nodes[plan.body.index["n0"]].rank == 5000


def test_two_knots_are_two_findings() -> None:
    text = "nodes: {a: {wait: 1s, needs: b}, b: {wait: 1s, needs: a}, c: {wait: 1s, needs: [d, a]}, d: {wait: 1s, needs: c}}"
    assert [each.code for each in diagnose(text)] == ["graph.cycle", "graph.cycle"]


def test_a_cycle_inside_a_body_is_found() -> None:
    text = "nodes: {l: {loop: {max: 2}, nodes: {a: {set: {v: =b.v}}, b: {set: {v: =a.v}}}}}"
    assert "graph.cycle" in [each.code for each in diagnose(text)]
