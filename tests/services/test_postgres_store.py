"""The store in PostgreSQL under faults: killed and restarted under load, failed over, read from a replica."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from urllib.parse import quote

import psycopg
import pytest

from nbflow.errors import JournalConflict, StorageError
from nbflow.ports.executions import Query
from nbflow.storage.postgres.journal import PostgresJournal
from nbflow.storage.postgres.server import Server, shown, split_replica
from tests.services.cluster import Cluster, Unavailable, cluster
from tests.storage.records import records

pytestmark = [pytest.mark.services, pytest.mark.timeout(180)]

_numbers = itertools.count(1)


@pytest.fixture(scope="module")
def servers() -> Iterator[Cluster]:
    try:
        with cluster(synchronous=True) as made:
            yield made
    except Unavailable as problem:
        pytest.skip(f"PostgreSQL: {problem}")


@pytest.fixture
def schema(servers: Cluster) -> str:
    """A schema of its own, as the end of an address."""
    name = f"faults_{next(_numbers)}"
    with psycopg.connect(servers.primary) as connection:
        connection.execute(f"create schema {name}")
    return f"options=-csearch_path%3D{name}"


@pytest.fixture
async def journal(servers: Cluster, schema: str) -> AsyncIterator[PostgresJournal]:
    made = PostgresJournal(f"{servers.primary}?{schema}")
    yield made
    await made.close()


async def fill(journal: PostgresJournal, execution: str, acknowledged: dict[str, int], until: asyncio.Event) -> None:
    while not until.is_set():
        last = acknowledged.get(execution, 0)
        await journal.append(execution, records(last + 1, last + 2), after=last)
        acknowledged[execution] = last + 2
        await asyncio.sleep(0.002)


async def whole(journal: PostgresJournal, acknowledged: dict[str, int]) -> None:
    """Nothing acknowledged is lost, nothing is there twice."""
    for execution, last in acknowledged.items():
        assert await journal.read(execution) == records(1, last)
    assert await journal.gaps() == []


async def test_a_server_restarted_again_and_again_loses_nothing_and_doubles_nothing(
    servers: Cluster, journal: PostgresJournal
) -> None:
    acknowledged: dict[str, int] = {}
    over = asyncio.Event()
    async with asyncio.TaskGroup() as group:
        for number in range(8):
            group.create_task(fill(journal, f"x{number}", acknowledged, over))
        for _ in range(4):
            before = sum(acknowledged.values())
            while sum(acknowledged.values()) < before + 40:
                await asyncio.sleep(0.02)
            await asyncio.to_thread(servers.kill, "primary")
            await asyncio.to_thread(servers.start, "primary")
        over.set()
    assert sum(acknowledged.values()) >= 160
    await whole(journal, acknowledged)


async def test_a_second_writer_is_refused_until_the_first_is_gone(
    servers: Cluster, schema: str, journal: PostgresJournal
) -> None:
    second = PostgresJournal(f"{servers.primary}?{schema}")
    await journal.append("x", records(1, 2), after=0)
    for after in (0, 2, 3):
        with pytest.raises(JournalConflict, match="another process"):
            await second.append("x", records(after + 1, after + 1), after=after)
    await journal.append("x", records(3, 3), after=2)
    await journal.close()
    with pytest.raises(JournalConflict, match="3 records"):
        await second.append("x", records(3, 3), after=2)
    await second.append("x", records(4, 4), after=3)
    assert await second.read("x") == records(1, 4)
    await second.close()


async def test_a_writer_that_lost_its_execution_is_refused(
    servers: Cluster, schema: str, journal: PostgresJournal
) -> None:
    await journal.append("x", records(1, 1), after=0)
    assert journal._lock is not None
    await journal._lock.close()  # its session is gone: it counts as dead
    second = PostgresJournal(f"{servers.primary}?{schema}")
    await second.append("x", records(2, 2), after=1)
    with pytest.raises(JournalConflict, match="another process"):
        await journal.append("x", records(2, 2), after=1)
    await second.close()


async def test_a_replica_is_read_and_shows_what_was_just_written(servers: Cluster, schema: str) -> None:
    replica = quote(f"{servers.replica}?{schema}", safe="")
    journal = PostgresJournal(f"{servers.primary}?{schema}&replica={replica}")
    for last in range(1, 30):
        await journal.append("x", records(last, last), after=last - 1)
        assert await journal.read("x") == records(1, last)
    async with journal.server.reading(None) as connection:
        assert await (await connection.execute("select pg_is_in_recovery()")).fetchall() == [(True,)]
    await journal.close()


async def test_a_replica_that_is_behind_or_away_is_not_read(servers: Cluster, schema: str) -> None:
    with psycopg.connect(servers.replica, autocommit=True) as connection:
        connection.execute("select pg_wal_replay_pause()")
    try:
        replica = quote(f"{servers.replica}?{schema}", safe="")
        journal = PostgresJournal(f"{servers.primary}?{schema}&replica={replica}")
        await journal.append("x", records(1, 1), after=0)
        assert await journal.read("x") == records(1, 1)
        await journal.close()
        away = quote("postgresql://nbflow@127.0.0.1:1/postgres", safe="")
        journal = PostgresJournal(f"{servers.primary}?{schema}&replica={away}")
        await journal.append("x", records(2, 2), after=1)
        assert await journal.read("x") == records(1, 2)
        await journal.close()
    finally:
        with psycopg.connect(servers.replica, autocommit=True) as connection:
            connection.execute("select pg_wal_replay_resume()")


async def test_a_server_that_stays_away_is_a_clear_error(schema: str) -> None:
    journal = PostgresJournal(f"postgresql://nbflow:secret@127.0.0.1:1/postgres?{schema}", patience=0.3)
    with pytest.raises(StorageError, match=r"127\.0\.0\.1:1/postgres cannot be reached") as caught:
        await journal.append("x", records(1, 1), after=0)
    assert caught.value.code == "store.unreachable" and "secret" not in str(caught.value)
    await journal.close()


async def test_tables_of_a_newer_nbflow_are_refused(servers: Cluster, schema: str, journal: PostgresJournal) -> None:
    await journal.append("x", records(1, 1), after=0)
    with psycopg.connect(f"{servers.primary}?{schema}") as connection:
        connection.execute("update nbflow_schema set version = 99")
    other = PostgresJournal(f"{servers.primary}?{schema}")
    with pytest.raises(StorageError, match="newer nbflow") as caught:
        await other.read("x")
    assert caught.value.code == "store.version"
    await other.close()


async def test_two_that_start_at_once_make_the_tables_once(servers: Cluster, schema: str) -> None:
    journals = [PostgresJournal(f"{servers.primary}?{schema}") for _ in range(5)]
    await asyncio.gather(*(journal.append(f"x{n}", records(1, 1), after=0) for n, journal in enumerate(journals)))
    assert len(await journals[0].executions()) == 5
    await asyncio.gather(*(journal.close() for journal in journals))


def test_an_address_is_shown_without_its_password() -> None:
    assert shown("postgresql://me:secret@host:5432/db?x=1") == "postgresql://host:5432/db"
    assert split_replica("postgresql://a/db") == ("postgresql://a/db", None)


async def test_a_failover_to_the_replica_loses_nothing_that_was_acknowledged(tmp_path: Path) -> None:
    try:
        with cluster(synchronous=True) as servers:
            journal = PostgresJournal(servers.either)
            acknowledged: dict[str, int] = {}
            over = asyncio.Event()
            async with asyncio.TaskGroup() as group:
                for number in range(6):
                    group.create_task(fill(journal, f"x{number}", acknowledged, over))
                while sum(acknowledged.values()) < 60:
                    await asyncio.sleep(0.02)
                await asyncio.to_thread(servers.kill, "primary")
                await asyncio.to_thread(servers.promote)
                with psycopg.connect(servers.replica, autocommit=True) as connection:
                    connection.execute("alter system set synchronous_standby_names = ''")
                    connection.execute("select pg_reload_conf()")
                before = sum(acknowledged.values())
                while sum(acknowledged.values()) < before + 60:
                    await asyncio.sleep(0.02)
                over.set()
            await whole(journal, acknowledged)
            await journal.close()
    except Unavailable as problem:
        pytest.skip(f"PostgreSQL: {problem}")


async def test_a_pool_belongs_to_its_server_and_is_closed(servers: Cluster, schema: str) -> None:
    server = Server(f"{servers.primary}?{schema}")
    async with server.connection() as connection:
        assert await (await connection.execute("select 1")).fetchall() == [(1,)]
    await server.close()


async def test_an_engine_runs_on_it_and_analytics_reads_it(servers: Cluster, schema: str) -> None:
    import nbflow
    from nbflow import assembly, stores

    url = f"{servers.primary}?{schema}"
    text = "name: demo\nnodes: {a: {set: {x: 1}}, b: {set: {y: =a.x + 1}}}\n"
    execution = nbflow.start(nbflow.parse(text), store=url)
    await execution
    assert execution.outputs == {"b": {"y": 2}}
    frame = await asyncio.to_thread(nbflow.nodes, url)
    assert frame[["path", "kind", "phase"]].values.tolist() == [["a", "set", "completed"], ["b", "set", "completed"]]
    found = await stores.open_executions(url).find(Query(workflow="demo"))
    assert [row.execution for row in found.rows] == [execution.id]
    assert nbflow.open(execution.id, url).phase == "completed"
    await assembly.engine(url).close()
