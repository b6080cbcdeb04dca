"""Each pass changes what it should, and no outcome. (That order and folding change none is tested on random graphs.)"""

from __future__ import annotations

import random
from dataclasses import replace

import pytest

from nbflow.plan.optimise import critical_path, explain, folded, optimise, pruned, ranked, reduced
from nbflow.plan.plan import Aggregate, Loop, Plan
from nbflow.plan.workflow import parse
from tests.workflows.reference import as_yaml, random_graph
from tests.workflows.running import run_text

NAMES = ["p", "q", "r"]


def plan(text: str) -> Plan:
    return parse(text).plan


def edges(made: Plan) -> set[tuple[str, str]]:
    nodes = made.body.nodes
    return {(node.id, nodes[edge.target].id) for node in nodes for edge in node.out}


def test_an_order_that_follows_from_others_is_dropped() -> None:
    notes = []
    made = reduced(plan("nodes: {a: {wait: 1s}, b: {wait: 1s, needs: a}, c: {wait: 1s, needs: [a, b]}}"), notes)
    assert edges(made) == {("a", "b"), ("b", "c")}
    assert made.body.nodes[2].activating == 1
    assert made.body.sources[2] == (1,)
    assert [str(note) for note in notes] == ["reduce: c: need not wait for 'a' itself: its other sources do"]


@pytest.mark.parametrize(
    "text",
    [
        "nodes: {a: {wait: 1s}, b: {wait: 1s, needs: a}, c: {wait: 1s, needs: [a, b], join: active}}",
        "nodes: {a: {wait: 1s}, b: {wait: 1s, needs: a}, c: {wait: 1s, needs: [a, b], join: {n: 2}}}",
        "nodes: {a: {set: {v: 1}}, b: {wait: 1s, needs: a}, c: {set: {v: =a.v}, needs: [a, b]}}",  # it carries a value
        "nodes: {a: {wait: 1s}, x: {wait: 1s}, b: {wait: 1s, needs: [a, x], join: active}, c: {wait: 1s, needs: [a, b]}}",
        "nodes: {a: {wait: 1s, on_error: {then: b}}, b: {wait: 1s}, c: {wait: 1s, needs: [a, b]}}",
        "nodes: {a: {set: {v: 1}}, b: {set: {v: =a.v}}, c: {set: {v: =b.v}, needs: a}}",  # b only delays c
    ],
)
def test_an_order_that_says_something_stays(text: str) -> None:
    notes = []
    made = reduced(plan(text), notes)
    assert (edges(made), notes) == (edges(plan(text)), [])


def test_constants_are_evaluated_once_and_failing_ones_stay() -> None:
    notes = []
    text = "nodes: {a: {aggregate: list, with: ['=2 * 3', '${{ 1 }}x']}, b: {aggregate: list, with: ['=1 / 0']}, c: {wait: 1s, if: 1 < 2}}"
    made = folded(plan(text), notes)
    one, two, three = made.body.nodes
    assert isinstance(one.work, Aggregate)
    assert isinstance(two.work, Aggregate)
    assert (one.work.items.constants, one.work.items.evaluate({})) == ((), [6, "1x"])
    assert two.work.items.constants
    assert three.condition is None
    assert [note.path for note in notes] == ["a", "c"]


def test_passes_reach_into_bodies() -> None:
    text = """
    nodes:
      l:
        loop: {max: 2}
        nodes: {a: {wait: 1s, if: 1 < 2}, b: {wait: 1s, needs: a}, c: {wait: 1s, needs: [a, b]}}
    """
    made, notes = optimise(plan(text))
    work = made.body.nodes[0].work
    assert isinstance(work, Loop)
    assert work.body.nodes[2].activating == 1
    assert {note.path for note in notes} == {"l.a", "l.c"}


def test_ranks_follow_the_weights() -> None:
    text = "nodes: {a: {wait: 1s}, b: {wait: 1s, needs: a}, c: {wait: 1s}, d: {wait: 1s, needs: [b, c]}}"
    made = ranked(plan(text), lambda path, node: {"c": 10}.get(path, 1))
    assert {node.id: node.rank for node in made.body.nodes} == {"a": 3, "b": 2, "c": 11, "d": 1}
    assert critical_path(made.body) == ["c", "d"]
    assert critical_path(plan(text).body) == ["a", "b", "d"]


def test_ranks_without_weights_are_those_of_the_compiler() -> None:
    for seed in range(50):
        made = plan(as_yaml(random_graph(random.Random(seed), 10, NAMES), dict.fromkeys(NAMES, True)))
        assert ranked(made) == made


def test_what_nothing_needs_is_pruned_when_asked() -> None:
    text = """
    nodes:
      a: {set: {v: 1}}
      b: {set: {v: =a.v}}
      lost: {set: {v: =b.v}}
      more: {aggregate: object, with: {v: =lost.v}}
      send: {tool: send, with: {v: =a.v}}
      pure: {tool: look, effects: none}
    outputs: {v: =b.v}
    """
    notes = []
    made = pruned(plan(text), notes)
    assert [node.id for node in made.body.nodes] == ["a", "b", "send"]
    assert [note.path for note in notes] == ["lost", "more", "pure"]
    assert made.body.index == {"a": 0, "b": 1, "send": 2}
    assert edges(made) == {("a", "b"), ("a", "send")}
    assert [node.id for node in optimise(plan(text))[0].body.nodes][-1] == "pure"


def test_without_outputs_nothing_is_pruned() -> None:
    made = plan("nodes: {a: {set: {v: 1}}}")
    assert pruned(made, []) is made


async def test_pruning_changes_no_output_of_an_execution_that_completes() -> None:
    gone = 0
    for seed in range(150):
        rng = random.Random(seed)
        graph = random_graph(rng, rng.randrange(3, 12), NAMES)
        inputs = {name: rng.random() < 0.5 for name in NAMES}
        asked = rng.sample([node.id for node in graph.nodes], rng.randrange(1, 3))
        text = as_yaml(graph, inputs) + "outputs: {" + ", ".join(f"{id}: ={id}" for id in asked) + "}\n"
        notes = []
        made = pruned(plan(text), notes)
        gone += len(notes)
        whole, less = await run_text(text, inputs), await run_text("", inputs, plan=made)
        assert (less.phase, less.outputs) == (whole.phase, whole.outputs), f"seed {seed}"
        assert all(less.phases[node.id] == whole.phases[node.id] for node in made.body.nodes), f"seed {seed}"
    assert gone > 100


def test_explain_says_what_was_done_and_the_critical_path() -> None:
    lines = explain(plan("nodes: {a: {wait: 1s}, b: {wait: 1s, needs: a}, c: {wait: 1s, needs: [a, b]}}"))
    assert lines == ["reduce: c: need not wait for 'a' itself: its other sources do", "critical path: a -> b -> c"]
    assert explain(plan("nodes: {a: {wait: 1s}}"))[0] == "nothing to fold or to drop"


def test_a_plan_that_needs_nothing_is_given_back_as_it_is() -> None:
    made = plan("nodes: {a: {set: {v: 1}}, b: {set: {v: =a.v}}}")
    assert optimise(made)[0].body is made.body
    assert replace(made, hash="") != made
