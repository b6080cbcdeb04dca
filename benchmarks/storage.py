"""The embedded store: durable records a second with the loop's lag meanwhile, and questions to a large journal."""

from __future__ import annotations

import asyncio
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from nbflow.analytics import frames
from nbflow.execution import events as e
from nbflow.execution.events import Record
from nbflow.ports.executions import Query
from nbflow.storage import codec
from nbflow.storage.duckdb.journal import DuckDBJournal
from nbflow.storage.duckdb.segment import Segment
from nbflow.storage.duckdb.store import DuckDBStore

START = 1_764_000_000.0
TICK = 0.010


def life(steps: int) -> list[Record]:
    """The records of one execution of `steps` nodes in a row."""
    events: list[e.Event] = [e.ExecutionStarted("demo", "1", "hash", "nodes: {}", {"n": steps}, ("n0",))]
    for number in range(steps):
        events.append(e.NodeStarted(f"n{number}", 1, {"x": number}))
        events.append(e.NodeCompleted(f"n{number}", 1, {"x": number, "text": "some words"}, (f"n{number + 1}",)))
    events.append(e.ExecutionCompleted({"n": steps}))
    return [Record(number, START + number / 100, event) for number, event in enumerate(events, 1)]


async def _late(work: Callable[[], object]) -> tuple[float, list[float]]:
    """Seconds that `work` takes, and how late a ticker was meanwhile."""
    late: list[float] = []

    async def tick() -> None:
        while True:
            due = time.perf_counter() + TICK
            await asyncio.sleep(TICK)
            late.append(max(0.0, time.perf_counter() - due))

    ticker = asyncio.create_task(tick())
    begin = time.perf_counter()
    await work()  # type: ignore[misc]
    seconds = time.perf_counter() - begin
    ticker.cancel()
    return seconds, sorted(late) or [0.0]


async def _fill(executions: int, steps: int) -> tuple[float, float, float, float]:
    """Records a second, p99 of the lag (s); the same loop without a store: p99; CPU µs a record."""
    batch = life(steps)
    with tempfile.TemporaryDirectory(prefix="nbflow-bench-") as place:
        journal = DuckDBJournal(Path(place) / "history.duckdb")

        async def one(name: str) -> None:
            for at in range(0, len(batch), 2):
                await journal.append(name, batch[at : at + 2], after=at)

        async def bare(name: str) -> None:
            for at in range(0, len(batch), 2):
                [codec.encode(name, record, lambda content, kind: "") for record in batch[at : at + 2]]
                await asyncio.sleep(0)

        _, alone = await _late(lambda: asyncio.gather(*(bare(f"x{n}") for n in range(executions))))
        cpu = time.process_time()
        seconds, late = await _late(lambda: asyncio.gather(*(one(f"x{n}") for n in range(executions))))
        cpu = time.process_time() - cpu
        await journal.close()
    count = executions * len(batch)
    return count / seconds, _p99(late), _p99(alone), cpu / count * 1e6


def durable(steps: int) -> tuple[float, float, float, float]:
    """What `_fill` gives for 100 executions at once, medians of three."""
    runs = [asyncio.run(_fill(100, steps)) for _ in range(3)]
    rate, late, alone, cpu = (statistics.median(column) for column in zip(*runs, strict=True))
    return rate, late, alone, cpu


def questions(total: int) -> dict[str, float]:
    """Seconds for questions to a journal of `total` records, medians of five after a first look."""
    batch = life(49)
    with tempfile.TemporaryDirectory(prefix="nbflow-bench-") as place:
        store = DuckDBStore(Path(place) / "history.duckdb")
        store.folder.create()
        segment = Segment(store.folder.segments, "20260101-000000-benchmark", 1)
        for number in range(total // len(batch)):
            name = f"20260101-{number:06d}-abcdef"
            segment.append(b"".join(codec.encode(name, record, lambda content, kind: "") for record in batch))
        segment.close()
        begin = time.perf_counter()
        store.take_in()
        taken = time.perf_counter() - begin
        some = f"20260101-{total // len(batch) // 2:06d}-abcdef"
        asked: dict[str, Callable[[], object]] = {
            "the records of one execution": lambda: store.read(some),
            "a page of executions": lambda: store.find(Query()),
            "a page of the failed ones": lambda: store.find(Query(phases=("failed",))),
            "the executions as a DataFrame": lambda: frames.executions(store),
        }
        return {"taking all of it in": taken, **{name: _median(ask) for name, ask in asked.items()}}


def _median(ask: Callable[[], object]) -> float:
    ask()
    spent = []
    for _ in range(5):
        begin = time.perf_counter()
        ask()
        spent.append(time.perf_counter() - begin)
    return statistics.median(spent)


def _p99(late: list[float]) -> float:
    return late[int(len(late) * 0.99)]
