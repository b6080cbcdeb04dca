"""Between a node that wants to start and its start: what is limited waits for admission, the rest passes at once."""

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
        self, clock: Clock, limit: int | None = None, pools: Mapping[str, int] | None = None,
        rates: Mapping[str, float] | None = None,
    ) -> None:
        self.admission = Admission(limit=limit, pools=pools, rates=rates)
        self._clock, self._limited = clock, limit is not None
        self._offered: dict[tuple[str, str], tuple[Driver, Attempt]] = {}
        self._running: set[tuple[str, str]] = set()
        self._timer: asyncio.TimerHandle | None = None

    def learn(self, plan: Plan) -> None:
        """The capacities a workflow sets for its executions together."""
        for name, capacity in plan.pools.items():
            self.admission.set_pool(name, capacity, self._clock.now())
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
                driver.id, node.path, policies.priority or driver.state.plan.priority, node.node.rank, policies.pool,
                policies.rate, _breaker(node),
            ),
            now,
        )
        self._admit(driver.loop, now)

    def _admit(self, loop: asyncio.AbstractEventLoop, now: float) -> None:
        for request in self.admission.admit(now):
            key = (request.execution, request.path)
            driver, attempt = self._offered.pop(key)
            self._running.add(key)
            driver.tell(o.Admitted(request.path, attempt.inputs, attempt.effects))
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        due = self.admission.next_time(now)
        if due is not None:
            self._timer = loop.call_later(max(0.0, due - now), self._again, loop)

    def _again(self, loop: asyncio.AbstractEventLoop) -> None:
        self._timer = None
        self._admit(loop, self._clock.now())

    def over(self, driver: Driver, path: str, failed: bool | None) -> None:
        """An attempt ended: what it held is free. `failed` is None for one that was stopped."""
        if (driver.id, path) not in self._running:
            return
        self._running.discard((driver.id, path))
        now = self._clock.now()
        if failed is None:
            self.admission.withdraw(driver.id, path, now)
        else:
            self.admission.release(driver.id, path, now, failed=failed)
        self._admit(driver.loop, now)

    def withdraw(self, driver: Driver, path: str) -> None:
        """A wish, or an admitted attempt that never ran, is no more."""
        key = (driver.id, path)
        if key not in self._offered and key not in self._running:
            return
        self._offered.pop(key, None)
        self._running.discard(key)
        now = self._clock.now()
        self.admission.withdraw(driver.id, path, now)
        self._admit(driver.loop, now)

    def verdict(self, execution: str, path: str) -> str:
        """Why a node has not started yet, for people."""
        return self.admission.verdict(execution, path, self._clock.now())

    def close(self) -> None:
        if self._timer is not None:
            self._timer.cancel()


def _breaker(node: NodeState) -> tuple[str, int, float] | None:
    breaker, work = node.node.policies.breaker, node.node.work
    if breaker is None:
        return None
    name = work.name if isinstance(work, ToolCall) else (work.model or "agent") if isinstance(work, AgentCall) else node.node.kind
    return (name, *breaker)
