"""Two executions side by side: which nodes went another way, gave other values, took other time or money."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from nbflow.execution.state import NodeState
from nbflow.execution.usage import tokens_of
from nbflow.runtime.execution import Execution


@dataclass(frozen=True, slots=True)
class Change:
    """One node that differs. `what` names what does: phase, output, inputs, error. Times in seconds, cost in USD."""

    path: str
    what: tuple[str, ...]
    before: dict[str, Any]
    after: dict[str, Any]

    def __str__(self) -> str:
        shown = [f"{name}: {short(self.before[name])} → {short(self.after[name])}" for name in self.what]
        return f"{self.path}: " + ", ".join(shown)


COMPARED = ("phase", "inputs", "output", "error")


def diff(left: Execution, right: Execution) -> list[Change]:
    """The nodes that differ, in the order in which they were reached, `left` first."""
    ours, theirs = left.state.nodes, right.state.nodes
    changes = []
    for path in dict.fromkeys([*ours, *theirs]):
        before, after = facts(ours.get(path)), facts(theirs.get(path))
        what = tuple(name for name in COMPARED if not same(before[name], after[name]))
        if what:
            changes.append(Change(path, what, before, after))
    return changes


def facts(node: NodeState | None) -> dict[str, Any]:
    """What is compared of a node, and what it took."""
    if node is None:
        return {"phase": "pending", "inputs": None, "output": None, "error": None, "seconds": None, "usd": 0.0}
    seconds = node.ended - node.started if node.ended is not None and node.started is not None else None
    error = node.error and {"kind": node.error.get("kind"), "message": node.error.get("message")}
    usd = sum(float(call.usage.get("usd") or 0.0) for call in node.calls or ())
    return {
        "phase": node.phase,
        "inputs": node.inputs,
        "output": node.output,
        "error": error,
        "seconds": seconds,
        "usd": usd,
    }


def same(left: Any, right: Any) -> bool:
    """Whether two values are equal; opaque ones by their own comparison."""
    if hasattr(left, "equals"):
        return bool(type(left) is type(right) and left.equals(right))
    try:
        return bool(left == right)
    except ValueError:  # arrays
        return bool((left == right).all()) if type(left) is type(right) and left.shape == right.shape else False


def short(value: Any) -> str:
    text = value if isinstance(value, str) else repr(value)
    return text if len(text) <= 60 else f"{text[:57]}…"


def table(executions: list[Execution]) -> list[dict[str, Any]]:
    """One row an execution: outputs, phase, error, time and cost, to compare forks over prompts or models."""
    rows = []
    for execution in executions:
        state = execution.state
        took = state.ended - state.started if state.ended is not None and state.started is not None else None
        nodes = [facts(node) for node in state.nodes.values()]
        calls = [call for node in state.nodes.values() for call in node.calls or ()]
        rows.append(
            {
                "execution": execution.id,
                "variant": state.labels.get("variant", ""),
                "phase": execution.phase,
                "seconds": took,
                "tokens": sum(tokens_of(call.usage) for call in calls),
                "usd": sum(row["usd"] for row in nodes),
                "outputs": state.outputs,
                "error": (state.error or {}).get("message"),
            }
        )
    return rows
