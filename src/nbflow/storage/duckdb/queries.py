"""The questions that the journal asks of the database."""

from __future__ import annotations

from typing import Any

from nbflow.ports.journal import Gap, Summary
from nbflow.storage import tags
from nbflow.storage.duckdb.database import Connection
from nbflow.storage.summary import ENDS, PHASES
from nbflow.storage.tags import Fetch

Row = tuple[int, float, str, int, str]

_NAMES = "(" + ", ".join(f"'{name}'" for name in PHASES) + ")"

_SUMMARIES = f"""
with
  counted as (select execution, max(sequence) as last from records group by execution),
  began as (
    select execution, min(stamp) as stamp,
      any_value(fields->'$.workflow') as workflow, any_value(fields->'$.version') as version
    from records where event = 'ExecutionStarted' group by execution),
  stands as (
    select execution, max_by({{'event': event, 'stamp': stamp, 'error': fields->'$.error'}}, sequence) as at_last
    from records where event in {_NAMES} group by execution)
select execution, workflow, version, at_last.event, coalesce(began.stamp, 0), at_last.stamp, at_last.error, last
from counted left join began using (execution) left join stands using (execution)
order by coalesce(began.stamp, 0) desc, execution
"""  # noqa: S608 - the names are ours

_WAITING = """
with
  open as (select unnest(?::varchar[]) as execution),
  stands as (
    select execution, node, max_by({'event': event, 'reason': fields->>'$.reason'}, sequence) as at_last
    from records join open using (execution)
    where event in ('NodeStarted', 'NodeCompleted', 'NodeFailed', 'NodeCancelled', 'NodeWaiting')
    group by execution, node)
select execution from stands group by execution
having bool_or(at_last.event = 'NodeWaiting' and at_last.reason <> 'retry')
  and not bool_or(at_last.event = 'NodeStarted')
"""

_HOLES = """
with placed as (
  select execution, sequence, lag(sequence, 1, 0) over (partition by execution order by sequence) as before
  from records where execution in (
    select execution from records group by execution having count(*) <> max(sequence)))
select execution, before + 1, sequence - 1 from placed where sequence <> before + 1 order by execution, sequence
"""


def rows(connection: Connection, execution: str, after: int) -> list[Row]:
    return connection.execute(
        "select sequence, stamp, event, format, fields from records"
        " where execution = ? and sequence > ? order by sequence",
        [execution, after],
    ).fetchall()


def result(connection: Connection, key: str) -> tuple[str, float, str, int, str] | None:
    """The latest `NodeCompleted` recorded under a key."""
    found: tuple[str, float, str, int, str] | None = connection.execute(
        "select execution, stamp, event, format, fields from records"
        " where event = 'NodeCompleted' and fields->>'$.key' = ? order by stamp desc limit 1",
        [key],
    ).fetchone()
    return found


def last_sequence(connection: Connection, execution: str) -> int:
    ((last,),) = connection.execute("select max(sequence) from records where execution = ?", [execution]).fetchall()
    return int(last or 0)


def known(connection: Connection) -> list[str]:
    return [name for (name,) in connection.execute("select distinct execution from records").fetchall()]


def summaries(connection: Connection, fetch: Fetch) -> list[Summary]:
    """One line an execution, the latest started first; the same as `storage.summary.summarise` says."""
    found = [
        Summary(
            execution, _text(workflow, fetch), _text(version, fetch), PHASES.get(event, "pending"), began,
            stamp if event in ENDS else None,
            tags.read(error, fetch) if error is not None and event in ENDS else None, last,
        )
        for execution, workflow, version, event, began, stamp, error, last in connection.execute(_SUMMARIES).fetchall()
    ]
    running = [summary.execution for summary in found if summary.phase == "running"]
    waiting = {name for (name,) in connection.execute(_WAITING, [running]).fetchall()} if running else set()
    return [_as_waiting(summary) if summary.execution in waiting else summary for summary in found]


def gaps(connection: Connection, claimed: list[str]) -> list[Gap]:
    """Missing sequences, damage that was seen, and those of the `claimed` executions of which nothing is left."""
    found = [
        Gap(execution, first, last, f"records {first} to {last} of {execution} are missing")
        for execution, first, last in connection.execute(_HOLES).fetchall()
    ]
    seen = connection.execute("select file, place, message from damage order by file, place").fetchall()
    found += [
        Gap(None, 0, None, f"{file} at {place}: {message}" if place > 0 else f"{file}: {message}")
        for file, place, message in seen
    ]
    present = set(known(connection)) if claimed else set()
    return found + [Gap(name, 1, None, f"no record of {name} is left") for name in claimed if name not in present]


def lost(connection: Connection, name: str) -> bool:
    """Whether a database of this name was lost as a whole once."""
    chosen = "select count(*) from damage where file = ? or starts_with(file, ?)"
    return bool(connection.execute(chosen, [name, f"{name}.damaged-"]).fetchall()[0][0])


def _text(content: str | None, fetch: Fetch) -> str:
    return "" if content is None else str(tags.read(content, fetch))


def _as_waiting(summary: Summary) -> Summary:
    values: dict[str, Any] = {name: getattr(summary, name) for name in Summary.__slots__}
    return Summary(**{**values, "phase": "waiting"})
