"""Between a node that wants to start and its start: what is limited waits for admission, the rest passes at once.

What becomes ready together is admitted together, so that the most urgent goes first.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import TYPE_CHECKING

from nbflow.execution import outcomes as o
from nbflow.execution.state import NodeState
from nbflow.plan.plan import AgentCall, Plan, ToolCall
from nbflow.ports.clock import Clock
from nbflow.ports.executors import Attempt
from nbflow.scheduling.admission import Admission
from nbflow.scheduling.request import Request

if TYPE_CHECKING:
    from nbflow.runtime.driver import Driver


class Dispatcher:
    """The admission of one engine, fed by its drivers and by time."""

    def __init__(
        self,
        clock: Clock,
        limit: int | None = None,
        pools: Mapping[str, int] | None = None,
        rates: Mapping[str, float] | None = None,
    ) -> None:
        self.admission = Admission(limit=limit, pools=pools, rates=rates)
        self._clock, self._limited = clock, limit is not None
        self._offered: dict[tuple[str, str], tuple[Driver, Attempt]] = {}
        self._running: dict[tuple[str, str], Driver] = {}
        self._timer: asyncio.TimerHandle | None = None
        self._engine_pools = dict(pools or {})
        self._admitting = False
        self._warned: dict[str, None] = {}

    def learn(self, plan: Plan) -> None:
        """The capacities a workflow sets for its executions together."""
        for name, capacity in plan.pools.items():
            self.admission.set_pool(_own(name, plan), capacity, self._clock.now())
        for name, rate in plan.rates.items():
            self.admission.set_rate(name, rate, self._clock.now())

    def offer(self, driver: Driver, node: NodeState, attempt: Attempt) -> None:
        """Let an attempt start: at once, or when capacity, rate, breaker and order allow."""
        policies = node.node.policies
        if not (self._limited or policies.pool or policies.rate or policies.breaker):
            driver.tell(o.Admitted(node.path, attempt.inputs, attempt.effects))
            return
        key = (driver.id, node.path)
        if key in self._offered or key in self._running:
            return
        now = self._clock.now()
        self._offered[key] = (driver, attempt)
        self.admission.offer(
            Request(
                driver.id,
                node.path,
                policies.priority or driver.state.plan.priority,
                node.node.rank,
                self._pools(driver.state.plan, policies.pool),
                policies.rate,
                _breaker(node),
            ),
            now,
        )
        self._warn(driver)
        self._admit(driver.loop)

    def _pools(self, plan: Plan, wanted: tuple[tuple[str, int], ...]) -> tuple[tuple[str, int], ...]:
        """A pool that the workflow sets is its own; one that the engine has too limits all workflows as well."""
        found: list[tuple[str, int]] = []
        for name, units in wanted:
            if name in plan.pools:
                found.append((_own(name, plan), units))
            if name not in plan.pools or name in self._engine_pools:
                found.append((name, units))
        return tuple(found)

    def _warn(self, driver: Driver) -> None:
        for name, text in self.admission.warnings.items():
            if name not in self._warned:
                self._warned[name] = None
                driver.engine.warn(driver.id, text)

    def _admit(self, loop: asyncio.AbstractEventLoop) -> None:
        if not self._admitting:
            self._admitting = True
            loop.call_soon(self._admit_all, loop)

    def _admit_all(self, loop: asyncio.AbstractEventLoop) -> None:
        self._admitting = False
        now = self._clock.now()
        for request in self.admission.admit(now):
            key = (request.execution, request.path)
            driver, attempt = self._offered.pop(key)
            self._running[key] = driver
            driver.tell(o.Admitted(request.path, attempt.inputs, attempt.effects))
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        due = self.admission.next_time(now)
        if due is not None:
            self._timer = loop.call_later(max(0.0, due - now), self._again, loop)

    def _again(self, loop: asyncio.AbstractEventLoop) -> None:
        self._timer = None
        self._admit_all(loop)

    def over(self, driver: Driver, path: str, failed: bool | None) -> None:
        """An attempt ended: what it held is free. `failed` is None for one that was stopped."""
        if self._running.get((driver.id, path)) is not driver:
            return
        del self._running[driver.id, path]
        now = self._clock.now()
        if failed is None:
            self.admission.withdraw(driver.id, path, now)
        else:
            self.admission.release(driver.id, path, now, failed=failed)
        self._admit(driver.loop)

    def withdraw(self, driver: Driver, path: str) -> None:
        """A wish, or an admitted attempt that never ran, is no more."""
        key = (driver.id, path)
        if key not in self._offered and key not in self._running:
            return
        self._offered.pop(key, None)
        self._running.pop(key, None)
        now = self._clock.now()
        self.admission.withdraw(driver.id, path, now)
        self._admit(driver.loop)

    def forget(self, driver: Driver) -> None:
        """An execution broke off: nothing of it waits or holds anything any more."""
        offered = [path for (_, path), (other, _) in self._offered.items() if other is driver]
        running = [path for (_, path), other in self._running.items() if other is driver]
        for path in (*offered, *running):
            self.withdraw(driver, path)

    def offers(self, driver: Driver) -> list[str]:
        """Paths of an execution's nodes that wait for admission."""
        return [path for execution, path in self._offered if execution == driver.id]

    def queued(self, execution: str, path: str) -> bool:
        """Whether an attempt waits here for its admission."""
        return (execution, path) in self._offered

    def verdict(self, execution: str, path: str) -> str:
        """Why a node has not started yet, for people."""
        return self.admission.verdict(execution, path, self._clock.now())

    def close(self) -> None:
        if self._timer is not None:
            self._timer.cancel()


def _own(name: str, plan: Plan) -> str:
    return f"{name} of {plan.name}"


def _breaker(node: NodeState) -> tuple[str, int, float] | None:
    breaker, work = node.node.policies.breaker, node.node.work
    if breaker is None:
        return None
    name = (
        work.name
        if isinstance(work, ToolCall)
        else (work.model or "agent")
        if isinstance(work, AgentCall)
        else node.node.kind
    )
    return (name, *breaker)
