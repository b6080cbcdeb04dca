"""Drives one execution on the loop: outcomes in, records to the journal, effects out.

The driver is the single writer of its journal. It owns its state and changes it in place; everyone else
sees what is committed. It works in slices of a few milliseconds, so that the loop stays free; it never
waits for the disk except where an effect must not begin before its record is on it.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Mapping
from contextvars import copy_context
from inspect import CORO_CREATED, getcoroutinestate
from typing import TYPE_CHECKING, Any

from nbflow.errors import NbflowError
from nbflow.execution import effects as f
from nbflow.execution import outcomes as o
from nbflow.execution.advance import advance
from nbflow.execution.events import Record
from nbflow.execution.state import ENDED, ExecutionState, NodeState
from nbflow.ports.plain import plain
from nbflow.ports.results import Results
from nbflow.runtime import activation
from nbflow.runtime.feed import Feed
from nbflow.runtime.garbage import SHELTER
from nbflow.runtime.gate import Gate
from nbflow.runtime.limits import too_long
from nbflow.runtime.performer import attempt
from nbflow.runtime.scope import NodeScope
from nbflow.runtime.timers import Timers

if TYPE_CHECKING:
    from nbflow.runtime.engine import Engine

SLICE = 0.001  # seconds of deciding before the loop gets its turn
FULL = 1_000  # records after which nobody waits for more
GATHER = 0.050  # seconds that records nobody waits for are gathered into one commit while something runs


class Driver:
    """One execution, driven. `committed` is the last sequence that is on disk."""

    def __init__(self, engine: Engine, id: str, state: ExecutionState, records: list[Record]) -> None:
        self.engine, self.id, self.state = engine, id, state
        state.id = id
        self.loop = asyncio.get_running_loop()
        self._context = copy_context()  # of who started it: what one node sets there, no other node sees
        self.feed = Feed(records)
        self.gate = Gate()
        self.timers = Timers(self.loop, engine.clock)
        self.committed = state.sequence
        self.done: asyncio.Future[None] = self.loop.create_future()
        self.done.add_done_callback(lambda done: done.cancelled() or done.exception())
        self.tasks: dict[str, asyncio.Task[None]] = {}
        self.hearing: dict[str, None] = {}
        self.queue: deque[tuple[o.Outcome | f.Activate, Callable[[], None] | None]] = deque()
        self._effects: deque[f.Effect] = deque()
        self._buffer: list[Record] = []
        self._after: deque[tuple[int, Callable[[], None]]] = deque()
        self._stopped: set[str] = set()
        self._overtaken: set[str] = set()  # nodes whose next attempt waits for the task of the last one
        self.cranking = self._cleaning = self._urgent = False
        self._writer: asyncio.Task[None] | None = None
        self._gathering: asyncio.TimerHandle | None = None
        self.on_held: list[Callable[[], None]] = []
        self.on_detach: list[Callable[[], None]] = []  # how a cell that waits is given back
        SHELTER.enter(len(state.plan.body.nodes))
        self.wished: set[str] = set()  # waiting nodes of which a person wants another attempt
        self.moving: set[str] = set()  # machines whose next move is on its way
        self.reuse: Results | None = None

    @property
    def settled(self) -> bool:
        """Whether it has ended, and its state is that of the records on disk and stays so."""
        return self.done.done() and self.state.phase in ENDED and self.committed == self.state.sequence

    # --- in ------------------------------------------------------------------------------------------

    def tell(self, outcome: o.Outcome, committed: Callable[[], None] | None = None) -> None:
        """Queue an outcome; `committed` is called when what follows from it is on disk (or nothing did)."""
        if self.done.done():
            return  # it has ended, or what it knew is given up
        self.queue.append((outcome, committed))
        if not self.cranking:
            self.cranking = True
            self.loop.call_soon(self._crank)

    def ended_with(self, outcome: o.Outcome, urgent: bool) -> None:
        """The last word of an attempt's task. Where nothing else runs there is nothing to gather: it is decided now.

        What is `urgent`, as the attempt did something to the world, is not gathered.
        """
        self._urgent = self._urgent or urgent
        if self.tasks or self.cranking:
            self.tell(outcome)
        else:
            self.queue.append((outcome, None))
            self.cranking = True
            self._crank()

    def _crank(self) -> None:
        if self.done.done():
            return
        try:
            self._turn(self.loop.time() + SLICE)
        except Exception as error:  # noqa: BLE001 - a defect of ours, or of a plug-in: the journal has the truth
            self.break_off(error)
            return
        self.cranking = bool(self.queue or self._effects)
        if self.cranking:
            self.loop.call_soon(self._crank)
        if self._buffer:
            self._write()

    def _turn(self, until: float) -> None:
        queue, effects, clock = self.queue, self._effects, self.engine.clock
        while queue or effects:
            if effects:
                self._perform(effects.popleft())
            else:
                outcome, committed = queue.popleft()
                if isinstance(outcome, f.Activate):
                    effects.append(outcome)
                    continue
                if type(outcome) is o.Failed and not outcome.again and self._caught(outcome):
                    continue
                records, new = advance(self.state, outcome, clock.now())
                if self.gate.breakpoints:
                    self.gate.passed(records, self.state.nodes, self.scope)
                effects.extend(new)
                self._buffer += records
                if committed is not None:
                    self.after(self.state.sequence if records else self.committed, committed)
            if self.loop.time() > until:
                break

    def _caught(self, outcome: o.Failed) -> bool:
        gate, node = self.gate, self.state.nodes.get(outcome.path)
        error = {"error": outcome.error}
        if gate.idle or not gate.catches(outcome, node, lambda node: self.scope(node, error)):
            return False
        self.noticed()
        return True

    # --- out -----------------------------------------------------------------------------------------

    def _perform(self, effect: f.Effect) -> None:  # noqa: C901 - one flat match
        match effect:
            case f.Activate():
                activation.turn(self, self.state.nodes[effect.path])
            case f.Run():
                self._run(effect)
            case f.Stop():
                self._stop(effect.path)
            case f.Wake():
                path = effect.path
                self.timers.set(path, effect.at, lambda: self.later(f.Activate(path)))
            case f.Hear():
                activation.hear(self, self.state.nodes[effect.path])
            case f.CloseFrame():
                activation.close(self, self.state.frames[effect.frame])
            case f.Finish():
                activation.finish(self)
            case f.Undo():
                self._clean_up()
            case f.Deliver():
                activation.deliver(self, effect.index)
            case f.Step():
                self.moving.discard(effect.path)
                activation.hear(self, self.state.nodes[effect.path])
            case f.Hold():
                self._hold()
            case f.Limit():
                activation.limit(self, self.state.nodes[effect.path])
            case f.Release():
                for path in self.gate.open():
                    self.later(f.Activate(path))

    def later(self, effect: f.Activate) -> None:
        """Activate a node (a timer fired, a hold was released) after what was told before: an edit counts."""
        if self.done.done():
            return
        self.queue.append((effect, None))
        if not self.cranking:
            self.cranking = True
            self.loop.call_soon(self._crank)

    def again(self, path: str) -> None:
        """A person wants an attempt of a node that waits: it goes the way of all others."""
        self.wished.add(path)
        self.later(f.Activate(path))

    def _hold(self) -> None:
        """A pause: what has not begun is taken back from the dispatcher and the cache; what runs goes on."""
        self.gate.closed = True
        held = [path for path in self.tasks if self.state.nodes[path].phase != "running"]
        held += self.engine.dispatcher.offers(self)
        for entry in tuple(self.queue):
            if isinstance(entry[0], o.Admitted | o.Moved):
                self.queue.remove(entry)
                held.append(entry[0].path)
        for path in held:
            self.drop(path)
            self.gate.held[path] = "pause"
        self.noticed()

    def limit(self) -> None:
        """Watch the execution's own timeout, from its start on."""
        if (seconds := self.state.plan.timeout) is None:
            return
        begun = self.state.started if self.state.started is not None else self.engine.clock.now()
        self.timers.set(" execution", begun + seconds, lambda: self.tell(o.Broken(too_long(seconds))))

    def noticed(self) -> None:
        for notice in tuple(self.on_held):
            notice()

    def _run(self, effect: f.Run) -> None:
        node = self.state.nodes[effect.path]
        if node.effects == "none" or self.committed >= effect.sequence:
            self._start(node, effect.attempt)
        else:
            self.after(effect.sequence, lambda: self._start(node, effect.attempt))

    def _start(self, node: NodeState, number: int) -> None:
        if node.phase != "running" or node.attempt != number:
            return
        if self.busy(node.path):
            return
        self.tasks[node.path] = self.loop.create_task(attempt(self, node, number), context=self._context.copy())

    def busy(self, path: str) -> bool:
        """Whether an earlier task of this node was stopped and has not ended yet; it is gone on with when it has."""
        if path not in self.tasks:
            return False
        self._overtaken.add(path)
        return True

    def _stop(self, path: str) -> None:
        """Stop a node; what it left to itself (a child execution, while this one was suspended) is ended with it."""
        self.drop(path)
        node = self.state.nodes[path]
        kind = self.engine.performed.get(node.node.kind)
        leave = getattr(kind.executor, "leave", None) if kind is not None else None
        if leave is not None and node.attempt and not self.state.suspended and path not in self.tasks:
            self.tasks[path] = self.loop.create_task(self._leave(path, leave, node.attempt))

    async def _leave(self, path: str, leave: Callable[..., Awaitable[None]], attempts: int) -> None:
        try:
            await leave(self.id, path, attempts)
        finally:
            self.gone(path, None)

    def drop(self, path: str) -> None:
        """Stop what runs, waits or is held for this node."""
        self.timers.cancel(path)
        self.hearing.pop(path, None)
        self.moving.discard(path)
        self.gate.forget(path)
        task = self.tasks.get(path)
        if task is None:
            self.engine.dispatcher.withdraw(self, path)
            return
        if path not in self._stopped:  # once told, it has time to end
            self._stopped.add(path)
            task.cancel()
        if getcoroutinestate(task.get_coro()) == CORO_CREATED:  # type: ignore[arg-type]
            self.gone(path, None)  # cancelled before its first step: it will never say so itself

    def stopping(self, path: str) -> bool:
        """Whether this node's task was told to stop (or everything was)."""
        return path in self._stopped or self.done.done()

    def gone(self, path: str, failed: bool | None) -> None:
        """An attempt's task is over; `failed` is None when it was stopped and says nothing about its tool."""
        self.tasks.pop(path, None)
        self._stopped.discard(path)
        self.engine.dispatcher.over(self, path, failed)
        if self._cleaning and not self.tasks:
            self._clean_up()
        elif path in self._overtaken and not self.done.done():
            self._overtaken.discard(path)
            node = self.state.nodes[path]
            self._start(node, node.attempt) if node.phase == "running" else self.later(f.Activate(path))

    def _clean_up(self) -> None:
        if self.state.ending == "cancelled":
            self.gate.let_go()
        self._cleaning = bool(self.tasks)
        if self._cleaning:
            self.timers.set("cleaning", self.engine.clock.now() + self.engine.grace, self._clean_up_anyway)
        else:
            self.timers.cancel("cleaning")
            self.tell(o.CleanupWished())

    def _clean_up_anyway(self) -> None:
        """A node ignores its cancellation: it is left behind, and the cleaning up goes on."""
        self.tasks.clear()
        self._clean_up()

    # --- the journal ---------------------------------------------------------------------------------

    def after(self, sequence: int, then: Callable[[], None]) -> None:
        """Call `then` once the record is on disk."""
        if self.committed >= sequence:
            then()
            return
        self._after.append((sequence, then))
        self._write()

    def _write(self, gathered: bool = False) -> None:
        if gathered:
            self._gathering = None
        if self._writer is not None:
            return
        hurry = gathered or self._urgent or self._after or not self.tasks or len(self._buffer) >= FULL
        if hurry or self.state.ending or self.state.phase != "running":
            if self._gathering is not None:
                self._gathering.cancel()
                self._gathering = None
            self._writer = self.loop.create_task(self._commit())
        elif self._gathering is None:
            self._gathering = self.loop.call_later(GATHER, self._write, True)

    async def _commit(self) -> None:
        try:
            while self._buffer:
                batch, self._buffer, self._urgent = self._buffer, [], bool(self.queue)
                await self.engine.journal.append(self.id, batch, after=self.committed)
                self.committed = batch[-1].sequence
                self.feed.publish(batch)
                self.engine.stir_parents(self.state)
                if self.state.plan.caches:
                    self.engine.cache.remember(self.id, batch)
                self._call_after()
                if not (self._after or self.state.phase in ENDED):
                    break
        except Exception as error:  # noqa: BLE001 - whatever a store does
            self.break_off(error)
            return
        finally:
            self._writer = None
        if self._buffer:
            self._write()
        elif self.state.phase in ENDED and self.committed == self.state.sequence and not self.done.done():
            self.end()

    def _call_after(self) -> None:
        after = self._after
        while after and after[0][0] <= self.committed:
            after.popleft()[1]()

    def end(self) -> None:
        """Drive it no longer; all that is known is on disk."""
        self._rest()
        self.done.set_result(None)
        self.engine.ended(self)

    def break_off(self, error: BaseException) -> None:
        """What is not committed is given up: the journal has the truth, and recovering folds it again."""
        if self.done.done():
            return
        self.done.set_exception(error)
        self._buffer.clear()
        self.queue.clear()
        self._effects.clear()
        self.cranking = False
        self._rest()
        for path in tuple(self.tasks):
            self.drop(path)
        self.engine.dispatcher.forget(self)
        self.engine.ended(self)

    def _rest(self) -> None:
        self.timers.close()
        SHELTER.leave(len(self.state.plan.body.nodes))

    # --- what others of the runtime ask ---------------------------------------------------------------

    def scope(self, node: NodeState, more: Mapping[str, Any] | None = None) -> NodeScope:
        return NodeScope(self.state, node.frame, self.engine.env, more, node.node.index)

    async def record_call(self, path: str, number: int, call: int, kind: str, name: str, **facts: Any) -> None:
        """Write a model or tool call; returns when it is on disk. Raises `NodeError` for what cannot be kept."""
        written = self.loop.create_future()
        clean = {key: self.engine.redact(plain(value)) for key, value in facts.items()}
        outcome = o.Called(path, number, call, kind, name, **clean)
        self.tell(outcome, lambda: None if written.done() else written.set_result(None))
        await written

    def note(self, error: NbflowError) -> None:
        """Something a person should know that is no fact of the execution."""
        self.engine.warn(self.id, str(error))
