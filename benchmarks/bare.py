"""The floor: asyncio with dependency counters and nothing else. No record, no result, no policy."""

from __future__ import annotations

import asyncio

from benchmarks.shapes import Graph


async def noop() -> None:
    """What every node does."""


async def run(graph: Graph, nap: float | None = None) -> int:
    """Run each node once, as soon as what it waits for is done; returns how many ran. A node sleeps `nap` seconds."""
    waiting = [len(sources) for sources in graph]
    after: list[list[int]] = [[] for _ in graph]
    for index, sources in enumerate(graph):
        for source in sources:
            after[source].append(index)
    loop = asyncio.get_running_loop()
    done = loop.create_future()
    ran = 0

    async def node(index: int) -> None:
        nonlocal ran
        await (noop() if nap is None else asyncio.sleep(nap))
        ran += 1
        for target in after[index]:
            waiting[target] -= 1
            if not waiting[target]:
                tasks.append(loop.create_task(node(target)))
        if ran == len(graph):
            done.set_result(None)

    tasks = [loop.create_task(node(index)) for index, count in enumerate(waiting) if not count]
    await done
    return ran


async def run_many(graph: Graph, executions: int) -> int:
    """That many runs of one graph at once."""
    return sum(await asyncio.gather(*(run(graph) for _ in range(executions))))
