"""What the engine asks of models: messages in, text or tool calls out, and what it took.

A runtime speaks one provider's protocol and nothing else: no retries, no tool loop, no validation of replies.
Those are the node's, the same for all providers.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

from nbflow.plan.plan import Effects
from nbflow.ports.executors import Call

Role = Literal["system", "user", "assistant", "tool"]


@dataclass(frozen=True, slots=True)
class Attachment:
    """An image or file beside a text: an address the provider fetches, or bytes. `media` is its MIME type."""

    media: str
    url: str | None = None
    content: bytes | None = None
    name: str | None = None


@dataclass(frozen=True, slots=True)
class ToolRequest:
    """A model asks for a tool. `arguments` is what it wrote, unread: it may be no JSON at all."""

    id: str
    name: str
    arguments: str


@dataclass(frozen=True, slots=True)
class Message:
    """One turn. A `tool` message answers the request `answers`; `failed` tells the model that it went wrong.

    `native` is the provider's own form of an assistant turn (reasoning, signatures), sent back as it came to
    the provider that wrote it.
    """

    role: Role
    text: str = ""
    requests: tuple[ToolRequest, ...] = ()
    answers: str | None = None
    failed: bool = False
    attachments: tuple[Attachment, ...] = ()
    native: Any = None


@dataclass(frozen=True, slots=True)
class ToolOffer:
    """A tool as a model sees it; `name` has only letters, digits, `_` and `-`."""

    name: str
    description: str
    parameters: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class ModelRequest:
    """One call of a model. `schema` is a JSON Schema the answer has to fit, when the provider can see to it.

    `settings` go to the provider as they are (its own parameter names); `headers` may hold secrets; `key` is the
    node's own, where it does not use the provider's.
    """

    model: str
    messages: tuple[Message, ...]
    tools: tuple[ToolOffer, ...] = ()
    schema: Mapping[str, Any] | None = None
    temperature: float | None = None
    max_tokens: int | None = None
    stream: bool = True
    settings: Mapping[str, Any] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    key: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens of one call; None where the provider did not say. `cached` is part of input, `reasoning` of output."""

    input: int | None = None
    output: int | None = None
    cached: int | None = None
    reasoning: int | None = None


@dataclass(frozen=True, slots=True)
class ModelReply:
    """What came back. `stop` is why it ended: end, tools, length, or the provider's word.

    `raw` is the provider's reply as JSON data; `model` the model that answered, which may be more exact than asked.
    """

    text: str
    requests: tuple[ToolRequest, ...] = ()
    usage: Usage = Usage()
    stop: str = "end"
    model: str = ""
    native: Any = None
    raw: Any = None


class AgentRuntime(Protocol):
    """One provider of models."""

    @property
    def provider(self) -> str:
        """Its name: what stands before the slash in ``model: provider/name``, and what prices know it by."""
        ...

    def takes(self, schema: Mapping[str, Any]) -> bool:
        """Whether the provider itself can hold a reply to this schema (of an object)."""
        ...

    async def complete(self, request: ModelRequest, on_text: Callable[[str], None]) -> ModelReply:
        """One call; `on_text` gets text while it comes. Cancelling closes the connection.

        Raises `NodeError` of kind `Timeout`, `RateLimited` (with `retry_after`), `Unavailable`, `Refused` or
        `InvalidOutput`, made anew: no request, no key, no header hangs on it.
        """
        ...

    async def close(self) -> None:
        """Close the connections of the running loop."""
        ...


class AgentFunction(Protocol):
    """An agent that is a function of this process. It answers a node in one call."""

    @property
    def name(self) -> str: ...

    def effects(self) -> Effects: ...

    async def answer(self, inputs: Mapping[str, Any], call: Call) -> Any:
        """The answer to ``prompt system messages images`` and the values of `with:`, by name.

        JSON data, or a `ModelReply` when the function counts tokens. Text it streams goes to `call.stream`.
        """
        ...


class Agents(Protocol):
    """The agents that ``model:`` may name."""

    def find(self, model: str) -> AgentFunction | tuple[AgentRuntime, str] | None:
        """A function of this name, or the runtime of ``provider/name`` and the model's name there, or None."""
        ...

    def names(self) -> Sequence[str]:
        """Names of functions and aliases, then ``provider/`` for each runtime."""
        ...

    def suggest(self, model: str) -> str | None:
        """The name most like this one, or None when none is near."""
        ...
