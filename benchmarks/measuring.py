"""Contestants take turns in one process (A B A B), and medians are compared: a busy machine slows both.

CPU is that of all threads of the process; wall time stands beside it, since a disk is waited for, not computed.
"""

from __future__ import annotations

import gc
import statistics
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

Turn = Callable[[], Awaitable[int]]  # returns how many nodes ran


@dataclass(frozen=True, slots=True)
class Cost:
    """Microseconds per node, medians over the repetitions; `low` and `high` bound the CPU."""

    cpu: float
    wall: float
    low: float
    high: float


async def take_turns(contestants: Mapping[str, Turn], nodes: int, repetitions: int) -> dict[str, Cost]:
    """One warm-up each, then `repetitions` interleaved turns. Raises when a contestant ran another number of nodes."""
    cpu: dict[str, list[float]] = {name: [] for name in contestants}
    wall: dict[str, list[float]] = {name: [] for name in contestants}
    for repetition in range(repetitions + 1):
        for name, turn in contestants.items():
            gc.collect()
            begun, spent = time.perf_counter(), time.process_time()
            ran = await turn()
            spent, took = time.process_time() - spent, time.perf_counter() - begun
            if ran != nodes:
                raise RuntimeError(f"{name} ran {ran} nodes, not {nodes}")
            if repetition:
                cpu[name].append(spent / nodes * 1e6)
                wall[name].append(took / nodes * 1e6)
    return {
        name: Cost(statistics.median(cpu[name]), statistics.median(wall[name]), min(cpu[name]), max(cpu[name]))
        for name in contestants
    }


def once(work: Callable[[], object], repetitions: int = 5) -> float:
    """Median CPU seconds of a plain call."""
    spent = []
    for _ in range(repetitions):
        gc.collect()
        begun = time.process_time()
        work()
        spent.append(time.process_time() - begun)
    return statistics.median(spent)
