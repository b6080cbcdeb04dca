"""The executor of `tool:`: arguments checked, the tool called, its result checked against `output:`."""

from __future__ import annotations

import asyncio
from typing import Any

from nbflow.errors import NodeError
from nbflow.nodes.replies import checked
from nbflow.plan.plan import Effects, NodePlan, ToolCall
from nbflow.ports.arguments import check_arguments
from nbflow.ports.executors import Call, Findings
from nbflow.ports.plain import plain
from nbflow.ports.tools import Tool, Tools


class ToolExecutor:
    """Performs attempts of tool nodes."""

    def __init__(self, tools: Tools) -> None:
        self.tools = tools

    def effects(self, node: NodePlan, inputs: Any = None) -> Effects:
        """What the node declares, else what the tool does with these arguments; `once` where nobody knows.

        Where the tool itself sees to it that a call happens `once`, the attempt may be made again.
        """
        assert isinstance(node.work, ToolCall)
        tool = self.tools.find(node.work.name)
        if node.effects is not None and not (node.effects == "once" and _exact(tool, inputs)):
            return node.effects
        return "once" if tool is None else tool.effects(inputs if isinstance(inputs, dict) else None)

    def fingerprint(self, node: NodePlan) -> str:
        assert isinstance(node.work, ToolCall)
        return str(getattr(self.tools.find(node.work.name), "fingerprint", ""))

    def validate(self, node: NodePlan, inputs: Any = None) -> Findings:
        """Whether there is such a tool, and whether it takes the arguments; where secrets are in it, it will say."""
        work = node.work
        assert isinstance(work, ToolCall)
        try:
            tool = self._named(work.name)
            if inputs is not None and not work.arguments.secret_paths:
                check_arguments(_mapping(inputs, tool), tool.parameters, tool.name)
        except NodeError as error:
            return [(error.code, str(error), error.hint)]
        return ()

    async def perform(self, call: Call) -> Any:
        """The tool's result as JSON data or an opaque value. Raises what the tool raises, or `NodeError`."""
        work = call.node.work
        assert isinstance(work, ToolCall)
        tool = self._named(work.name)
        try:
            result = plain(await tool.call(_mapping(call.inputs, tool), call))
        finally:
            if call.printed:
                await keep_prints(call, tool.name)
        return checked(result, call.node.schema, tool.name)

    def _named(self, name: str) -> Tool:
        tool = self.tools.find(name)
        if tool is not None:
            return tool
        near = self.tools.suggest(name)
        hint = f"did you mean '{near}'?" if near else "register it with @nbflow.tool, or define it in the notebook"
        raise NodeError("InvalidInput", f"there is no tool '{name}'", code="tool.unknown", hint=hint)


def _exact(tool: Tool | None, inputs: Any) -> bool:
    exact = getattr(tool, "exact", None)
    return exact is not None and isinstance(inputs, dict) and bool(exact(inputs))


def _mapping(inputs: Any, tool: Tool) -> dict[str, Any]:
    if not isinstance(inputs, dict):
        raise NodeError("InvalidInput", f"'with' gives {tool.name} no mapping of arguments", code="tool.arguments")
    return inputs


async def keep_prints(call: Call, name: str) -> None:
    """Records what was printed as a call of kind `printed`; a cancelled attempt has no time for it."""
    task = asyncio.current_task()
    if call.printed and not (task and task.cancelling()):
        text = "".join(call.printed)
        call.printed.clear()
        await call.record(len(call.recorded) + 1, "printed", name, response=text)
