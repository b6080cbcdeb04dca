"""`workflow:` nodes: a child execution with its own id, journal and page in history.

A child outlives its parent's crash: the attempt that follows finds it by its id and goes on with it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from nbflow.errors import (
    ExecutionFailed,
    IllegalMove,
    InputError,
    InvariantBroken,
    JournalConflict,
    NbflowError,
    NodeError,
    NotFound,
    StorageError,
)
from nbflow.execution.state import ENDED
from nbflow.plan.plan import Effects, NodePlan, Plan, SubWorkflow
from nbflow.ports.executors import Call, Findings
from nbflow.ports.plain import copied
from nbflow.runtime.relay import connect
from nbflow.runtime.spent import CHILD, is_counted
from nbflow.runtime.standins import of_child
from nbflow.spec.schema import NO_INPUTS, apply_inputs

if TYPE_CHECKING:
    from nbflow.runtime.engine import Engine
    from nbflow.runtime.execution import Execution

DEPTH = 20
UNWRITTEN = (StorageError, JournalConflict, InvariantBroken)
Library = Callable[[str, str | None, str | None], Awaitable[Plan]]  # name, version, folder of the parent's file


class ChildExecutor:
    """Starts, or finds, the child execution of a node and waits for its outputs."""

    def __init__(self, library: Library) -> None:
        self._library = library
        self.engine: Engine | None = None

    def effects(self, node: NodePlan, inputs: Any = None) -> Effects:
        return node.effects or "idempotent"

    def fingerprint(self, node: NodePlan) -> str:
        return ""

    def validate(self, node: NodePlan, inputs: Any = None) -> Findings:
        """Of a workflow that is written in the node itself, whether it takes the inputs; others are not loaded yet."""
        work = node.work
        assert isinstance(work, SubWorkflow)
        if work.plan is None or inputs is None:
            return ()
        try:
            apply_inputs(work.plan.inputs or NO_INPUTS, inputs)
        except InputError as error:
            return [(error.code, str(error), error.hint)]
        return ()

    async def perform(self, call: Call) -> Any:
        work = call.node.work
        assert isinstance(work, SubWorkflow)
        child = await self._child(call, work)
        part = self._connect(call, child)
        try:
            try:
                await child
            finally:
                await self._count(call, child)
        except ExecutionFailed as error:
            raise _failed(work, child, error) from None
        except UNWRITTEN as error:
            self._break_off(call.execution, error)
            raise asyncio.CancelledError from error
        except asyncio.CancelledError:
            await self._let_go(call, child)
            raise
        finally:
            part()
        if child.phase == "cancelled":
            raise NodeError("Cancelled", f"workflow {work.name} ({child.id}) was cancelled")
        return copied(child.outputs)

    async def _count(self, call: Call, child: Execution) -> None:
        """Record what a child used in all, once it has ended, for the budgets of those above it."""
        parent = self.engine.drivers.get(call.execution) if self.engine is not None else None
        if parent is None or child.phase not in ENDED or not any(child.state.usage.values()):
            return
        if not is_counted(parent.state, call.path, child.id):
            await call.record(1, CHILD, child.id, usage=dict(child.state.usage))

    def _connect(self, call: Call, child: Execution) -> Callable[[], None]:
        """Let the two talk. A child that has ended already is still heard to its end."""
        drivers = self.engine.drivers if self.engine is not None else {}
        parent = drivers.get(call.execution)
        return connect(parent, call.path, child, drivers.get(child.id)) if parent is not None else lambda: None

    def _break_off(self, execution: str, error: NbflowError) -> None:
        """A child that could not be written says nothing about its work: the parent breaks off with it."""
        parent = self.engine.drivers.get(execution) if self.engine is not None else None
        if parent is not None:
            parent.break_off(error)

    async def leave(self, execution: str, path: str, attempts: int) -> None:
        """Cancel the child that an execution left to itself, when it was suspended or its process was gone."""
        engine = self.engine
        assert engine is not None
        for id in reversed(child_ids(execution, path, attempts)):
            try:
                await _cancelled(await engine.recover(id))
            except NotFound:
                continue  # it never began
            except UNWRITTEN as error:
                self._break_off(execution, error)
                return

    async def _child(self, call: Call, work: SubWorkflow) -> Execution:
        engine = self.engine
        assert engine is not None
        ids = child_ids(call.execution, call.path, call.attempt)
        for id in ids[:-1]:
            try:
                child = await engine.recover(id)
            except NotFound:
                return await self._start(engine, call, work, id)
            if child.phase not in ("failed", "cancelled"):
                if child.suspended:
                    child.resume()
                return child
        return await self._start(engine, call, work, ids[-1])

    async def _start(self, engine: Engine, call: Call, work: SubWorkflow, id: str) -> Execution:
        chain = (*call.context.get("chain", ()), call.context["workflow"])
        if len(chain) >= DEPTH:
            shown = " -> ".join((*chain[:3], "…", work.name))
            raise NodeError("LimitReached", f"workflows call each other too deeply: {shown}", code="limit.depth")
        labels = call.context.get("labels", {})
        plan = work.plan or await self._library(work.name, work.version, labels.get("folder"))
        origin = {"parent": call.execution, "node": call.path, "chain": list(chain)}
        parent = engine.drivers[call.execution].state
        given = of_child(parent.stand_ins, call.path)
        return engine.start(
            plan,
            call.inputs,
            id=id,
            labels=labels,
            origin=origin,
            mock=parent.mock,
            effects=parent.effects,
            stand_ins=given,
        )

    async def _let_go(self, call: Call, child: Execution) -> None:
        """A cancelled parent cancels its child, whose compensations come first; one that only stops suspends it."""
        parent = self.engine.drivers.get(call.execution) if self.engine is not None else None
        left = parent is None or parent.state.suspended
        try:
            if left:
                with suppress(IllegalMove):
                    child.suspend("the parent was suspended")
                await child.until("suspended")
                await child.quiet()
            if parent is not None and (parent.state.ending or not left):
                await _cancelled(child)
        except UNWRITTEN as error:
            self._break_off(call.execution, error)


async def _cancelled(child: Execution) -> None:
    """Cancel a child that is not over, and wait until its end is on disk."""
    with suppress(IllegalMove, ExecutionFailed):
        child.cancel("the parent was cancelled")
    with suppress(ExecutionFailed):
        await child


def child_ids(execution: str, path: str, attempts: int) -> list[str]:
    """The ids that children of a node may have after so many attempts, in order."""
    first = f"{execution}.{path}"
    return [first, *(f"{first}.{number}" for number in range(2, attempts + 2))]


def _failed(work: SubWorkflow, child: Execution, error: ExecutionFailed) -> NodeError:
    """The failure of a node whose child failed; of children in children the innermost has the word."""
    facts = child.error or {}
    inner = facts.get("detail")
    said = inner["message"] if isinstance(inner, dict) and "execution" in inner else facts.get("message") or str(error)
    return NodeError(
        str(facts.get("kind") or "Failed"),
        f"workflow {work.name} ({child.id}) failed: {said}",
        code=facts.get("code"),
        detail={"execution": child.id, "message": said},
    )
