"""The questions to PostgreSQL, as text; whoever asks decides whether it waits on a loop or at once."""

from __future__ import annotations

from typing import Any

from nbflow.ports.executions import Query
from nbflow.storage.finding import as_text, read_cursor, versions

RECORDS = (
    "select sequence, stamp, event, format, fields::text from records"
    " where execution = %s and sequence > %s order by sequence"
)

KEPT = "select digest, kind, content from kept where digest = any(%s)"

RESULT = (
    "select execution, stamp, event, format, fields::text from records"
    " where event = 'NodeCompleted' and fields->>'key' = %s order by stamp desc limit 1"
)

HOLES = """
with placed as (
  select execution, sequence, lag(sequence, 1, 0::bigint) over (partition by execution order by sequence) as before
  from records where execution in (
    select r.execution from records r group by r.execution having count(*) <> max(r.sequence)))
select execution, before + 1, sequence - 1 from placed where sequence <> before + 1
union all
select e.execution, coalesce(max(r.sequence), 0) + 1, e.last
from executions e left join records r using (execution) group by e.execution, e.last
having coalesce(max(r.sequence), 0) < e.last
order by 1, 2
"""

_STANDING = """
select e.*, case when e.phase = 'running' and (
    select coalesce(bool_or(last.event = 'NodeWaiting' and last.reason <> 'retry')
      and not bool_or(last.event = 'NodeStarted'), false)
    from (
      select distinct on (r.node) r.event, r.fields->>'reason' as reason from records r
      where r.execution = e.execution
        and r.event in ('NodeStarted', 'NodeCompleted', 'NodeFailed', 'NodeCancelled', 'NodeWaiting')
      order by r.node, r.sequence desc) as last) then 'waiting' else e.phase end as stands
from executions e where e.last > 0
"""

SUMMARIES = f"""
select execution, workflow, version, stands, started, ended, error::text, last from ({_STANDING}) as standing
order by started desc, execution
"""  # noqa: S608 - ours


_LISTED = (
    "execution, workflow, version, stands, started, ended, error::text, last,"
    " (select count(distinct r.node) from records r where r.execution = standing.execution),"
    " attempts, calls, input_tokens, output_tokens, usd, labels::text"
)


def found(query: Query) -> tuple[str, list[Any]]:
    """The query for a page of executions, one more than the page has, and its parameters."""
    conditions, parameters = _conditions(query)
    where = " and ".join(["true", *conditions])
    text = f"select {_LISTED} from ({_STANDING}) as standing where {where} order by started desc, execution limit %s"  # noqa: S608
    return text, [*parameters, query.limit + 1]


def _conditions(query: Query) -> tuple[list[str], list[Any]]:
    given: list[tuple[str, Any]] = [
        ("stands = any(%s)", list(query.phases) or None), ("workflow = any(%s)", query.workflows),
        ("version = %s", query.version), ("started >= %s", query.since), ("started < %s", query.until),
        ("coalesce(usd, 0) >= %s", query.usd),
        ("strpos(lower(concat(error->>'kind', ' ', error->>'message')), lower(%s)) > 0", query.error),
    ]  # fmt: skip
    conditions = [condition for condition, value in given if value is not None]
    parameters = [value for _, value in given if value is not None]
    for column, wanted in (("labels", query.labels), ("inputs", query.inputs)):
        for name, value in wanted.items():
            empty = f" or json_typeof({column}->%s) = 'null'" if as_text(value) == "null" else ""
            conditions.append(f"({column}->>%s = %s{empty})")
            parameters += [name, as_text(value), *([name] if empty else [])]
    if query.tag is not None:
        conditions.append("((labels->>%s) is not null or concat(workflow, ' ', version) = any(%s::text[]))")
        parameters += [query.tag, versions(query)]
    place = read_cursor(query.cursor)
    if place is not None:
        conditions.append("(started < %s or (started = %s and execution > %s))")
        parameters += [place[0], place[0], place[1]]
    return conditions, parameters
