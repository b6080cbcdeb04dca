"""What is not the cost of a node: imports, the loop's lag, memory, reading a text, expressions, recovery."""

from __future__ import annotations

import asyncio
import gc
import os
import statistics
import subprocess
import sys
import time
import tracemalloc
from collections.abc import Awaitable, Callable

import yaml

import nbflow
from benchmarks import bare
from benchmarks.contest import WIDE, engines, nbflow_turn, plan_of
from benchmarks.measuring import once
from benchmarks.shapes import Graph, chain, realistic, text
from nbflow.execution.evolve import fold
from nbflow.plan import workflow as workflows
from nbflow.spec.expressions import compile_expression

NAP = 0.050  # seconds that a node sleeps
TICK = 0.010  # seconds between two looks at the loop
CONDITION = "score > 0.8 and len(items) < 3"


def imports(repetitions: int = 9) -> dict[str, float]:
    """CPU seconds of a fresh Python that imports and ends, over one that imports nothing; medians, in turns."""
    codes = {
        "nothing": "pass",
        "import pydantic, yaml": "import pydantic, yaml",
        "import nbflow": "import nbflow",
        "import nbflow; nbflow.run": "import nbflow; nbflow.run",
    }
    spent: dict[str, list[float]] = {name: [] for name in codes}
    for _ in range(repetitions):
        for name, code in codes.items():
            process = subprocess.Popen([sys.executable, "-c", code])
            _, _, usage = os.wait4(process.pid, 0)
            process.returncode = 0
            spent[name].append(usage.ru_utime + usage.ru_stime)
    medians = {name: statistics.median(values) for name, values in spent.items()}
    return {name: value - medians["nothing"] for name, value in medians.items() if name != "nothing"}


async def _lag(work: Callable[[], Awaitable[object]]) -> list[float]:
    """How late a ticker is (seconds) while `work` runs."""
    late: list[float] = []

    async def tick() -> None:
        while True:
            due = time.perf_counter() + TICK
            await asyncio.sleep(TICK)
            late.append(max(0.0, time.perf_counter() - due))

    ticker = asyncio.create_task(tick())
    await asyncio.sleep(5 * TICK)
    late.clear()
    await work()
    await asyncio.sleep(0)
    await asyncio.sleep(TICK)
    ticker.cancel()
    return late


def lag(graph: Graph, repetitions: int = 5) -> dict[str, dict[str, float]]:
    """p50, p99 and the longest lag in seconds, over all repetitions, in turns."""

    async def measure() -> dict[str, dict[str, float]]:
        plan = plan_of(graph)
        late: dict[str, list[float]] = {"bare asyncio": [], "nbflow, memory": [], "nbflow, journal on disk": []}
        async with engines() as (memory, embedded):
            for _ in range(repetitions):
                gc.collect()
                late["bare asyncio"] += await _lag(lambda: bare.run(graph))
                late["nbflow, memory"] += await _lag(lambda: nbflow_turn(memory, plan))
                late["nbflow, journal on disk"] += await _lag(lambda: nbflow_turn(embedded, plan))
        return {name: _spread(values) for name, values in late.items()}

    return asyncio.run(measure())


def depth(graph: Graph) -> int:
    """Nodes on the longest way through a graph."""
    levels: list[int] = []
    for sources in graph:
        levels.append(1 + max((levels[source] for source in sources), default=0))
    return max(levels)


def sleeping(graph: Graph, repetitions: int = 5) -> dict[str, float]:
    """Wall seconds of a graph whose nodes sleep `NAP`, over the longest way through it; medians, in turns."""

    async def measure() -> dict[str, float]:
        plan = workflows.parse(text(graph, "nap"), limits=WIDE).plan
        took: dict[str, list[float]] = {"bare asyncio": [], "nbflow, memory": [], "nbflow, journal on disk": []}
        async with engines() as (memory, embedded):
            for _ in range(repetitions + 1):
                took["bare asyncio"].append(await _wall(lambda: bare.run(graph, NAP)))
                for name, made in (("nbflow, memory", memory), ("nbflow, journal on disk", embedded)):
                    took[name].append(await _wall(lambda made=made: made.start(plan)))
        return {name: statistics.median(values[1:]) / (depth(graph) * NAP) for name, values in took.items()}

    return asyncio.run(measure())


async def _wall(work: Callable[[], Awaitable[object]]) -> float:
    gc.collect()
    begun = time.perf_counter()
    await work()
    return time.perf_counter() - begun


@nbflow.tool(effects="none")
async def nap() -> None:
    """Sleeps."""
    await asyncio.sleep(NAP)


def _spread(values: list[float]) -> dict[str, float]:
    ranked = sorted(values)
    return {
        "p50": ranked[len(ranked) // 2],
        "p99": ranked[min(len(ranked) - 1, int(len(ranked) * 0.99))],
        "max": ranked[-1],
    }


def memory(graph: Graph) -> dict[str, float]:
    """Bytes a node that stay once it ran: of the compiled plan, of the running engine at its peak, of the held execution."""

    async def measure() -> dict[str, float]:
        async with engines() as (made, _):
            warm = plan_of(chain(10))
            await nbflow_turn(made, warm)
            gc.collect()
            tracemalloc.start()
            plan = plan_of(graph)
            gc.collect()
            begun = tracemalloc.get_traced_memory()[0]
            tracemalloc.reset_peak()
            execution = made.start(plan)
            await execution
            peak = tracemalloc.get_traced_memory()[1]
            gc.collect()
            held = tracemalloc.get_traced_memory()[0]
            tracemalloc.stop()
            return {
                "plan": begun / len(graph),
                "peak while it runs": (peak - begun) / len(graph),
                "held when it is over": (held - begun) / len(graph),
            }

    return asyncio.run(measure())


def reading(size: int, repetitions: int = 5) -> dict[str, float]:
    """CPU seconds to parse, check and compile a realistic workflow, beside `yaml.load` with libyaml; in turns."""
    written = realistic(size)
    load: list[float] = []
    parse: list[float] = []
    for _ in range(repetitions):
        load.append(once(lambda: yaml.load(written, Loader=yaml.CSafeLoader), 1))
        parse.append(once(lambda: workflows.parse(written, limits=WIDE), 1))
    return {"yaml.load": statistics.median(load), "nbflow.parse": statistics.median(parse)}


def expressions(times: int = 100_000) -> dict[str, float]:
    """Microseconds of one evaluation of a condition, once compiled, beside a Python function."""
    scope = {"score": 0.9, "items": [1, 2]}
    compiled = compile_expression(CONDITION)
    plain = eval(f"lambda score, items: {CONDITION}")

    def ours() -> None:
        for _ in range(times):
            compiled.evaluate(scope)

    def theirs() -> None:
        for _ in range(times):
            plain(scope["score"], scope["items"])

    return {"nbflow": once(ours) / times * 1e6, "a Python function": once(theirs) / times * 1e6}


def recovery(graph: Graph) -> tuple[int, float]:
    """How many records an execution of `graph` leaves, and CPU seconds to fold them."""

    async def records() -> tuple[object, list[object]]:
        async with engines() as (made, _):
            plan = plan_of(graph)
            execution = made.start(plan)
            await execution
            return plan, list(execution.events)

    plan, kept = asyncio.run(records())
    return len(kept), once(lambda: fold(plan, kept), 3)  # type: ignore[arg-type]
