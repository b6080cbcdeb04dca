"""Taking segments into the database: in bulk, keyed by (execution, sequence), and as often as one likes.

How far a segment is in and its records are one transaction. A segment is removed when it is in, nobody writes it any
more and the database has been checkpointed; so a lost or damaged log of DuckDB costs nothing.
"""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from nbflow.errors import StorageError
from nbflow.storage.duckdb import owners, segment
from nbflow.storage.duckdb.database import Connection
from nbflow.storage.duckdb.folder import Folder
from nbflow.storage.duckdb.segment import HEADER, Chunk
from nbflow.storage.table import add_lines, results_of, summary_of


@dataclass(frozen=True, slots=True)
class Read:
    """One segment with what was read of it. `finished`: nobody writes it any more and this is the end of it."""

    path: Path
    chunk: Chunk
    finished: bool


def take_in(connection: Connection, folder: Folder, stamp: str, scratch: Path, *, remove: bool = True) -> None:
    """Take in all that is there; `scratch` is a file name for our own use. The caller holds the database alone.

    With `remove` false the segments stay (the connection is to a private copy).
    """
    while True:
        reads = list(_read_all(connection, folder))
        if any(read.chunk.lines or read.chunk.damage for read in reads):
            _store(connection, reads, scratch)
        if not any(read.chunk.more for read in reads):
            break
    if remove:
        _remove(connection, folder, [read for read in reads if read.finished], stamp)


def note(connection: Connection, file: str, place: int, message: str) -> None:
    """Remember loss that was seen, once."""
    connection.execute("delete from damage where file = ? and place = ?", [file, place])
    connection.execute("insert into damage values (?, ?, ?)", [file, place, message])


def refused(folder: Folder) -> list[str]:
    """Why some segments cannot be taken in: a newer nbflow wrote them."""
    reasons = []
    for path in sorted(folder.segments.glob("*.jsonl")):
        try:
            with path.open("rb") as file:
                segment.check_header(path, file.read(HEADER))
        except (FileNotFoundError, StorageError) as error:
            if isinstance(error, StorageError):
                reasons.append(str(error))
    return reasons


def waiting(folder: Folder) -> bool:
    """Whether there is any segment at all."""
    return next(folder.segments.glob("*.jsonl"), None) is not None


def _read_all(connection: Connection, folder: Folder) -> Iterable[Read]:
    taken: dict[str, int] = dict(connection.execute("select segment, bytes from taken").fetchall())
    paths = [(path, name) for path in sorted(folder.segments.glob("*.jsonl")) if (name := segment.name_of(path))]
    newest: dict[str, int] = {}
    for _, name in paths:
        newest[name.writer] = max(newest.get(name.writer, 0), name.number)
    living = {writer for writer in newest if owners.alive(folder, writer)}
    for path, name in paths:
        live = name.writer in living and name.number == newest[name.writer] and name.cut is None
        with suppress(FileNotFoundError):
            try:
                chunk = segment.read(path, taken.get(path.name, HEADER), live=live)
            except StorageError:
                continue  # of a newer nbflow: it stays, and `gaps` says so
            yield Read(path, chunk, finished=not live and not chunk.more)


def _store(connection: Connection, reads: list[Read], scratch: Path) -> None:
    with scratch.open("wb") as file:
        for read in reads:
            file.write(read.chunk.lines)
    try:
        connection.execute("begin")
        if any(read.chunk.lines for read in reads):
            _add(connection, scratch)
        for read in reads:
            connection.execute("delete from taken where segment = ?", [read.path.name])
            connection.execute("insert into taken values (?, ?)", [read.path.name, read.chunk.end])
            for place, message in read.chunk.damage:
                note(connection, read.path.name, place, message)
        connection.execute("commit")
    except BaseException:
        with suppress(Exception):
            connection.execute("rollback")
        raise
    finally:
        scratch.unlink(missing_ok=True)


def _add(connection: Connection, lines: Path) -> None:
    """Add records, and bring what is kept about their executions up to date."""
    ((last,),) = connection.execute("select coalesce(max(rowid), -1) from records").fetchall()
    add_lines(connection, lines)
    summarise(connection, f"select distinct execution from records where rowid > {int(last)}")  # noqa: S608 - a number


def summarise(connection: Connection, executions: str) -> None:
    """Find the summaries and results of some executions anew; `executions` is the query that names them."""
    connection.execute(f"create or replace temp table touched as {executions}")
    connection.execute("create or replace temp table chosen as from records semi join touched using (execution)")
    for table, query in (("summaries", summary_of("chosen")), ("results", results_of("chosen"))):
        connection.execute(f"delete from {table} where execution in (from touched)")  # noqa: S608 - ours
        connection.execute(f"insert into {table} {query}")
    connection.execute("drop table chosen")
    connection.execute("drop table touched")


def _remove(connection: Connection, folder: Folder, finished: list[Read], stamp: str) -> None:
    """Segments that are in and done go; those with damage are kept beside for whoever wants to look."""
    import duckdb

    if not finished:
        return
    try:
        connection.execute("checkpoint")
    except duckdb.TransactionException:
        return  # the user has a transaction open on the same file: next time
    damaged = {file for (file,) in connection.execute("select distinct file from damage").fetchall()}
    for read in finished:
        if read.path.name in damaged:
            folder.set_aside(read.path, stamp)
        else:
            read.path.unlink(missing_ok=True)
    names = [read.path.name for read in finished]
    connection.execute("delete from taken where segment in (select unnest(?::varchar[]))", [names])
    owners.forget_dead(folder)
