"""A `Call` made by hand, for executors without an engine."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from nbflow.execution.events import CallRecorded
from nbflow.plan.plan import AgentCall, NodePlan, ToolCall
from nbflow.ports.executors import Call


@dataclass
class Attempted:
    """One attempt: its `Call`, what it streamed and what it recorded."""

    call: Call
    streamed: list[str] = field(default_factory=list)
    records: list[CallRecorded] = field(default_factory=list)

    def of(self, kind: str) -> list[CallRecorded]:
        return [record for record in self.records if record.kind == kind]


def attempted(
    work: Any,
    inputs: Any = None,
    *,
    recorded: tuple[CallRecorded, ...] = (),
    schema: Mapping[str, Any] | None = None,
    attempt: int = 1,
    secrets: Mapping[str, str] | None = None,
    context: Mapping[str, Any] | None = None,
    **plan: Any,
) -> Attempted:
    kind = "tool" if isinstance(work, ToolCall) else "agent"
    node = NodePlan(0, "node", kind, work, schema=schema, **plan)
    made: Attempted

    async def record(call: int, what: str, name: str, **facts: Any) -> None:
        await asyncio.sleep(0)
        made.records.append(CallRecorded("node", attempt, call, what, name, **facts))

    call = Call(
        execution="x1",
        path="node",
        attempt=attempt,
        node=node,
        inputs=inputs,
        key="x1/node",
        secret=(secrets or {}).__getitem__,
        stream=lambda text: made.streamed.append(text),
        record=record,
        recorded=recorded,
        context=context or {},
    )
    made = Attempted(call)
    return made


def tool(name: str) -> ToolCall:
    return ToolCall(name, None)  # type: ignore[arg-type] - the arguments are given resolved


def agent(model: str | None = None, **more: Any) -> AgentCall:
    return AgentCall(prompt=None, model=model, **more)
