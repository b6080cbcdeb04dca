"""Keeping PostgreSQL small: executions that have ended go, and values that nothing names any more.

An execution's row is locked while it goes, so a writer that goes on with it meanwhile is either first, and it stays,
or finds it gone.
"""

from __future__ import annotations

import psycopg

from nbflow.ports.clock import Clock, SystemClock
from nbflow.storage.postgres import rows
from nbflow.storage.postgres.server import Server
from nbflow.storage.retention import Ended, Vacuumed, doomed

YOUNG = 3600.0  # seconds in which a value that nothing names may belong to a workflow that is being saved

_ENDED = """
select e.execution, case when e.owner = '' then e.ended end,
  case when %s then (select coalesce(sum(length(r.fields::text)), 0) from records r where r.execution = e.execution)
    else 0 end,
  case when position('keep' in first.fields::text) > 0 then first.fields->>'source' end
from executions e left join records first on first.execution = e.execution and first.sequence = 1
"""
_SIZE = "select coalesce(sum(pg_total_relation_size(name::regclass)), 0) from unnest(%s::text[]) as name"
_TABLES = ["executions", "records", "kept", "catalog"]

_Connection = psycopg.Connection[tuple[object, ...]]


class Upkeep:
    """Of the database at `url`. Checking, exporting and importing are for the server's own tools."""

    def __init__(self, url: str, clock: Clock | None = None) -> None:
        self._server, self._clock = Server(url), clock or SystemClock()

    def due(self, every: float) -> bool:
        """Always: it costs one query."""
        return True

    def vacuum(self, *, keep: float | None = None, size: int | None = None) -> Vacuumed:
        with self._server.at_once() as connection:
            before, now = _size(connection), self._clock.now()
            found = connection.execute(_ENDED, [size is not None]).fetchall()
            ended = [Ended(name, end, int(bytes), source or "") for name, end, bytes, source in found]  # type: ignore[arg-type, call-overload]
            gone, records = _take_out(connection, doomed(ended, now, keep, size, before))
            values = _drop_values(connection, now - YOUNG) if gone else 0
        with self._server.at_once() as connection:
            if gone:
                connection.commit()
                connection.autocommit = True
                connection.execute("vacuum records, executions, kept")
            return Vacuumed(gone, records, values, before, _size(connection))


def _take_out(connection: _Connection, names: list[str]) -> tuple[int, int]:
    """Those of the executions that nobody has gone on with meanwhile."""
    if not names:
        return 0, 0
    deleting = (
        "delete from executions where execution = any(%s) and ended is not null and owner = '' returning execution"
    )
    gone = [name for (name,) in connection.execute(deleting, [names]).fetchall()]
    connection.execute("delete from performed where split_part(key, '/', 1) = any(%s)", [gone])
    return len(gone), connection.execute("delete from records where execution = any(%s)", [gone]).rowcount


def _drop_values(connection: _Connection, before: float) -> int:
    """Take out what nothing names. Who writes values waits until this is over, and then writes them again."""
    connection.execute("lock table kept in share row exclusive mode")
    naming = (
        "select fields::text from records where position('\"$value\"' in fields::text) > 0"
        " union all select fact from catalog where position('\"$value\"' in fact) > 0"
    )
    named = rows.digests([str(text) for (text,) in connection.execute(naming).fetchall()])
    inner = named
    while inner:
        asked = "select content from kept where kind = 'json' and digest = any(%s)"
        contents = connection.execute(asked, [sorted(inner)]).fetchall()
        inner = rows.digests([bytes(content).decode() for (content,) in contents]) - named  # type: ignore[call-overload]
        named |= inner
    dropping = "delete from kept where not (digest = any(%s)) and put < to_timestamp(%s)"
    return connection.execute(dropping, [sorted(named), before]).rowcount


def _size(connection: _Connection) -> int:
    ((size,),) = connection.execute(_SIZE, [_TABLES]).fetchall()
    return int(size)  # type: ignore[call-overload,no-any-return]
