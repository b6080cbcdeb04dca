"""The engine: starts, recovers and holds executions on one loop and one journal."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from nbflow.errors import InputError, NodeError, NotFound, SpecError, StorageError
from nbflow.execution import outcomes as o
from nbflow.execution.events import ExecutionStarted, Record
from nbflow.execution.evolve import fold
from nbflow.execution.state import ENDED, ExecutionState, NodeState
from nbflow.plan.plan import NodePlan, Plan
from nbflow.ports.bus import Bus
from nbflow.ports.clock import Clock, SystemClock
from nbflow.ports.executors import Kind, MovingKind, PerformedKind
from nbflow.ports.journal import Journal, Summary
from nbflow.ports.plain import plain
from nbflow.ports.requests import Requests
from nbflow.ports.results import Results
from nbflow.runtime.cache import Cache
from nbflow.runtime.children import child_ids
from nbflow.runtime.concealed import inputs_again
from nbflow.runtime.dispatcher import Dispatcher
from nbflow.runtime.driver import Driver
from nbflow.runtime.editing import settled
from nbflow.runtime.exchange import Exchange
from nbflow.runtime.execution import Execution, History
from nbflow.runtime.faults import faults
from nbflow.runtime.following import look
from nbflow.runtime.leaving import leave
from nbflow.runtime.moves import allow
from nbflow.runtime.pins import Pinned, Pins
from nbflow.runtime.readiness import Unready, missing
from nbflow.runtime.serving import elsewhere, serve
from nbflow.runtime.speech import Guard, Open
from nbflow.spec.schema import NO_INPUTS, apply_inputs, check

log = logging.getLogger(__name__)


class Engine:
    """Executions of one process on one loop and one journal.

    `compile` turns a pinned text and the workflow's name into a plan (for recovery). `redact` removes known
    secrets from what leaves a performer, `guard` does so with text that comes in pieces; `secrets` resolves
    names at the last moment. `grace` is how many seconds a node that ignores its cancellation is waited for.
    """

    def __init__(
        self,
        journal: Journal,
        kinds: Mapping[str, Kind],
        compile: Callable[[str, str], Plan],
        *,
        clock: Clock | None = None,
        secrets: Mapping[str, str] | None = None,
        redact: Callable[[Any], Any] | None = None,
        env: Mapping[str, str] | None = None,
        limit: int | None = None,
        pools: Mapping[str, int] | None = None,
        rates: Mapping[str, float] | None = None,
        grace: float = 10.0,
        history: History | None = None,
        guard: Guard | None = None,
        bus: Bus | None = None,
        requests: Requests | None = None,
        conceal: Callable[[dict[str, Any]], dict[str, Any]] | None = None,
    ) -> None:
        self.journal, self.kinds, self.compile = journal, kinds, compile
        self.performed = {name: kind for name, kind in kinds.items() if isinstance(kind, PerformedKind)}
        self.moving = {name: kind for name, kind in kinds.items() if isinstance(kind, MovingKind)}
        self.clock = clock or SystemClock()
        self.secrets = secrets if secrets is not None else {}
        self.redact = redact or (lambda value: value)
        self.guard = guard or Open
        self.env = env if env is not None else {}
        self.grace = grace
        self.history = history
        self.cache = Cache(journal, self.clock)
        self.dispatcher = Dispatcher(self.clock, limit, pools, rates)
        self.drivers: dict[str, Driver] = {}
        self.exchange = Exchange(bus, self.drivers) if bus is not None else None
        self.requests = requests
        self.conceal = conceal or (lambda inputs: inputs)
        self.pins: dict[str, dict[str, Pinned]] = {}  # workflow → node → what it gives
        self.given: dict[str, dict[str, Any]] = {}  # execution → inputs that are secrets, which no record has
        self.labels: dict[str, str] = {}  # of every execution that is started here
        self.warnings: list[tuple[str, str]] = []
        self.closed = False

    def learn(self, kinds: Mapping[str, PerformedKind]) -> None:
        """Kinds that were registered, or made anew, since the engine was made."""
        if kinds:
            self.kinds = {**self.kinds, **kinds}
            self.performed |= kinds

    # --- executions ----------------------------------------------------------------------------------

    def start(
        self,
        plan: Plan,
        inputs: Mapping[str, Any] | None = None,
        *,
        labels: Mapping[str, str] | None = None,
        origin: dict[str, Any] | None = None,
        mock: bool = False,
        id: str | None = None,
        reuse: Results | None = None,
        effects: str = "real",
        stand_ins: Mapping[str, Any] | None = None,
    ) -> Execution:
        """Start an execution inside a running loop. Raises `InputError` for inputs the workflow does not take.

        Raises `SpecError` when executors know that nodes cannot be performed here.
        With `effects` ``mock`` what may happen only once does not: `stand_ins` are results for it, by path.
        `reuse` has results of earlier executions that nodes of unchanged meaning and inputs take.
        """
        mine = {name: kept(value, name) for name, value in (inputs or {}).items()}
        given = apply_inputs(plan.inputs or NO_INPUTS, mine)
        if found := tuple(faults(self.performed, plan, mock)):
            raise SpecError(found)
        state = ExecutionState(plan)
        state.effects = effects  # known before the first record is written
        driver = self._drive(id or self.clock.new_id(), state, [])
        pins = self.pins.get(plan.name)
        driver.reuse = Pins(pins, reuse) if pins else reuse
        shown, names = self._concealed(driver.id, given)
        labels = {**dict.fromkeys(plan.tags, ""), **self.labels, **(labels or {})}  # a tag is a label without a value
        sources, stand_ins = self._sources(plan), {**(stand_ins or {})}
        driver.tell(o.Begun(shown, labels, origin, mock, sources, effects, stand_ins, names))
        return Execution(driver, driver.id, plan)

    def _concealed(self, id: str, given: dict[str, Any]) -> tuple[dict[str, Any], tuple[str, ...]]:
        """The inputs as they may be recorded, and the names of those that are secrets."""
        shown = self.conceal(given)
        names = tuple(name for name, value in given.items() if shown[name] is not value)
        if names:
            self.given[id] = {name: given[name] for name in names}
        return shown, names

    def give(self, id: str, inputs: Mapping[str, Any]) -> None:
        """Give an execution again what no record has: inputs that are secrets."""
        self.conceal(dict(inputs))
        self.given[id] = {**self.given.get(id, {}), **inputs}

    def inputs_of(self, execution: Execution) -> dict[str, Any]:
        """The inputs of an execution for another one. Raises `InputError` when a secret among them is not kept."""
        return inputs_again(self.given, execution.id, execution.state)

    def _drive(self, id: str, state: ExecutionState, records: list[Record]) -> Driver:
        driver = self.drivers[id] = Driver(self, id, state, records)
        self.dispatcher.learn(state.plan)
        serve(self)
        if self.exchange is not None:
            self.exchange.join(driver, state.plan)
        driver.limit()
        return driver

    async def open(self, id: str) -> Execution:
        """An execution by id: the driven one, or what the journal has of it. Raises `NotFound`."""
        if (driver := self.drivers.get(id)) is not None:
            await look(driver)  # another process may have gone on with it while it was suspended here
        if (driver := self.drivers.get(id)) is not None:
            return Execution(driver, id, driver.state.plan)
        return Execution(None, id, *await self._read(id), engine=self)

    async def _read(self, id: str) -> tuple[Plan, list[Record]]:
        records = await self.journal.read(id)
        if not records:
            raise unknown(id, await self.journal.executions())
        return self.plan_of(records), records

    def plan_of(self, records: Sequence[Record]) -> Plan:
        """The plan that an execution is pinned to. Raises `StorageError` when its text means something else now."""
        started = records[0].event
        assert isinstance(started, ExecutionStarted)
        plan = self.compile(started.source, started.workflow)
        if plan.hash != started.hash:
            raise StorageError(
                "execution.changed",
                f"the text of {started.workflow} means something else than when it began",
                "start it anew; what is recorded can still be read",
            )
        return plan

    def fingerprint(self, node: NodePlan) -> str:
        """A hash of the function a node calls, empty where there is none: its change changes what the node means."""
        kind = self.performed.get(node.kind)
        return kind.executor.fingerprint(node) if kind is not None else ""

    def _sources(self, plan: Plan) -> dict[str, str]:
        return {name: print for name, node in plan.functions.items() if (print := self.fingerprint(node))}

    async def recover(self, id: str, owner: str = "", edits: Sequence[o.Edited] = ()) -> Execution:
        """Go on with an execution whose owner is gone. One that has ended is opened as it is.

        `edits` are changes that count before anything begins again.
        """
        if id in self.drivers and (execution := await self.open(id)).driven:
            return execution
        return self.adopt(id, *await self._read(id), owner=owner, edits=edits)

    def inherit(self, id: str, phase: str) -> Driver | None:
        """Drive what was left in this phase, to cancel it; None when that is not for this engine to do.

        Raises `Unready` when a compensation calls what is not here.
        """
        if id in self.drivers:
            return self.drivers[id]
        if self.closed or phase in ENDED or elsewhere(self, id) is not None or not _looped():
            return None
        plan, records = self.peek(id)
        children = [other for other in self.left(self.journal.summaries()) if other.startswith(f"{id}.")]
        family = [Execution(None, other, *self.peek(other), self) for other in (id, *children)]
        if lacks := missing(self, family, undoing=True):
            raise Unready(
                f"{id} cannot be undone here: {', '.join(lacks)}", "define what is missing, then cancel again"
            )
        self.adopt(id, plan, records, owner="cancel")
        return self.drivers.get(id)

    def peek(self, id: str) -> tuple[Plan, list[Record]]:
        """The plan and records that the journal has of an execution now."""
        records = self.journal.peek(id)
        return self.plan_of(records), records

    async def hold(self, id: str, verb: str, owner: str = "") -> Execution:
        """Become the owner of an execution that is to pause or suspend: nothing of it begins again before that.

        Raises `IllegalMove` when it does not take the verb in its phase.
        """
        execution = await self.open(id)
        allow(verb, execution.phase, id)
        if id in self.drivers or execution.state.ending:
            getattr(execution, verb)()
            return execution
        driver = self._drive(id, execution.state, list(execution.events))
        if verb == "suspend":
            driver.tell(o.SuspendWished(owner))
        else:
            driver.gate.closed = True
            driver.tell(o.Recovered(owner))
            driver.tell(o.PauseWished(owner))
        return Execution(driver, id, execution.plan)

    def adopt(
        self, id: str, plan: Plan, records: list[Record], *, owner: str = "", edits: Sequence[o.Edited] = ()
    ) -> Execution:
        """Become the owner of an execution with these records; one that has ended stays as it is.

        Raises `IllegalMove` or `InputError` for an edit that it does not take; then nothing was taken over.
        """
        state = fold(plan, records)
        if state.phase in ENDED:
            return Execution(None, id, plan, records, self)
        changes = settled(self, state, edits)
        driver = self._drive(id, state, records)
        for change in changes:
            driver.tell(change)
        driver.tell(o.Recovered(owner))
        return Execution(driver, id, plan)

    async def interrupted(self) -> list[str]:
        """Ids of executions that have not ended and are not driven here, the oldest first."""
        return self.left(await self.journal.executions())

    def left(self, summaries: Sequence[Summary]) -> list[str]:
        """Of these executions, the ids of those that have not ended and are not driven here, the oldest first."""
        return [s.execution for s in reversed(summaries) if s.phase not in ENDED and s.execution not in self.drivers]

    def stir_parents(self, state: ExecutionState) -> None:
        """Let those who wait for a parent's phase look again: what a child waits for, its parent waits for."""
        while state.origin is not None and (parent := self.drivers.get(state.origin.get("parent", ""))) is not None:
            parent.feed.stir()
            state = parent.state

    def children(self, id: str, node: NodeState) -> list[Driver]:
        """The drivers of the executions that a `workflow:` node has started and waits for."""
        return [driver for child in child_ids(id, node.path, node.attempt) if (driver := self.drivers.get(child))]

    def ended(self, driver: Driver) -> None:
        self.drivers.pop(driver.id, None)
        if self.exchange is not None:
            self.exchange.part(driver)

    async def close(self) -> None:
        """Suspend what runs, leave as it is what only waits or is paused, and close the journal."""
        self.closed = True
        for driver in tuple(self.drivers.values()):
            await leave(driver)
        self.dispatcher.close()
        if self.exchange is not None:
            self.exchange.close()
        await self.journal.close()

    # --- checks and news -----------------------------------------------------------------------------

    def check_answer(self, node: NodeState, value: Any) -> None:
        """Raise `InputError` when an answer does not fit the question's schema."""
        schema = (node.detail or {}).get("schema")
        if schema is None:
            return
        problems: Sequence[Any] = check(value, schema, name="answer")
        if problems:
            raise InputError(problems[0].code, problems[0].message, problems[0].hint)

    def warn(self, id: str, message: str) -> None:
        self.warnings.append((id, message))
        log.warning("%s: %s", id, message)


def _looped() -> bool:
    try:
        return asyncio.get_running_loop().is_running()
    except RuntimeError:
        return False


def kept(value: Any, name: str) -> Any:
    """A copy of an input, so that what its owner does to it later changes nothing. Raises `InputError`."""
    try:
        return plain(value)
    except NodeError as problem:
        message = str(problem).replace("the result", f"the input {name}")
        raise InputError("input.type", message, problem.hint) from None


def unknown(id: str, summaries: Sequence[Summary]) -> NotFound:
    last = [summary.execution for summary in summaries[:3]]
    return NotFound(f"no execution {id}; the last ones are {', '.join(last) or 'none'}")
