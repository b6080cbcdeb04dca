"""A suspended execution is nobody's: where another process has gone on with it, whoever holds it here comes to know."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from nbflow.errors import ExecutionFailed, IllegalMove, JournalConflict, StorageError
from nbflow.runtime.engine import Engine
from nbflow.storage.duckdb.journal import DuckDBJournal
from tests.runtime.conftest import House

pytestmark = pytest.mark.timeout(60)

TEXT = "name: w\nnodes:\n  a: {set: {x: 1}}\n  sure: {ask: really?, needs: [a]}\n  b: {set: {x: =sure}}\noutputs: {x: =b.x}\n"
FAILS = TEXT.replace("x: =sure", "x: =1 / sure")
Make = Callable[[], Engine]


@pytest.fixture
async def make(tmp_path: Path) -> AsyncIterator[Make]:
    """Engines on one folder, each as a process of its own would have it."""
    made: list[Engine] = []

    def engine() -> Engine:
        house = House.__new__(House)
        House.__init__(house)
        house.journal = DuckDBJournal(tmp_path / "history.duckdb")  # type: ignore[assignment]
        made.append(house.new_engine(requests=house.journal.requests))  # type: ignore[attr-defined]
        return made[-1]

    yield engine
    for one in made:
        await one.close()


async def suspended(engine: Engine, text: str = TEXT) -> object:
    execution = engine.start(engine.compile(text, "w"))
    await execution.until("sure")
    execution.suspend()
    await execution.until("suspended")
    return execution


async def finish(engine: Engine, id: str, answer: int = 1) -> None:
    theirs = await engine.recover(id)
    await theirs.until("waiting")
    theirs.answer("sure", answer)
    try:
        await theirs
    except ExecutionFailed:
        assert answer == 0


async def test_who_waits_for_it_sees_that_another_has_finished_it(make: Make) -> None:
    ours, theirs = make(), make()
    execution = await suspended(ours)
    seen: list[int] = []
    execution.subscribe(lambda records: seen.extend(record.sequence for record in records))
    waits = asyncio.ensure_future(execution._ended())
    await asyncio.sleep(0)
    await finish(theirs, execution.id)
    assert (await waits) is execution
    assert (execution.phase, execution.outputs) == ("completed", {"x": 1})
    assert seen == [record.sequence for record in await ours.journal.read(execution.id)]
    with pytest.raises(IllegalMove):
        execution.resume()


async def test_it_is_seen_also_when_one_begins_to_wait_later(make: Make) -> None:
    ours, theirs = make(), make()
    execution = await suspended(ours, FAILS)
    await finish(theirs, execution.id, 0)
    with pytest.raises(ExecutionFailed, match="division by zero"):
        await execution
    assert (await execution.until("nothing")).phase == "failed"


async def test_resuming_what_another_has_finished_shows_the_end(make: Make) -> None:
    ours, theirs = make(), make()
    execution = await suspended(ours)
    await finish(theirs, execution.id)
    execution.resume()
    await execution
    assert execution.phase == "completed" and not execution.driven
    assert len(execution.events) == len(await ours.journal.read(execution.id))


async def test_resuming_what_another_drives_says_who_it_is(make: Make) -> None:
    ours, theirs = make(), make()
    execution = await suspended(ours)
    other = await theirs.recover(execution.id)
    await other.until("waiting")
    with pytest.raises(IllegalMove, match="driven by"):
        execution.resume()
    opened = await ours.open(execution.id)
    assert opened.phase == "waiting" and not opened.driven and execution.phase == "waiting"
    with pytest.raises(JournalConflict, match="driven by"):
        execution.cancel()
    other.answer("sure", 3)
    assert (await execution).outputs["x"] == 3


async def test_what_others_left_suspended_again_is_recovered_here(make: Make) -> None:
    ours, theirs = make(), make()
    execution = await suspended(ours)
    other = await theirs.recover(execution.id)
    await other.until("waiting")
    other.suspend()
    await other.until("suspended")
    again = await ours.recover(execution.id)
    await again.until("waiting")
    again.answer("sure", 4)
    assert (await again).outputs["x"] == 4
    assert (await execution).outputs["x"] == 4


async def test_nobody_else_going_on_leaves_it_as_it_is(make: Make) -> None:
    execution = await suspended(make())
    waits = asyncio.ensure_future(execution._ended())
    await asyncio.wait({waits}, timeout=1.2)
    assert execution.phase == "suspended" and execution.driven and not waits.done()
    execution.resume()
    await execution.until("waiting")
    execution.answer("sure", 2)
    assert (await waits).outputs["x"] == 2


async def test_a_conflict_without_another_writer_is_raised(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    ours = make()
    execution = await suspended(ours)

    async def refuse(*_: object, **__: object) -> None:
        raise JournalConflict("no")

    monkeypatch.setattr(ours.journal, "append", refuse)
    execution.resume()
    with pytest.raises(JournalConflict):
        await execution.until("waiting")
    with pytest.raises(JournalConflict):
        await execution


async def test_what_was_broken_off_before_is_raised_at_once(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    ours = make()
    execution = await suspended(ours)

    async def refuse(*_: object, **__: object) -> None:
        raise StorageError("store.full", "no room")

    monkeypatch.setattr(ours.journal, "append", refuse)
    execution.resume()
    for wait in (execution.until("waiting"), execution.until("waiting"), execution._ended()):
        with pytest.raises(StorageError, match="no room"):
            await wait
