"""The executor of `tool:`: arguments checked, the tool called, its result checked against `output:`."""

from __future__ import annotations

import asyncio
from typing import Any

from nbflow.errors import NodeError
from nbflow.nodes.replies import checked
from nbflow.plan.plan import Effects, NodePlan, ToolCall
from nbflow.ports.executors import Call
from nbflow.ports.plain import plain
from nbflow.ports.tools import Tools


class ToolExecutor:
    """Performs attempts of tool nodes."""

    def __init__(self, tools: Tools) -> None:
        self.tools = tools

    def effects(self, node: NodePlan, inputs: Any = None) -> Effects:
        """What the node declares, else what the tool does with these arguments; `once` where nobody knows."""
        if node.effects is not None:
            return node.effects
        assert isinstance(node.work, ToolCall)
        tool = self.tools.find(node.work.name)
        return "once" if tool is None else tool.effects(inputs if isinstance(inputs, dict) else None)

    def fingerprint(self, node: NodePlan) -> str:
        assert isinstance(node.work, ToolCall)
        return str(getattr(self.tools.find(node.work.name), "fingerprint", ""))

    def validate(self, node: NodePlan) -> list[tuple[str, str, str | None]]:
        assert isinstance(node.work, ToolCall)
        if self.tools.find(node.work.name) is not None:
            return []
        error = self._unknown(node.work.name)
        return [(error.code, str(error), error.hint)]

    async def perform(self, call: Call) -> Any:
        """The tool's result as JSON data or an opaque value. Raises what the tool raises, or `NodeError`."""
        work = call.node.work
        assert isinstance(work, ToolCall)
        tool = self.tools.find(work.name)
        if tool is None:
            raise self._unknown(work.name)
        if not isinstance(call.inputs, dict):
            raise NodeError("InvalidInput", f"'with' gives {tool.name} no mapping of arguments", code="tool.arguments")
        try:
            result = plain(await tool.call(call.inputs, call))
        finally:
            if call.printed:
                await keep_prints(call, tool.name)
        return checked(result, call.node.schema, tool.name)

    def _unknown(self, name: str) -> NodeError:
        near = self.tools.suggest(name)
        hint = f"did you mean '{near}'?" if near else "register it with @nbflow.tool, or define it in the notebook"
        return NodeError("InvalidInput", f"there is no tool '{name}'", code="tool.unknown", hint=hint)


async def keep_prints(call: Call, name: str) -> None:
    """Records what was printed as a call of kind `printed`; a cancelled attempt has no time for it."""
    task = asyncio.current_task()
    if call.printed and not (task and task.cancelling()):
        text = "".join(call.printed)
        call.printed.clear()
        await call.record(len(call.recorded) + 1, "printed", name, response=text)
