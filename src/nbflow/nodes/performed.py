"""Kinds whose attempts reach outside: their inputs are evaluated, and checked, when the node is activated."""

from __future__ import annotations

from typing import Any

from nbflow.errors import NodeError
from nbflow.execution.state import NodeState
from nbflow.plan.plan import AgentCall, NodePlan, PluginCall, SubWorkflow, ToolCall
from nbflow.ports.executors import Attempt, Executor, Scope
from nbflow.spec.expressions import Value

Path = tuple[str | int, ...]
_WITH = (ToolCall, SubWorkflow)  # what has arguments only


class Performed:
    """A kind with an executor."""

    def __init__(self, executor: Executor) -> None:
        self.executor = executor

    def activate(self, node: NodeState, scope: Scope, now: float) -> Attempt:
        inputs = self.resolve(node, scope)
        if found := self.executor.validate(node.node, inputs):
            code, _, hint = found[0]
            raise NodeError("InvalidInput", "; ".join(message for _, message, _ in found), code=code, hint=hint)
        return Attempt(inputs, self.executor.effects(node.node, inputs))

    def resolve(self, node: NodeState, scope: Scope) -> Any:
        work = node.node.work
        if isinstance(work, _WITH):
            return work.arguments.evaluate(scope)
        return {name: value.evaluate(scope) for name, value in _templates(work)}

    def secret_paths(self, node: NodePlan) -> tuple[Path, ...]:
        work = node.work
        if isinstance(work, _WITH):
            return work.arguments.secret_paths
        return tuple((name, *path) for name, value in _templates(work) for path in value.secret_paths)


def _templates(work: Any) -> list[tuple[str, Value]]:
    """The templates of an agent (prompt, system, messages, images, arguments) or a plug-in, by name."""
    names: tuple[str, ...] = ("parameters", "arguments")
    if isinstance(work, AgentCall):
        names = ("prompt", "system", "messages", "images", "arguments", "headers", "auth")
    else:
        assert isinstance(work, PluginCall)
    return [(name, value) for name in names if (value := getattr(work, name)) is not None]
