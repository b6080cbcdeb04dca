"""Random graphs with pools, rates and priorities in the simulated engine: what is limited stays within its limits."""

from __future__ import annotations

import asyncio
import random
from dataclasses import replace

import pytest

from nbflow.execution.events import NodeStarted
from nbflow.plan.plan import Policies
from tests.execution.graphs import Node, plan
from tests.simulation.world import World

CAPACITY = {"gpu": 2, "tape": 1}  # gpu is set for the engine, tape by nobody
RATES = {"mail": 4.0, "slow": 0.5}


def make(seed: int) -> World:
    """Layers of nodes, each of which may want units of pools and a rate."""
    rng = random.Random(seed)
    nodes: list[Node] = []
    for number in range(rng.randint(4, 24)):
        earlier = [node.id for node in nodes[: max(0, number - 4)]]
        needs = tuple(sorted(rng.sample(earlier, min(len(earlier), rng.choice((0, 0, 1, 2))))))
        pools = tuple((name, rng.randint(1, CAPACITY[name])) for name in CAPACITY if rng.random() < 0.4)
        rate = rng.choice((None, None, *RATES.items()))
        nodes.append(
            Node(f"n{number}", "tool", needs, policies=Policies(pool=pools, rate=rate, priority=rng.randint(0, 2)))
        )
    world = World(plan(nodes), seed)
    world.failing = {node.id: 0 for node in nodes}
    return world


@pytest.mark.parametrize("seed", range(60))
def test_limits_hold_for_whatever_order_time_and_graph(seed: int) -> None:
    world = make(seed)
    ended = world.live(seed)
    assert ended is not None and ended.phase == "completed"
    wanted = {node.id: node.policies for node in world.plan.body.nodes}
    assert sorted(effect.path for effect in world.effects) == sorted(wanted)
    for moment in sorted(effect.began for effect in world.effects):
        at_work = [e for e in world.effects if e.began <= moment < (e.ended if e.ended is not None else moment + 1)]
        for name, capacity in CAPACITY.items():
            assert sum(units for e in at_work for pool, units in wanted[e.path].pool if pool == name) <= capacity
    records = asyncio.run(world.journal.read("x1"))
    for name, limit in RATES.items():
        starts = [
            record.at
            for record in records
            if isinstance(record.event, NodeStarted) and (wanted[record.event.node].rate or ("",))[0] == name
        ]
        burst = max(1, int(limit))
        for first, later in zip(starts, starts[burst:], strict=False):
            assert later - first >= burst / limit - 1e-6


def test_the_test_would_see_a_pool_that_is_exceeded() -> None:
    """The same check on a graph whose nodes keep quiet about what they want finds too many at work."""
    seen = 0
    for seed in range(20):
        world = make(seed)
        told = {node.id: node.policies for node in world.plan.body.nodes}
        silent = tuple(replace(node, policies=Policies()) for node in world.plan.body.nodes)
        world.plan = replace(world.plan, body=replace(world.plan.body, nodes=silent))
        world.live(seed)
        for moment in (effect.began for effect in world.effects):
            at_work = [e for e in world.effects if e.began <= moment < (e.ended or moment)]
            seen += sum(n for e in at_work for pool, n in told[e.path].pool if pool == "tape") > 1
    assert seen > 0
