"""A journal may have been cut between two facts of one decision: recovery takes the decision to its end."""

from __future__ import annotations

from nbflow.execution import events as e
from nbflow.execution.bodies import completed, gathered, open_next
from nbflow.execution.endings import begin_end
from nbflow.execution.failures import broken, failed
from nbflow.execution.moves import unfinished
from nbflow.execution.state import SETTLED, ExecutionState, NodeState
from nbflow.plan.plan import Branches, ForEach


def mend(state: ExecutionState, at: float) -> list[e.Event]:
    """The facts that are missing. At most one decision can be open: the last one."""
    if state.ending:
        return []
    for node in state.nodes.values():
        facts = [] if node.frame.closed else _missing(state, node, at)
        if facts:
            return facts
    return []


def _missing(state: ExecutionState, node: NodeState, at: float) -> list[e.Event]:
    if node.phase == "failed" and node.handled is None and node.error is not None:
        error = {"node": node.path, "attempt": node.attempt, **node.error}
        if node.frame.path == "":
            return begin_end(state, "failed", error)
        return broken(state, node.frame, error, at)
    if node.snapshot is not None and node.phase not in SETTLED:
        return unfinished(state, node)
    if node.phase == "running" and node.opened is not None:
        return _owner(state, node, at)
    return []


def _owner(state: ExecutionState, owner: NodeState, at: float) -> list[e.Event]:
    work = owner.node.work
    allowed = work.on_fail if isinstance(work, ForEach | Branches) else "fail"
    if owner.broken and not (allowed == "collect" or (isinstance(allowed, int) and owner.broken <= allowed)):
        error = next(ended.error for ended in (owner.opened or {}).values() if ended is not None and ended.error)
        return failed(state, owner, error, at)
    if not isinstance(work, ForEach | Branches) or owner.total is None:
        return []
    if len(owner.opened or ()) < owner.total:
        room = owner.open < min(work.max or owner.total, owner.total)
        return [open_next(state, owner)] if room else []
    return [completed(owner, gathered(owner))] if owner.open == 0 else []
