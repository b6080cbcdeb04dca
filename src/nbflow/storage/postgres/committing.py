"""One transaction for all batches that wait: who owns what, what is next, the rows.

An execution's `owner` is the writer that appended last. Another writer takes over only when that one has let go of its
advisory lock, which goes with its session. Whether a commit whose answer was lost has happened is read from the rows.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from nbflow.errors import JournalConflict
from nbflow.storage.postgres.rows import Rows
from nbflow.storage.postgres.server import Connection
from nbflow.storage.waiting import Answers, Batch


@dataclass(slots=True)
class Head:
    """The row of an execution, as it is locked."""

    last: int
    owner: str


def lock_key(writer: str) -> int:
    """The number of a writer's advisory lock."""
    return int.from_bytes(sha256(writer.encode()).digest()[:8], "big", signed=True)


async def commit(connection: Connection, writer: str, batches: Sequence[Batch[Rows]], *, again: bool) -> Answers[Rows]:
    """Write what can be written, in the open transaction; the answer to each batch. `again` after a lost answer."""
    heads = await _heads(connection, sorted({batch.execution for batch in batches}))
    alive: dict[str, bool] = {"": False, writer: False}
    answers: Answers[Rows] = []
    admitted: list[Batch[Rows]] = []
    for batch in batches:
        head = heads[batch.execution]
        if head.owner not in alive:
            alive[head.owner] = await _lives(connection, head.owner)
        refusal = _refusal(batch, head, alive[head.owner])
        if refusal is None:
            head.last, head.owner = batch.last, writer
            admitted.append(batch)
        elif not (again and head.owner in (writer, "") and head.last >= batch.last):  # else it was written before
            answers.append((batch, refusal))
            continue
        answers.append((batch, None))
    if admitted:
        await _write(connection, writer, admitted)
    return answers


def _refusal(batch: Batch[Rows], head: Head, alive: bool) -> JournalConflict | None:
    if alive:
        return JournalConflict(f"{batch.execution} is being written by another process ({head.owner})")
    if head.last != batch.after:
        return JournalConflict(
            f"{batch.execution} has {head.last} records, not {batch.after}: another writer has appended to it"
        )
    return None


async def _heads(connection: Connection, executions: list[str]) -> dict[str, Head]:
    """Lock the rows of executions, in one order for all writers; new ones, and what a vacuum takes now, are made."""
    made = "insert into executions (execution) select unnest(%s::text[]) on conflict do nothing"
    chosen = "select execution, last, owner from executions where execution = any(%s) order by execution for update"
    while True:
        await connection.execute(made, [executions])
        rows: list[tuple[Any, ...]] = await (await connection.execute(chosen, [executions])).fetchall()
        if len(rows) == len(executions):
            return {execution: Head(last, owner) for execution, last, owner in rows}


async def _lives(connection: Connection, writer: str) -> bool:
    """Whether a writer still has its lock."""
    cursor = await connection.execute("select pg_try_advisory_xact_lock_shared(%s)", [lock_key(writer)])
    row = await cursor.fetchone()
    return not (row and row[0])


async def _write(connection: Connection, writer: str, batches: list[Batch[Rows]]) -> None:
    kept = list({value[0]: value for batch in batches for value in batch.content.kept}.values())
    if kept:
        await connection.execute(
            "insert into kept select * from unnest(%s::text[], %s::text[], %s::bytea[]) on conflict do nothing",
            [list(column) for column in zip(*kept, strict=True)],
        )
    added = [row for batch in batches for row in batch.content.columns]
    columns = [list(column) for column in zip(*added, strict=True)]
    await connection.execute(
        "insert into records select a, b, c, d, e, f, g::json from unnest(%s::text[], %s::bigint[], %s::float8[],"
        " %s::text[], %s::text[], %s::int[], %s::text[]) as t (a, b, c, d, e, f, g)",
        columns,
    )
    async with connection.cursor() as cursor:
        await cursor.executemany(*_updates(writer, batches))


_COLUMNS = {
    "workflow": "text", "version": "text", "phase": "text", "started": "float8", "ended": "float8", "error": "json",
    "labels": "json", "inputs": "json",
}  # fmt: skip
_COUNTS = {
    "attempts": "bigint", "calls": "bigint", "input_tokens": "bigint", "output_tokens": "bigint", "usd": "float8",
}  # fmt: skip


def _updates(writer: str, batches: list[Batch[Rows]]) -> tuple[str, list[list[Any]]]:
    """The change of each row of executions; what a batch does not say stays."""
    sets = [f"{name} = case when %s then %s::{type} else {name} end" for name, type in _COLUMNS.items()]
    adds = [f"{name} = coalesce({name} + %s::{type}, %s::{type}, {name})" for name, type in _COUNTS.items()]
    changes = ", ".join([*sets, *adds])
    statement = f"update executions set last = %s, owner = %s, {changes} where execution = %s"  # noqa: S608 - ours
    parameters = []
    for batch in batches:
        change = batch.content.change
        row: list[Any] = [batch.last, "" if change.releases else writer]
        for name in _COLUMNS:
            row += [name in change.sets, change.sets.get(name)]
        for name in _COUNTS:
            row += [change.adds.get(name)] * 2
        parameters.append([*row, batch.execution])
    return statement, parameters
