"""What the engine asks of tools: something with a name, a schema and declared effects that can be called.

What a tool returns is data: never an expression, never markup, never the name of another tool.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from nbflow.plan.plan import Effects
from nbflow.ports.executors import Call


class Tool(Protocol):
    """One tool, as a workflow names it and as a model sees it."""

    @property
    def name(self) -> str: ...

    @property
    def description(self) -> str:
        """What it does, in the words a model and a person read."""
        ...

    @property
    def parameters(self) -> Mapping[str, Any]:
        """The arguments as a JSON Schema object; `additionalProperties` is false where the tool takes no others."""
        ...

    @property
    def authors_only(self) -> Sequence[str]:
        """Arguments that a workflow may give and a model may not (limits, credentials, what is allowed)."""
        ...

    def effects(self, arguments: Mapping[str, Any] | None = None) -> Effects:
        """What a call does to the world; without `arguments` the strongest that any call may do."""
        ...

    async def prepare(self) -> None:
        """Learn what only the outside knows (a server's schema), before the tool is offered to a model."""
        ...

    async def call(self, arguments: Mapping[str, Any], call: Call) -> Any:
        """Call it with arguments that fit `parameters`. Raises `NodeError` or anything; stops when cancelled."""
        ...


class Tools(Protocol):
    """The tools a workflow may name."""

    def find(self, name: str) -> Tool | None:
        """The tool of this name, or None."""
        ...

    def names(self) -> Sequence[str]:
        """All names there are, in the order in which they are looked for."""
        ...

    def suggest(self, name: str) -> str | None:
        """The name most like this one, or None when none is near."""
        ...
