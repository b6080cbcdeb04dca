"""The real engine in a simulated world: order, time, store faults and crashes come from one seed.

A life is an engine on a fresh loop; it ends when the execution ends or when the seed says that the process
dies there. What a dead process still does is neither written nor counted. The next life has only the journal.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from nbflow.errors import ExecutionFailed, IllegalMove, StorageError
from nbflow.execution.events import Record
from nbflow.nodes.registry import built_in
from nbflow.plan.plan import NodePlan, Plan
from nbflow.ports.executors import Call
from nbflow.runtime.engine import Engine
from nbflow.runtime.execution import Execution
from nbflow.storage.memory.journal import MemoryJournal
from tests.simulation.loop import SimClock, SimLoop, simulate


class Died(SystemExit):
    """The process ends here."""


@dataclass
class Effect:
    """What an attempt did to the world; `committed` is how much of the journal was on disk at that moment."""

    path: str
    attempt: int
    committed: int
    began: float
    ended: float | None = None


@dataclass
class World:
    """All that outlives a life: the journal and the effects."""

    plan: Plan
    seed: int
    kinds_of_effects: dict[str, str] = field(default_factory=dict)
    failing: dict[str, int] = field(default_factory=dict)  # path → attempts that fail first
    store_faults: float = 0.0
    journal: MemoryJournal = field(default_factory=MemoryJournal)
    effects: list[Effect] = field(default_factory=list)
    lives: int = 0
    crash_at: int | None = None  # the store operation or effect after which the process ends
    points: int = 0  # those passed in this life
    dead: bool = False

    def point(self) -> None:
        """A place where the process may end."""
        self.points += 1
        if self.dead:
            raise asyncio.CancelledError
        if self.crash_at is not None and self.points == self.crash_at:
            self.dead = True
            raise Died

    # --- a life --------------------------------------------------------------------------------------

    def live(self, seed: int, *, crash_at: int | None = None) -> Execution | None:
        """One life; None when it died at crash point number `crash_at`."""
        self.lives += 1
        self.crash_at, self.points, self.dead = crash_at, 0, False
        try:
            return simulate(seed, self._main)
        except Died:
            return None

    async def _main(self, loop: SimLoop) -> Execution:
        journal = SimJournal(self, loop)
        executor = SimExecutor(self, loop, journal)
        kinds = built_in(tool=executor, agent=executor, workflow=executor)
        engine = Engine(
            journal, kinds, lambda source, name: self.plan, clock=SimClock(loop), pools={"gpu": 2}, grace=1.0
        )
        main = loop.create_task(self._drive(engine))
        return await main

    async def _drive(self, engine: Engine) -> Execution:
        known = await engine.journal.read("x1")
        execution = await engine.recover("x1") if known else engine.start(self.plan, {}, id="x1")
        rng = random.Random(self.seed)
        while True:
            waiter = asyncio.ensure_future(execution.until("waiting"))
            await waiter
            if execution.ended:
                break
            if execution._driver is not None and execution._driver.done.done():
                execution._driver.done.result()  # a broken store ends this life
            for path, node in list(execution.state.nodes.items()):
                if node.phase == "waiting" and node.reason == "in_doubt":
                    with suppress(IllegalMove):  # what is shown is committed; the answer may be on its way
                        execution.retry(path) if rng.random() < 0.5 else execution.skip(path, {"by": "person"})
            await asyncio.sleep(0.01)
        try:
            await execution
        except ExecutionFailed:
            pass
        return execution


class SimJournal:
    """The memory journal behind a slow disk that fails now and then, of a process that may die."""

    def __init__(self, world: World, loop: SimLoop) -> None:
        self.world, self.loop = world, loop

    async def append(self, execution: str, records: Sequence[Record], *, after: int) -> None:
        self.world.point()
        await asyncio.sleep(self.loop.rng.uniform(0, 0.01))
        if self.world.dead:
            raise asyncio.CancelledError
        if self.loop.rng.random() < self.world.store_faults:
            raise StorageError("store.full", "the disk is full")
        await self.world.journal.append(execution, records, after=after)
        self.world.point()

    async def read(self, execution: str, *, after: int = 0) -> list[Record]:
        return await self.world.journal.read(execution, after=after)

    async def executions(self) -> list[Any]:
        return await self.world.journal.executions()

    def peek(self, execution: str) -> list[Record]:
        return self.world.journal.peek(execution)

    def summaries(self) -> list[Any]:
        return self.world.journal.summaries()

    async def find_result(self, key: str) -> Any:
        return await self.world.journal.find_result(key)

    async def gaps(self) -> list[Any]:
        return []

    async def close(self) -> None: ...


class SimExecutor:
    """Attempts that take virtual time, and fail when told so."""

    def __init__(self, world: World, loop: SimLoop, journal: SimJournal) -> None:
        self.world, self.loop, self.journal = world, loop, journal

    def effects(self, node: NodePlan, inputs: Any = None) -> str:
        return self.world.kinds_of_effects.get(node.id, "none")

    def fingerprint(self, node: NodePlan) -> str:
        return ""

    def validate(self, node: NodePlan, inputs: Any = None) -> list[Any]:
        return []

    async def perform(self, call: Call) -> Any:
        committed = len(await self.world.journal.read(call.execution))
        effect = Effect(call.path, call.attempt, committed, self.loop.time())
        self.world.effects.append(effect)
        self.world.point()
        await asyncio.sleep(self.loop.rng.choice((0, 0, 0.01, 0.1, 1.0)))
        self.world.point()
        effect.ended = self.loop.time()
        done = sum(1 for other in self.world.effects if other.path == call.path and other is not effect)
        if done < self.world.failing.get(call.path, 0):
            raise ConnectionError(f"{call.path} fails the first {self.world.failing[call.path]} times")
        return {"from": call.path}
