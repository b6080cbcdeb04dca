"""nbflow on the same graphs as the floor: every node is an async tool that does nothing and declares no effect."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import nbflow
from benchmarks import bare
from benchmarks.measuring import Cost, take_turns
from benchmarks.shapes import Graph, text
from nbflow import assembly
from nbflow.plan import workflow as workflows
from nbflow.plan.plan import Plan
from nbflow.runtime.engine import Engine
from nbflow.spec.document import Limits

WIDE = Limits(size=100_000_000, nodes=1_000_000)


class Ran:
    """Counts what really ran."""

    count = 0


@nbflow.tool(effects="none")
async def noop() -> None:
    """Does nothing, once counted."""
    Ran.count += 1


def plan_of(graph: Graph) -> Plan:
    """The graph as nbflow knows it, by way of its text."""
    return workflows.parse(text(graph), limits=WIDE).plan


async def nbflow_turn(engine: Engine, plan: Plan, executions: int = 1, rounds: int = 1) -> int:
    """Run it that many times at once, in so many rounds; returns how many nodes ran."""
    before = Ran.count
    for _ in range(rounds):
        started = [engine.start(plan) for _ in range(executions)]
        for execution in started:
            await execution
    return Ran.count - before


@asynccontextmanager
async def engines() -> AsyncIterator[tuple[Engine, Engine]]:
    """One engine in memory and one on the embedded store, in a folder of its own."""
    with tempfile.TemporaryDirectory() as folder:
        memory = assembly.engine("memory:")
        embedded = assembly.engine(f"duckdb:///{Path(folder) / 'history.duckdb'}")
        try:
            yield memory, embedded
        finally:
            await memory.close()
            await embedded.close()


async def bare_turn(graph: Graph, executions: int, rounds: int) -> int:
    return sum([await bare.run_many(graph, executions) for _ in range(rounds)])


async def compare(graph: Graph, executions: int, repetitions: int, rounds: int) -> dict[str, Cost]:
    """The floor, nbflow in memory, and nbflow with the journal on disk, in turns."""
    plan = plan_of(graph)
    async with engines() as (memory, embedded):
        return await take_turns(
            {
                "bare asyncio": lambda: bare_turn(graph, executions, rounds),
                "nbflow, memory": lambda: nbflow_turn(memory, plan, executions, rounds),
                "nbflow, journal on disk": lambda: nbflow_turn(embedded, plan, executions, rounds),
            },
            len(graph) * executions * rounds,
            repetitions,
        )


def contest(graph: Graph, *, executions: int = 1, repetitions: int = 5, rounds: int = 1) -> dict[str, Cost]:
    """`compare` on a loop of its own."""
    return asyncio.run(compare(graph, executions, repetitions, rounds))
