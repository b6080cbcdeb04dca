"""The core against itself: whatever the graph, the order of answers, and where the journal is cut."""

from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nbflow.execution.evolve import fold
from nbflow.execution.state import SETTLED
from tests.execution.graphs import Node, World, dump, phases, plan, random_nodes

SEEDS = st.integers(0, 2**32)


def answers(seed: int, nodes: list[Node]):
    """What each node gives depends on its path and attempt alone, so that every order must agree."""
    targets = {node.id: [other.id for other in nodes if node.id in other.gates] for node in nodes}

    def answer(path: str, attempt: int):
        rng = random.Random(f"{seed}/{path}/{attempt}")
        if targets[path]:
            chosen = tuple(sorted(rng.sample(targets[path], rng.randint(0, len(targets[path])))))
            return True, {"chose": list(chosen)}, chosen
        if rng.random() < 0.15:
            return False, rng.choice(("Timeout", "ValueError")), None
        return True, {"from": path}, None

    return answer


def world(seed: int, size: int = 14, **more) -> World:
    nodes = random_nodes(random.Random(seed), size)
    return World(plan(nodes), seed, answers(seed, nodes), **more)


@given(SEEDS)
@settings(max_examples=200, deadline=None)
def test_every_execution_ends_with_every_node_settled(seed: int) -> None:
    ended = world(seed).begin().run()
    assert ended.state.phase in ("completed", "failed")
    if ended.state.phase == "completed":
        assert len(ended.state.nodes) == len(ended.plan.body.nodes)
    assert all(node.phase in SETTLED for node in ended.state.nodes.values())
    assert [record.sequence for record in ended.records] == list(range(1, len(ended.records) + 1))


@given(SEEDS, st.integers(1, 1000))
@settings(max_examples=200, deadline=None)
def test_the_order_of_answers_never_changes_a_result(seed: int, other: int) -> None:
    first, second = world(seed).begin().run(), world(seed)
    second.rng = random.Random(other)
    second.begin().run()
    assert first.state.phase == second.state.phase
    if first.state.phase == "completed" and not any(n.join.mode == "count" for n in first.plan.body.nodes):
        assert phases(first.state) == phases(second.state)
        assert first.state.outputs == second.state.outputs


@given(SEEDS)
@settings(max_examples=100, deadline=None)
def test_news_told_twice_decides_nothing(seed: int) -> None:
    once, twice = world(seed).begin().run(), world(seed, twice=True).begin().run()
    assert once.records == twice.records


@given(SEEDS)
@settings(max_examples=60, deadline=None)
def test_the_live_state_equals_the_fold_after_every_record(seed: int) -> None:
    def check(state, records) -> None:
        assert dump(state) == dump(fold(state.plan, records))

    world(seed, 10, check=check).begin().run()


@given(SEEDS, st.data())
@settings(max_examples=200, deadline=None)
def test_recovery_changes_nothing(seed: int, data: st.DataObject) -> None:
    whole = world(seed).begin().run()
    cut = data.draw(st.integers(0, len(whole.records) - 1))
    again = whole.recover(cut).run()
    if any(node.join.mode == "count" for node in whole.plan.body.nodes):
        assert again.state.phase in ("completed", "failed")
        return
    recorded = {r.event.node for r in whole.records[:cut] if type(r.event).__name__ in ("NodeCompleted", "NodeFailed")}
    assert not recorded & {path for path, _ in again.ran}, "a recorded result ran again"
    if whole.state.phase == again.state.phase == "completed" and not _interrupted_retry(whole, cut):
        assert phases(whole.state) == phases(again.state)
        assert whole.state.outputs == again.state.outputs


def _interrupted_retry(whole: World, cut: int) -> bool:
    """Answers depend on the attempt's number here, and an attempt that a crash ended counts as one."""
    started = [r.event.node for r in whole.records[:cut] if type(r.event).__name__ == "NodeStarted"]
    answered = [
        r.event.node
        for r in whole.records[:cut]
        if type(r.event).__name__ in ("NodeCompleted", "NodeFailed", "AttemptFailed")
    ]
    return len(started) != len(answered)


@pytest.mark.parametrize("seed", range(20))
def test_a_failed_node_ends_the_execution_and_cancels_what_runs(seed: int) -> None:
    nodes = [Node("a"), Node("b"), Node("c", needs=("a", "b"))]
    failing = World(plan(nodes), seed, lambda path, _: (path != "a", "Timeout", None)).begin().run()
    assert failing.state.phase == "failed"
    assert failing.state.error is not None and failing.state.error["node"] == "a"
    assert failing.state.nodes["b"].phase in ("completed", "cancelled")
    assert "c" not in failing.state.nodes
