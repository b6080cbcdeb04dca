"""The real engine under a seed: whatever the order, the time, the store's faults and the crashes."""

from __future__ import annotations

import asyncio
import random

import pytest

from nbflow.execution.events import Record
from tests.execution.graphs import Node, plan, random_nodes
from tests.simulation.invariants import broken, rows_of
from tests.simulation.world import World


def make(seed: int) -> World:
    """A random graph of tools, with effects of all three kinds and some failures."""
    rng = random.Random(seed)
    nodes = [node for node in random_nodes(rng, rng.randint(1, 9)) if node.kind == "tool"]
    ids = {node.id for node in nodes}
    kept = [
        Node(n.id, "tool", tuple(i for i in n.needs if i in ids), tuple(i for i in n.reads if i in ids), (), n.join if n.join.mode != "count" else type(n.join)(), n.policies)
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
            "node": effect.path, "attempt": effect.attempt, "committed": effect.committed,
            "strict": world.kinds_of_effects.get(effect.path, "none") != "none",
            "once": world.kinds_of_effects.get(effect.path) == "once",
        }
        for effect in world.effects
    ]
    found = broken(rows_of(records), effects)
    assert not found, f"seed {world.seed}: {found}"
    return records


def survive(seed: int) -> World:
    """Lives with crashes at random steps until one reaches the end."""
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
