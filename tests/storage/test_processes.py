"""Several processes on one folder: all write, all see everything within a second, one owner an execution."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from pathlib import Path

import duckdb
import pytest

from nbflow.errors import JournalConflict, StorageError
from nbflow.execution import events as e
from nbflow.storage.duckdb.journal import DuckDBJournal
from nbflow.storage.duckdb.store import DuckDBStore
from tests.storage.other import another
from tests.storage.records import record, records

pytestmark = pytest.mark.timeout(60)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / ".nbflow" / "history.duckdb"


async def test_both_processes_see_what_both_write_within_a_second(path: Path) -> None:
    journal = DuckDBJournal(path)
    with another(path) as other:
        assert other.tell("append", "theirs", 1, 3) == "ok"
        for round in range(5):
            await journal.append("ours", records(round * 2 + 1, round * 2 + 2), after=round * 2)
            other.tell("append", "theirs", round * 2 + 4, round * 2 + 5)
            begin = time.monotonic()
            ours, theirs = (round + 1) * 2, round * 2 + 5
            assert other.tell("read", "ours") == list(range(1, ours + 1))
            assert await journal.read("theirs") == records(1, theirs)
            assert other.tell("list") == ["ours", "theirs"]
            assert sorted(s.execution for s in await journal.executions()) == ["ours", "theirs"]
            assert time.monotonic() - begin < 1
    await journal.close()
    assert DuckDBStore(path).gaps() == []


async def test_three_writers_and_a_reader_at_once_lose_nothing(path: Path) -> None:
    journal = DuckDBJournal(path, take_in_every=0.05)
    with another(path) as left, another(path) as right:

        async def work(name: str, append: object) -> None:
            for last in range(1, 41):
                await append(name, last)  # type: ignore[operator]

        async def here(name: str, last: int) -> None:
            await journal.append(name, records(last, last), after=last - 1)

        def there(other: object) -> object:
            async def append(name: str, last: int) -> None:
                answer = await asyncio.to_thread(other.tell, "append", name, last, last)  # type: ignore[attr-defined]
                assert answer == "ok"
                if last % 10 == 0:
                    await asyncio.to_thread(other.tell, "list")  # type: ignore[attr-defined]

            return append

        await asyncio.gather(work("a", here), work("b", there(left)), work("c", there(right)))
        for name in "abc":
            assert await journal.read(name) == records(1, 40)
            assert left.tell("read", name) == right.tell("read", name) == list(range(1, 41))
    await journal.close()


async def test_a_second_writer_is_refused_every_time_while_the_first_lives(path: Path) -> None:
    with another(path) as other:
        other.tell("append", "x", 1, 2)
        journal = DuckDBJournal(path)
        for after in (0, 1, 2, 3, 2, 2):
            with pytest.raises(JournalConflict, match=rf"process {other.pid}"):
                await journal.append("x", [record(after + 1)], after=after)
        other.stop()  # it lives, even when it does not answer
        with pytest.raises(JournalConflict, match=rf"process {other.pid}"):
            await journal.append("x", records(3, 3), after=2)
        other.go_on()
        assert other.tell("append", "x", 3, 3) == "ok"
        assert await journal.read("x") == records(1, 3)
        await journal.close()


@pytest.mark.parametrize("way", ["killed", "closed"])
async def test_a_writer_that_is_gone_is_followed_at_once_at_the_right_place(path: Path, way: str) -> None:
    with another(path) as other:
        other.tell("append", "x", 1, 2)
        other.kill() if way == "killed" else other.tell("close")
        journal = DuckDBJournal(path)
        for after in (0, 1, 3):
            with pytest.raises(JournalConflict, match="2 records"):
                await journal.append("x", [record(after + 1)], after=after)
        await journal.append("x", records(3, 4), after=2)
        assert await journal.read("x") == records(1, 4)
        await journal.close()


async def test_the_loser_of_a_take_over_is_refused(path: Path) -> None:
    with another(path) as first, another(path) as second:
        first.tell("append", "x", 1, 2)
        first.kill()
        journal = DuckDBJournal(path)
        answers = await asyncio.gather(
            journal.append("x", records(3, 3), after=2), asyncio.to_thread(second.tell, "append", "x", 3, 3),
            return_exceptions=True,
        )  # fmt: skip
        won = [answer is None or answer == "ok" for answer in answers]
        assert sorted(won) == [False, True], answers
        assert await journal.read("x") == records(1, 3)
        await journal.close()


async def test_an_execution_that_has_ended_may_be_taken_up_elsewhere(path: Path) -> None:
    journal = DuckDBJournal(path)
    await journal.append("x", [*records(1, 2), record(3, e.ExecutionFailed({"kind": "E", "message": "no"}))], after=0)
    with another(path) as other:
        assert "JournalConflict" in other.tell("append", "x", 3, 3)
        assert other.tell("append", "x", 4, 4) == "ok"
        with pytest.raises(JournalConflict, match=f"process {other.pid}"):
            await journal.append("x", records(5, 5), after=4)
        other.tell("close")
    await journal.append("x", records(5, 5), after=4)
    assert [record.sequence for record in await journal.read("x")] == [1, 2, 3, 4, 5]
    await journal.close()


async def test_a_refused_append_keeps_nobody_else_out(path: Path) -> None:
    with another(path) as first, another(path) as second:
        first.tell("append", "x", 1, 2)
        first.kill()
        assert "2 records" in second.tell("append", "x", 9, 9)
        journal = DuckDBJournal(path)
        await journal.append("x", records(3, 3), after=2)
        assert "JournalConflict" in second.tell("append", "x", 4, 4)
        await journal.close()


async def test_a_forked_child_does_not_keep_its_parents_executions(path: Path) -> None:
    with another(path) as other:
        other.tell("append", "x", 1, 2)
        child = other.tell("fork")
        other.kill()
        try:
            journal = DuckDBJournal(path)
            await journal.append("x", records(3, 3), after=2)
            await journal.close()
        finally:
            os.kill(child, signal.SIGKILL)


async def test_two_journals_in_one_process_are_two_writers(path: Path) -> None:
    first, second = DuckDBJournal(path), DuckDBJournal(path)
    await first.append("x", records(1, 2), after=0)
    with pytest.raises(JournalConflict, match=f"process {os.getpid()}"):
        await second.append("x", records(3, 3), after=2)
    await second.append("y", records(1, 1), after=0)
    assert await first.read("y") == records(1, 1) and await second.read("x") == records(1, 2)
    await first.close()
    await second.append("x", records(3, 3), after=2)
    await second.close()
    assert DuckDBStore(path).read("x") == records(1, 3)


async def test_while_another_process_holds_the_database_everything_goes_on(path: Path) -> None:
    journal = DuckDBJournal(path, take_in_every=0.02)
    await journal.append("x", records(1, 2), after=0)
    assert await journal.read("x") == records(1, 2)
    with another(path) as other:
        assert other.tell("hold") == "ok"
        await journal.append("x", records(3, 4), after=2)
        await journal.append("y", records(1, 1), after=0)
        assert await journal.read("x") == records(1, 4)
        assert sorted(s.execution for s in await journal.executions()) == ["x", "y"]
        assert await journal.gaps() == []
        other.tell("let_go")
        assert await journal.read("x") == records(1, 4)
        other.tell("hold")
        other.kill()
        assert await journal.read("y") == records(1, 1)
    await journal.close()
    assert list((path.parent / "segments").glob("*.jsonl")) == []


@pytest.mark.parametrize("read_only", [False, True])
async def test_the_users_own_connection_in_the_same_process_goes_on_working(path: Path, read_only: bool) -> None:
    journal = DuckDBJournal(path)
    await journal.append("x", records(1, 2), after=0)
    await journal.executions()
    own = duckdb.connect(path, read_only=read_only)
    await journal.append("x", records(3, 3), after=2)
    assert await journal.read("x") == records(1, 3)
    assert own.execute("select max(sequence) from records").fetchone() == ((2,) if read_only else (3,))
    own.execute("begin")
    own.execute("select 1")
    await journal.append("x", records(4, 4), after=3)
    assert await journal.read("x") == records(1, 4)
    await journal.close()
    assert own.execute("select 2").fetchone() == (2,)
    own.close()
    assert DuckDBStore(path).read("x") == records(1, 4)
    assert list((path.parent / "segments").glob("*.jsonl")) == []


async def test_a_forked_child_cannot_use_the_parents_journal(path: Path) -> None:
    journal = DuckDBJournal(path)
    await journal.append("x", records(1, 1), after=0)
    journal._process += 1  # as a child would find it
    with pytest.raises(StorageError, match="forked"):
        await journal.append("x", records(2, 2), after=1)
    journal._process -= 1
    await journal.close()


async def test_nothing_is_left_of_closed_writers(path: Path) -> None:
    for number in range(3):
        journal = DuckDBJournal(path)
        await journal.append(f"x{number}", records(1, 1), after=0)
        await journal.close()
    assert sorted(p.name for p in (path.parent / "segments").iterdir()) == [
        "claims",
        "claims.lock",
        "database.lock",
        "database.made",
    ]


def test_reading_a_folder_without_a_store_makes_nothing(path: Path) -> None:
    store = DuckDBStore(path)
    assert store.executions() == [] and store.read("x") == [] and store.gaps() == []
    assert not path.parent.exists()


async def test_two_stores_in_one_folder_do_not_mix(path: Path) -> None:
    first, second = DuckDBJournal(path), DuckDBJournal(path.with_name("other.duckdb"))
    await first.append("x", records(1, 1), after=0)
    await second.append("x", records(1, 2), after=0)
    assert await first.read("x") == records(1, 1) and await second.read("x") == records(1, 2)
    await first.close()
    await second.close()
