"""One PostgreSQL: its pool of connections, its tables brought up to date, and what its errors mean.

An address is libpq's: several hosts with ``target_session_attrs=read-write`` follow a failover. ``replica=URL`` in the
query names a server that may be read instead.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

import psycopg
from psycopg_pool import AsyncConnectionPool, PoolTimeout

from nbflow.errors import StorageError
from nbflow.storage.postgres.schema import CREATE, LOCK, MIGRATIONS
from nbflow.storage.waiting import Broken

Connection = psycopg.AsyncConnection[tuple[object, ...]]

_BROKEN = (psycopg.OperationalError, psycopg.InterfaceError, PoolTimeout)


class Server:
    """The primary, and a replica when the address names one. Connections are made when they are first needed."""

    def __init__(self, url: str, *, size: int = 8, wait: float = 10.0) -> None:
        """`size` is the most connections at once, `wait` how many seconds to wait for one."""
        self.url, self.replica_url = split_replica(url)
        self._size, self._wait = size, wait
        self._pools: dict[str, AsyncConnectionPool[Connection]] = {}
        self._ready = asyncio.Lock()

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[Connection]:
        """A connection to the primary, with its tables. Raises `Broken`, `StorageError`."""
        pool = await self._pool(self.url)
        with meaning(self.url):
            async with pool.connection(self._wait) as connection:
                yield connection

    @asynccontextmanager
    async def reading(self, after: str | None) -> AsyncIterator[Connection]:
        """A connection for reading: the replica when it has replayed the log up to `after`, else the primary."""
        async with AsyncExitStack() as stack:
            connection = await self._replica(stack, after)
            if connection is None:
                connection = await stack.enter_async_context(self.connection())
            yield connection

    async def _replica(self, stack: AsyncExitStack, after: str | None) -> Connection | None:
        """A connection to the replica, when there is one, it answers and has what we wrote."""
        if self.replica_url is None:
            return None
        try:
            pool = await self._pool(self.replica_url, migrate=False)
            connection = await stack.enter_async_context(pool.connection(1.0))
            if await _caught_up(connection, after):
                stack.enter_context(meaning(self.replica_url))
                return connection
        except _BROKEN:
            pass  # a replica that is down is no reason to fail
        return None

    async def dedicated(self) -> Connection:
        """A connection of its own, for a lock that lives with it."""
        await self._pool(self.url)
        with meaning(self.url):
            seconds = max(2, int(self._wait))
            return await psycopg.AsyncConnection.connect(self.url, autocommit=True, connect_timeout=seconds)

    @contextmanager
    def at_once(self) -> Iterator[psycopg.Connection[tuple[object, ...]]]:
        """A connection without a loop, for one question."""
        with meaning(self.url), psycopg.connect(self.url, connect_timeout=max(2, int(self._wait))) as connection:
            migrate_now(connection, self.url)
            yield connection

    async def close(self) -> None:
        for pool in self._pools.values():
            await pool.close()
        self._pools.clear()

    async def _pool(self, url: str, *, migrate: bool = True) -> AsyncConnectionPool[Connection]:
        async with self._ready:
            found = self._pools.get(url)
            if found is None:
                found = AsyncConnectionPool(url, min_size=0, max_size=self._size, open=False)
                await found.open()
                try:
                    if migrate:
                        await _migrate(found, url, self._wait)
                except BaseException:
                    await found.close()
                    raise
                self._pools[url] = found
            return found


def split_replica(url: str) -> tuple[str, str | None]:
    """An address without ``replica=…``, and that address.

    >>> split_replica("postgresql://a/db?replica=postgresql%3A%2F%2Fb%2Fdb&connect_timeout=3")
    ('postgresql://a/db?connect_timeout=3', 'postgresql://b/db')
    """
    parts = urlsplit(url)
    given = parse_qsl(parts.query, keep_blank_values=True)
    replica = next((value for name, value in given if name == "replica"), None)
    rest = urlencode([(name, value) for name, value in given if name != "replica"])
    return (url, None) if replica is None else (urlunsplit(parts._replace(query=rest)), replica)


@contextmanager
def meaning(url: str) -> Iterator[None]:
    """Turn psycopg's errors into ours; a password is never shown."""
    try:
        yield
    except _BROKEN as error:
        raise Broken(f"{shown(url)} cannot be reached: {_first(error)}") from None
    except psycopg.errors.DiskFull as error:
        raise StorageError("store.full", f"{shown(url)} has no room: {_first(error)}") from None
    except psycopg.Error as error:
        raise StorageError("store.query", f"{shown(url)}: {_first(error)}") from None


def shown(url: str) -> str:
    """An address without its password."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"


def migrate_now(connection: psycopg.Connection[tuple[object, ...]], url: str) -> None:
    """Bring the tables up to date. Raises `StorageError` ``store.version`` for those of a newer nbflow."""
    with connection.transaction():
        connection.execute(LOCK)
        connection.execute(CREATE)
        rows = connection.execute("select version from nbflow_schema").fetchall()
        for statement in _steps(rows, url):
            connection.execute(statement)


async def _migrate(pool: AsyncConnectionPool[Connection], url: str, wait: float) -> None:
    with meaning(url):
        async with pool.connection(wait) as connection, connection.transaction():
            await connection.execute(LOCK)
            await connection.execute(CREATE)
            rows = await (await connection.execute("select version from nbflow_schema")).fetchall()
            for statement in _steps(rows, url):
                await connection.execute(statement)


def _steps(rows: list[tuple[object, ...]], url: str) -> list[str]:
    version = int(str(rows[0][0])) if rows else 0
    if version > len(MIGRATIONS):
        raise StorageError(
            "store.version",
            f"{shown(url)} was written by a newer nbflow (schema {version})",
            "upgrade nbflow: pip install -U nbflow",
        )
    steps = [statement for migration in MIGRATIONS[version:] for statement in migration]
    if version < len(MIGRATIONS):
        steps += ["delete from nbflow_schema", f"insert into nbflow_schema values ({len(MIGRATIONS)})"]  # noqa: S608
    return steps


async def _caught_up(connection: Connection, after: str | None) -> bool:
    if after is None:
        return True
    row = await (await connection.execute("select pg_last_wal_replay_lsn() >= %s::pg_lsn", [after])).fetchone()
    return bool(row and row[0])


def _first(error: Exception) -> str:
    text = str(error).strip()
    return text.splitlines()[0] if text else type(error).__name__
