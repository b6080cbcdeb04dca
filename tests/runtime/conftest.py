"""An engine on the test's loop, with a journal in memory, and tools a test defines."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from nbflow.errors import ExecutionFailed
from nbflow.history.past import Past
from nbflow.integrations.agents.registry import AgentRegistry
from nbflow.integrations.bus.memory import MemoryBus
from nbflow.integrations.tools.registry import ToolRegistry
from nbflow.nodes.agent import AgentExecutor
from nbflow.nodes.registry import built_in
from nbflow.nodes.tool import ToolExecutor
from nbflow.plan.plan import Plan
from nbflow.plan.workflow import parse
from nbflow.runtime.children import ChildExecutor
from nbflow.runtime.engine import Engine
from nbflow.runtime.execution import Execution
from nbflow.storage.memory.journal import MemoryJournal


class House:
    """Starts texts with the tools registered here."""

    def __init__(self) -> None:
        self.tools, self.agents, self.journal = ToolRegistry(), AgentRegistry(), MemoryJournal()
        self.bus = MemoryBus()
        self.workflows: dict[str, str] = {}
        self.engine = self.new_engine()

    def new_engine(self, **more: Any) -> Engine:
        async def library(name: str, version: str | None, folder: str | None) -> Plan:
            return parse(self.workflows[name], tools=self.tools.schemas()).plan

        child = ChildExecutor(library)
        tool, agent = ToolExecutor(self.tools), AgentExecutor(self.agents, self.tools)
        engine = Engine(
            self.journal,
            built_in(tool=tool, agent=agent, workflow=child),
            lambda text, name: parse(text, name=name, tools=self.tools.schemas()).plan,
            history=Past(),
            bus=self.bus,
            **more,
        )
        child.engine = engine
        return engine

    def tool(self, function: Callable[..., Any]) -> Callable[..., Any]:
        return self.tools.tool(function)

    def start(self, text: str, inputs: dict[str, Any] | None = None, **more: Any) -> Execution:
        return self.engine.start(parse(text, name="w", tools=self.tools.schemas()).plan, inputs, **more)

    async def run(self, text: str, inputs: dict[str, Any] | None = None, **more: Any) -> Execution:
        """Run to the end, whatever the end is."""
        execution = self.start(text, inputs, **more)
        try:
            await execution
        except ExecutionFailed:
            pass
        return execution


@pytest.fixture
async def house() -> AsyncIterator[House]:
    made = House()
    yield made
    for driver in list(made.engine.drivers.values()):
        driver.break_off(RuntimeError("the test is over"))
