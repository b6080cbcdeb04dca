"""What one process asks of the one that drives an execution: a verb, and the answer of the owner.

An execution has one owner. A shell that wants to pause what a kernel runs asks that kernel; it never writes itself.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol


@dataclass(frozen=True, slots=True)
class Request:
    """A verb for an execution; `arguments` are JSON data."""

    execution: str
    verb: str
    arguments: Mapping[str, Any] = field(default_factory=dict)


Answer = dict[str, Any]  # {"result": …} or {"error": {…}}
Reply = Callable[[Answer], None]
Hear = Callable[[Request, Reply], None]


class Requests(Protocol):
    """The way to the owners of a store's executions."""

    def holder(self, execution: str) -> str | None:
        """Who else drives it, in words: ``process 4711 on laptop``. None when nobody does."""
        ...

    async def ask(self, request: Request, *, patience: float = 10.0) -> Answer:
        """The owner's answer. Raises `IllegalMove` when there is none, or no answer in `patience` seconds."""
        ...

    def serve(self, hear: Hear) -> None:
        """Hand over what is asked of this process, from any thread, with a function that takes the answer."""
        ...
