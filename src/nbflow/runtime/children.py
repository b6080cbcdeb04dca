"""`workflow:` nodes: a child execution with its own id, journal and page in history.

A child outlives its parent's crash: the attempt that follows finds it by its id and goes on with it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

from nbflow.errors import ExecutionFailed, NodeError, NotFound
from nbflow.plan.plan import Effects, NodePlan, Plan, SubWorkflow
from nbflow.ports.executors import Call

if TYPE_CHECKING:
    from nbflow.runtime.engine import Engine
    from nbflow.runtime.execution import Execution

DEPTH = 20
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

    def validate(self, node: NodePlan) -> list[tuple[str, str, str | None]]:
        return []

    async def perform(self, call: Call) -> Any:
        work = call.node.work
        assert isinstance(work, SubWorkflow)
        child = await self._child(call, work)
        try:
            await child
        except ExecutionFailed as error:
            facts = child.error or {}
            raise NodeError(
                str(facts.get("kind") or "Failed"),
                f"workflow {work.name} ({child.id}) failed: {facts.get('message') or error}",
                code=facts.get("code"),
                detail={"execution": child.id},
            ) from None
        except asyncio.CancelledError:
            await self._let_go(call, child)
            raise
        if child.phase == "cancelled":
            raise NodeError("Cancelled", f"workflow {work.name} ({child.id}) was cancelled")
        return child.outputs

    async def _child(self, call: Call, work: SubWorkflow) -> Execution:
        engine = self.engine
        assert engine is not None
        id = f"{call.execution}.{call.path}"
        for suffix in ("", *(f".{number}" for number in range(2, call.attempt + 1))):
            try:
                child = await engine.recover(id + suffix)
            except NotFound:
                return await self._start(engine, call, work, id + suffix)
            if child.phase not in ("failed", "cancelled"):
                return child
        return await self._start(engine, call, work, f"{id}.{call.attempt + 1}")

    async def _start(self, engine: Engine, call: Call, work: SubWorkflow, id: str) -> Execution:
        chain = (*call.context.get("chain", ()), call.context["workflow"])
        if len(chain) >= DEPTH:
            shown = " -> ".join((*chain[:3], "…", work.name))
            raise NodeError("LimitReached", f"workflows call each other too deeply: {shown}", code="limit.depth")
        labels = call.context.get("labels", {})
        plan = work.plan or await self._library(work.name, work.version, labels.get("folder"))
        origin = {"parent": call.execution, "node": call.path, "chain": list(chain)}
        return engine.start(plan, call.inputs, id=id, labels=labels, origin=origin)

    async def _let_go(self, call: Call, child: Execution) -> None:
        """A cancelled parent cancels its child; a suspended one suspends it."""
        if child.ended or self.engine is None:
            return
        parent = self.engine.drivers.get(call.execution)
        if parent is not None and parent.state.suspended:
            child.suspend("the parent was suspended")
        elif child.phase in ("running", "waiting", "paused", "suspended"):
            child.cancel("the parent was cancelled")
