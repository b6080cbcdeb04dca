"""The store in MongoDB under faults: killed and started again under load, two writers, values of any size."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator, Iterator

import pymongo
import pytest

from nbflow.errors import JournalConflict, StorageError
from nbflow.execution import events as e
from nbflow.execution.events import Record
from nbflow.ports.executions import Query
from nbflow.storage.mongo import owning
from nbflow.storage.mongo import values as mongo_values
from nbflow.storage.mongo.executions import MongoExecutions
from nbflow.storage.mongo.journal import MongoJournal
from tests.services.model_server import Unavailable
from tests.services.mongo import Server, server
from tests.storage.records import START, records, started

pytestmark = [pytest.mark.services, pytest.mark.timeout(300)]

_numbers = itertools.count(1)


@pytest.fixture(scope="module")
def mongo() -> Iterator[Server]:
    try:
        with server() as made:
            yield made
    except Unavailable as problem:
        pytest.skip(f"MongoDB: {problem}")


@pytest.fixture
def url(mongo: Server) -> str:
    return f"{mongo.url.rpartition('/')[0]}/faults_{next(_numbers)}"


@pytest.fixture
async def journal(url: str) -> AsyncIterator[MongoJournal]:
    made = MongoJournal(url)
    yield made
    await made.close()


async def test_a_server_killed_again_and_again_loses_nothing_and_doubles_nothing(
    mongo: Server, journal: MongoJournal
) -> None:
    acknowledged: dict[str, int] = {}
    over = asyncio.Event()

    async def fill(execution: str) -> None:
        while not over.is_set():
            last = acknowledged.get(execution, 0)
            await journal.append(execution, records(last + 1, last + 2), after=last)
            acknowledged[execution] = last + 2
            await asyncio.sleep(0.002)

    async with asyncio.TaskGroup() as group:
        for number in range(5):
            group.create_task(fill(f"x{number}"))
        for _ in range(3):
            before = sum(acknowledged.values())
            while sum(acknowledged.values()) < before + 30:
                await asyncio.sleep(0.02)
            await asyncio.to_thread(mongo.kill)
            await asyncio.to_thread(mongo.start)
        over.set()
    for execution, last in acknowledged.items():
        assert await journal.read(execution) == records(1, last)
    assert await journal.gaps() == []
    assert {summary.execution: summary.records for summary in await journal.executions()} == acknowledged


async def test_a_writer_that_is_gone_is_followed_and_stays_out_when_it_wakes_up(
    url: str, journal: MongoJournal, monkeypatch: pytest.MonkeyPatch
) -> None:
    await journal.append("x", records(1, 2), after=0)
    second = MongoJournal(url)
    monkeypatch.setattr(owning, "_runs", lambda pid: False)  # its process is gone
    await second.append("x", records(3, 3), after=2)
    monkeypatch.undo()
    for place in (2, 3):
        with pytest.raises(JournalConflict):
            await journal.append("x", records(place + 1, place + 1), after=place)
    await second.append("x", records(4, 4), after=3)
    assert await second.read("x") == records(1, 4) and await second.gaps() == []
    await second.close()


@pytest.mark.parametrize("is_here", [False, True], ids=["another machine", "this machine"])
async def test_an_execution_is_free_when_the_lease_of_its_writer_is_over(
    is_here: bool, url: str, journal: MongoJournal, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Here too: the number of a writer that is gone may be anybody's by now, as 1 is in a restarted container."""
    await journal.append("x", records(1, 1), after=0)
    second = MongoJournal(url)
    if not is_here:
        monkeypatch.setattr(owning.socket, "gethostname", lambda: "elsewhere")
    with pytest.raises(JournalConflict, match="process"):
        await second.append("x", records(2, 2), after=1)
    monkeypatch.setattr(owning, "LEASE", -1.0)
    await second.append("x", records(2, 2), after=1)
    assert await second.read("x") == records(1, 2)
    await second.close()


async def test_two_processes_that_claim_at_once_are_never_both_let_in(url: str) -> None:
    writers = [MongoJournal(url) for _ in range(4)]
    for number in range(20):
        answers = await asyncio.gather(
            *(writer.append(f"x{number}", records(1, 1), after=0) for writer in writers), return_exceptions=True
        )
        assert sorted(type(answer).__name__ for answer in answers) == ["JournalConflict"] * 3 + ["NoneType"]
    for writer in writers:
        await writer.close()


async def test_outputs_of_any_size_are_kept_in_pieces(journal: MongoJournal) -> None:
    large = Record(1, START, e.NodeCompleted("n", 1, "x" * 20_000_000))
    await journal.append("x", [large], after=0)
    assert await journal.read("x") == [large]
    assert journal.peek("x") == [large]


async def test_an_append_larger_than_a_document_is_one_append(
    journal: MongoJournal, monkeypatch: pytest.MonkeyPatch
) -> None:
    many = [Record(n, START + n, e.NodeCompleted(f"n{n}", 1, f"{n}" * 12_000)) for n in range(1, 400)]
    assert sum(len(str(record)) for record in many) > 9_000_000
    await journal.append("x", many, after=0)
    assert await journal.read("x") == many and await journal.read("x", after=398) == many[398:]


async def test_a_line_that_lags_after_a_crash_is_lifted(url: str, journal: MongoJournal) -> None:
    life = [started(), e.NodeStarted("n", 1), e.NodeWaiting("n", 1, "ask")]
    await journal.append("x", [Record(n, START + n, event) for n, event in enumerate(life, 1)], after=0)
    with pymongo.MongoClient(url) as client:
        client.get_default_database().executions.update_one({"_id": "x"}, {"$set": {"last": 0, "phase": "pending"}})
    (summary,) = await journal.executions()
    assert (summary.workflow, summary.phase, summary.records) == ("demo", "waiting", 3)
    executions = MongoExecutions(url)
    assert [row.phase for row in (await executions.find(Query(phases=("waiting",)))).rows] == ["waiting"]
    await executions.close()


async def test_a_missing_document_is_a_gap(url: str, journal: MongoJournal) -> None:
    for last in (1, 2, 3):
        await journal.append("x", records(last, last), after=last - 1)
    with pymongo.MongoClient(url) as client:
        client.get_default_database().batches.delete_one({"_id": "x:1"})
    (gap,) = await journal.gaps()
    assert (gap.execution, gap.first, gap.last) == ("x", 2, 2)


async def test_a_format_of_a_newer_nbflow_is_refused(url: str, journal: MongoJournal) -> None:
    await journal.append("x", records(1, 1), after=0)
    with pymongo.MongoClient(url) as client:
        client.get_default_database().meta.update_one({"_id": "format"}, {"$set": {"format": 99}})
    other = MongoJournal(url)
    with pytest.raises(StorageError, match="newer nbflow") as caught:
        await other.read("x")
    assert caught.value.code == "store.version"
    await other.close()


async def test_a_server_that_stays_away_is_a_clear_error() -> None:
    journal = MongoJournal("mongodb://me:secret@127.0.0.1:1/db", patience=0.3)
    with pytest.raises(StorageError, match=r"127\.0\.0\.1:1/db cannot be reached") as caught:
        await journal.append("x", records(1, 1), after=0)
    assert caught.value.code == "store.unreachable" and "secret" not in str(caught.value)
    await journal.close()


async def test_an_engine_runs_on_it_and_analytics_reads_it(url: str) -> None:
    import nbflow
    from nbflow import assembly

    execution = nbflow.start(
        nbflow.parse("name: demo\nnodes: {a: {set: {x: 1}}, b: {set: {y: =a.x + 1}}}\n"), store=url
    )
    await execution
    assert execution.outputs == {"b": {"y": 2}}
    frame = await asyncio.to_thread(nbflow.nodes, url)
    assert frame[["path", "kind", "phase"]].values.tolist() == [["a", "set", "completed"], ["b", "set", "completed"]]
    assert nbflow.open(execution.id, url).phase == "completed"
    await assembly.engine(url).close()


def test_pieces_come_before_the_value_that_needs_them() -> None:
    names = [name for name, _ in mongo_values.writes(("d", "bytes", b"x" * (mongo_values.PIECE * 2 + 1)))]
    assert names == ["pieces", "pieces", "pieces", "kept"]
