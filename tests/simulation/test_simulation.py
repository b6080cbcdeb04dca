"""The real engine under a seed: whatever the order, the time, the store's faults and the crashes."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable

import pytest

from nbflow.errors import StorageError
from nbflow.execution.events import Record
from nbflow.plan.plan import OnError, Policies, Retry
from tests.execution.graphs import Node, plan, random_nodes
from tests.simulation.invariants import broken, rows_of
from tests.simulation.world import World


def make(seed: int) -> World:
    """A random graph of tools, with effects of all three kinds and some failures."""
    rng = random.Random(seed)
    nodes = [node for node in random_nodes(rng, rng.randint(1, 9)) if node.kind == "tool"]
    ids = {node.id for node in nodes}
    kept = [
        Node(
            n.id,
            "tool",
            tuple(i for i in n.needs if i in ids),
            tuple(i for i in n.reads if i in ids),
            (),
            n.join if n.join.mode != "count" else type(n.join)(),
            n.policies,
        )
        for n in nodes
    ] or [Node("only")]
    world = World(plan(kept), seed)
    world.kinds_of_effects = {n.id: rng.choice(("none", "none", "idempotent", "once")) for n in kept}
    world.failing = {n.id: rng.choice((0, 0, 0, 1, 2)) for n in kept}
    return world


def records_of(world: World) -> list[Record]:
    return asyncio.run(world.journal.read("x1"))


def check(world: World) -> list[Record]:
    records = records_of(world)
    effects = [
        {
            "node": effect.path,
            "attempt": effect.attempt,
            "committed": effect.committed,
            "strict": world.kinds_of_effects.get(effect.path, "none") != "none",
            "once": world.kinds_of_effects.get(effect.path) == "once",
        }
        for effect in world.effects
    ]
    nodes = world.plan.body.nodes
    edges = [
        (node.id, nodes[edge.target].id, edge.activating and nodes[edge.target].join.mode == "all")
        for node in nodes
        for edge in node.out
        if edge.activating is False or nodes[edge.target].join.mode == "all"
    ]
    limits = [(node.id, node.policies.retry.max) for node in nodes]
    found = broken(rows_of(records), effects, edges, limits)
    assert not found, f"seed {world.seed}: {found}"
    return records


def survive(seed: int, make: Callable[[int], World] = make) -> World:
    """Lives with crashes at random points until one reaches the end."""
    world = make(seed)
    rng = random.Random(seed)
    for life in range(50):
        crash = rng.randint(1, 12) if rng.random() < 0.6 and life < 8 else None
        if world.live(rng.randrange(2**31), crash_at=crash) is not None:
            return world
        check(world)
    raise AssertionError(f"seed {seed}: no life reached the end")


@pytest.mark.parametrize("first", range(0, 1000, 100))
def test_a_thousand_seeds_break_no_invariant(first: int) -> None:
    for seed in range(first, first + 100):
        records = check(survive(seed))
        assert type(records[-1].event).__name__ in ("ExecutionCompleted", "ExecutionFailed")


def test_a_seed_replays_exactly() -> None:
    for seed in range(20):
        assert records_of(survive(seed)) == records_of(survive(seed))


def test_the_store_may_refuse_and_nothing_recorded_is_lost() -> None:
    """A full disk ends a life as a crash does: what is committed is there, and the next life goes on."""
    for seed in range(100):
        world = make(seed)
        world.store_faults = 0.2
        rng = random.Random(seed)
        for _ in range(200):
            try:
                if world.live(rng.randrange(2**31)) is not None:
                    break
            except StorageError:
                check(world)
        check(world)


SHAPES: dict[str, list[Node]] = {
    "one": [Node("a")],
    "chain": [Node("a"), Node("b", needs=("a",)), Node("c", needs=("b",))],
    "fan": [Node("a"), Node("b", needs=("a",)), Node("c", needs=("a",)), Node("d", needs=("b", "c"))],
    "data": [Node("a"), Node("b", reads=("a",)), Node("c", needs=("b",), reads=("a",))],
    "retry": [Node("a", policies=Policies(retry=Retry(max=2))), Node("b", needs=("a",))],
    "failure": [Node("a"), Node("b", needs=("a",)), Node("c")],
    "handled": [Node("a", policies=Policies(on_error=(OnError("continue"),))), Node("b", needs=("a",))],
}


@pytest.mark.parametrize("effects", ["none", "idempotent", "once"])
@pytest.mark.parametrize("shape", SHAPES)
def test_every_crash_point_is_survived(shape: str, effects: str) -> None:
    """The process ends before and after every store operation and effect, one after the other."""

    def world() -> World:
        made = World(plan(SHAPES[shape]), 7)
        made.kinds_of_effects = {node.id: effects for node in SHAPES[shape]}
        made.failing = {"retry": {"a": 2}, "failure": {"b": 9}, "handled": {"a": 9}}.get(shape, {})
        return made

    calm = world()
    assert calm.live(1) is not None
    points = calm.points
    end = type(records_of(calm)[-1].event)
    for point in range(1, points + 1):
        rough = world()
        assert rough.live(1, crash_at=point) is None or point > rough.points
        for life in range(20):
            if rough.live(life + 2) is not None:
                break
        assert type(check(rough)[-1].event) is end, f"crash point {point} of {points}"


@pytest.mark.nightly
def test_a_hundred_thousand_seeds_break_no_invariant() -> None:
    for seed in range(100_000):
        check(survive(seed))
