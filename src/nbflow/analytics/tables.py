"""The tables that people ask: views over the journal's records, in DuckDB's SQL. Times are UTC.

They stand over `store.records (execution, sequence, stamp, event, node, format, fields)` and `parts.kinds
(hash, node, kind)`; everything else in `parts` is a step on the way.
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
    # every fact about a node, those told by the records of others too
    """
create view parts.told as
select execution, node as path, sequence, stamp, event, fields, sequence as place from store.records
where node is not null and event in (
  'NodeStarted', 'NodeCompleted', 'NodeFailed', 'NodeSkipped', 'NodeCancelled', 'NodeWaiting', 'AttemptFailed',
  'NodeExpanded', 'NodeEdited')
union all
select execution, told->>'$[0]', sequence, stamp, 'NodeSkipped', json_object('reason', told->>'$[1]'), sequence + 0.5
from (
  select execution, sequence, stamp, unnest(try_cast(fields->'$.skipped' as json[])) as told
  from store.records where (fields->'$.skipped') is not null)
union all
select execution, told->>'$', sequence, stamp, 'NodeCancelled', json_object('reason', 'cancelled'), sequence + 0.5
from (
  select execution, sequence, stamp, unnest(try_cast(fields->'$.cancelled' as json[])) as told
  from store.records where (fields->'$.cancelled') is not null)
""",
    """
create view parts.settled as
select execution, path,
  min(place) as first,
  max_by({'event': event, 'stamp': stamp, 'sequence': sequence, 'reason': fields->>'$.reason'}, sequence) as at_last,
  max((fields->>'$.attempt')::integer) as attempts,
  min(stamp) filter (event in ('NodeStarted', 'NodeExpanded', 'NodeWaiting')) as started,
  max_by(fields->'$.inputs', sequence) filter ((fields->'$.inputs') is not null) as inputs,
  max_by(fields->'$.output', sequence) filter (event in ('NodeCompleted', 'NodeFailed', 'NodeEdited')
    and (fields->'$.output') is not null) as output,
  max_by(fields->'$.error', sequence) filter ((fields->'$.error') is not null) as error,
  max_by(fields->>'$.handled', sequence) filter (event = 'NodeFailed') as handled,
  max_by(fields->'$.taken', sequence) filter (event = 'NodeCompleted') as taken
from parts.told group by execution, path
""",
    """
create view parts.began as
select execution, min(stamp) as stamp, any_value(fields) as fields, any_value(fields->>'$.hash') as hash
from store.records where event = 'ExecutionStarted' group by execution
""",
    """
create view parts.stands as
select execution, max_by({'event': event, 'stamp': stamp, 'sequence': sequence, 'error': fields->'$.error',
  'outputs': fields->'$.outputs'}, sequence) as at_last
from store.records
where event in ('ExecutionStarted', 'ExecutionPaused', 'ExecutionResumed', 'ExecutionSuspended', 'ExecutionRecovered',
  'ExecutionCompleted', 'ExecutionFailed', 'ExecutionCancelled')
group by execution
""",
    f"""
create view nodes as
select settled.execution, fields->>'$.workflow' as workflow, settled.path,
  regexp_extract(settled.path, '([^.\\[]+)(\\[[^\\]]*\\])?$', 1) as node,
  kinds.kind,
  case settled.at_last.event
    when 'NodeStarted' then if(stands.at_last.sequence > settled.at_last.sequence
      and stands.at_last.event in ('ExecutionSuspended', 'ExecutionRecovered'), 'scheduled', 'running')
    when 'NodeExpanded' then 'running' when 'NodeCompleted' then 'completed'
    when 'NodeFailed' then 'failed' when 'NodeSkipped' then 'skipped' when 'NodeCancelled' then 'cancelled'
    when 'NodeWaiting' then 'waiting' when 'AttemptFailed' then 'waiting' else 'running' end as phase,
  coalesce(attempts, 0) as attempts,
  make_timestamp(round(coalesce(settled.started, settled.at_last.stamp) * 1e6)::bigint) as started,
  case when settled.at_last.event in {_SETTLED}
    then make_timestamp(round(settled.at_last.stamp * 1e6)::bigint) end as ended,
  case when settled.at_last.event in {_SETTLED}
    then settled.at_last.stamp - coalesce(settled.started, settled.at_last.stamp) end as seconds,
  inputs, output, error->>'$.kind' as error_kind, error->>'$.message' as error, handled,
  settled.at_last.reason as reason, taken->>'$.execution' as taken_from
from parts.settled as settled
left join parts.began as began using (execution)
left join parts.stands as stands using (execution)
left join parts.kinds as kinds
  on kinds.hash = began.hash and kinds.node = regexp_replace(settled.path, '\\[[^\\]]*\\]', '', 'g')
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
from store.records where event = 'CallRecorded'
order by execution, sequence
""",
    """
create view parts.counted as
select execution, max(sequence) as records, count(distinct node) as nodes,
  count(*) filter (event = 'NodeStarted') as attempts
from store.records group by execution
""",
    """
create view parts.waits as
select execution, bool_or(at_last.event = 'NodeWaiting' and at_last.reason <> 'retry')
    and not bool_or(at_last.event = 'NodeStarted') as waits
from (
  select execution, node, max_by({'event': event, 'reason': fields->>'$.reason'}, sequence) as at_last
  from (
    select execution from parts.stands
    where at_last.event not in ('ExecutionCompleted', 'ExecutionFailed', 'ExecutionCancelled')) as open
  join store.records using (execution)
  where event in ('NodeStarted', 'NodeCompleted', 'NodeFailed', 'NodeCancelled', 'NodeWaiting')
  group by execution, node)
group by execution
""",
    """
create view parts.spent as
select execution, count(*) as calls, sum(input_tokens)::bigint as input_tokens,
  sum(output_tokens)::bigint as output_tokens, sum(usd) as usd
from calls group by execution
""",
    """
create view executions as
select counted.execution, began.fields->>'$.workflow' as workflow, began.fields->>'$.version' as version,
  case at_last.event
    when 'ExecutionPaused' then 'paused' when 'ExecutionSuspended' then 'suspended'
    when 'ExecutionCompleted' then 'completed' when 'ExecutionFailed' then 'failed'
    when 'ExecutionCancelled' then 'cancelled' else if(coalesce(waits, false), 'waiting', 'running') end as phase,
  make_timestamp(round(began.stamp * 1e6)::bigint) as started,
  case when at_last.event in ('ExecutionCompleted', 'ExecutionFailed', 'ExecutionCancelled')
    then make_timestamp(round(at_last.stamp * 1e6)::bigint) end as ended,
  case when at_last.event in ('ExecutionCompleted', 'ExecutionFailed', 'ExecutionCancelled')
    then at_last.stamp - began.stamp end as seconds,
  counted.nodes, counted.attempts,
  coalesce(spent.calls, 0) as calls, spent.input_tokens, spent.output_tokens, spent.usd,
  at_last.error->>'$.kind' as error_kind, at_last.error->>'$.node' as error_node, at_last.error->>'$.message' as error,
  began.fields->'$.inputs' as inputs, at_last.outputs as outputs, began.fields->'$.labels' as labels,
  began.fields->'$.origin' as origin, counted.records
from parts.counted as counted
left join parts.began as began using (execution)
left join parts.stands as stands using (execution)
left join parts.waits as waits using (execution)
left join parts.spent as spent using (execution)
order by began.stamp desc, counted.execution
""",
)

JSON_COLUMNS: dict[str, tuple[str, ...]] = {
    "executions": ("inputs", "outputs", "labels", "origin"),
    "nodes": ("inputs", "output"),
    "events": ("fields",),
    "calls": ("request", "response"),
}
