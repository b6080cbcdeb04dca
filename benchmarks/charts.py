"""A flat chart of two states that an event moves to and fro: nbflow beside python-statemachine's async engine."""

from __future__ import annotations

import asyncio
from functools import cache

from statemachine import State, StateChart

from benchmarks.contest import engines
from benchmarks.measuring import Cost, take_turns
from nbflow.execution import chart
from nbflow.plan.plan import Plan
from nbflow.plan.workflow import parse
from nbflow.runtime.engine import Engine

TEXT = """
machine:
  initial: a
  context: {n: 0}
  states:
    a: {events: {go: {to: b, if: ctx.n >= 0, assign: {n: =ctx.n + 1}}}}
    b: {events: {go: {to: a, if: ctx.n >= 0, assign: {n: =ctx.n + 1}}}}
"""


@cache
def plan() -> Plan:
    return parse(TEXT, name="flip").plan


class Flip(StateChart):
    """The same chart there, with an async action so that its async engine is the one that runs."""

    a = State(initial=True)
    b = State()
    go = a.to(b, cond="ready", on="count") | b.to(a, cond="ready", on="count")
    n = 0

    def ready(self) -> bool:
        return self.n >= 0

    async def count(self) -> None:
        self.n += 1


async def theirs(events: int) -> int:
    machine = Flip()
    await machine.activate_initial_state()
    for _ in range(events):
        await machine.go()
    return machine.n


async def step_alone(events: int) -> int:
    """The pure step, nothing recorded."""
    machine = plan().body.nodes[0].work
    snapshot = chart.begin(machine.chart).snapshot  # type: ignore[union-attr]
    for _ in range(events):
        snapshot = chart.step(machine.chart, snapshot, {"name": "go"}, 0.0).snapshot  # type: ignore[union-attr]
    return int(snapshot["context"]["n"])


async def in_engine(engine: Engine, events: int) -> int:
    """Signals to an execution: each is recorded, and so is each transition."""
    execution = engine.start(plan())
    for _ in range(events):
        execution.signal("go")
    state = engine.drivers[execution.id].state
    while "machine" not in state.nodes or state.nodes["machine"].heard < events:  # noqa: ASYNC110 - a look costs nothing
        await asyncio.sleep(0.001)
    snapshot = state.nodes["machine"].snapshot or {}
    execution.cancel()
    await execution
    return int(snapshot["context"]["n"])


async def compare(events: int, repetitions: int) -> dict[str, Cost]:
    async with engines() as (memory, embedded):
        return await take_turns(
            {
                "python-statemachine, async engine": lambda: theirs(events),
                "nbflow, the step alone": lambda: step_alone(events),
                "nbflow, journal in memory": lambda: in_engine(memory, events),
                "nbflow, journal on disk": lambda: in_engine(embedded, events),
            },
            events,
            repetitions,
        )


def transitions(events: int, repetitions: int) -> dict[str, Cost]:
    """Costs of a transition."""
    return asyncio.run(compare(events, repetitions))
