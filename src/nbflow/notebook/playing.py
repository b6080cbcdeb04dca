"""A node in a cell of its own, to play with: a function's call, or a workflow of one node, with the inputs it had."""

from __future__ import annotations

import inspect
import pprint
import re
from collections.abc import Mapping
from typing import Any

import yaml

from nbflow.execution.state import NodeState
from nbflow.plan.plan import AgentCall, ToolCall
from nbflow.runtime.execution import Execution

TEMPLATE = re.compile(r"\$\{\{(?!\s*secrets\.)")  # what would be an expression; names of secrets are to be one


def cell_for(execution: Execution, path: str, namespace: Mapping[str, Any]) -> str:
    """The text of a cell that calls what a node called, with the inputs it had."""
    node = execution.nodes[path]
    work, inputs = node.node.work, node.inputs
    head = f"# {path} of {execution.id}"
    if isinstance(work, ToolCall) and isinstance(inputs, dict) and callable(function := namespace.get(work.name)):
        wait = "await " if inspect.iscoroutinefunction(function) else ""
        return f"{head}\n{_assigned(inputs)}\n{wait}{work.name}(**inputs)"
    if isinstance(work, ToolCall | AgentCall) and isinstance(inputs, dict):
        try:
            return f"%%workflow {node.id.replace('_', '-')}-alone\n{head}\n{_alone(node, inputs)}"
        except yaml.YAMLError:  # inputs that are no plain data
            pass
    return f"{head}\n{_assigned(inputs)}\ninputs"


def _assigned(inputs: Any) -> str:
    return f"inputs = {pprint.pformat(inputs, width=100, sort_dicts=False)}"


def _alone(node: NodeState, inputs: Mapping[str, Any]) -> str:
    """A workflow of one node. Raises `YAMLError` for inputs that are no plain data."""
    work, given = node.node.work, {name: _literal(value) for name, value in inputs.items() if value is not None}
    body: dict[str, Any]
    if isinstance(work, AgentCall):
        chosen = {"model": work.model, "tools": list(work.tools), "temperature": work.temperature}
        agent = {name: value for name, value in chosen.items() if value not in (None, [])}
        arguments = given.pop("arguments", None)
        body = {"agent": {**agent, **given}} | ({"with": arguments} if arguments else {})
        body |= {"output": node.node.schema} if node.node.schema else {}
    else:
        assert isinstance(work, ToolCall)
        body = {"tool": work.name, "with": given}
    text = yaml.safe_dump({"nodes": {node.id: body}}, sort_keys=False, allow_unicode=True, width=100)
    return str(text)


def _literal(value: Any) -> Any:
    """A value that the language reads as itself and evaluates nothing of."""
    if isinstance(value, str):
        text = TEMPLATE.sub("$${{", value)
        return f"\\{text}" if text.startswith("=") else text
    if isinstance(value, dict):
        return {name: _literal(item) for name, item in value.items()}
    return [_literal(item) for item in value] if isinstance(value, list) else value
