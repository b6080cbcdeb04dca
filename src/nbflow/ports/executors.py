"""What the engine asks of the code of one kind."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from nbflow.plan.plan import Effects, NodePlan


@dataclass(slots=True)
class Call:
    """All that one attempt may know and say. `inputs` are resolved; secrets are still references.

    `key` is the idempotency key ``execution/path``, the same over all attempts. `secret` resolves a name
    at the last moment. `stream` sends text to the live view, never to the journal. `record` writes a model
    or tool call (a `CallRecorded` without node and attempt) and returns when it is on disk; `recorded` are
    those of earlier attempts or lives, by number.
    """

    execution: str
    path: str
    attempt: int
    node: NodePlan
    inputs: Any
    key: str
    secret: Callable[[str], str]
    stream: Callable[[str], None]
    record: Callable[..., Awaitable[None]]
    recorded: Mapping[int, Any] = field(default_factory=dict)
    context: Mapping[str, Any] = field(default_factory=dict)  # workflow, version, labels, budget so far


class Executor(Protocol):
    """The code of a kind whose attempts reach outside (`agent`, `tool`, plug-ins)."""

    def effects(self, node: NodePlan) -> Effects:
        """What an attempt does to the world, as declared by the kind, tool or node."""
        ...

    def validate(self, node: NodePlan) -> list[tuple[str, str, str | None]]:
        """What is wrong with a node before it runs: (code, message, hint)."""
        ...

    async def perform(self, call: Call) -> Any:
        """One attempt. Returns the raw result; raises `NodeError` or anything. Cancelled by cancellation."""
        ...
