"""Workflows of real text on the seeded loop: the real engine, kinds and tools, with threads and disk as seeded events."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any

from nbflow.errors import ExecutionFailed, IllegalMove, StorageError
from nbflow.execution.events import Record
from nbflow.history.past import Past
from nbflow.integrations.agents.registry import AgentRegistry
from nbflow.integrations.tools.registry import ToolRegistry
from nbflow.integrations.tools.threads import Threads
from nbflow.nodes.agent import AgentExecutor
from nbflow.nodes.registry import built_in
from nbflow.nodes.tool import ToolExecutor
from nbflow.plan.plan import Plan
from nbflow.plan.workflow import parse
from nbflow.runtime.children import ChildExecutor
from nbflow.runtime.engine import Engine
from nbflow.runtime.execution import Execution
from nbflow.storage.memory.journal import MemoryJournal
from tests.simulation.loop import SimClock, SimLoop


class SimThreads(Threads):
    """A thread is an event at a seeded time."""

    async def run(self, function: Callable[[], Any]) -> Any:
        return await asyncio.get_running_loop().run_in_executor(None, function)


class SlowJournal(MemoryJournal):
    """A journal whose disk takes a seeded time, and fails with probability `faults`."""

    loop: SimLoop
    faults = 0.0

    async def append(self, execution: str, records: Sequence[Record], *, after: int) -> None:
        await asyncio.sleep(self.loop.rng.uniform(0, 0.01))
        if self.loop.rng.random() < self.faults:
            raise StorageError("store.full", "the disk is full")
        await super().append(execution, records, after=after)

    async def find_result(self, key: str) -> Any:
        await asyncio.sleep(self.loop.rng.uniform(0, 0.01))
        return await super().find_result(key)


class SimHouse:
    """Starts texts on a seeded loop with the tools registered here. `journal` outlives the loop."""

    def __init__(
        self, loop: SimLoop, journal: SlowJournal | None = None, tools: ToolRegistry | None = None, **more: Any
    ) -> None:
        self.loop, self.more = loop, more
        self.clock = SimClock(loop)
        self.journal = journal or SlowJournal()
        self.journal.loop = loop
        self.tools, self.agents = tools or ToolRegistry(SimThreads()), AgentRegistry()
        self.workflows: dict[str, str] = {}
        self.engine = self.new_engine()

    def new_engine(self) -> Engine:
        child = ChildExecutor(self._library)
        tool, agent = ToolExecutor(self.tools), AgentExecutor(self.agents, self.tools)
        self.engine = Engine(
            self.journal,
            built_in(tool=tool, agent=agent, workflow=child),
            self.plan,
            clock=self.clock,
            history=Past(),
            **self.more,
        )
        child.engine = self.engine
        return self.engine

    async def _library(self, name: str, version: str | None, folder: str | None) -> Plan:
        return self.plan(self.workflows[name], name)

    def tool(self, function: Callable[..., Any]) -> Callable[..., Any]:
        return self.tools.tool(function)

    def plan(self, text: str, name: str) -> Plan:
        return _plan(text, name)

    def start(self, text: str, inputs: dict[str, Any] | None = None, *, id: str = "x1") -> Execution:
        return self.engine.start(self.plan(text, "w"), inputs, id=id)

    def leftovers(self) -> list[str]:
        """What an engine without executions must not have: tasks, timers, drivers, capacity that is taken."""
        found = [f"driver {id}" for id in self.engine.drivers]
        found += [f"task {task.get_coro()}" for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        found += [f"timer {handle}" for handle in self.loop._scheduled if not handle._cancelled]  # type: ignore[attr-defined]
        dispatcher = self.engine.dispatcher
        found += [f"offered {key}" for key in dispatcher._offered] + [f"running {key}" for key in dispatcher._running]
        if dispatcher.admission.running or dispatcher.admission.waiting:
            found.append(f"admission: {dispatcher.admission.running} running, {dispatcher.admission.waiting} waiting")
        return found


@lru_cache(1_000)
def _plan(text: str, name: str) -> Plan:
    return parse(text, name=name).plan


async def ended(execution: Execution, seconds: float = 1_000.0) -> Execution:
    """Its end, whatever the end is, within so many (virtual) seconds."""
    try:
        async with asyncio.timeout(seconds):
            await execution
    except ExecutionFailed:
        pass
    return execution


def attend(execution: Execution, answers: dict[str, Any]) -> Callable[[], None]:
    """A person who answers what is asked, says what is listened for and, in doubt, wants it tried again."""
    loop = asyncio.get_running_loop()

    def answer(path: str, reason: str, detail: Any) -> None:
        try:
            if reason == "ask":
                execution.answer(path, answers[path])
            elif reason == "approval":
                execution.answer(path, True)
            elif reason == "listen":
                execution.signal(detail["event"], answers[path])
            elif reason == "in_doubt":
                execution.retry(path)
            elif reason == "machine":
                execution.signal("go", answers.get(path))
        except IllegalMove:
            return  # it is suspended, over, or not there any more

    def look(records: Sequence[Record]) -> None:
        for path, node in list(execution.state.nodes.items()):
            if node.phase == "waiting" and (path, node.reason, node.attempt) not in seen:
                seen.add((path, node.reason, node.attempt))
                loop.call_later(0.01, answer, path, node.reason, node.detail)

    seen: set[tuple[str, str | None, int]] = set()
    return execution.subscribe(look)
