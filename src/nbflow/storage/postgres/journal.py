"""The journal in PostgreSQL: all appends that wait are one transaction, on disk when it is answered.

When the server goes away, what waits is tried again until it is back or patience ends; a batch whose answer was lost
is never written twice, for its rows tell. After a failover to a replica the same holds.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import psycopg

from nbflow.errors import StorageError
from nbflow.execution.events import NodeCompleted, Record
from nbflow.ports.clock import Clock, SystemClock
from nbflow.ports.journal import Found, Gap, Summary
from nbflow.storage import codec
from nbflow.storage.postgres import queries, rows
from nbflow.storage.postgres.committing import commit, lock_key
from nbflow.storage.postgres.server import Connection, Server, meaning
from nbflow.storage.postgres.values import PostgresValues
from nbflow.storage.table import attach_lines
from nbflow.storage.waiting import PATIENCE, Answers, Batch, Waiting

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection


class PostgresJournal:
    """The journal of the database at `url`, as one of its writers."""

    def __init__(self, url: str, clock: Clock | None = None, *, patience: float = PATIENCE) -> None:
        self.server = Server(url, wait=min(10.0, patience))
        self.values = PostgresValues(url)
        self._writer = (clock or SystemClock()).new_id()
        self._waiting = Waiting(self._commit, patience)
        self._lock: Connection | None = None
        self._position: str | None = None  # of our last commit in the server's log

    async def append(self, execution: str, records: Sequence[Record], *, after: int) -> None:
        self._waiting.check()
        if records:
            await self._waiting.put(execution, after, len(records), await rows.encode(execution, records))

    async def read(self, execution: str, *, after: int = 0) -> list[Record]:
        async with self.server.reading(self._position) as connection:
            found = await (await connection.execute(queries.RECORDS, [execution, after])).fetchall()
            return rows.decode(found, await fetch_all(connection, [str(row[4]) for row in found]))

    async def executions(self) -> list[Summary]:
        async with self.server.reading(self._position) as connection:
            found = await (await connection.execute(queries.SUMMARIES)).fetchall()
            return _summaries(found, await fetch_all(connection, [str(row[6]) for row in found]))

    def peek(self, execution: str) -> list[Record]:
        with self.server.at_once() as connection:
            return rows.decode(connection.execute(queries.RECORDS, [execution, 0]).fetchall(), self.values.get)

    def summaries(self) -> list[Summary]:
        with self.server.at_once() as connection:
            return _summaries(connection.execute(queries.SUMMARIES).fetchall(), self.values.get)

    async def find_result(self, key: str) -> Found | None:
        async with self.server.reading(self._position) as connection:
            row: Any = await (await connection.execute(queries.RESULT, [key])).fetchone()
            if row is None:
                return None
            execution, stamp, event, version, fields = row
            completed = codec.decode_event(version, event, fields, await fetch_all(connection, [fields]))
        assert isinstance(completed, NodeCompleted)
        return Found(execution, completed.node, stamp, completed.output)

    async def gaps(self) -> list[Gap]:
        try:
            async with self.server.connection() as connection:
                holes: list[Any] = await (await connection.execute(queries.HOLES)).fetchall()
        except StorageError as error:
            return [Gap(None, 0, None, str(error))]
        return [
            Gap(name, first, last, f"records {first} to {last} of {name} are missing") for name, first, last in holes
        ]

    def attach(self, connection: DuckDBPyConnection, name: str) -> None:
        """Give a DuckDB connection all records as ``name.records``, for analytics."""
        with self.server.at_once() as server, server.cursor("records") as cursor:
            cursor.execute("select execution, sequence, stamp, event, format, fields::text from records")
            attach_lines(connection, name, (codec.line_of(*row) for row in cursor))  # type: ignore[arg-type]

    async def close(self) -> None:
        await self._waiting.close()
        if self._lock is not None:
            await self._lock.close()
        await self.server.close()

    async def _commit(self, group: list[Batch[rows.Rows]], again: bool) -> Answers[rows.Rows]:
        await self._hold(check=again)
        async with self.server.connection() as connection:
            async with connection.transaction():
                answers = await commit(connection, self._writer, group, again=again)
            if self.server.replica_url is not None:
                row = await (await connection.execute("select pg_current_wal_lsn()::text")).fetchone()
                self._position = str(row[0]) if row else None
        return answers

    async def _hold(self, *, check: bool) -> None:
        """Have the lock that says that this writer lives, on a session of its own."""
        if self._lock is not None and not self._lock.closed:
            if not check:
                return
            with suppress(psycopg.OperationalError):
                await self._lock.execute("select 1")
                return
        self._lock = await self.server.dedicated()
        with meaning(self.server.url):  # when a lost session of ours still has it, that one says so for a while
            await self._lock.execute("select pg_try_advisory_lock(%s)", [lock_key(self._writer)])


async def fetch_all(connection: Connection, texts: Sequence[str]) -> Any:
    """All values that some JSON names, and that these name; a function that gives them by hash."""
    known: dict[str, tuple[bytes, str]] = {}
    wanted = rows.digests(texts)
    while wanted:
        found: list[Any] = await (await connection.execute(queries.KEPT, [sorted(wanted)])).fetchall()
        known.update({digest: (bytes(content), kind) for digest, kind, content in found})
        inner = rows.digests([bytes(content).decode() for _, kind, content in found if kind == "json"])
        wanted = inner - known.keys()

    def fetch(digest: str) -> tuple[bytes, str]:
        if digest not in known:
            raise StorageError("store.missing_value", f"the value {digest} is not there")
        return known[digest]

    return fetch


def _summaries(found: Sequence[tuple[Any, ...]], fetch: Any) -> list[Summary]:
    return [
        Summary(execution, workflow, version, phase, started, ended, rows.read_json(error, fetch), last)
        for execution, workflow, version, phase, started, ended, error, last in found
    ]
