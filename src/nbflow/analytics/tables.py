"""The tables that people ask: views over the journal's records, in DuckDB's SQL. Times are UTC.

They stand over `store.records` and `store.summaries` as `storage.table` has them, and `parts.kinds (hash, node, kind)`;
everything else in `parts` is a step on the way.
"""

from __future__ import annotations

_SETTLED = "('NodeCompleted', 'NodeFailed', 'NodeSkipped', 'NodeCancelled')"

VIEWS: tuple[str, ...] = (
    """
create view events as
select execution, sequence, make_timestamp(round(stamp * 1e6)::bigint) as time, event, node as path,
  (fields->>'$.attempt')::integer as attempt, fields
from store.records
order by execution, sequence
""",
    # every fact about a node, those told by the records of others too; `said` is read from each record in one go
    """
create view parts.told as
select execution, node as path, sequence, stamp, event, sequence as place,
  json_extract(fields, ['$.reason', '$.attempt', '$.inputs', '$.output', '$.error', '$.handled', '$.taken']) as said
from store.records
where node is not null and event in (
  'NodeStarted', 'NodeCompleted', 'NodeFailed', 'NodeSkipped', 'NodeCancelled', 'NodeWaiting', 'AttemptFailed',
  'NodeExpanded', 'NodeEdited')
union all
select execution, told->>'$[0]', sequence, stamp, 'NodeSkipped', sequence + 0.5,
  [told->'$[1]', null, null, null, null, null, null]
from (
  select execution, sequence, stamp, unnest(try_cast(fields->'$.skipped' as json[])) as told
  from store.records where (fields->'$.skipped') is not null)
union all
select execution, told->>'$', sequence, stamp, 'NodeCancelled', sequence + 0.5,
  ['"cancelled"'::json, null, null, null, null, null, null]
from (
  select execution, sequence, stamp, unnest(try_cast(fields->'$.cancelled' as json[])) as told
  from store.records where (fields->'$.cancelled') is not null)
""",
    """
create view parts.settled as
select execution, path,
  min(place) as first,
  max_by({'event': event, 'stamp': stamp, 'sequence': sequence, 'reason': said[1]}, sequence) as at_last,
  max(said[2]::integer) as attempts,
  min(stamp) filter (event in ('NodeStarted', 'NodeExpanded', 'NodeWaiting')) as started,
  max_by(said[3], sequence) filter (said[3] is not null) as inputs,
  max_by(said[4], sequence) filter (event in ('NodeCompleted', 'NodeFailed', 'NodeEdited')
    and said[4] is not null) as output,
  max_by(said[5], sequence) filter (said[5] is not null) as error,
  max_by(nullif(said[6], 'null'), sequence) filter (event = 'NodeFailed') as handled,
  max_by(said[7], sequence) filter (event = 'NodeCompleted') as taken
from parts.told group by execution, path
""",
    """
create view parts.of as
select execution, any_value(fields->>'$.workflow') as workflow, any_value(fields->>'$.hash') as hash,
  max(sequence) as halted
from store.records where event in ('ExecutionStarted', 'ExecutionSuspended', 'ExecutionRecovered')
group by execution
""",
    f"""
create view nodes as
select settled.execution, whole.workflow, settled.path,
  regexp_extract(settled.path, '([^.\\[]+)(\\[[^\\]]*\\])?$', 1) as node,
  kinds.kind,
  case settled.at_last.event
    when 'NodeStarted' then if(whole.halted > settled.at_last.sequence, 'scheduled', 'running')
    when 'NodeExpanded' then 'running' when 'NodeCompleted' then 'completed'
    when 'NodeFailed' then 'failed' when 'NodeSkipped' then 'skipped' when 'NodeCancelled' then 'cancelled'
    when 'NodeWaiting' then 'waiting' when 'AttemptFailed' then 'waiting' else 'running' end as phase,
  coalesce(attempts, 0) as attempts,
  make_timestamp(round(coalesce(settled.started, settled.at_last.stamp) * 1e6)::bigint) as started,
  case when settled.at_last.event in {_SETTLED}
    then make_timestamp(round(settled.at_last.stamp * 1e6)::bigint) end as ended,
  case when settled.at_last.event in {_SETTLED}
    then settled.at_last.stamp - coalesce(settled.started, settled.at_last.stamp) end as seconds,
  settled.inputs, output, settled.error->>'$.kind' as error_kind, settled.error->>'$.message' as error,
  handled->>'$' as handled, settled.at_last.reason->>'$' as reason, taken->>'$.execution' as taken_from
from parts.settled as settled
left join parts.of as whole using (execution)
left join parts.kinds as kinds
  on kinds.hash = whole.hash and kinds.node = regexp_replace(settled.path, '\\[[^\\]]*\\]', '', 'g')
order by settled.execution, settled.first, settled.path
""",  # noqa: S608 - the names are ours
    """
create view calls as
select execution, node as path, (fields->>'$.attempt')::integer as attempt, (fields->>'$.call')::integer as call,
  fields->>'$.kind' as kind, fields->>'$.name' as name,
  case when (fields->>'$.kind') = 'model' then coalesce(fields->>'$.response.model', fields->>'$.name') end as model,
  make_timestamp(round(stamp * 1e6)::bigint) as time, coalesce((fields->>'$.seconds')::double, 0) as seconds,
  (fields->>'$.usage.input')::bigint as input_tokens, (fields->>'$.usage.output')::bigint as output_tokens,
  (fields->>'$.usage.cached')::bigint as cached_tokens, (fields->>'$.usage.reasoning')::bigint as reasoning_tokens,
  (fields->>'$.usage.usd')::double as usd, fields->>'$.error.kind' as error_kind,
  fields->>'$.error.message' as error, fields->'$.request' as request, fields->'$.response' as response
from store.records where event = 'CallRecorded' and (fields->>'$.kind') in ('model', 'tool')
order by execution, sequence
""",
    """
create view executions as
select execution, workflow, version, phase, make_timestamp(round(summaries.started * 1e6)::bigint) as started,
  make_timestamp(round(summaries.ended * 1e6)::bigint) as ended, summaries.ended - summaries.started as seconds,
  nodes, attempts, calls, input_tokens, output_tokens, usd, summaries.error->>'$.kind' as error_kind,
  summaries.error->>'$.node' as error_node, summaries.error->>'$.message' as error, inputs, outputs, labels, origin,
  records
from store.summaries as summaries
order by summaries.started desc, execution
""",
)

JSON_COLUMNS: dict[str, tuple[str, ...]] = {
    "executions": ("inputs", "outputs", "labels", "origin"),
    "nodes": ("inputs", "output"),
    "events": ("fields",),
    "calls": ("request", "response"),
}
