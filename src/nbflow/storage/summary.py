"""One line about an execution, from its records. Every adapter's `executions` says the same as this."""

from __future__ import annotations

from collections.abc import Iterable

from nbflow.execution import events as e
from nbflow.execution.events import Record
from nbflow.ports.journal import Summary

PHASES: dict[str, str] = {
    "ExecutionStarted": "running",
    "ExecutionPaused": "paused",
    "ExecutionResumed": "running",
    "ExecutionSuspended": "suspended",
    "ExecutionRecovered": "running",
    "ExecutionCompleted": "completed",
    "ExecutionFailed": "failed",
    "ExecutionCancelled": "cancelled",
}
ENDS = ("ExecutionCompleted", "ExecutionFailed", "ExecutionCancelled")


def summarise(execution: str, records: Iterable[Record]) -> Summary:
    """Where an execution stands. `waiting` when a node waits for a person, event or time and none runs."""
    workflow = version = ""
    phase, started, ended, error, last = "pending", 0.0, None, None, 0
    nodes: dict[str, str] = {}
    for record in records:
        event, name, last = record.event, type(record.event).__name__, record.sequence
        if name in PHASES:
            phase = PHASES[name]
            ended, error = (record.at, getattr(event, "error", None)) if name in ENDS else (None, None)
        if isinstance(event, e.ExecutionStarted):
            workflow, version, started = event.workflow, event.version, record.at
        elif isinstance(event, e.NodeWaiting):
            nodes[event.node] = "retry" if event.reason == "retry" else "waiting"
        elif isinstance(event, e.NodeStarted | e.NodeCompleted | e.NodeFailed | e.NodeCancelled):
            nodes[event.node] = "running" if isinstance(event, e.NodeStarted) else "settled"
    if phase == "running" and "waiting" in nodes.values() and "running" not in nodes.values():
        phase = "waiting"
    return Summary(execution, workflow, version, phase, started, ended, error, last)
