"""`set`: the output is the mapping, evaluated."""

from __future__ import annotations

from nbflow.execution.outcomes import Outcome, Succeeded
from nbflow.execution.state import NodeState
from nbflow.plan.plan import Assign
from nbflow.ports.executors import Scope


class AssignKind:
    def activate(self, node: NodeState, scope: Scope, now: float) -> Outcome:
        work = node.node.work
        assert isinstance(work, Assign)
        return Succeeded(node.path, 0, work.values.evaluate(scope))
