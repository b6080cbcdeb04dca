"""Runs a text to its end with the real engine, its journal in memory."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from nbflow import assembly
from nbflow.errors import ExecutionFailed
from nbflow.plan.workflow import parse


@dataclass(frozen=True)
class Ran:
    """How an execution ended: phases and outputs of its nodes by path, and its own."""

    phase: str
    phases: dict[str, str]
    node_outputs: dict[str, Any]
    outputs: Any
    error: dict[str, Any] | None
    reasons: dict[str, str | None]


async def run_text(text: str, inputs: dict[str, Any] | None = None, *, plan=None) -> Ran:
    """Parse (or take a plan) and run."""
    made = assembly._make_engine("memory:")
    try:
        execution = made.start(plan if plan is not None else parse(text).plan, inputs or {})
        with suppress(ExecutionFailed):
            await execution
        state = execution.state
        return Ran(
            state.phase,
            {path: node.phase for path, node in state.nodes.items()},
            {path: node.output for path, node in state.nodes.items() if node.phase == "completed"},
            state.outputs,
            state.error,
            {path: node.reason for path, node in state.nodes.items()},
        )
    finally:
        await made.close()
