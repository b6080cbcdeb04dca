"""The DuckDB file: how it is made, opened and closed, and what its errors mean.

It is opened plainly, so that a connection that the user opens on it in the same process shares it. It is made
with the storage version of DuckDB 1.5, so that 1.5 and 2.0 read each other's files, and without indexes: keys are kept
by the way records are taken in, and logs of indexed tables do not replay reliably. Results are always fetched to
their end: DuckDB 2.0 refuses other work on a connection before.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from nbflow.errors import StorageError
from nbflow.storage.table import COLUMNS, RESULT_COLUMNS, SUMMARY_COLUMNS, results_of, summary_of

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

Connection: TypeAlias = "DuckDBPyConnection"

SCHEMA = 3
STORAGE_VERSION = "v1.5.0"

TABLES = (
    f"create table records ({COLUMNS})",
    # how many bytes of a segment are in
    "create table taken (segment varchar, bytes bigint)",
    # loss that was seen while taking in or salvaging
    "create table damage (file varchar, place bigint, message varchar)",
    "create table meta (key varchar, value varchar)",
    "insert into meta values ('schema', '1')",
)
# what makes the tables of one schema those of the next
MIGRATIONS: dict[int, tuple[str, ...]] = {
    1: (  # one row an execution, kept up as records are taken in
        f"create table summaries ({SUMMARY_COLUMNS})",
        f"insert into summaries {summary_of('records')}",
    ),
    2: (  # one row a result that `cache:` may take again
        f"create table results ({RESULT_COLUMNS})",
        f"insert into results {results_of('records')}",
    ),
}


class Busy(StorageError):
    """The file cannot be opened for writing now, and is not damaged; a private copy can be read."""

    def __init__(self, message: str) -> None:
        super().__init__("store.shared", message, "close the connection that holds it, or wait")


class Damaged(StorageError):
    """The file, or its log, is not what was written."""

    def __init__(self, message: str) -> None:
        super().__init__("store.corrupt", message)
        self.text = message


def create(path: Path) -> None:
    """Make an empty store; it appears whole or not at all."""
    import duckdb

    draft = path.with_name(f".{path.name}.new")
    draft.unlink(missing_ok=True)
    with meaning(path), duckdb.connect(":memory:") as connection:
        connection.execute(f"attach {literal(draft)} as store (storage_version '{STORAGE_VERSION}')")
        connection.execute("use store")
        for statement in TABLES:
            connection.execute(statement)
        _migrate(connection, 1)
        connection.execute("use memory")
        connection.execute("detach store")
    draft.rename(path)


def in_use(path: Path) -> bool:
    """Whether this process has another connection to a store open, or another process has."""
    import duckdb

    try:
        duckdb.connect(path, read_only=True).close()
    except duckdb.Error as error:
        return isinstance(_meaning(path, str(error)), Busy)
    return False


def rewrite(path: Path, slack: float) -> bool:
    """Write a store anew, sorted by execution, when more than `slack` of its blocks are empty."""
    with opened(path) as connection:
        connection.execute("checkpoint")
        ((total, free),) = connection.execute(
            "select total_blocks, free_blocks from pragma_database_size() where database_name = current_database()"
        ).fetchall()
        if not total or free / total <= slack:
            return False
        draft = path.with_name(f".{path.name}.new")
        draft.unlink(missing_ok=True)
        create(draft)
        connection.execute(f"attach {literal(draft)} as fresh")
        for table in ("records", "summaries", "results", "taken", "damage"):
            connection.execute(f"insert into fresh.{table} from {table} order by 1, 2")
        connection.execute("checkpoint fresh")
        connection.execute("detach fresh")
    draft.rename(path)
    return True


@contextmanager
def opened(path: Path, *, read_only: bool = False) -> Iterator[Connection]:
    """A connection to a store. Raises `Busy`, `Damaged`, or another `StorageError`."""
    import duckdb

    with meaning(path):
        connection = duckdb.connect(path, read_only=read_only)
        try:
            schema = check_schema(connection, path)
            if schema < SCHEMA and not read_only:
                _migrate(connection, schema)
            yield connection
        finally:
            with suppress(duckdb.Error):
                connection.close()


def check_schema(connection: Connection, path: Path) -> int:
    """The schema of a store. Raises `StorageError` for a file of somebody else, or of a newer nbflow."""
    rows = connection.execute("select table_name from information_schema.tables where table_name = 'meta'").fetchall()
    found = connection.execute("select value from meta where key = 'schema'").fetchall() if rows else []
    if not found:
        raise StorageError(
            "store.not_a_database",
            f"{path} is a DuckDB file, but not one of nbflow",
            "name another file in NBFLOW_STORE",
        )
    if int(found[0][0]) > SCHEMA:
        raise StorageError(
            "store.version",
            f"{path} was written by a newer nbflow (schema {found[0][0]})",
            "upgrade nbflow: pip install -U nbflow",
        )
    return int(found[0][0])


def _migrate(connection: Connection, schema: int) -> None:
    connection.execute("begin")
    for step in range(schema, SCHEMA):
        for statement in MIGRATIONS[step]:
            connection.execute(statement)
    connection.execute("update meta set value = ? where key = 'schema'", [str(SCHEMA)])
    connection.execute("commit")


_RULES: tuple[tuple[str, str], ...] = (
    ("busy", r"Could not set lock on file|different configuration|Unique file handle conflict|being used by another"),
    ("busy", r"Permission denied|Read-only file system|read-only mode|Cannot open file"),
    ("version", r"we can only read versions|created with a newer version"),
    ("foreign", r"not a valid DuckDB database file"),
    ("full", r"No space left|Disk quota|File too large|out of memory|Out of Memory"),
    ("damaged", r"[Cc]orrupt|checksum|replaying WAL|[Ss]erializ|FATAL|INTERNAL|invalidated|Could not read"),
)


@contextmanager
def meaning(path: Path) -> Iterator[None]:
    """Turn DuckDB's errors into ours."""
    import duckdb

    try:
        yield
    except (duckdb.Error, UnicodeDecodeError) as error:
        raise _meaning(path, str(error)) from None


def _meaning(path: Path, text: str) -> StorageError:
    kind = next((kind for kind, pattern in _RULES if re.search(pattern, text)), "other")
    first = text.strip().splitlines()[0] if text.strip() else "no message"
    match kind:
        case "busy":
            holder = re.search(r"held in (\S+) \(PID (\d+)\)", text)
            by = f"process {holder[2]}" if holder else "another connection"
            return Busy(f"{path} is held by {by}: {first}")
        case "version":
            return StorageError(
                "store.version", f"{path} was written by a newer DuckDB: {first}", "upgrade it: pip install -U duckdb"
            )
        case "foreign":
            return StorageError(
                "store.not_a_database",
                f"{path} is not a DuckDB file",
                "name another file in NBFLOW_STORE; this one was not touched",
            )
        case "full":
            return StorageError(
                "store.full",
                f"there is no room to take in the journal of {path}: {first}",
                "make room; nothing committed is lost",
            )
        case "damaged":
            return Damaged(f"{path} is damaged: {first}")
        case _:
            return StorageError("store.query", first)


def literal(path: Path) -> str:
    """A path as SQL text."""
    return "'" + str(path).replace("'", "''") + "'"
