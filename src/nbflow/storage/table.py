"""Records as a table of DuckDB: what its columns are, how lines become rows, and rows one line an execution."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

COLUMNS = "execution varchar, sequence bigint, stamp double, event varchar, node varchar, format integer, fields json"
"""One row a record: `stamp` is seconds since the epoch, `fields` the codec's JSON of the event."""

SUMMARY_COLUMNS = (
    "execution varchar, workflow varchar, version varchar, phase varchar, started double, ended double, error json,"
    " records bigint, nodes bigint, attempts bigint, calls bigint, input_tokens bigint, output_tokens bigint,"
    " usd double, labels json, inputs json, outputs json, origin json, hash varchar"
)
"""One row an execution, as `summary_of` computes it."""


def add_lines(connection: DuckDBPyConnection, lines: Path, table: str = "records") -> None:
    """Add a file of intact lines to a table; what is there already by (execution, sequence) stays as it is."""
    connection.execute(_INSERT.replace("records", table), [str(lines)])


RESULT_COLUMNS = "key varchar, execution varchar, sequence bigint, stamp double"
"""One row a result that may be taken again, as `results_of` finds it."""


def results_of(records: str) -> str:
    """The query that finds the results with a key in a table of records."""
    return (
        f"select fields->>'$.key' as key, execution, sequence, stamp from {records}"  # noqa: S608 - ours
        " where event = 'NodeCompleted' and (fields->>'$.key') is not null"
    )


def attach_lines(connection: DuckDBPyConnection, name: str, lines: Iterable[bytes]) -> None:
    """Give a connection the records of some lines as ``name.records``, with their ``name.summaries``, in memory."""
    connection.execute(f"attach ':memory:' as {name}")
    connection.execute(f"create table {name}.records ({COLUMNS})")
    with tempfile.TemporaryDirectory(prefix="nbflow-") as place:
        path = Path(place) / "lines.jsonl"
        with path.open("wb") as file:
            file.writelines(lines)
        if path.stat().st_size:
            add_lines(connection, path, f"{name}.records")
    connection.execute(f"create table {name}.summaries as {summary_of(f'{name}.records')}")


def summary_of(records: str) -> str:
    """The query that makes one row an execution from a table of records."""
    return _SUMMARY.replace("{records}", records)


_INSERT = """
insert into records
select distinct on (execution, sequence) execution, sequence, "at", event, fields->>'$.node', v, fields
from read_json(?, format = 'newline_delimited', maximum_object_size = 1073741824, columns = {
    v: 'integer', execution: 'varchar', sequence: 'bigint', "at": 'double', event: 'varchar', fields: 'json'}) as new
where not exists (
    select 1 from records as old where old.execution = new.execution and old.sequence = new.sequence)
"""

_SUMMARY = """
with
  counted as (
    select execution, max(sequence) as records, count(distinct node) as nodes,
      count(*) filter (event = 'NodeStarted') as attempts
    from {records} group by execution),
  began as (
    select execution, min(stamp) as stamp, any_value(fields) as fields
    from {records} where event = 'ExecutionStarted' group by execution),
  stands as (
    select execution, max_by({'event': event, 'stamp': stamp, 'error': fields->'$.error',
      'outputs': fields->'$.outputs'}, sequence) as at_last
    from {records}
    where event in ('ExecutionStarted', 'ExecutionPaused', 'ExecutionResumed', 'ExecutionSuspended',
      'ExecutionRecovered', 'ExecutionCompleted', 'ExecutionFailed', 'ExecutionCancelled')
    group by execution),
  stood as (
    select execution, at_last, case at_last.event
      when 'ExecutionPaused' then 'paused' when 'ExecutionSuspended' then 'suspended'
      when 'ExecutionCompleted' then 'completed' when 'ExecutionFailed' then 'failed'
      when 'ExecutionCancelled' then 'cancelled' else 'running' end as phase
    from stands),
  waits as (
    select execution, bool_or(node_last.event = 'NodeWaiting' and node_last.reason <> 'retry')
      and not bool_or(node_last.event = 'NodeStarted') as waits
    from (
      select execution, node, max_by({'event': event, 'reason': fields->>'$.reason'}, sequence) as node_last
      from (select execution from stood where phase = 'running') as open join {records} using (execution)
      where event in ('NodeStarted', 'NodeCompleted', 'NodeFailed', 'NodeCancelled', 'NodeWaiting')
      group by execution, node)
    group by execution),
  spent as (
    select execution, count(*) as calls, sum((fields->>'$.usage.input')::bigint)::bigint as input_tokens,
      sum((fields->>'$.usage.output')::bigint)::bigint as output_tokens, sum((fields->>'$.usage.usd')::double) as usd
    from {records} where event = 'CallRecorded' and (fields->>'$.kind') in ('model', 'tool') group by execution)
select counted.execution, coalesce(began.fields->>'$.workflow', '') as workflow,
  coalesce(began.fields->>'$.version', '') as version,
  case when coalesce(waits, false) then 'waiting' else coalesce(phase, 'pending') end as phase,
  coalesce(began.stamp, 0) as started,
  case when phase in ('completed', 'failed', 'cancelled') then at_last.stamp end as ended,
  case when phase in ('completed', 'failed', 'cancelled') then at_last.error end as error,
  counted.records, counted.nodes, counted.attempts, coalesce(spent.calls, 0) as calls, spent.input_tokens,
  spent.output_tokens, spent.usd, began.fields->'$.labels' as labels, began.fields->'$.inputs' as inputs,
  at_last.outputs as outputs, began.fields->'$.origin' as origin, began.fields->>'$.hash' as hash
from counted left join began using (execution) left join stood using (execution) left join waits using (execution)
left join spent using (execution)
"""
