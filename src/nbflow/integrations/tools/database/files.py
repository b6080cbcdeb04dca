"""DuckDB and SQLite: files of this machine, or memory. Each statement has a connection of its own, locked down.

A statement reaches the tables of its database and the rows it was given, and nothing else: no file, no
extension, no other database, no variable of this process.
"""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
import weakref
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from nbflow.errors import NodeError
from nbflow.integrations.tools.database.asking import Ask, Rows, within
from nbflow.integrations.tools.database.failures import remade
from nbflow.integrations.tools.threads import Threads

LOCKED = {
    "enable_external_access": "false",
    "autoinstall_known_extensions": "false",
    "autoload_known_extensions": "false",
    "allow_community_extensions": "false",
    "python_enable_replacements": "false",
    "lock_configuration": "true",
}
READS = ("SELECT", "EXPLAIN")
SQLITE_FORBIDDEN = (sqlite3.SQLITE_ATTACH, sqlite3.SQLITE_DETACH)


class FileDatabase:
    """A database in a file (None: in memory). `open` gives a connection, `perform` runs a statement on it."""

    def __init__(
        self, path: Path | None, threads: Threads, open: Callable[[Path | None, bool], Any],
        perform: Callable[[Any, Ask], Rows],
    ) -> None:  # fmt: skip
        self._path, self._threads = path, threads
        self._open, self._perform = open, perform
        self._turns: weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, asyncio.Semaphore] = (
            weakref.WeakKeyDictionary()
        )

    async def run(self, ask: Ask) -> Rows:
        if self._path is not None and not ask.write and not self._path.exists():
            raise NodeError("Unavailable", f"there is no database file {self._path.name}", code="sql.missing")
        turn = self._turns.setdefault(asyncio.get_running_loop(), asyncio.Semaphore(1 if self._path else 8))
        async with turn:
            return await self._run(ask)

    async def _run(self, ask: Ask) -> Rows:
        opened: list[Any] = []

        def work() -> Rows | NodeError:
            try:
                with contextlib.closing(self._open(self._path, ask.write)) as connection:
                    opened.append(connection)
                    return self._perform(connection, ask)
            except Exception as error:  # noqa: BLE001 - whatever a driver raises becomes one of our kinds
                return remade(error)

        task = asyncio.ensure_future(self._threads.run(work))
        try:
            outcome = await asyncio.shield(task)
        except asyncio.CancelledError:
            for connection in opened:
                with contextlib.suppress(Exception):
                    connection.interrupt()
            with contextlib.suppress(Exception):
                await task
            raise
        if isinstance(outcome, NodeError):
            raise outcome
        return outcome  # type: ignore[no-any-return]

    async def close(self) -> None: ...


def duckdb_database(path: Path | None, threads: Threads) -> FileDatabase:
    return FileDatabase(path, threads, _open_duckdb, _perform_duckdb)


def sqlite_database(path: Path | None, threads: Threads) -> FileDatabase:
    return FileDatabase(path, threads, _open_sqlite, _perform_sqlite)


# --- DuckDB ----------------------------------------------------------------------------------------------


def _open_duckdb(path: Path | None, write: bool) -> Any:
    import duckdb

    return duckdb.connect(
        str(path) if path else ":memory:", read_only=path is not None and not write, config=dict(LOCKED)
    )


def _perform_duckdb(connection: Any, ask: Ask) -> Rows:
    statements = connection.extract_statements(ask.query)
    if len(statements) != 1:
        raise NodeError("InvalidInput", "one statement to a node; there are several", code="sql.many_statements")
    kind = statements[0].type.name
    if not ask.write and kind not in READS:
        raise NodeError(
            "Refused", f"this node is read-only; {kind} changes data", code="sql.read_only", hint="use database.execute"
        )
    for name, table in ask.tables.items():
        connection.register(name, _frame(table, name))
    with _transaction(connection, "begin transaction" if ask.write else "begin transaction read only"):
        cursor = connection.execute(ask.query, ask.values or None)
        columns = [column[0] for column in cursor.description or ()]
        rows = within(cursor.fetchmany(ask.most + 1), ask.most) if columns else []
    if kind in ("INSERT", "UPDATE", "DELETE", "MERGE_INTO") and columns == ["Count"]:
        return Rows([], [], int(rows[0][0]) if rows else 0)
    return Rows(columns, rows if kind in READS or columns != ["Success"] else [])


def _frame(table: Any, name: str) -> Any:
    import pandas as pd

    if isinstance(table, pd.DataFrame) or type(table).__module__.partition(".")[0] in ("pyarrow", "polars"):
        return table
    if isinstance(table, list) and all(isinstance(row, dict) for row in table):
        return pd.DataFrame(table)
    raise NodeError("InvalidInput", f"table '{name}' is a list of mappings or a DataFrame", code="sql.tables")


@contextlib.contextmanager
def _transaction(connection: Any, begin: str) -> Iterator[None]:
    connection.execute(begin)
    try:
        yield
    except BaseException:
        with contextlib.suppress(Exception):
            connection.execute("rollback")
        raise
    connection.execute("commit")


# --- SQLite ----------------------------------------------------------------------------------------------


def _open_sqlite(path: Path | None, write: bool) -> sqlite3.Connection:
    if path is None:
        connection = sqlite3.connect(":memory:", isolation_level=None, check_same_thread=False)
    else:
        mode = "rwc" if write else "ro"
        connection = sqlite3.connect(
            f"{path.resolve().as_uri()}?mode={mode}",
            uri=True,
            isolation_level=None,
            check_same_thread=False,
            timeout=10.0,
        )
    if not write:
        connection.execute("pragma query_only = on")
    connection.set_authorizer(_authorize)
    return connection


def _authorize(action: int, first: str | None, second: str | None, database: str | None, trigger: str | None) -> int:
    if action in SQLITE_FORBIDDEN or (action == sqlite3.SQLITE_PRAGMA and second is not None and first != "table_info"):
        return sqlite3.SQLITE_DENY
    if action == sqlite3.SQLITE_FUNCTION and second == "load_extension":
        return sqlite3.SQLITE_DENY
    return sqlite3.SQLITE_OK


def _perform_sqlite(connection: sqlite3.Connection, ask: Ask) -> Rows:
    if ask.tables:
        raise NodeError("InvalidInput", "'tables' are queried by DuckDB; leave 'connection' out", code="sql.tables")
    with _transaction(connection, "begin immediate" if ask.write else "begin"):
        cursor = connection.execute(ask.query, ask.values)
        columns = [column[0] for column in cursor.description or ()]
        rows = within(cursor.fetchmany(ask.most + 1), ask.most) if columns else []
        changed = cursor.rowcount if cursor.rowcount >= 0 else None
    return Rows(columns, rows, changed)
