"""The process ends at every place where it can, for every kind of node: around each store operation and each effect."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

import pytest

from nbflow.runtime.execution import Execution
from tests.simulation.house import SimHouse, attend, ended
from tests.simulation.invariants import broken, rows_of
from tests.simulation.lives import Disk, Mortal
from tests.simulation.loop import SimLoop, simulate
from tests.simulation.test_interruptions import ANSWERS, CHILD, KINDS, NEST, STAGE, TOOLS, Model, Trace, text
from tests.simulation.world import Died


@dataclass
class Story(Mortal):
    """One execution of one kind over several lives."""

    kind: str
    trace: Trace = field(default_factory=Trace)
    journal: Disk = field(default_factory=Disk)
    flaky: list[str] = field(default_factory=list)

    def live(self, seed: int, crash_at: int | None = None) -> Execution | None:
        self.journal.lives = self
        STAGE.trace, STAGE.journal, STAGE.flaky, STAGE.point = self.trace, self.journal, self.flaky, self.point

        async def main(loop: SimLoop) -> Execution:
            self.begin(loop, crash_at)
            house = SimHouse(loop, self.journal, TOOLS, pools={"gpu": 2}, grace=20.0)
            house.agents.add(Model())
            house.workflows.update(child=CHILD, nest=NEST)
            known = self.journal.peek("x1")
            execution = await house.engine.recover("x1") if known else house.start(text(self.kind))
            attend(execution, ANSWERS)
            await ended(execution)
            await asyncio.sleep(6)
            assert house.leftovers() == []
            return execution

        try:
            return simulate(seed, main)
        except Died:
            return None
        finally:
            STAGE.point = lambda: None

    def check(self) -> None:
        for id in self.journal.known():
            effects = self.trace.effects if id == "x1" else []
            found = broken(rows_of(self.journal.peek(id)), effects)
            assert not found, f"{id}: {found}"


@pytest.mark.parametrize("kind", KINDS)
def test_every_crash_point_of_every_kind_is_survived(kind: str) -> None:
    calm = Story(kind)
    whole = calm.live(1)
    assert whole is not None
    assert calm.points > 2
    for point in range(1, calm.points + 1):
        story = Story(kind)
        story.live(1, crash_at=point)
        assert story.dead
        story.check()
        end = story.live(2)
        assert end is not None
        story.check()
        where = f"crash point {point} of {calm.points}"
        assert (end.phase, end.outputs) == (whole.phase, whole.outputs), where
        assert {id.count(".") for id in story.journal.known()} == {id.count(".") for id in calm.journal.known()}, where
        ends = {type(story.journal.peek(id)[-1].event).__name__ for id in story.journal.known()}
        assert ends <= {"ExecutionCompleted", "ExecutionFailed"}, where
