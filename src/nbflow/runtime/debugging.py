"""Breakpoints and steps: what is held has not begun, and can be looked at and changed before it does."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from nbflow.errors import IllegalMove, NotFound
from nbflow.execution.effects import Activate
from nbflow.ports.plain import plain
from nbflow.runtime.editing import Editing
from nbflow.runtime.gate import Breakpoint, Where, read_point
from nbflow.runtime.pins import CALLS, Pinned
from nbflow.runtime.scope import NodeScope
from nbflow.spec.expressions import compile_expression


class Debugging(Editing):
    """What a person at a debugger can do besides."""

    def break_at(self, node: str, when: str | None = None, where: Where | None = None) -> None:
        """Hold at a node: before it begins, ``after`` it completed, or on its ``error``; `when` is an expression.

        `node` is an id in any body, a path, or a path without indices; ``fetch:after`` says where as `where` does.
        Another breakpoint at the same place takes its place.
        """
        gate, (node, named) = self._live("step").gate, read_point(node)
        ids = {inner.id for inner in self.plan.body.nodes_within()}
        if node.rpartition(".")[2].partition("[")[0] not in ids:
            raise NotFound(f"there is no node {node!r} to stop at; there are {', '.join(sorted(ids))}")
        point = Breakpoint(node, compile_expression(when) if when else None, where or named)
        others = (one for one in gate.breakpoints if (one.node, one.where) != (point.node, point.where))
        gate.breakpoints = [*others, point]

    def clear_breakpoint(self, node: str) -> None:
        """Forget the breakpoints at a node; with ``fetch:before``, ``:after`` or ``:error`` only that one."""
        gate, (name, where) = self._live("step").gate, read_point(node)
        alone = ":" in node
        gate.breakpoints = [one for one in gate.breakpoints if one.node != name or (alone and one.where != where)]

    def pin(self, node: str, value: Any = None) -> None:
        """Let a call give this value in later executions of the workflow, whatever its inputs; None: the output it has.

        It lasts as long as the process, or until `unpin`. `node` may be a path without indices, for all rounds.
        """
        engine = self._engine
        if engine is None:
            raise IllegalMove(f"execution {self.id} has no open store here; open it again first")
        known = next((one for one in self.plan.body.nodes_within() if one.id == node.rpartition(".")[2]), None)
        state = self.state.nodes.get(node)
        plan = state.node if state is not None else known
        if plan is None:
            raise NotFound(f"{self.plan.name} has no node {node!r}")
        if not isinstance(plan.work, CALLS):
            raise IllegalMove(f"{node} is a {plan.kind}, which calls nothing; pin what it reads")
        if value is None and (state is None or state.phase != "completed"):
            raise IllegalMove(f"{node} has no output to pin yet; give one")
        output = plain(value) if value is not None else state.output if state is not None else None
        engine.pins.setdefault(self.plan.name, {})[node] = Pinned(output, self.id, node)

    def unpin(self, node: str) -> bool:
        """Let a node be called again; whether it was pinned."""
        pins = self._engine.pins.get(self.plan.name, {}) if self._engine is not None else {}
        return pins.pop(node, None) is not None

    def pinned(self, node: str) -> bool:
        """Whether a node gives the same output in later executions, by `pin`."""
        return self._engine is not None and node in self._engine.pins.get(self.plan.name, {})

    def attach(self) -> None:
        """Somebody looks: from now on `breakpoint:` in the text counts."""
        self._live("step").gate.attached = True

    def let_pass(self) -> None:
        """Nobody looks: forget all breakpoints, those of the text too, and go on with what is held."""
        gate = self._live("step").gate
        gate.attached, gate.breakpoints = False, []
        if gate.held or gate.closed:
            self.resume()

    def evaluate(self, text: str, node: str | None = None) -> Any:
        """An expression's value as the node sees it, without one as the outputs do.

        Raises `ExpressionError` or `EvaluationError`, both with the place in the text.
        """
        expression, state = compile_expression(text), self.state
        frame = self.nodes[node].frame if node is not None else state.root
        return expression.evaluate(NodeScope(state, frame, self._engine.env if self._engine is not None else {}))

    def step(self) -> None:
        """Let the first held node go and hold what follows; when nothing is held, hold what comes next."""
        self._step(over=False)

    def step_over(self) -> None:
        """As `step`, but the bodies of that node pass whole."""
        self._step(over=True)

    def _step(self, *, over: bool) -> None:
        driver = self._live("step")
        path = driver.gate.step(over=over)
        if path in driver.gate.failed:
            self.retry(path)
        elif path is not None:
            driver.later(Activate(path))

    def run_to(self, node: str) -> None:
        """Go on, and hold at this node."""
        self.break_at(node)
        self.resume()

    def on_held(self, notice: Callable[[], None]) -> Callable[[], None]:
        """Call it whenever a node comes to be held; returns how to stop."""
        driver = self._driver
        if driver is None:
            return lambda: None
        driver.on_held.append(notice)
        return lambda: driver.on_held.remove(notice) if notice in driver.on_held else None

    def on_detach(self, leave: Callable[[], None]) -> None:
        """Call it once when the cell that waits for this execution is to be given back."""
        if self._driver is not None:
            self._driver.on_detach.append(leave)

    def detach(self) -> None:
        """Give the cell back that waits for it; the execution goes on. Raises `IllegalMove` when no cell waits."""
        driver = self._driver
        leaving = driver.on_detach if driver is not None and not driver.done.done() else []
        if not leaving:
            raise IllegalMove(f"no cell waits for execution {self.id}")
        while leaving:
            leaving.pop()()

    async def hold(self) -> tuple[str, ...]:
        """Wait until a node is held or the execution has ended; returns what is held."""
        driver = self._driver
        while driver is not None and not driver.gate.held and not driver.done.done():
            news: asyncio.Future[None] = asyncio.get_running_loop().create_future()

            def notice(news: asyncio.Future[None] = news) -> None:
                if not news.done():
                    news.set_result(None)

            driver.on_held.append(notice)
            try:
                await asyncio.wait({news, driver.done}, return_when=asyncio.FIRST_COMPLETED)
            finally:
                driver.on_held.remove(notice)
        return self.held
