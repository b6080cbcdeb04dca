"""What must hold of every journal, asked in SQL over its lines: this shares no code with the engine."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Any

SETTLES = ("NodeCompleted", "NodeFailed", "NodeSkipped", "NodeCancelled")
BROKEN = {
    "a sequence has a gap": "select count(*) from (select max(sequence) top, count(*) n from journal) where top <> n",
    "a node was settled twice": """
        select count(*) from settled one join settled two on one.node = two.node and one.rowid < two.rowid
        where not exists (select 1 from journal again where again.event = 'AttemptFailed'
        and again.sequence between one.sequence and two.sequence
        and (one.node like again.node || '[%' or one.node like again.node || '.%'))""",
    "a node started after it was settled": """
        select count(*) from journal started join journal done on started.node = done.node
        and done.event in ('NodeCompleted', 'NodeFailed') and started.event = 'NodeStarted'
        and started.sequence > done.sequence""",
    "a node both ran and was skipped": """
        select count(*) from skipped join journal on journal.node = skipped.node and journal.event = 'NodeStarted'""",
    "something started while the execution ended": """
        select count(*) from journal started, journal ending where ending.event = 'ExecutionEnding'
        and started.event = 'NodeStarted' and started.sequence > ending.sequence
        and started.node not like '%.compensate.%' and started.node not like 'on_error.%'""",
    "records follow the end": """
        select count(*) from journal late, journal ended where late.sequence > ended.sequence
        and ended.event in ('ExecutionCompleted', 'ExecutionFailed', 'ExecutionCancelled')""",
    "an effect began before its start was on disk": """
        select count(*) from effects where strict and not exists (select 1 from journal where event = 'NodeStarted'
        and journal.node = effects.node and journal.attempt = effects.attempt
        and journal.sequence <= effects.committed)""",
    "an effect that happens once happened again unasked": """
        select count(*) from (select node, attempt from effects where once group by node, attempt having count(*) > 1)""",
    "a recorded result was computed again": """
        select count(*) from effects join journal on journal.node = effects.node and journal.event = 'NodeCompleted'
        where journal.sequence <= effects.committed""",
    "an activated node was never settled": """
        select count(*) from activated where exists (select 1 from journal where event = 'ExecutionCompleted')
        and node not in (select node from journal where event in ('NodeCompleted', 'NodeFailed', 'NodeSkipped',
        'NodeCancelled') and node is not null) and node not in (select node from skipped)
        and node not in (select node from cancelled)""",
    "a node ran before what it needs had completed": """
        select count(*) from edges join journal started on started.node = edges.target
        and started.event = 'NodeStarted' and started.attempt = 1
        where edges.needed and not exists (select 1 from journal done where done.node = edges.source
        and done.sequence < started.sequence and (done.event = 'NodeCompleted'
        or (done.event = 'NodeFailed' and done.handled is not null)))""",
    "a node ran before what it reads was decided": """
        select count(*) from edges join journal started on started.node = edges.target
        and started.event = 'NodeStarted' and started.attempt = 1
        where not edges.needed and not exists (select 1 from journal done where done.node = edges.source
        and done.sequence < started.sequence and done.event in ('NodeCompleted', 'NodeFailed', 'NodeSkipped'))
        and not exists (select 1 from skipped where skipped.node = edges.source
        and skipped.sequence < started.sequence)""",
    "a node started while the execution was paused": """
        select count(*) from journal started where started.event = 'NodeStarted' and 'ExecutionPaused' = (
        select event from journal last where last.sequence < started.sequence
        and last.event in ('ExecutionPaused', 'ExecutionResumed', 'ExecutionEnding')
        order by last.sequence desc limit 1)""",
    "something happened while the execution was suspended": """
        select count(*) from journal one join journal two on two.sequence = one.sequence + 1
        where one.event = 'ExecutionSuspended' and two.event <> 'ExecutionRecovered'""",
    "more ran in a pool than it holds": """
        select count(*) from journal now join pools mine on mine.id = now.id join capacities on capacities.pool = mine.pool
        where now.event = 'NodeStarted' and capacities.units < (select sum(other.units) from journal began
        join pools other on other.id = began.id and other.pool = mine.pool
        where began.event = 'NodeStarted' and began.sequence <= now.sequence and not exists (select 1 from journal over
        where over.sequence > began.sequence and over.sequence < now.sequence and (over.event in
        ('ExecutionSuspended', 'ExecutionRecovered', 'ExecutionEnding') or (over.node = began.node
        and over.event in ('NodeCompleted', 'NodeFailed', 'NodeCancelled', 'AttemptFailed', 'NodeWaiting')))))""",
    "a node was retried more often than it may be": """
        select count(*) from limits where most < (select count(*) from journal
        where event = 'AttemptFailed' and journal.node = limits.node)""",
}


def broken(
    rows: Iterable[dict[str, Any]],
    effects: Sequence[dict[str, Any]],
    edges: Sequence[tuple[str, str, bool]] = (),
    limits: Sequence[tuple[str, int]] = (),
    pools: Sequence[tuple[str, str, int]] = (),
    capacities: Mapping[str, int] = MappingProxyType({}),
) -> list[str]:
    """The invariants that do not hold. A row is a record as JSON: sequence, event and the event's fields.

    `edges` are (source, target, needed): needed sources must have completed, others be decided. `limits` are
    (node, retries); `pools` are (node id, pool, units).
    """
    with sqlite3.connect(":memory:") as base:
        base.execute("create table journal (sequence int, event text, node text, attempt int, handled text, id text)")
        base.execute("create table effects (node text, attempt int, committed int, strict int, once int)")
        for table in ("skipped", "activated", "cancelled", "settled"):
            base.execute(f"create table {table} (node text, sequence int)")
        base.execute("create table edges (source text, target text, needed int)")
        base.executemany("insert into edges values (?, ?, ?)", edges)
        base.execute("create table pools (id text, pool text, units int)")
        base.executemany("insert into pools values (?, ?, ?)", pools)
        base.execute("create table capacities (pool text, units int)")
        base.executemany("insert into capacities values (?, ?)", capacities.items())
        base.execute("create table limits (node text, most int)")
        base.executemany("insert into limits values (?, ?)", limits)
        for row in rows:
            at = row["sequence"]
            settled = [row["node"]] if row["event"] in SETTLES else []
            settled += [path for path, _ in row.get("skipped") or ()] + list(row.get("cancelled") or ())
            base.executemany("insert into settled values (?, ?)", [(path, at) for path in settled])
            base.execute(
                "insert into journal values (?, ?, ?, ?, ?, ?)",
                (at, row["event"], row.get("node"), row.get("attempt"), row.get("handled"), id_of(row.get("node"))),
            )
            base.executemany("insert into skipped values (?, ?)", [(path, at) for path, _ in row.get("skipped") or ()])
            base.executemany("insert into activated values (?, ?)", [(path, at) for path in row.get("activated") or ()])
            base.executemany("insert into cancelled values (?, ?)", [(path, at) for path in row.get("cancelled") or ()])
        base.executemany("insert into effects values (:node, :attempt, :committed, :strict, :once)", effects)
        return [name for name, question in BROKEN.items() if base.execute(question).fetchone()[0]]


OVERFULL = {
    "more was at work in a pool than it holds": """
        select count(*) from effects now join pools mine on mine.id = now.id join capacities on capacities.pool = mine.pool
        where capacities.units < (select sum(other.units) from effects began
        join pools other on other.id = began.id and other.pool = mine.pool
        where began.life = now.life and began.began <= now.began and began.ended > now.began)""",
    "more started in a second than its rate": """
        select count(*) from (select started - lag(started, ?) over (partition by life order by started) as span
        from effects where limited) where span < 0.999""",
}


def overfull(
    effects: Sequence[dict[str, Any]], pools: Sequence[tuple[str, str, int]], capacities: Mapping[str, int], rate: int
) -> list[str]:
    """What does not hold of attempts at work, whatever execution they are of. `rate` is starts a second."""
    with sqlite3.connect(":memory:") as base:
        base.execute("create table effects (id text, life int, began real, ended real, started real, limited int)")
        base.executemany("insert into effects values (:id, :life, :began, :ended, :started, :limited)", effects)
        base.execute("create table pools (id text, pool text, units int)")
        base.executemany("insert into pools values (?, ?, ?)", pools)
        base.execute("create table capacities (pool text, units int)")
        base.executemany("insert into capacities values (?, ?)", capacities.items())
        answers = {name: base.execute(question, (rate,) * question.count("?")) for name, question in OVERFULL.items()}
        return [name for name, answer in answers.items() if answer.fetchone()[0]]


def id_of(path: str | None) -> str | None:
    """A node's id in its body: the last part of its path."""
    return path.rpartition(".")[2] if path else None


def rows_of(records: Iterable[Any]) -> list[dict[str, Any]]:
    """Records as JSON rows."""
    rows = []
    for record in records:
        event = record.event
        fields = {name: getattr(event, name) for name in type(event).__dataclass_fields__}
        rows.append(json.loads(json.dumps({**fields, "sequence": record.sequence, "event": type(event).__name__})))
    return rows
