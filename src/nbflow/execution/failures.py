"""How things go wrong: an attempt, its node, the body around it, the node that owns the body, the execution."""

from __future__ import annotations

from typing import Any

from nbflow.execution import events as e
from nbflow.execution import outcomes as o
from nbflow.execution.bodies import next_bodies
from nbflow.execution.endings import begin_end
from nbflow.execution.joins import follow
from nbflow.execution.retries import retry_at, rule_for
from nbflow.execution.state import SETTLED, ExecutionState, Frame, NodeState
from nbflow.plan.plan import Branches, ForEach, Machine


def failed(
    state: ExecutionState,
    node: NodeState,
    error: dict[str, Any],
    at: float,
    *,
    value: Any = None,
    luck: float = 0.0,
    retryable: bool = True,
    retry_after: float | None = None,
    over: frozenset[str] = frozenset(),
) -> list[e.Event]:
    """A node's attempt failed: retry → on_error of the node → its body or the execution fails.

    `over` are nodes that the facts before these have settled.
    """
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
    fact, over = e.NodeFailed(path, attempt, error), over | {path}
    error = {"node": path, "attempt": attempt, **error}
    if frame.path == "":
        return [fact, *begin_end(state, "failed", error, but=over)]
    return [fact, *broken(state, frame, error, at, over)]


def give_up(
    state: ExecutionState, frame: Frame, over: frozenset[str] = frozenset(), why: str = ""
) -> list[e.NodeCancelled]:
    """Cancel what is active in a frame and in the frames inside it, without what is `over`."""
    why = why or f"{frame.path} failed"
    facts: list[e.NodeCancelled] = []
    for node in frame.nodes:
        if node is None or node.phase in SETTLED or node.path in over:
            continue
        for path in node.opened or ():
            if not state.frames[path].closed:
                facts += give_up(state, state.frames[path], over, why)
        facts.append(e.NodeCancelled(node.path, why))
    return facts


def give_up_bodies(state: ExecutionState, owner: NodeState) -> list[e.NodeCancelled]:
    """Cancel what is active in the bodies of a node that took too long."""
    open_ = [state.frames[path] for path in owner.opened or () if not state.frames[path].closed]
    return [fact for frame in open_ for fact in give_up(state, frame)]


def body_broken(state: ExecutionState, outcome: o.BodyBroken, at: float) -> list[e.Event]:
    frame = state.frames.get(outcome.frame)
    if frame is None or frame.closed:
        return []
    return broken(state, frame, outcome.error, at)


def broken(
    state: ExecutionState, frame: Frame, error: dict[str, Any], at: float, over: frozenset[str] = frozenset()
) -> list[e.Event]:
    """A body failed: what its owner's failure mode says."""
    owner = frame.owner
    facts: list[e.Event] = [*give_up(state, frame, over)]
    facts.append(e.BodyEnded(owner.path if owner else "", frame.path, None, error))
    if owner is None or frame.cleanup:
        return facts
    work = owner.node.work
    if isinstance(work, Machine):
        return facts  # the machine hears of it as an event
    allowed = work.on_fail if isinstance(work, ForEach | Branches) else "fail"
    if allowed == "collect" or (isinstance(allowed, int) and owner.broken < allowed):
        return facts + next_bodies(state, owner, frame, None, error)
    for path in owner.opened or ():
        other = state.frames[path]
        if other is not frame and not other.closed:
            facts += give_up(state, other, over)
    over |= {fact.node for fact in facts if isinstance(fact, e.NodeCancelled)}
    return facts + failed(state, owner, error, at, over=over)
