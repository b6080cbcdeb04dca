"""The questions that the journal asks of the database."""

from __future__ import annotations

from typing import Any

from nbflow.ports.executions import Listed, Page, Query
from nbflow.ports.journal import Gap, Summary
from nbflow.storage import tags
from nbflow.storage.duckdb.database import Connection
from nbflow.storage.finding import as_text, cut, read_cursor, versions
from nbflow.storage.tags import Fetch

Row = tuple[int, float, str, int, str]

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
    found = connection.execute(
        "select records.execution, records.stamp, event, format, fields from records"
        " semi join (from results where key = ? order by stamp desc, execution limit 1) as latest"
        " using (execution, sequence)",
        [key],
    ).fetchall()
    return found[0] if found else None


def last_sequence(connection: Connection, execution: str) -> int:
    ((last,),) = connection.execute("select max(sequence) from records where execution = ?", [execution]).fetchall()
    return int(last or 0)


def known(connection: Connection) -> list[str]:
    return [name for (name,) in connection.execute("select distinct execution from records").fetchall()]


def summaries(connection: Connection, fetch: Fetch) -> list[Summary]:
    """One line an execution, the latest started first; the same as `storage.summary.summarise` says."""
    asked = (
        "select execution, workflow, version, phase, started, ended, error, records from summaries"
        " order by started desc, execution"
    )
    return [
        Summary(execution, workflow, version, phase, started, ended, _read(error, fetch), records)
        for execution, workflow, version, phase, started, ended, error, records in connection.execute(asked).fetchall()
    ]


def find(connection: Connection, query: Query, fetch: Fetch) -> Page:
    """A page of executions."""
    conditions, parameters = _conditions(query)
    where = f"where {' and '.join(conditions)}" if conditions else ""
    asked = f"select {_LISTED} from summaries {where} order by started desc, execution limit ?"  # noqa: S608 - ours
    rows = connection.execute(asked, [*parameters, query.limit + 1]).fetchall()
    return cut([_listed(row, fetch) for row in rows], query.limit)


_LISTED = (
    "execution, workflow, version, phase, started, ended, error, records, nodes, attempts, calls, input_tokens,"
    " output_tokens, usd, labels"
)


def _listed(row: tuple[Any, ...], fetch: Fetch) -> Listed:
    facts = list(row)
    facts[6], facts[-1] = _read(facts[6], fetch), _read(facts[-1], fetch) or {}
    return Listed(*facts)


def _conditions(query: Query) -> tuple[list[str], list[Any]]:
    """The conditions of a query and their parameters."""
    given: list[tuple[str, Any]] = [
        ("workflow in (select unnest(?::varchar[]))", query.workflows), ("version = ?", query.version),
        ("started >= ?", query.since), ("started < ?", query.until), ("coalesce(usd, 0) >= ?", query.usd),
        ("phase in (select unnest(?::varchar[]))", list(query.phases) or None),
        ("contains(lower(concat(error->>'$.kind', ' ', error->>'$.message')), lower(?))", query.error),
    ]  # fmt: skip
    conditions = [condition for condition, value in given if value is not None]
    parameters = [value for _, value in given if value is not None]
    for column, wanted in (("labels", query.labels), ("inputs", query.inputs)):
        for name, value in wanted.items():
            empty = f" or json_type({column}, ?) = 'NULL'" if as_text(value) == "null" else ""
            conditions.append(f"(({column}->>?) = ?{empty})")
            parameters += [_path(name), as_text(value), *([_path(name)] if empty else [])]
    if query.tag is not None:
        conditions.append(
            "(coalesce(json_exists(labels, ?), false)"
            " or concat(workflow, ' ', version) in (select unnest(?::varchar[])))"
        )
        parameters += [_path(query.tag), versions(query)]
    place = read_cursor(query.cursor)
    if place is not None:
        conditions.append("(started < ? or (started = ? and execution > ?))")
        parameters += [place[0], place[0], place[1]]
    return conditions, parameters


def _path(name: str) -> str:
    """A key as a JSON path."""
    return '$."' + name.replace('"', '\\"') + '"'


def _read(content: str | None, fetch: Fetch) -> Any:
    return None if content is None else tags.read(content, fetch)


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
