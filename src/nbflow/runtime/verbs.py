"""The verbs of an execution: each is checked against the table of moves, acts on the loop and returns at once."""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from nbflow.errors import IllegalMove, InputError, NodeError, NotFound
from nbflow.execution import outcomes as o
from nbflow.execution.bodies import ready
from nbflow.execution.effects import Activate
from nbflow.execution.events import Record
from nbflow.execution.state import SETTLED, ExecutionState, NodeState
from nbflow.plan.plan import Plan
from nbflow.ports.plain import plain
from nbflow.runtime.following import owner, rests
from nbflow.runtime.moves import MOVES, allow
from nbflow.runtime.performer import failure
from nbflow.spec.names import wrong_signal

if TYPE_CHECKING:
    from nbflow.runtime.driver import Driver
    from nbflow.runtime.engine import Engine


def _goes_on(driver: Driver) -> bool:
    """Whether it goes on after a suspension before it looks at what it is told now."""
    return driver.state.suspended and any(isinstance(outcome, o.Recovered) for outcome, _ in driver.queue)


class Verbs(ABC):
    """What a person can do to a live execution."""

    id: str
    plan: Plan
    nodes: Mapping[str, NodeState]
    _driver: Driver | None
    _records: list[Record]
    _engine: Engine | None

    @property
    @abstractmethod
    def phase(self) -> str: ...

    @property
    @abstractmethod
    def state(self) -> ExecutionState: ...

    @property
    def held(self) -> tuple[str, ...]:
        """Paths of the nodes that are held at a breakpoint or by a pause."""
        return tuple(self._driver.gate.held) if self._driver is not None else ()

    def _live(self, verb: str) -> Driver:
        driver = self._driver
        here = driver is not None and not driver.done.done()
        phase = self.phase if driver is None or not here else "running" if _goes_on(driver) else driver.state.phase
        allow(verb, self.phase if phase == "running" and phase not in MOVES[verb] else phase, self.id)
        if driver is None or rests(driver):
            self._check_owner(driver is not None)
        assert driver is not None
        if driver.done.done():
            driver.done.result()  # raises what broke the driver off
        return driver

    def _check_owner(self, here: bool) -> None:
        """Raise `IllegalMove` when another process drives it, or nobody does and it is not held `here` either."""
        by = owner(self._engine, self.id)
        if by is not None or not here:
            whose = f"driven by {by}" if by is not None else "not driven here; recover it first"
            raise IllegalMove(f"execution {self.id} is {whose}", "execution.not_driven")

    def pause(self) -> None:
        """Running nodes finish; nothing new starts."""
        driver = self._live("pause")
        if driver.state.ending:
            raise IllegalMove(f"execution {self.id} is ending ({driver.state.ending}); what cleans up is not paused")
        driver.tell(o.PauseWished())

    def resume(self) -> None:
        """Go on after a pause, a breakpoint or a suspension."""
        driver = self._live("step" if self.held else "resume")
        if driver.state.suspended:
            driver.tell(o.Recovered("resumed"))
            driver.limit()
            if driver.state.paused:  # it was paused before, and goes on all the same
                driver.tell(o.ResumeWished())
            return
        driver.tell(o.ResumeWished())
        failed = dict(driver.gate.failed)
        driver.gate.failed.clear()
        for path in driver.gate.open():
            driver.tell(replace(failed[path], again=False)) if path in failed else driver.later(Activate(path))

    @property
    def suspended(self) -> bool:
        """Whether it is suspended here, or is about to be, and `resume` goes on."""
        return self._driver is not None and self._driver.state.suspended

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
        """Stop for good: every node is told, compensations run. What a process left is taken over for that.

        Raises `Unready` when a compensation calls what is not here.
        """
        if self._driver is None and self._engine is not None:
            self._driver = self._engine.inherit(self.id, self.phase)
            self._records = self._driver.feed.records if self._driver is not None else self._records
        driver = self._live("cancel")
        if driver.state.suspended:
            driver.tell(o.Recovered("cancel"))
        if driver.state.ending:  # it ends already: what cleans up is not held any longer
            for path in driver.gate.open():
                driver.later(Activate(path))
        driver.tell(o.CancelWished(reason))

    def signal(self, name: str, value: Any = None, key: str | None = None) -> None:
        """Send an event to the nodes that listen for it, now or later. Raises `InputError` for what is no name."""
        if (why := wrong_signal(name)) is not None:
            raise InputError("input.type", why)
        self._live("signal").tell(o.Signalled(name, plain(value), key))

    def answer(self, node: str, value: Any) -> None:
        """Answer an `ask` node, or an agent that asks for leave. The value is checked against the question's schema."""
        driver = self._live("answer")
        state = self._waiting(driver, node, ("ask", "approval"), "a question")
        value = plain(value)
        driver.engine.check_answer(state, value)
        if state.reason == "ask":
            driver.tell(o.Succeeded(node, state.attempt, value, taken={"by": "person"}))
            return
        driver.tell(o.Called(node, state.attempt, 0, "answer", state.detail["key"], response=value))
        driver.later(Activate(node))

    def skip(self, node: str, value: Any = None) -> None:
        """Settle a node that waits, is in doubt or is held, with this output."""
        driver = self._live("skip")
        state, value = self._active(driver, node), plain(value)
        attempt = _attempt(state)
        self._go_on(driver, node)
        driver.drop(node)
        driver.tell(o.Succeeded(node, attempt, value, taken={"by": "person"}))

    def mock(self, node: str, value: Any) -> None:
        """Let a held node give this value instead of running."""
        self._live("mock")
        self.skip(node, value)

    def fail(self, node: str, message: str | None = None) -> None:
        """Settle a node that waits or is in doubt as failed; one that is held on its error with that error, unless a
        `message` is given. Its `on_error` counts, its `retry` does not.
        """
        driver = self._live("fail")
        state = self._active(driver, node)
        held = driver.gate.failed.get(node)
        if held is not None:
            driver.gate.release(node)
            self._go_on(driver, node)
        driver.drop(node)
        if held is not None and message is None:
            driver.tell(replace(held, retryable=False))
            return
        error = NodeError("Refused", message or "failed by a person", code="node.refused")
        driver.tell(failure(driver, state, _attempt(state), error, retryable=False))

    def retry(self, node: str) -> None:
        """Run an attempt that is in doubt, is held on its error, or waits for its retry, again now."""
        driver = self._live("retry")
        state = self._active(driver, node)
        held = driver.gate.failed.get(node)
        if held is not None:
            driver.gate.release(node)
            driver.tell(replace(held, again=True))
            self._go_on(driver, node)
            return
        if state.phase != "waiting" or state.reason not in ("in_doubt", "effect", "retry"):
            raise IllegalMove(f"{node} is {state.phase}; retry takes a node in doubt or one that waits for its retry")
        driver.timers.cancel(node)
        driver.again(node)

    def _go_on(self, driver: Driver, node: str) -> None:
        """Let go what was held only since this node was held on its error."""
        for path in driver.gate.mended(node):
            driver.later(Activate(path))

    def _active(self, driver: Driver, path: str) -> NodeState:
        node = driver.state.nodes.get(path)
        if node is None and path.rpartition(".")[2].partition("[")[0] not in self._ids():
            ids = ", ".join(node.id for node in self.plan.body.nodes)
            raise NotFound(f"{self.plan.name} has no node {path!r}; it has {ids}")
        if node is None or node.phase in SETTLED:
            phase = node.phase if node else "pending"
            raise IllegalMove(f"{path} is {phase} in {self.id}; only an active node takes that")
        return node

    def _ids(self) -> set[str]:
        bodies = [self.plan.body] if self.plan.on_error is None else [self.plan.body, self.plan.on_error]
        return {node.id for body in bodies for node in body.nodes_within()}

    def _waiting(self, driver: Driver, path: str, reasons: tuple[str, ...], what: str) -> NodeState:
        node = self._active(driver, path)
        if node.phase != "waiting" or node.reason not in reasons:
            raise IllegalMove(f"{path} does not wait for {what}; it is {node.phase}")
        return node


def _attempt(node: NodeState) -> int:
    """The attempt that an answer for the node answers; 0 for a node that is to begin, or to begin again."""
    return 0 if ready(node) else node.attempt
