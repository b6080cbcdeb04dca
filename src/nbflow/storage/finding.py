"""Finding executions: what fits a query, and the cursors of pages; the same for every store."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable
from typing import Any

from nbflow.errors import StorageError
from nbflow.execution import events as e
from nbflow.execution.events import Record
from nbflow.ports.executions import CALLS, Listed, Page, Query
from nbflow.storage.summary import summarise

Place = tuple[float, str]  # start and id: where a page ends


def listed(execution: str, records: list[Record]) -> Listed:
    """One line about an execution, from its records."""
    summary = summarise(execution, records)
    events = [record.event for record in records]
    calls = [event.usage for event in events if isinstance(event, e.CallRecorded) and event.kind in CALLS]
    labels = next((event.labels for event in events if isinstance(event, e.ExecutionStarted)), {})
    return Listed(
        summary.execution, summary.workflow, summary.version, summary.phase, summary.started, summary.ended,
        summary.error, summary.records,
        nodes=len({node for event in events if isinstance(node := getattr(event, "node", None), str)}),
        attempts=sum(isinstance(event, e.NodeStarted) for event in events),
        calls=len(calls), usd=_sum(calls, "usd"),
        input_tokens=_sum(calls, "input"), output_tokens=_sum(calls, "output"),
        labels=dict(labels),
    )  # fmt: skip


def page(rows: Iterable[tuple[Listed, dict[str, Any]]], query: Query) -> Page:
    """The page of a query from all executions with their inputs, in any order."""
    fitting = [row for row, inputs in rows if fits(row, inputs, query)]
    fitting.sort(key=lambda row: (-row.started, row.execution))
    place = read_cursor(query.cursor)
    if place is not None:
        fitting = [row for row in fitting if (-row.started, row.execution) > (-place[0], place[1])]
    return cut(fitting, query.limit)


def cut(rows: list[Listed], limit: int) -> Page:
    """The first `limit` rows, and the cursor when there are more."""
    kept = tuple(rows[:limit])
    return Page(kept, write_cursor(kept[-1]) if kept and len(rows) > limit else None)


def fits(row: Listed, inputs: dict[str, Any], query: Query) -> bool:
    """Whether an execution is what a query wants."""
    error = f"{row.error.get('kind', '')} {row.error.get('message', '')}".casefold() if row.error else ""
    return (
        (not query.phases or row.phase in query.phases)
        and (query.workflows is None or row.workflow in query.workflows)
        and query.version in (None, row.version)
        and (query.since is None or row.started >= query.since)
        and (query.until is None or row.started < query.until)
        and all(row.labels.get(name) == value for name, value in query.labels.items())
        and (query.tag is None or query.tag in row.labels or (row.workflow, row.version) in query.tagged)
        and all(name in inputs and as_text(inputs[name]) == as_text(value) for name, value in query.inputs.items())
        and (query.error is None or query.error.casefold() in error)
        and (query.usd is None or (row.usd or 0.0) >= query.usd)
    )


def versions(query: Query) -> list[str]:
    """The versions that have the tag of a query, as ``NAME VERSION``: neither has a space in it."""
    return sorted(f"{workflow} {version}" for workflow, version in query.tagged)


def as_text(value: Any) -> str:
    """A value for comparison: text as it is, everything else as compact JSON."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def write_cursor(row: Listed) -> str:
    return base64.urlsafe_b64encode(json.dumps([row.started, row.execution]).encode()).decode().rstrip("=")


def read_cursor(cursor: str | None) -> Place | None:
    """Where the page before ended. Raises `StorageError` ``store.cursor``."""
    if cursor is None:
        return None
    try:
        started, execution = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
        return float(started), str(execution)
    except (ValueError, TypeError):
        message = f"{cursor!r} is no cursor of a page"
        raise StorageError("store.cursor", message, "take it from the page before") from None


def _sum(usages: list[dict[str, Any]], name: str) -> Any:
    known = [usage[name] for usage in usages if name in usage]
    return sum(known) if known else None
