"""What the engine asks of the code of one kind.

A kind turns an activated node into an answer at once (switch, set, aggregate), into bodies (loop, parallel),
into a wait (ask, wait, listen), or into an `Attempt` that its executor performs (tool, agent, plug-ins).
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, runtime_checkable

from nbflow.errors import NbflowError
from nbflow.execution.message import message
from nbflow.execution.outcomes import BodyDone, Moved, Outcome
from nbflow.execution.state import ExecutionState, Frame, NodeState
from nbflow.plan.plan import Effects, NodePlan

Findings = Sequence[tuple[str, str, str | None]]  # code, message, hint


class Scope(dict[str, Any], ABC):
    """Roots by name, looked up when asked for."""

    @abstractmethod
    def also(self, more: Mapping[str, Any]) -> Scope:
        """The same place with more roots, which come first."""


@message
class Attempt:
    """An activated node that wants to be performed; `inputs` are resolved, secrets shown as references."""

    inputs: Any
    effects: Effects


class Asks(NbflowError):
    """Raised by an executor that needs a person's word: the node waits, and no task is held meanwhile.

    With the answer the attempt is made again; `Call.answers` has it under `key`, and recorded calls are not
    repeated. `schema` is what an answer has to fit; `detail` is shown beside the question.
    """

    code = "node.asks"

    def __init__(self, key: str, question: str, schema: Mapping[str, Any], detail: Any = None) -> None:
        self.key, self.question, self.schema, self.detail = key, question, schema, detail
        super().__init__(question)


@dataclass(slots=True)
class Call:
    """All that one attempt may know and say. `inputs` are resolved, secrets too.

    `key` is the idempotency key ``execution/path``, the same over all attempts. `secret` resolves a name
    at the last moment. `stream` sends text to the live view, never to the journal. `record` writes a model
    or tool call (the fields of `CallRecorded` after `attempt`) and returns when it is on disk; `recorded` are
    those of earlier attempts or lives, in order. `answers` are a person's to questions this node has asked
    (see `Asks`), by key. `clean` takes known secrets out of a value. What a function prints is gathered in
    `printed`; the executor records it at the end.
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
    recorded: tuple[Any, ...] = ()
    answers: Mapping[str, Any] = field(default_factory=dict)
    clean: Callable[[Any], Any] = lambda value: value
    printed: list[str] = field(default_factory=list)
    context: Mapping[str, Any] = field(default_factory=dict)  # workflow, version, labels, usage so far


class Executor(Protocol):
    """The code of a kind whose attempts reach outside (`agent`, `tool`, plug-ins)."""

    def effects(self, node: NodePlan, inputs: Any = None) -> Effects:
        """What an attempt with these inputs does to the world, as declared by the kind, tool or node."""
        ...

    def fingerprint(self, node: NodePlan) -> str:
        """A hash of the code a node calls, so that its change changes what the node means; empty where none is."""
        ...

    def validate(self, node: NodePlan, inputs: Any = None) -> Findings:
        """What is wrong with a node before it runs: asked when an execution starts, and with its resolved inputs.

        Of inputs that are given, secrets are shown as references. A node with findings is not performed.
        """
        ...

    async def perform(self, call: Call) -> Any:
        """One attempt. Returns JSON data or an opaque value that nobody else holds (`ports.plain` makes it so).

        Raises `NodeError` or anything. Cancelled by cancellation.
        """
        ...


class Kind(Protocol):
    """The code of one verb."""

    def activate(self, node: NodeState, scope: Scope, now: float) -> Outcome | Attempt | tuple[Outcome, ...]:
        """What an activated node comes to. Pure but for the scope; raises `EvaluationError` or `NodeError`."""
        ...


@runtime_checkable
class PerformedKind(Kind, Protocol):
    """A kind with attempts."""

    executor: Executor

    def resolve(self, node: NodeState, scope: Scope) -> Any:
        """The inputs, evaluated; called again with real secrets when the attempt is performed."""
        ...

    def secret_paths(self, node: NodePlan) -> tuple[tuple[str | int, ...], ...]:
        """Where the inputs mention secrets."""
        ...


@runtime_checkable
class BodyKind(Kind, Protocol):
    """A kind that opens bodies."""

    def close(self, frame: Frame, scope: Scope) -> BodyDone:
        """What a body gives once all its nodes are settled, and which bodies follow."""
        ...


@runtime_checkable
class MovingKind(Kind, Protocol):
    """A kind that steps with every event (a statechart)."""

    def following(self, state: ExecutionState, node: NodeState, scope: Scope, now: float) -> Moved | None:
        """The next step, from the recorded state alone; None when there is none yet."""
        ...

    def due(self, node: NodeState) -> float | None:
        """When its next timer is due, in seconds since the epoch."""
        ...


@runtime_checkable
class WaitingKind(Kind, Protocol):
    """A kind that waits for the outside."""

    def hear(self, node: NodeState, name: str, value: Any, key: str | None, scope: Scope) -> Outcome | None:
        """The outcome of a signal or answer; None when it is not for this node."""
        ...

    def expire(self, node: NodeState, scope: Scope) -> Outcome:
        """The outcome when the time named in `until` has come. Raises `NodeError` when that is too late."""
        ...
