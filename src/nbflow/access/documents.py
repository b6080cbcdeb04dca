"""The JSON documents that the shell and the API answer with; their fields are a contract.

They are made of the fold of committed records only. What JSON cannot hold is named by its type and a short text.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from nbflow.errors import Diagnostic
from nbflow.execution.events import Record
from nbflow.execution.state import ExecutionState, NodeState
from nbflow.ports.executions import Listed

Document = dict[str, Any]


def findings(diagnostics: Iterable[Diagnostic]) -> Document:
    """What `validate --json` prints; valid when there is no error."""
    listed = [finding.as_json() for finding in diagnostics]
    return {"valid": all(finding["severity"] != "error" for finding in listed), "diagnostics": listed}


def execution(
    id: str, state: ExecutionState, records: Iterable[Record] | None = None, *, phase: str | None = None
) -> Document:
    """What `run --json` and `executions show --json` print; `records` adds `events`.

    `phase` is given where more is known than the fold says (``waiting`` when only waiting is left).
    """
    document: Document = {
        "execution": id,
        "phase": phase or state.phase,
        "outputs": plain(state.outputs),
        "nodes": {path: node(state.nodes.get(path)) for path in paths(state)},
        "error": failure(state.error),
    }
    if records is not None:
        document["events"] = [event(record) for record in records]
    return document


def paths(state: ExecutionState) -> list[str]:
    """Every node of the graph in the order written, each followed by the nodes of its bodies."""
    rooted = [entry.id for entry in state.plan.body.nodes]
    inner: dict[str, list[str]] = {}
    for path in state.nodes:
        owner = path.split(".", 1)[0].split("[", 1)[0]
        if path != owner:
            inner.setdefault(owner, []).append(path)
    listed = [path for owner in rooted for path in (owner, *inner.pop(owner, ()))]
    return listed + [path for rest in inner.values() for path in rest]


def node(state: NodeState | None) -> Document:
    """One node; a node nothing is known of is pending."""
    if state is None:
        return {"phase": "pending", "attempts": 0}
    document: Document = {"phase": state.phase, "attempts": state.attempt}
    if state.phase == "completed" or state.handled:
        document["output"] = plain(state.output)
    if state.error is not None:
        document["error"] = plain(state.error)
    if state.reason is not None:
        document["reason"] = state.reason
    if state.phase == "waiting" and state.detail and state.detail.get("prompt"):
        document["asks"] = plain({name: state.detail.get(name) for name in ("prompt", "schema", "about")})
    if state.snapshot is not None:
        document["states"] = state.snapshot["configuration"]
    if state.unheard:
        document["ignored"] = dict(state.unheard)
    return document


def failure(error: dict[str, Any] | None) -> Document | None:
    """An execution's error with exactly the fields of the contract."""
    if error is None:
        return None
    return {name: plain(error.get(name)) for name in ("code", "node", "kind", "message", "attempt")}


def listed(entry: Listed, cursor: str) -> Document:
    """One line of `executions list --json`; times are ISO 8601 in UTC, and `cursor` asks for what comes after it."""
    return {
        "execution": entry.execution,
        "workflow": entry.workflow,
        "version": entry.version,
        "phase": entry.phase,
        "started": moment(entry.started),
        "ended": moment(entry.ended),
        "error": failure(entry.error),
        "nodes": entry.nodes,
        "attempts": entry.attempts,
        "calls": entry.calls,
        "input_tokens": entry.input_tokens,
        "output_tokens": entry.output_tokens,
        "usd": entry.usd,
        "labels": entry.labels,
        "cursor": cursor,
    }


def event(record: Record) -> Document:
    """A record: its sequence, time and type, and the fields of its event. What moved a statechart is its `cause`."""
    fields = {entry.name: getattr(record.event, entry.name) for entry in dataclasses.fields(record.event)}
    return {
        "sequence": record.sequence,
        "at": moment(record.at),
        "event": type(record.event).__name__,
        **{"cause" if name == "event" else name: plain(value) for name, value in fields.items()},
    }


def moment(seconds: float | None) -> str | None:
    """Seconds since the epoch as ISO 8601 in UTC, with milliseconds."""
    if seconds is None:
        return None
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def plain(value: Any) -> Any:
    """JSON data of any value."""
    match value:
        case None | bool() | int() | str():
            return value
        case float():
            return value if math.isfinite(value) else str(value)
        case dict():
            return {str(key): plain(entry) for key, entry in value.items()}
        case list() | tuple():
            return [plain(entry) for entry in value]
        case _:
            return {"type": type(value).__name__, "text": repr(value)[:200]}
