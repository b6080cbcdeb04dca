"""`parallel`: a body for every item, or named branches; at most `max` at a time, results in order."""

from __future__ import annotations

from nbflow.errors import NodeError
from nbflow.execution.bodies import frames_from
from nbflow.execution.outcomes import BodyDone, Opened, Outcome, Succeeded
from nbflow.execution.state import Frame, NodeState
from nbflow.plan.plan import Branches, ForEach
from nbflow.ports.executors import Scope
from nbflow.spec.document import kind_of

MAX_ITEMS = 10_000


class ParallelKind:
    def activate(self, node: NodeState, scope: Scope, now: float) -> Outcome:
        work = node.node.work
        if isinstance(work, Branches):
            total = len(work.bodies)
            return Opened(node.path, frames_from(node, 0, min(work.max or total, total)), {}, total)
        assert isinstance(work, ForEach)
        items = work.items.evaluate(scope)
        if not isinstance(items, list):
            raise NodeError("InvalidInput", f"for_each takes a list; {work.items.text} is {kind_of(items)}")
        if len(items) > MAX_ITEMS:
            raise NodeError(
                "LimitReached",
                f"parallel over {len(items)} items is past the limit of {MAX_ITEMS}",
                code="limit.fanout",
            )
        if not items:
            return Succeeded(node.path, 0, [], inputs={"items": items})
        total = len(items)
        return Opened(node.path, frames_from(node, 0, min(work.max or total, total)), {"items": items}, total)

    def close(self, frame: Frame, scope: Scope) -> BodyDone:
        owner = frame.owner
        assert owner is not None
        outputs = frame.outputs()
        work = owner.node.work
        value = work.collect if isinstance(work, ForEach) and work.collect is not None else frame.body.result
        return BodyDone(frame.path, value.evaluate(scope) if value is not None else outputs, outputs)
