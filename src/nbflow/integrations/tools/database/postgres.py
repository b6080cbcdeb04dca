"""PostgreSQL by psycopg 3: a pool a loop, values as parameters of the protocol, one transaction a statement.

That a text is one statement the server itself sees to: by the extended protocol it takes no other. A query is
performed in a transaction that is read-only and always rolled back, and a connection goes back into the pool as new.
"""

from __future__ import annotations

import asyncio
import weakref
from typing import Any

from nbflow.errors import NodeError
from nbflow.integrations.tools.database.asking import Ask, Rows, within
from nbflow.integrations.tools.database.failures import remade
from nbflow.integrations.tools.database.once import once
from nbflow.integrations.tools.database.statements import first_word, numbered
from nbflow.spec.names import listed

TRIES = 3  # of a transaction that the database itself asks to run again
READS = ("select", "with", "values", "table", "show", "explain")  # what a query may begin with
EXTENDED = (True,)  # a value that no placeholder names: with none at all the driver takes the simple protocol
AGAIN = ("40001", "40P01")  # serialization failure, deadlock


class PostgresDatabase:
    """A database at `url`; `size` connections at most, for which statements wait in turn up to `patience` seconds."""

    def __init__(self, name: str, url: str, *, size: int = 5, patience: float = 30.0) -> None:
        self._name, self._url, self._size, self._patience = name, url, size, patience
        self._pools: weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, Any] = weakref.WeakKeyDictionary()

    async def run(self, ask: Ask) -> Rows:
        if ask.tables:
            raise NodeError("InvalidInput", "'tables' are queried by DuckDB; leave 'connection' out", code="sql.tables")
        outcome = await self._attempt(ask)
        if isinstance(outcome, NodeError):
            raise outcome
        return outcome

    async def _attempt(self, ask: Ask) -> Rows | NodeError:
        pool_timeout = _library("psycopg_pool").PoolTimeout
        for left in reversed(range(TRIES)):
            try:
                return await self._transact(ask)
            except pool_timeout:
                message = f"no connection of '{self._name}' was free within {self._patience:g} s"
                return NodeError("Unavailable", message, code="sql.pool")
            except Exception as error:  # noqa: BLE001 - whatever the driver raises becomes one of our kinds
                if not left or getattr(error, "sqlstate", None) not in AGAIN:
                    return _remade(error)
        raise AssertionError("the last try returns")

    async def _transact(self, ask: Ask) -> Rows:
        psycopg = _library("psycopg")
        if not ask.write and first_word(ask.query) not in READS:
            message = f"a query begins with {listed(READS)}, not with '{first_word(ask.query)}'"
            raise NodeError("Refused", message, code="sql.read_only", hint="use database.execute")
        query, values = numbered(ask.query, ask.values)
        async with (await self._pool()).connection() as connection:
            await connection.set_read_only(not ask.write)
            undone = connection.transaction(force_rollback=not ask.write)
            async with undone, psycopg.AsyncRawCursor(connection) as cursor:

                async def perform() -> Rows:
                    await cursor.execute(query, values or EXTENDED)
                    if cursor.description is None:
                        return Rows([], [], cursor.rowcount if cursor.rowcount >= 0 else None)
                    columns = [column.name for column in cursor.description]
                    rows = within(await cursor.fetchmany(ask.most + 1), ask.most)
                    return Rows(columns, rows, cursor.rowcount if ask.write else None)

                return await (perform() if ask.once is None else once(cursor, ask.once, perform))

    async def _pool(self) -> Any:
        loop = asyncio.get_running_loop()
        pool = self._pools.get(loop)
        if pool is None:
            pool = self._pools[loop] = _library("psycopg_pool").AsyncConnectionPool(
                self._url, min_size=0, max_size=self._size, timeout=self._patience, open=False, name=self._name,
                reset=_as_new, kwargs={"prepare_threshold": None},
            )  # fmt: skip
            await pool.open()
        return pool

    async def close(self) -> None:
        pool = self._pools.pop(asyncio.get_running_loop(), None)
        if pool is not None:
            await pool.close()


async def _as_new(connection: Any) -> None:
    """Without what statements left in the session: settings, locks, prepared statements, temporary tables."""
    await connection.set_autocommit(True)
    await connection.execute("discard all")
    await connection.set_autocommit(False)


def _library(name: str) -> Any:
    try:
        if name == "psycopg":
            import psycopg

            return psycopg
        import psycopg_pool
    except ImportError:
        hint = "pip install 'nbflow[postgres]'"
        failure = NodeError(
            "InvalidInput", "PostgreSQL needs psycopg, which is not installed", code="sql.driver", hint=hint
        )
        raise failure from None
    return psycopg_pool


def _remade(error: Exception) -> NodeError:
    state = getattr(error, "sqlstate", None) or ""
    if state in AGAIN:
        return NodeError("Unavailable", f"the database asked for a retry {TRIES} times", code="sql.retry")
    return remade(error)
