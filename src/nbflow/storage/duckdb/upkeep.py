"""Keeping the embedded store in order: checking it, taking out what is old, giving back space, while others write.

Only executions that have ended are taken out. Values are taken out when nothing names them any more and nobody has
put them for an hour, under a lock that every writer of values shares.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path

from nbflow.errors import StorageError
from nbflow.ports.clock import Clock
from nbflow.ports.journal import Gap
from nbflow.storage import codec
from nbflow.storage.duckdb import carrying, owners
from nbflow.storage.duckdb.carrying import digests
from nbflow.storage.duckdb.database import Connection
from nbflow.storage.duckdb.store import DuckDBStore
from nbflow.storage.retention import Ended, Vacuumed, doomed

YOUNG = 3600.0  # seconds in which a value that nothing names yet may belong to a record that is being written
_SLACK = 0.25  # share of a database that may be empty before it is written anew


class Upkeep:
    """All of it for the store at a path."""

    def __init__(self, path: str | Path, clock: Clock | None = None) -> None:
        self.store = DuckDBStore(path, clock)

    def check(self) -> list[Gap]:
        return list(check(self.store))

    def due(self, every: float) -> bool:
        return due(self.store, every)

    def vacuum(self, *, keep: float | None = None, size: int | None = None) -> Vacuumed:
        return vacuum(self.store, keep=keep, size=size)

    def export(self, target: Path, executions: Sequence[str] | None = None) -> carrying.Carried:
        return carrying.export(self.store, target, executions)

    def take_in(self, source: Path) -> carrying.Carried:
        return carrying.take_in(self.store, source)


def vacuum(store: DuckDBStore, *, keep: float | None = None, size: int | None = None) -> Vacuumed:
    """Take out ended executions and give their space back.

    `keep` is for how many seconds after its end an execution stays whose workflow does not say; `size` how many bytes
    the store may have, the oldest ended ones going first. Raises `StorageError`.
    """
    before = size_of(store)
    if not store.folder.segments.exists():
        return Vacuumed(0, 0, 0, before, before)  # nothing has been written here yet
    now = store.clock.now()

    def take_out(connection: Connection) -> tuple[int, int]:
        return _take_out(connection, _doomed(store, connection, keep, size, now))

    executions, records = store.ask(take_out)
    values = _drop_values(store, now)
    _compact_claims(store)
    store.rewrite(_SLACK)
    return Vacuumed(executions, records, values, before, size_of(store))


def due(store: DuckDBStore, every: float) -> bool:
    """Whether nobody has vacuumed for so many seconds; then the caller has the turn. A store begins with a rest."""
    stamp, now = store.folder.segments / "retained", store.clock.now()
    if not stamp.parent.exists():
        return False
    with store.folder.held("retained"):
        if new := not stamp.exists():
            stamp.touch()
        elif _age(stamp, now) < every:
            return False
        os.utime(stamp, (now, now))
    return not new


def check(store: DuckDBStore) -> Iterator[Gap]:
    """Everything that is wrong: what `gaps` knows, and every record and value that cannot be read."""
    yield from store.gaps()
    for execution in store.known():
        rows = store.ask(lambda connection, name=execution: connection.execute(  # type: ignore[misc]
            "select sequence, event, format, fields from records where execution = ? order by sequence", [name]
        ).fetchall())  # fmt: skip
        for sequence, event, version, fields in rows:
            try:
                codec.decode_event(version, event, fields, store.values.get)
            except StorageError as error:
                yield Gap(execution, sequence, sequence, f"record {sequence} of {execution}: {error}")


def size_of(store: DuckDBStore) -> int:
    """The bytes of all files of a store."""
    folder = store.folder
    files = [folder.database, folder.wal, folder.catalog, *folder.segments.glob("*"), *folder.values.rglob("*")]
    return sum(_size(path) for path in files)


def _doomed(store: DuckDBStore, connection: Connection, keep: float | None, size: int | None, now: float) -> list[str]:
    """Which executions go. What a living writer has is not over, whatever was taken in of it until now."""
    rows = connection.execute(
        "select summaries.execution, ended, bytes, source from summaries join"
        " (select execution, sum(strlen(fields::varchar)) as bytes, any_value(case when event = 'ExecutionStarted'"
        " and contains(fields::varchar, 'keep') then fields->>'$.source' end) as source"
        " from records group by execution) using (execution)"
    ).fetchall()
    held = owners.held(store.folder)
    ended = [Ended(name, None if name in held else end, bytes, source or "") for name, end, bytes, source in rows]
    return doomed(ended, now, keep, size, size_of(store))


def _take_out(connection: Connection, doomed: list[str]) -> tuple[int, int]:
    if not doomed:
        return 0, 0
    chosen = "where execution in (select unnest(?::varchar[]))"
    ((records,),) = connection.execute(f"select count(*) from records {chosen}", [doomed]).fetchall()  # noqa: S608
    connection.execute("begin")
    for table in ("records", "summaries", "results"):
        connection.execute(f"delete from {table} {chosen}", [doomed])  # noqa: S608
    connection.execute("commit")
    return len(doomed), int(records)


def _drop_values(store: DuckDBStore, now: float) -> int:
    """Take out the values that no record, catalog or other value names."""
    folder = store.folder
    with folder.held("values"):
        named = set(digests(store.ask(_naming)))
        for path in (folder.catalog, *folder.segments.glob("*.jsonl")):
            with suppress(FileNotFoundError):
                named.update(digests([path.read_bytes()]))
        files = {path.stem: path for path in folder.values.glob("*/*.*") if len(path.stem) == 64}
        named = _closure(named, files)
        dropped = [path for digest, path in files.items() if digest not in named and _age(path, now) > YOUNG]
        for path in dropped:
            path.unlink(missing_ok=True)
    return len(dropped)


def _naming(connection: Connection) -> list[bytes]:
    asked = "select fields::varchar from records where contains(fields::varchar, ?)"
    return [text.encode() for (text,) in connection.execute(asked, ['"$value"']).fetchall()]


def _closure(named: set[str], files: dict[str, Path]) -> set[str]:
    """Those that are named, and what they name."""
    open, seen = list(named), set(named)
    while open:
        path = files.get(open.pop())
        if path is not None and path.suffix == ".json":
            inner = set(digests([path.read_bytes()])) - seen
            seen |= inner
            open += inner
    return seen


def _compact_claims(store: DuckDBStore) -> None:
    """Forget the claims of executions that are gone and that no living writer has."""
    present = set(store.known())
    owners.keep_claims(store.folder, lambda execution, writer: (
        execution in present or bool(writer and owners.alive(store.folder, writer))
    ))  # fmt: skip


def _size(path: Path) -> int:
    with suppress(OSError):
        if path.is_file():
            return path.stat().st_size
    return 0


def _age(path: Path, now: float) -> float:
    with suppress(FileNotFoundError):
        return now - path.stat().st_mtime
    return 0.0
