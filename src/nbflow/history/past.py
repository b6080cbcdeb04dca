"""What an `Execution` can do with its past: fork, rerun, compare. The runtime knows it by the port `History`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from nbflow.history import forking
from nbflow.history.compare import Change, diff
from nbflow.plan.plan import Plan
from nbflow.runtime.engine import Engine
from nbflow.runtime.execution import Execution


class Past:
    """`History` over this package's functions."""

    async def fork(
        self,
        engine: Engine,
        execution: Execution,
        at: str | int | None,
        inputs: Mapping[str, Any] | None,
        edits: Mapping[str, Mapping[str, Any]] | None,
        effects: str | None,
    ) -> Execution:
        return await forking.fork(engine, execution, at, inputs=inputs, edits=edits, effects=effects)

    async def rerun(
        self,
        engine: Engine,
        execution: Execution,
        plan: Plan | None,
        inputs: Mapping[str, Any] | None,
        from_node: str | None,
    ) -> Execution:
        return await forking.rerun(engine, execution, plan, inputs=inputs, from_node=from_node)

    def diff(self, left: Execution, right: Execution) -> list[Change]:
        return diff(left, right)
