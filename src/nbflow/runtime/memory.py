"""What agents of one `memory:` have said before in this execution: over rounds of a loop, or among nodes."""

from __future__ import annotations

from typing import Any

from nbflow.execution.state import ExecutionState, NodeState
from nbflow.plan.plan import AgentCall


def remembered(state: ExecutionState, node: NodeState) -> list[dict[str, Any]]:
    """Prompts and answers of completed agent nodes with the same `memory:`, in the order in which they ended."""
    work = node.node.work
    if not isinstance(work, AgentCall) or work.memory is None:
        return []
    past = [other for other in state.nodes.values() if other is not node and _shares(other, work.memory)]
    turns: list[dict[str, Any]] = []
    for other in sorted(past, key=lambda other: other.settled):
        prompt = (other.inputs or {}).get("prompt")
        if prompt is not None:
            turns.append({"role": "user", "content": prompt})
        turns.append({"role": "assistant", "content": _answer(other)})
    return turns


def _shares(node: NodeState, memory: str) -> bool:
    work = node.node.work
    return isinstance(work, AgentCall) and work.memory == memory and node.phase == "completed"


def _answer(node: NodeState) -> Any:
    """What the model said, which may have been reshaped since; else the node's output."""
    for call in reversed(node.calls or ()):
        said = call.response
        if call.kind == "model" and call.error is None and isinstance(said, dict) and {"text", "stop"} <= said.keys():
            return said["text"]
    return node.output
