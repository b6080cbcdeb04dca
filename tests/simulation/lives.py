"""One workflow over several lives of its process: crashes, a full disk, pauses, suspensions, cancels, from one seed.

A life is an engine on a fresh loop. It ends with the execution, with a crash at a store operation or effect, or with
a suspension. What a dead process still does is neither written nor counted; the next life has only the journal.
"""

from __future__ import annotations

import asyncio
import random
import zlib
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from nbflow.errors import IllegalMove
from nbflow.integrations.tools.registry import ToolRegistry
from nbflow.ports.executors import Call
from nbflow.runtime.execution import Execution
from tests.simulation.house import SimHouse, SimThreads, SlowJournal, ended
from tests.simulation.loop import SimLoop, simulate
from tests.simulation.texts import POOLS, Text
from tests.simulation.world import Died

VERBS = ("pause", "suspend", "resume", "cancel")


@dataclass
class Effect:
    """What one attempt did to the world, in which life and (virtual) time; `committed` is what was on disk then."""

    execution: str
    node: str
    attempt: int
    committed: int
    life: int
    began: float
    ended: float | None = None


class Mortal:
    """Whose process may end at a point that is named by its number, counted anew in each life."""

    loop: SimLoop
    points = 0
    crash_at: int | None = None
    dead = False

    def begin(self, loop: SimLoop, crash_at: int | None) -> None:
        """A life on a fresh loop; it ends at point number `crash_at`."""
        self.loop, self.crash_at, self.points, self.dead = loop, crash_at, 0, False

    def point(self) -> None:
        """A place where the process may end. What a dead one still does is cancelled; the loop stops before its next step."""
        self.points += 1
        if self.dead:
            raise asyncio.CancelledError
        if self.points == self.crash_at:
            self.dead = True
            self.loop.at_step[self.loop.steps + 1] = _die
            raise asyncio.CancelledError


def _die() -> None:
    raise Died


@dataclass
class Lives(Mortal):
    """All that outlives a life."""

    written: Text
    seed: int
    journal: Disk = field(default_factory=lambda: Disk())
    effects: list[Effect] = field(default_factory=list)
    calls: dict[str, int] = field(default_factory=dict)
    undone: list[str] = field(default_factory=list)
    count: int = 0
    acts: list[str] = field(default_factory=list)

    def live(
        self, seed: int, *, crash_at: int | None = None, acts: int = 0, may_cancel: bool = False
    ) -> Execution | None:
        """One life, with so many interruptions at random steps; None when the execution has not ended with it."""
        self.count += 1
        STAGE.lives, self.journal.lives = self, self

        async def main(loop: SimLoop) -> Execution | None:
            self.begin(loop, crash_at)
            house = SimHouse(loop, self.journal, TOOLS, pools=POOLS, grace=1.0)
            house.workflows = self.written.children
            return await self._live(house, acts, may_cancel)

        try:
            return simulate(seed, main)
        except Died:
            return None

    async def _live(self, house: SimHouse, acts: int, may_cancel: bool) -> Execution | None:
        known = self.journal.peek("x1")
        execution = await house.engine.recover("x1") if known else house.start(self.written.text)
        rng = random.Random(house.loop.rng.random())
        for _ in range(acts):
            house.loop.at_step[house.loop.steps + rng.randint(1, 150)] = lambda: self._act(house, rng, may_cancel)
        while not execution.ended:
            await self._moment(execution)
            if execution.phase == "suspended" and rng.random() < 0.3:
                await execution.quiet()
                return None  # the process goes, and another one goes on
            for id, driver in list(house.engine.drivers.items()):
                self._go_on(Execution(driver, id, driver.state.plan))
            assert house.loop.time() < 2_000, f"it does not end: {execution.phase}, {self.acts}"
        await ended(execution)
        await asyncio.sleep(2)
        left = house.leftovers()
        assert left == [], left
        return execution

    async def _moment(self, execution: Execution) -> None:
        driver = execution._driver
        if driver is None:
            return
        await asyncio.wait({driver.done}, timeout=1)
        if driver.done.done():
            driver.done.result()  # a broken store ends this life

    def _act(self, house: SimHouse, rng: random.Random, may_cancel: bool) -> None:
        verb = rng.choice(VERBS if may_cancel else VERBS[:3])
        for id, driver in list(house.engine.drivers.items()):
            if id == "x1":
                with suppress(IllegalMove):
                    getattr(Execution(driver, id, driver.state.plan), verb)()
                    self.acts.append(verb)

    def _go_on(self, execution: Execution) -> None:
        with suppress(IllegalMove):
            if execution.id == "x1" and (execution.phase in ("paused", "suspended") or execution.held):
                execution.resume()
        for path, node in list(execution.state.nodes.items()):
            if node.phase == "waiting" and node.reason == "in_doubt":
                with suppress(IllegalMove):  # what is shown is committed; the answer may be on its way
                    execution.retry(path)


class Disk(SlowJournal):
    """The slow disk of a process that may die before and after it wrote."""

    lives: Mortal

    async def append(self, execution: str, records: Any, *, after: int) -> None:
        self.lives.point()
        await super().append(execution, records, after=after)
        self.lives.point()


class Stage:
    """The lives that the tools belong to just now."""

    lives: Lives


STAGE, TOOLS = Stage(), ToolRegistry(SimThreads())


async def _work(x: Any, call: Call) -> int:
    """Some time, failures as many as are written, then a number that depends on path and inputs alone."""
    lives, id, path = STAGE.lives, call.node.id, f"{call.execution}/{call.path}"
    committed = len(lives.journal._lines.get(call.execution, ()))
    effect = Effect(call.execution, call.path, call.attempt, committed, lives.count, lives.loop.time())
    lives.effects.append(effect)
    try:
        lives.point()
        await asyncio.sleep(lives.loop.rng.choice((0, 0, 0.01, 0.1, 1.0)))
        lives.point()
    finally:
        effect.ended = lives.loop.time()
    done = lives.calls[path] = lives.calls.get(path, 0) + 1
    if done <= lives.written.failing.get(id, 0):
        raise ConnectionError(f"{id} fails")
    return zlib.crc32(f"{call.path} {plainly(x)}".encode()) % 1000


def plainly(value: Any) -> Any:
    """A value without what errors say, since that depends on who failed first and how often it was tried."""
    if isinstance(value, dict):
        return "error" if set(value) == {"error"} else {key: plainly(item) for key, item in value.items()}
    return [plainly(item) for item in value] if isinstance(value, list) else value


@TOOLS.tool
async def work(x: list[Any], call: Call) -> int:
    return await _work(x, call)


@TOOLS.tool(effects="once")
async def pay(x: list[Any], call: Call) -> int:
    return await _work(x, call)


@TOOLS.tool
async def undo(x: str, call: Call) -> None:
    await asyncio.sleep(STAGE.lives.loop.rng.choice((0, 0.05)))
    STAGE.lives.undone.append(call.path)
