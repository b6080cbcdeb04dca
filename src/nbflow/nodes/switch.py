"""`switch`: the first case whose `when` holds opens its gates; the output says what was chosen."""

from __future__ import annotations

from nbflow.execution.outcomes import Outcome, Succeeded
from nbflow.execution.state import NodeState
from nbflow.plan.plan import Switch
from nbflow.ports.executors import Scope


class SwitchKind:
    def activate(self, node: NodeState, scope: Scope, now: float) -> Outcome:
        work = node.node.work
        assert isinstance(work, Switch)
        for case in work.cases:
            if case.when is None or case.when.evaluate(scope):
                chose = case.label or (case.then[0] if len(case.then) == 1 else list(case.then))
                return Succeeded(node.path, 0, {"chose": chose}, case.then)
        return Succeeded(node.path, 0, {"chose": None}, ())
