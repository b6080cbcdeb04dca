"""Random graphs do in the engine what the naive interpreter says they must."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest

from nbflow.plan.optimise import folded, reduced
from nbflow.plan.workflow import parse
from tests.workflows.reference import Graph, Interpreter, as_yaml, random_graph
from tests.workflows.running import run_text

NAMES = ["p", "q", "r"]


def case(seed: int) -> tuple[Graph, dict[str, bool]]:
    rng = random.Random(seed)
    graph = random_graph(rng, rng.randrange(2, 12), NAMES)
    return graph, {name: rng.random() < 0.5 for name in NAMES}


def shuffled(graph: Graph, rng: random.Random) -> Graph:
    """The same nodes written in another order, inside bodies too."""
    nodes = [node if node.inner is None else replace(node, inner=shuffled(node.inner, rng)) for node in graph.nodes]
    rng.shuffle(nodes)
    return Graph(tuple(nodes))


def expected(graph: Graph, inputs: dict[str, bool]) -> tuple[dict[str, str], dict[str, object]]:
    told = Interpreter(graph, inputs)
    phases = {node.id: told.phase(node.id) for node in graph.nodes}
    return phases, {id: told.output(id) for id, phase in phases.items() if phase == "completed"}


def top(found: dict[str, object], graph: Graph) -> dict[str, object]:
    """Without the nodes of bodies."""
    return {node.id: found[node.id] for node in graph.nodes if node.id in found}


@pytest.mark.parametrize("block", range(20))
async def test_the_engine_does_what_the_interpreter_says(block: int) -> None:
    for seed in range(block * 25, block * 25 + 25):
        graph, inputs = case(seed)
        ran = await run_text(as_yaml(graph, inputs), inputs)
        phases, outputs = expected(graph, inputs)
        assert (top(ran.phases, graph), top(ran.node_outputs, graph)) == (phases, outputs), f"seed {seed}"


@pytest.mark.parametrize("block", range(5))
async def test_the_order_in_which_nodes_are_written_changes_nothing(block: int) -> None:
    for seed in range(1000 + block * 20, 1020 + block * 20):
        graph, inputs = case(seed)
        rng = random.Random(seed)
        first = await run_text(as_yaml(graph, inputs), inputs)
        second = await run_text(as_yaml(shuffled(graph, rng), inputs), inputs)
        assert top(first.phases, graph) == top(second.phases, graph), f"seed {seed}"
        assert top(first.node_outputs, graph) == top(second.node_outputs, graph), f"seed {seed}"
        assert first.outputs == second.outputs, f"seed {seed}"


@pytest.mark.parametrize("law", [folded, reduced], ids=["fold", "reduce"])
async def test_a_pass_changes_no_outcome(law) -> None:
    changed = 0
    for seed in range(2000, 2150):
        graph, inputs = case(seed)
        plan = parse(as_yaml(graph, inputs)).plan
        notes = []
        better = law(plan, notes)
        changed += bool(notes)
        ran = await run_text("", inputs, plan=better)
        phases, outputs = expected(graph, inputs)
        assert (top(ran.phases, graph), top(ran.node_outputs, graph)) == (phases, outputs), f"seed {seed}"
    assert changed > 20, "the pass had nothing to do"
