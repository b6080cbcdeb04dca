"""The tables in PostgreSQL, and how those of one version become those of the next.

`executions` has one row an execution, kept up by its writer in the transaction of its records; `owner` is that writer.
JSON is kept as text (`json`), so that every number comes back as it was written.
"""

from __future__ import annotations

MIGRATIONS: tuple[tuple[str, ...], ...] = (
    (
        """
        create table executions (
          execution text primary key, last bigint not null default 0, owner text not null default '',
          workflow text not null default '', version text not null default '', phase text not null default 'pending',
          started double precision not null default 0, ended double precision, error json,
          attempts bigint not null default 0, calls bigint not null default 0, input_tokens bigint,
          output_tokens bigint, usd double precision, labels json, inputs json)
        """,
        "create index executions_started on executions (started desc, execution)",
        """
        create table records (
          execution text not null, sequence bigint not null, stamp double precision not null, event text not null,
          node text, format integer not null, fields json not null, primary key (execution, sequence))
        """,
        """
        create index records_result on records ((fields->>'key'))
          where event = 'NodeCompleted' and (fields->>'key') is not null
        """,
        "create table kept (digest text primary key, kind text not null, content bytea not null)",
        "create table catalog (number bigint primary key, fact text not null)",
    ),
    # when a value was last wanted: one that nothing names yet may belong to what is being saved
    ("alter table kept add column put timestamptz not null default now()",),
    # what `database.execute` did here, by the key of its node; in the transaction of the statement itself
    ("create table performed (key text primary key, answer text, at timestamptz not null default now())",),
)

CREATE = "create table if not exists nbflow_schema (version integer not null)"
LOCK = "select pg_advisory_xact_lock(hashtext('nbflow schema'))"
"""Two that start at once do not both make the tables."""
