"""How an execution ends early: what is active is cancelled, then the cleaning up, step by step."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from nbflow.execution import events as e
from nbflow.execution.state import ENDED, SETTLED, ExecutionState, NodeState


def begin_end(
    state: ExecutionState, phase: str, error: dict[str, Any] | None, *, but: Collection[str] = ()
) -> list[e.Event]:
    """The execution will end as `phase`: all that is active is cancelled, except what just was settled."""
    active = tuple(
        path
        for path, node in state.nodes.items()
        if node.phase not in SETTLED and not node.frame.closed and path not in but
    )
    return [e.ExecutionEnding(phase, error, active)]


def clean_up(state: ExecutionState) -> list[e.Event]:
    """The next compensation (last completed first), then the workflow's `on_error`, then the end."""
    if state.ending is None or state.phase in ENDED:
        return []
    if any(frame.cleanup and not frame.closed for frame in state.frames.values()):
        return []
    error = state.error or {"node": None, "kind": "Cancelled", "message": "the execution was cancelled", "attempt": 0}
    node = _to_undo(state)
    if node is not None and node.node.compensate is not None:
        path, body, name = f"{node.path}.compensate", node.node.compensate, node.path
    elif state.ending == "failed" and state.plan.on_error is not None and "on_error" not in state.frames:
        path, body, name = "on_error", state.plan.on_error, ""
    else:
        ended = e.ExecutionFailed(error) if state.ending == "failed" else e.ExecutionCancelled("as asked")
        return [ended]
    roots = tuple(f"{path}.{body.nodes[index].id}" for index in body.roots)
    return [e.NodeExpanded(name, ((path, {"error": error}),), roots)]


def _to_undo(state: ExecutionState) -> NodeState | None:
    """The completed node with a compensation that was not opened yet, the last settled first."""
    last: NodeState | None = None
    for path, node in state.nodes.items():
        if node.phase != "completed" or node.node.compensate is None or node.handled or path in state.undone:
            continue
        if last is None or node.settled > last.settled:
            last = node
    return last
