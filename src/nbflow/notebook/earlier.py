"""What the next execution takes from earlier ones of this notebook, and what is said of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from nbflow.history import forking
from nbflow.history.reuse import Reuse, table
from nbflow.notebook.errors import MOCKED
from nbflow.plan.plan import Plan
from nbflow.runtime.engine import Engine
from nbflow.runtime.execution import Execution


class Earlier:
    """The earlier executions of one notebook. `home` is the engine where reruns go, `write` what the person reads."""

    def __init__(self, home: Callable[[], Engine], write: Callable[[str], None]) -> None:
        self._home, self._write = home, write
        self.latest: dict[str, tuple[str, Engine]] = {}  # workflow → what this notebook began last, and where it is
        self.again = False  # whether the next cell keeps what did not change
        self._reused: dict[str, Reuse] = {}

    def keep(self, execution: Execution) -> None:
        """The next cell of this workflow goes on from this execution."""
        self.again, self.latest[execution.plan.name] = True, (execution.id, execution.engine or self._home())

    async def rerun(
        self, earlier: Execution, plan: Plan, inputs: dict[str, Any] | None = None, *, engine: Engine | None = None,
        mock: bool = False, from_node: str | None = None, effects: str | None = None,
    ) -> Execution:  # fmt: skip
        """A new execution, at home, that keeps what did not change; a table of it follows at the end.

        `from_node` and all that follows from it run in any case.
        """
        execution, reuse = await forking.rerun_with(
            engine or self._home(), earlier, plan,
            inputs=inputs or None, from_node=from_node, effects=effects, mock=mock,
        )  # fmt: skip
        self._reused[execution.id] = reuse
        self.say_mocked(execution)
        return execution

    def say_mocked(self, execution: Execution) -> None:
        """Say what becomes of effects that do not happen in an execution."""
        if execution.mocked:
            self._write(MOCKED.format(execution.id))

    def say_what_was_kept(self, execution: Execution) -> None:
        """The table of a rerun, once."""
        reuse = self._reused.pop(execution.id, None)
        if reuse is None:
            return
        rows = list(table(reuse, execution.state).items())
        wide = max((len(path) for path, _ in rows), default=0)
        self._write("\n".join(f"  {path:<{wide}}  {why}" for path, why in rows))
