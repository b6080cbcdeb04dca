"""What to do with a damaged database: set it aside, and rebuild from what can be read. Nothing is deleted.

A damaged log alone costs nothing: what it had is still in the segments. A damaged database gives back its records
one row group at a time; what cannot be read is noted, and shows as gaps.
"""

from __future__ import annotations

from pathlib import Path

from nbflow.errors import StorageError
from nbflow.storage.duckdb import database, intake
from nbflow.storage.duckdb.database import Connection
from nbflow.storage.duckdb.folder import Folder

_GROUP = 122_880  # rows DuckDB keeps together
_COLUMNS = "execution, sequence, stamp, event, node, format, fields"
_PART = 8_192  # rows to try when a group cannot be read


def repair(folder: Folder, stamp: str, damage: str) -> None:
    """Make the store work again; `damage` is what DuckDB said. The caller holds the database alone, and closed."""
    if "WAL" in damage and _opens_without_log(folder, stamp):
        return
    damaged = folder.set_aside(folder.database, stamp)
    folder.set_aside(folder.wal, stamp)
    database.create(folder.database)
    if damaged is not None:
        salvage(damaged, folder.database)


def _opens_without_log(folder: Folder, stamp: str) -> bool:
    """Set a damaged log aside; True when the database is whole without it."""
    if not folder.wal.exists():
        return False
    aside = folder.set_aside(folder.wal, stamp)
    try:
        with database.opened(folder.database) as connection:
            connection.execute("select count(*), sum(sequence), max(fields::varchar) from records").fetchall()
            name = aside.name if aside else folder.wal.name
            intake.note(connection, name, 0, "the database's log could not be read; its records are in the segments")
    except StorageError:
        return False
    return True


def salvage(source: Path, target: Path) -> int:
    """Copy what can be read of one store into another; the number of records. Raises nothing about the source."""
    rows = 0
    with database.opened(target) as into:
        intake.note(into, source.name, -1, "the database was damaged, and was rebuilt from what can be read")
        try:
            with database.opened(source, read_only=True) as connection:
                ((total,),) = connection.execute("select max(rowid) + 1 from records").fetchall()
            rows = _copy_groups(source, into, int(total or 0))
        except StorageError as error:
            intake.note(into, source.name, 0, f"nothing can be read of it: {error}")
        intake.summarise(into, "select distinct execution from records")
        into.execute("checkpoint")
    return rows


def _copy_groups(source: Path, into: Connection, total: int) -> int:
    rows = 0
    for start in range(0, total, _GROUP):
        end = min(total, start + _GROUP)
        copied = _copy(source, into, start, end)
        if copied < 0:
            parts = [(part, min(end, part + _PART)) for part in range(start, end, _PART)]
            tried = [(part, stop, _copy(source, into, part, stop)) for part, stop in parts]
            for part, stop, count in tried:
                if count < 0:
                    intake.note(into, source.name, part, f"{stop - part} records cannot be read")
            copied = sum(count for _, _, count in tried if count > 0)
        rows += copied
    return rows


def _copy(source: Path, into: Connection, start: int, end: int) -> int:
    """Copy rows `start`..`end`; how many, or -1 when they cannot be read."""
    try:
        with database.opened(source, read_only=True) as connection:
            chosen = f"select {_COLUMNS} from records where rowid >= {start} and rowid < {end}"  # noqa: S608 - numbers
            part = connection.sql(chosen).to_arrow_table()
    except StorageError:
        return -1
    into.register("part", part)
    into.execute("insert into records select * from part")
    into.unregister("part")
    return int(part.num_rows)
