"""How many node runs one execution may have, and the refusal of bodies that would go past it, before they begin."""

from __future__ import annotations

from typing import Any

from nbflow.errors import NodeError
from nbflow.execution.outcomes import Opened
from nbflow.execution.state import ExecutionState, NodeState
from nbflow.plan.plan import ForEach, Loop

MAX_NODE_RUNS = 100_000  # nodes of bodies in one execution


def check_size(state: ExecutionState, node: NodeState, step: Opened) -> None:
    """Raise `NodeError` (``limit.fanout``) when the bodies that `step` opens would go past the limit."""
    work = node.node.work
    if not isinstance(work, ForEach | Loop):
        return
    wanted = len(state.nodes) + (step.total or 1) * len(work.body.nodes) * _times(node)
    if wanted > MAX_NODE_RUNS and wanted > len(state.root.body.nodes) * 2:
        raise NodeError(
            "LimitReached",
            f"{wanted:,} node runs in one execution are past the limit of {MAX_NODE_RUNS:,}",
            code="limit.fanout",
        )


def _times(node: NodeState) -> int:
    """How often, for certain, the bodies around a `parallel` open it with as many items as now.

    That is known where its list depends on nothing of those bodies, and nothing can keep them from it.
    """
    times, work = 1, node.node.work
    roots = {reference.root for reference in work.items.references} if isinstance(work, ForEach) else {"loop"}
    while (owner := node.frame.owner) is not None and isinstance(owner.node.work, ForEach):
        mine = {"item", "index", *node.frame.body.index}
        if roots & mine or node.node.condition is not None or node.frame.body.sources[node.node.index]:
            break
        times *= owner.total or 1
        node = owner
    return times


def too_long(seconds: float) -> dict[str, Any]:
    """The error of an execution that is past its own timeout."""
    message = f"the execution took longer than {seconds:g} s"
    return {"node": None, "attempt": 0, "kind": "Timeout", "code": "execution.timeout", "message": message}
