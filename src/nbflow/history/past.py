"""What an `Execution` can do with its past: fork, rerun, compare. The runtime knows it by the port `History`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from nbflow.history import forking
from nbflow.history.compare import Change, diff
from nbflow.plan.plan import Plan
from nbflow.runtime.engine import Engine
from nbflow.runtime.execution import Execution


class Past:
    """`History` over this package's functions. `home` gives the engine of the person's own store.

    An execution that was only read out of another store goes on at home, as a fork or rerun whose effects are mocked.
    """

    def __init__(self, home: Callable[[], Engine] | None = None) -> None:
        self._home = home

    def _engine(self, engine: Engine, execution: Execution) -> Engine:
        return engine if self._home is None or not execution.only_read else self._home()

    async def fork(
        self,
        engine: Engine,
        execution: Execution,
        at: str | int | None,
        inputs: Mapping[str, Any] | None,
        edits: Mapping[str, Mapping[str, Any]] | None,
        effects: str | None,
    ) -> Execution:
        return await forking.fork(
            self._engine(engine, execution), execution, at, inputs=inputs, edits=edits, effects=effects
        )

    async def rerun(
        self,
        engine: Engine,
        execution: Execution,
        plan: Plan | None,
        inputs: Mapping[str, Any] | None,
        from_node: str | None,
        effects: str | None,
    ) -> Execution:
        home = self._engine(engine, execution)
        return await forking.rerun(home, execution, plan, inputs=inputs, from_node=from_node, effects=effects)

    def diff(self, left: Execution, right: Execution) -> list[Change]:
        return diff(left, right)
