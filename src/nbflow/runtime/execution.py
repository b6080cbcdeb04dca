"""`Execution`: what a user holds. It sees what is committed, and its verbs act on the loop and return at once."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Protocol

from nbflow.errors import ExecutionFailed, IllegalMove, NotFound
from nbflow.execution import outcomes as o
from nbflow.execution.effects import Activate
from nbflow.execution.events import Record
from nbflow.execution.evolve import evolve, fold
from nbflow.execution.state import ENDED, SETTLED, ExecutionState, NodeState
from nbflow.plan.plan import Plan
from nbflow.runtime.explaining import explain
from nbflow.runtime.feed import Listener, Subscriber
from nbflow.runtime.gate import Breakpoint, Where
from nbflow.runtime.moves import allow
from nbflow.runtime.scope import NodeScope
from nbflow.spec.expressions import compile_expression

if TYPE_CHECKING:
    from nbflow.runtime.driver import Driver
    from nbflow.runtime.engine import Engine


class History(Protocol):
    """What the layer above does with a past; given to the engine."""

    async def fork(
        self, engine: Engine, execution: Execution, at: str | int, inputs: Mapping[str, Any] | None
    ) -> Execution: ...

    async def rerun(
        self, engine: Engine, execution: Execution, plan: Plan | None, inputs: Mapping[str, Any] | None,
        from_node: str | None,
    ) -> Execution: ...

    def diff(self, left: Execution, right: Execution) -> Sequence[Any]: ...


class Nodes(Mapping[str, NodeState]):
    """The nodes of an execution by path; those not reached yet are not in it."""

    def __init__(self, execution: Execution) -> None:
        self._execution = execution

    def __getitem__(self, path: str) -> NodeState:
        nodes = self._execution.state.nodes
        if path not in nodes:
            raise NotFound(f"{self._execution.id} has no node {path!r} yet; it has {', '.join(nodes) or 'none'}")
        return nodes[path]

    def __iter__(self) -> Iterator[str]:
        return iter(self._execution.state.nodes)

    def __len__(self) -> int:
        return len(self._execution.state.nodes)


class Execution:
    """One execution of a workflow, running or over.

    `await execution` gives it back once it has ended, and raises `ExecutionFailed` when it failed. Everything
    it shows is committed.
    """

    def __init__(
        self, driver: Driver | None, id: str, plan: Plan, records: list[Record] | None = None,
        engine: Engine | None = None,
    ) -> None:
        self.id, self.plan = id, plan
        self._engine = driver.engine if driver is not None else engine
        self._driver = driver
        self._records = driver.feed.records if driver is not None else (records or [])
        self._state = ExecutionState(plan)
        self.nodes = Nodes(self)

    # --- what is known -------------------------------------------------------------------------------

    @property
    def state(self) -> ExecutionState:
        """The fold of the committed records, made on first look."""
        for record in self._records[self._state.sequence :]:
            evolve(self._state, record)
        return self._state

    @property
    def events(self) -> tuple[Record, ...]:
        return tuple(self._records)

    @property
    def phase(self) -> str:
        """The phase; `waiting` when only people, events and times are waited for."""
        state = self.state
        if state.phase != "running" or state.running:
            return state.phase
        active = [node for node in state.nodes.values() if node.phase not in SETTLED and node.opened is None]
        waits = active and all(node.phase == "waiting" and node.reason != "retry" for node in active)
        return "waiting" if waits else "running"

    @property
    def outputs(self) -> Any:
        return self.state.outputs

    @property
    def error(self) -> dict[str, Any] | None:
        return self.state.error

    @property
    def inputs(self) -> dict[str, Any]:
        return self.state.inputs

    @property
    def ended(self) -> bool:
        return self.state.phase in ENDED

    @property
    def driven(self) -> bool:
        """Whether it is driven in this process, so that verbs act on it."""
        return self._driver is not None and not self._driver.done.done()

    def at(self, sequence: int) -> ExecutionState:
        """The state after a record: time travel is the fold of a prefix."""
        return fold(self.plan, self._records[:sequence])

    # --- the past ------------------------------------------------------------------------------------

    def _history(self) -> tuple[Engine, History]:
        engine = self._engine
        if engine is None or engine.history is None or engine.closed:
            raise IllegalMove(f"execution {self.id} has no open store here; open it again first", "execution.not_driven")
        return engine, engine.history

    async def fork(self, at: str | int, *, inputs: Mapping[str, Any] | None = None) -> Execution:
        """A new execution that shares the records up to a node (by path) or a sequence, and goes on from there.

        `inputs` are new inputs of that node.
        """
        engine, history = self._history()
        return await history.fork(engine, self, at, inputs)

    async def rerun(
        self, plan: Plan | None = None, *, inputs: Mapping[str, Any] | None = None, from_node: str | None = None
    ) -> Execution:
        """A new execution, of a changed workflow if one is given, that keeps the results that did not change.

        With `from_node` that node and all that follows run in any case. It is also how what failed is retried.
        """
        engine, history = self._history()
        return await history.rerun(engine, self, getattr(plan, "plan", plan), inputs, from_node)

    def diff(self, other: Execution) -> Sequence[Any]:
        """The nodes that differ from another execution's, with what they were and are."""
        return self._history()[1].diff(self, other)

    def explain(self, node: str) -> str:
        """Why a node stands where it stands, in a sentence."""
        return explain(self, node, self._engine)

    # --- waiting -------------------------------------------------------------------------------------

    def __await__(self) -> Generator[Any, None, Execution]:
        return self._ended().__await__()

    async def _ended(self) -> Execution:
        if self._driver is not None:
            await asyncio.shield(self._driver.done)
        state = self.state
        if state.phase == "failed":
            raise ExecutionFailed(failure_line(self), self)
        return self

    async def until(self, what: str) -> Execution:
        """Wait until a phase is reached or a node is settled, or the execution has ended."""
        while not self._reached(what) and not self.ended and self._driver is not None:
            news: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            forget = self._driver.feed.subscribe(_once(news, len(self._records)))
            try:
                await asyncio.wait({news, self._driver.done}, return_when=asyncio.FIRST_COMPLETED)
            finally:
                forget()
            if self._driver.done.done():
                self._driver.done.result()  # raises what broke the driver off
                break
        return self

    def _reached(self, what: str) -> bool:
        node = self.state.nodes.get(what)
        return self.phase == what or (node is not None and (node.phase in SETTLED or node.phase == "waiting"))

    def subscribe(self, subscriber: Subscriber) -> Callable[[], None]:
        """Call it with committed records: those so far at once, then every batch, on the loop."""
        if self._driver is None:
            subscriber(tuple(self._records))
            return lambda: None
        return self._driver.feed.subscribe(subscriber)

    def texts(self, listener: Listener) -> Callable[[], None]:
        """Call it with (path, text) while nodes stream."""
        return self._driver.feed.listen(listener) if self._driver is not None else lambda: None

    # --- verbs ---------------------------------------------------------------------------------------

    def _live(self, verb: str) -> Driver:
        driver = self._driver
        allow(verb, driver.state.phase if driver is not None else self.phase, self.id)
        if driver is None:
            raise IllegalMove(f"execution {self.id} is not driven here; recover it first", "execution.not_driven")
        if driver.done.done():
            driver.done.result()  # raises what broke the driver off
        return driver

    def pause(self) -> None:
        """Running nodes finish; nothing new starts."""
        driver = self._live("pause")
        driver.gate.closed = True
        driver.tell(o.PauseWished())

    def resume(self) -> None:
        """Go on after a pause, a breakpoint or a suspension."""
        driver = self._live("step" if self.held else "resume")
        if driver.state.suspended:
            driver.tell(o.Recovered("resumed"))
            return
        driver.tell(o.ResumeWished())
        failed = dict(driver.gate.failed)
        driver.gate.failed.clear()
        for path in driver.gate.open():
            driver.tell(replace(failed[path], again=False)) if path in failed else driver.later(Activate(path))

    def suspend(self, reason: str = "interrupted") -> None:
        """Stop running attempts and undo nothing; `resume` goes on, here or after a restart."""
        self._live("suspend").tell(o.SuspendWished(reason))

    async def quiet(self) -> None:
        """Wait until no attempt runs any more, after `suspend` or `cancel`."""
        while self._driver is not None and self._driver.tasks:
            await asyncio.wait(self._driver.tasks.values())

    def stop_again(self) -> None:
        """Cancel attempts that did not listen to their cancellation once more."""
        for task in tuple(self._driver.tasks.values()) if self._driver is not None else ():
            task.cancel()

    def cancel(self, reason: str = "") -> None:
        """Stop for good: every node is told, compensations run."""
        driver = self._live("cancel")
        if driver.state.suspended:
            driver.tell(o.Recovered("cancel"))
        driver.tell(o.CancelWished(reason))

    def signal(self, name: str, value: Any = None, key: str | None = None) -> None:
        """Send an event to the nodes that listen for it, now or later."""
        self._live("signal").tell(o.Signalled(name, value, key))

    def answer(self, node: str, value: Any) -> None:
        """Answer an `ask` node, or an agent that asks for leave. The value is checked against the question's schema."""
        driver = self._live("answer")
        state = self._waiting(driver, node, ("ask", "approval"), "a question")
        driver.engine.check_answer(state, value)
        if state.reason == "ask":
            driver.tell(o.Succeeded(node, state.attempt, value, taken={"by": "person"}))
            return
        driver.tell(o.Called(node, state.attempt, 0, "answer", state.detail["key"], response=value))
        driver.tell(o.Admitted(node, state.inputs, state.effects))

    def skip(self, node: str, value: Any = None) -> None:
        """Settle a node that waits, is in doubt or is held, with this output."""
        driver = self._live("skip")
        state = self._active(driver, node)
        driver.gate.forget(node)
        attempt = state.attempt if state.phase in ("waiting", "running") and state.reason != "retry" else 0
        driver.tell(o.Succeeded(node, attempt, value, taken={"by": "person"}))

    def mock(self, node: str, value: Any) -> None:
        """Let a held node give this value instead of running."""
        self.skip(node, value)

    def fail(self, node: str, message: str = "failed by a person") -> None:
        """Settle a node that waits or is in doubt as failed."""
        driver = self._live("fail")
        state = self._active(driver, node)
        error = {"kind": "Refused", "message": message, "code": "node.refused"}
        driver.tell(o.Failed(node, state.attempt, error, retryable=False))

    def retry(self, node: str) -> None:
        """Run an attempt that is in doubt, is held on its error, or waits for its retry, again now."""
        driver = self._live("retry")
        state = self._active(driver, node)
        held = driver.gate.failed.get(node)
        if held is not None:
            driver.gate.release(node)
            driver.gate.forget(node)
            driver.tell(replace(held, again=True))
            return
        if state.phase != "waiting" or state.reason not in ("in_doubt", "retry"):
            raise IllegalMove(f"{node} is {state.phase}; retry takes a node in doubt or one that waits for its retry")
        driver.timers.cancel(node)
        driver.tell(o.Admitted(node, state.inputs, state.effects))

    def edit(self, node: str, *, inputs: Any) -> None:
        """Change the inputs of a held node."""
        driver = self._live("edit")
        self._active(driver, node)
        driver.tell(o.Edited(node, inputs, by="person"))

    def preview(self, node: str) -> Any:
        """The inputs that a held node is about to get, as edited or as resolved now; secrets stay references."""
        driver = self._live("step")
        state = self._active(driver, node)
        kind = driver.engine.performed.get(state.node.kind)
        if state.inputs is not None or kind is None:
            return state.inputs
        return kind.resolve(state, driver.scope(state))

    @property
    def held(self) -> tuple[str, ...]:
        """Paths of the nodes that are held at a breakpoint or by a pause."""
        return tuple(self._driver.gate.held) if self._driver is not None else ()

    def break_at(self, node: str, when: str | None = None, where: Where = "before") -> None:
        """Hold at a node: before it begins, ``after`` it completed, or on its ``error``; `when` is an expression."""
        driver = self._live("step")
        ids = {inner.id for inner in self.plan.body.nodes_within()}
        if node.rpartition(".")[2].partition("[")[0] not in ids:
            raise NotFound(f"there is no node {node!r} to stop at; there are {', '.join(sorted(ids))}")
        driver.gate.breakpoints.append(Breakpoint(node, compile_expression(when) if when else None, where))

    def clear_breakpoint(self, node: str) -> None:
        """Forget the breakpoints at a node."""
        gate = self._live("step").gate
        gate.breakpoints = [point for point in gate.breakpoints if point.node != node]

    def attach(self) -> None:
        """Somebody looks: from now on `breakpoint:` in the text counts."""
        self._live("step").gate.attached = True

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

    def _active(self, driver: Driver, path: str) -> NodeState:
        node = driver.state.nodes.get(path)
        if node is None or node.phase in SETTLED:
            raise IllegalMove(f"{path} is {node.phase if node else 'pending'} in {self.id}; only an active node takes that")
        return node

    def _waiting(self, driver: Driver, path: str, reasons: tuple[str, ...], what: str) -> NodeState:
        node = self._active(driver, path)
        if node.phase != "waiting" or node.reason not in reasons:
            raise IllegalMove(f"{path} does not wait for {what}; it is {node.phase}")
        return node

    def __repr__(self) -> str:
        return f"<Execution {self.id} of {self.plan.name}: {self.phase}>"


def _once(news: asyncio.Future[None], seen: int) -> Subscriber:
    def subscriber(records: Any) -> None:
        if not news.done() and records and records[-1].sequence > seen:
            news.set_result(None)

    return subscriber


def failure_line(execution: Execution) -> str:
    """One line that says where and why."""
    error = execution.error or {}
    place = f"node {error['node']} " if error.get("node") else ""
    attempts = f" after {error['attempt']} attempts" if (error.get("attempt") or 0) > 1 else ""
    return f"{execution.plan.name}: {place}failed{attempts}: {error.get('kind')}: {error.get('message')}"
