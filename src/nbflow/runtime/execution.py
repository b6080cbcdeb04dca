"""`Execution`: what a user holds. It sees what is committed, and its verbs act on the loop and return at once."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Generator, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Protocol

from nbflow.errors import ExecutionFailed, IllegalMove, NotFound
from nbflow.execution.bodies import ready
from nbflow.execution.events import Record
from nbflow.execution.evolve import evolve, fold
from nbflow.execution.state import ENDED, SETTLED, ExecutionState, NodeState
from nbflow.plan.plan import Plan
from nbflow.ports.plain import copied
from nbflow.runtime.debugging import Debugging
from nbflow.runtime.explaining import awaited, explain
from nbflow.runtime.feed import Listener, Subscriber
from nbflow.runtime.following import lost, news

if TYPE_CHECKING:
    from nbflow.runtime.driver import Driver
    from nbflow.runtime.engine import Engine


class History(Protocol):
    """What the layer above does with a past; given to the engine."""

    async def fork(
        self,
        engine: Engine,
        execution: Execution,
        at: str | int | None,
        inputs: Mapping[str, Any] | None,
        edits: Mapping[str, Mapping[str, Any]] | None,
        effects: str | None,
    ) -> Execution: ...

    async def rerun(
        self,
        engine: Engine,
        execution: Execution,
        plan: Plan | None,
        inputs: Mapping[str, Any] | None,
        from_node: str | None,
        effects: str | None,
    ) -> Execution: ...

    def diff(self, left: Execution, right: Execution) -> Sequence[Any]: ...


class Attended(Protocol):
    """A way to wait for the end of an execution; `plainly` is the usual one."""

    def __call__(
        self, execution: Execution, plainly: Callable[[], Coroutine[Any, Any, Execution]]
    ) -> Coroutine[Any, Any, Execution]: ...


class Nodes(Mapping[str, NodeState]):
    """The nodes of an execution by path; those not reached yet are not in it.

    What one does to their inputs and outputs stays in this handle, and does not reach the running execution.
    """

    def __init__(self, execution: Execution) -> None:
        self._execution = execution
        self._own: dict[str, tuple[Any, Any]] = {}  # path → inputs and output, copied

    def __getitem__(self, path: str) -> NodeState:
        nodes = self._execution.state.nodes
        if path not in nodes:
            raise NotFound(f"{self._execution.id} has no node {path!r} yet; it has {', '.join(nodes) or 'none'}")
        node, own = nodes[path], self._own.get(path)
        if own is None or own[0] is not node.inputs or own[1] is not node.output:
            self._own[path] = node.inputs, node.output = copied(node.inputs), copied(node.output)
        return node

    def __contains__(self, path: object) -> bool:
        return path in self._execution.state.nodes

    def get(self, path: str, default: Any = None) -> Any:
        try:
            return self[path]
        except NotFound:
            return default

    def __iter__(self) -> Iterator[str]:
        return iter(self._execution.state.nodes)

    def __len__(self) -> int:
        return len(self._execution.state.nodes)


class Execution(Debugging):
    """One execution of a workflow, running or over.

    `await execution` gives it back once it has ended, and raises `ExecutionFailed` when it failed. Everything
    it shows is committed.
    """

    attended: ClassVar[Attended | None] = None  # how a notebook's cell waits, which a person may interrupt

    def __init__(
        self,
        driver: Driver | None,
        id: str,
        plan: Plan,
        records: list[Record] | None = None,
        engine: Engine | None = None,
    ) -> None:
        self.id, self.plan = id, plan
        self._engine = driver.engine if driver is not None else engine
        self._driver = driver
        self._records = driver.feed.records if driver is not None else (records or [])
        self._state = ExecutionState(plan)
        self._state.id = id
        self.nodes = Nodes(self)

    # --- what is known -------------------------------------------------------------------------------

    @property
    def state(self) -> ExecutionState:
        """The fold of the committed records, made on first look; once all is over the driver's own, which equals it."""
        driver = self._driver
        if not self._state.sequence and driver is not None and driver.settled:
            self._state = driver.state
        for record in self._records[self._state.sequence :]:
            evolve(self._state, record)
        return self._state

    @property
    def events(self) -> tuple[Record, ...]:
        return tuple(self._records)

    @property
    def phase(self) -> str:
        """The phase; `waiting` when only people, events and times are waited for."""
        return phase_of(self.id, self.state, self._engine)

    @property
    def outputs(self) -> Any:
        """What it gave; a copy, as all that a handle shows."""
        return copied(self.state.outputs)

    @property
    def error(self) -> dict[str, Any] | None:
        return self.state.error

    @property
    def inputs(self) -> dict[str, Any]:
        return dict(copied(self.state.inputs))

    @property
    def ended(self) -> bool:
        return self.state.phase in ENDED

    @property
    def engine(self) -> Engine | None:
        """The engine it was opened or started by; None for records alone."""
        return self._engine

    @property
    def mocked(self) -> bool:
        """Whether what may happen only once does not happen in it."""
        return (self._driver.state if self._driver is not None else self.state).effects == "mock"

    @property
    def only_read(self) -> bool:
        """Whether it was read out of a store, and never driven through this handle."""
        return self._driver is None

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
            raise IllegalMove(
                f"execution {self.id} has no open store here; open it again first", "execution.not_driven"
            )
        return engine, engine.history

    async def fork(
        self,
        at: str | int | None = None,
        *,
        inputs: Mapping[str, Any] | None = None,
        edits: Mapping[str, Mapping[str, Any]] | None = None,
        effects: Literal["mock", "real"] | None = None,
    ) -> Execution:
        """A new execution that shares the records up to a node (by path) or a sequence, and goes on from there.

        Without `at` it goes on from the node it failed at. `inputs` are new inputs of that node; `edits` are changes
        by node, as ``{"fetch": {"output": 1}}``. With `effects` ``mock`` what may happen only once does not happen:
        the recorded result stands in, or the node waits for one; that is the default for an execution that was opened
        in another store, whose fork is kept in the default one.
        """
        engine, history = self._history()
        return await history.fork(engine, self, at, inputs, edits, effects)

    async def rerun(
        self,
        plan: Plan | None = None,
        *,
        inputs: Mapping[str, Any] | None = None,
        from_node: str | None = None,
        effects: Literal["mock", "real"] | None = None,
    ) -> Execution:
        """A new execution, of a changed workflow if one is given, that keeps the results that did not change.

        With `from_node` that node and all that follows run in any case. It is also how what failed is retried.
        `effects` are as in `fork`.
        """
        engine, history = self._history()
        return await history.rerun(engine, self, getattr(plan, "plan", plan), inputs, from_node, effects)

    def diff(self, other: Execution) -> Sequence[Any]:
        """The nodes that differ from another execution's, with what they were and are."""
        return self._history()[1].diff(self, other)

    @property
    def awaited(self) -> tuple[tuple[str, str, str], ...]:
        """What it waits for: (execution, node, reason), of children too."""
        return tuple(awaited(self.id, self.state, self._engine))

    def explain(self, node: str) -> str:
        """Why a node stands where it stands, in a sentence."""
        return explain(self, node, self._engine)

    # --- waiting -------------------------------------------------------------------------------------

    def __await__(self) -> Generator[Any, None, Execution]:
        return (self._ended() if Execution.attended is None else Execution.attended(self, self._ended)).__await__()

    async def _ended(self) -> Execution:
        driver = self._driver
        while driver is not None and not driver.done.done():
            await news(driver, every=False)
        while driver is not None and lost(driver) and not self.ended:
            await news(driver)
        if driver is not None and not lost(driver):
            driver.done.result()
        state = self.state
        if state.phase == "failed":
            raise ExecutionFailed(failure_line(self), self)
        return self

    async def until(self, *what: str) -> Execution:
        """Wait until one of these phases is reached or a node is settled, or the execution has ended."""
        driver = self._driver
        while not any(map(self._reached, what)) and not self.ended and driver is not None:
            await news(driver)
            if driver.done.done() and not lost(driver):
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

    def __repr__(self) -> str:
        return f"<Execution {self.id} of {self.plan.name}: {self.phase}>"


def phase_of(id: str, state: ExecutionState, engine: Engine | None) -> str:
    """The phase as a person sees it: an execution whose running nodes are all children that wait, waits."""
    if state.phase != "running" or not all(_rests(id, node, engine) for node in state.running.values()):
        return state.phase
    unsettled = (node for node in state.nodes.values() if node.phase not in SETTLED)
    active = [node for node in unsettled if node.opened is None or node.phase == "waiting"]
    waits = active and all(node.phase == "waiting" and not ready(node) for node in active if node.phase != "running")
    return "waiting" if waits else "running"


def _rests(id: str, node: NodeState, engine: Engine | None) -> bool:
    children = engine.children(id, node) if engine is not None and node.node.kind == "workflow" else []
    return any(phase_of(child.id, child.state, engine) == "waiting" for child in children)


def failure_line(execution: Execution) -> str:
    """One line that says where and why."""
    error = execution.error or {}
    place = f"node {error['node']} " if error.get("node") else ""
    attempts = f" after {error['attempt']} attempts" if (error.get("attempt") or 0) > 1 else ""
    return f"{execution.plan.name}: {place}failed{attempts}: {error.get('kind')}: {error.get('message')}"
