"""What every store that can be kept small promises: what has ended goes in time, and nothing else ever does."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from nbflow.errors import JournalConflict
from nbflow.execution import events as e
from nbflow.execution.events import Record
from nbflow.ports.journal import Journal
from nbflow.storage.retention import Retains
from tests.conformance.conftest import Store
from tests.storage.records import START

pytestmark = pytest.mark.timeout(60)

DAY = 86400.0


class At:
    """A clock that stands `days` after the start."""

    def __init__(self, days: float) -> None:
        self.days = days

    def now(self) -> float:
        return START + self.days * DAY

    def new_id(self) -> str:
        return f"20260101-000000-{int(self.days * 1000):08d}"

    def random(self) -> float:
        return 0.5


@pytest.fixture
def upkeep(store: Store) -> Callable[[float], Retains]:
    """The upkeep of the store on some day."""
    retains = store.retains
    if retains is None:
        pytest.skip("it goes with its process")
    return lambda day: retains(At(day))


def life(
    day: float, source: str = "nodes: {}", end: e.Event | None = e.ExecutionCompleted(), value: object = 1
) -> list[Record]:
    events: list[e.Event] = [e.ExecutionStarted("demo", "1", "h", source, {}), e.NodeCompleted("n", 1, value)]
    return [
        Record(number, START + day * DAY + number, event)
        for number, event in enumerate([*events, *([end] if end else [])], 1)
    ]


async def there(journal: Journal) -> list[str]:
    return sorted(summary.execution for summary in await journal.executions())


async def test_what_ended_long_ago_goes_and_what_runs_stays(
    store: Store, journal: Journal, upkeep: Callable[[float], Retains]
) -> None:
    for day in range(6):
        await journal.append(f"d{day}", life(day), after=0)
    await journal.append("open", life(0, end=None), after=0)
    done = upkeep(6).vacuum(keep=2.5 * DAY)
    assert (done.executions, done.records) == (4, 12)
    assert await there(journal) == ["d4", "d5", "open"]
    assert await journal.gaps() == [] and await journal.read("d0") == []
    await journal.append("open", [Record(3, START + DAY, e.ExecutionCompleted())], after=2)
    await journal.append("d0", life(6), after=0)  # its name is free again
    assert await there(journal) == ["d0", "d4", "d5", "open"]


async def test_a_workflow_says_itself_how_long_its_executions_stay(
    journal: Journal, upkeep: Callable[[float], Retains]
) -> None:
    await journal.append("short", life(0, "keep: 12h\nnodes: {}"), after=0)
    await journal.append("long", life(0, '{"keep": "30d", "nodes": {}}'), after=0)
    await journal.append("usual", life(0, "nodes: {keep: {set: {x: 1}}}"), after=0)
    assert upkeep(1).vacuum().executions == 1
    assert await there(journal) == ["long", "usual"]
    assert upkeep(9).vacuum(keep=7 * DAY).executions == 1
    assert await there(journal) == ["long"]
    assert upkeep(31).vacuum().executions == 1


async def test_children_go_with_their_parent_and_not_before(
    journal: Journal, upkeep: Callable[[float], Retains]
) -> None:
    await journal.append("p", life(0, end=None), after=0)
    await journal.append("p.call", life(0), after=0)
    await journal.append("p.call.deep", life(0, "keep: 1h\nnodes: {}"), after=0)
    assert upkeep(9).vacuum(keep=DAY).executions == 0
    await journal.append("p", [Record(3, START + 9 * DAY, e.ExecutionCompleted())], after=2)
    assert upkeep(9.5).vacuum(keep=DAY).executions == 0
    assert upkeep(11).vacuum(keep=DAY).executions == 3
    assert await there(journal) == []


async def test_the_oldest_go_until_the_size_fits(journal: Journal, upkeep: Callable[[float], Retains]) -> None:
    for day in range(10):
        await journal.append(f"d{day}", life(day, value="x" * 50_000), after=0)
    present = upkeep(20).vacuum().after
    upkeep(20).vacuum(size=present // 2)
    left = await there(journal)
    assert 1 <= len(left) < 10 and left == [f"d{day}" for day in range(10 - len(left), 10)]


async def test_values_stay_while_something_names_them(
    store: Store, journal: Journal, upkeep: Callable[[float], Retains]
) -> None:
    shared, own = ["s" * 100_000], ["o" * 100_000]
    await journal.append("old", life(0, value=[shared, own]), after=0)
    await journal.append("new", life(9, value=[shared]), after=0)
    await journal.close()
    done = upkeep(9_000).vacuum(keep=8_995 * DAY)
    assert (done.executions, done.values) == (1, 1)
    reader = store.journal()
    assert await reader.read("new") == life(9, value=[shared])
    await reader.append("again", life(9, value=own), after=0)
    assert await reader.read("again") == life(9, value=own)
    await reader.close()


async def test_who_goes_on_with_an_execution_keeps_it_or_finds_it_gone(
    store: Store, journal: Journal, upkeep: Callable[[float], Retains]
) -> None:
    """A retry races with the vacuum: the execution is whole with its retry, or gone with a refusal; never a part."""
    for number in range(20):
        name = f"x{number}"
        await journal.append(name, life(0, end=e.ExecutionFailed({"kind": "E", "message": "m"})), after=0)
        again = [Record(4, START + DAY, e.ExecutionRecovered("retry"))]
        refusal, _ = await asyncio.gather(
            journal.append(name, again, after=3), asyncio.to_thread(upkeep(9).vacuum, keep=DAY), return_exceptions=True
        )
        found = await journal.read(name)
        if isinstance(refusal, JournalConflict):
            assert found == []
        else:
            assert refusal is None and [record.sequence for record in found] == [1, 2, 3, 4]
    assert await journal.gaps() == []
