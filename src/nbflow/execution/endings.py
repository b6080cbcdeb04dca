"""How things go wrong and end: attempts, nodes, bodies, the execution; and the cleaning up after it."""

from __future__ import annotations

from typing import Any

from nbflow.execution import events as e
from nbflow.execution.joins import follow
from nbflow.execution.retries import retry_at, rule_for
from nbflow.execution.state import ENDED, SETTLED, ExecutionState, Frame, NodeState

Frames = tuple[tuple[str, dict[str, Any]], ...]


def failed(
    state: ExecutionState, node: NodeState, error: dict[str, Any], at: float, *, value: Any = None, luck: float = 0.0,
    retryable: bool = True, retry_after: float | None = None,
) -> list[e.Event]:
    """A node's attempt failed: retry → on_error of the node → its body or the execution fails."""
    path, attempt = node.path, node.attempt
    due = retry_at(node, error, at, luck, retry_after) if retryable and not state.ending else None
    if due is not None:
        return [e.AttemptFailed(path, attempt, error, due)]
    rule = rule_for(node.node.policies, error)
    index, frame = node.node.index, node.frame
    if rule.action in ("continue", "value"):
        return [e.NodeFailed(path, attempt, error, rule.action, value, *follow(frame, index, True))]
    if rule.action == "then" and rule.then is not None:
        chosen = (rule.then,)
        return [e.NodeFailed(path, attempt, error, "then", None, *follow(frame, index, False, chosen), chosen)]
    fact = e.NodeFailed(path, attempt, error)
    if frame.path == "":
        return [fact, *begin_end(state, "failed", {"node": path, "attempt": attempt, **error}, but=path)]
    from nbflow.execution.bodies import broken  # noqa: PLC0415 - a failing body fails its owner: the two are one recursion

    return [fact, *broken(state, frame, {"node": path, "attempt": attempt, **error}, at)]


def give_up(state: ExecutionState, frame: Frame) -> list[e.Event]:
    """Cancel what is active in a frame and in the frames inside it."""
    facts: list[e.Event] = []
    for node in frame.nodes:
        if node is None or node.phase in SETTLED:
            continue
        for path in node.opened or ():
            facts += give_up(state, state.frames[path])
        facts.append(e.NodeCancelled(node.path, f"{frame.path} failed"))
    return facts


def begin_end(
    state: ExecutionState, phase: str, error: dict[str, Any] | None, *, but: str | None = None
) -> list[e.Event]:
    """The execution will end as `phase`: all that is active is cancelled, except the node that failed."""
    active = tuple(
        path for path, node in state.nodes.items() if node.phase not in SETTLED and not node.frame.closed and path != but
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
