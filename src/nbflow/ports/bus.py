"""What the engine asks of a bus: events go out, and come in from other executions."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol


@dataclass(frozen=True, slots=True)
class Message:
    """An event on its way. `key` may be an execution's id: then it is for that one. `source` is who emitted it."""

    event: str
    data: Any = None
    key: str | None = None
    source: str | None = None
    id: str = ""  # execution and sequence of the record it came from: the same when it comes twice


class Bus(Protocol):
    """Carries messages to all who subscribe, in the order in which each source published them."""

    async def publish(self, message: Message) -> None:
        """Hand a message over; it is accepted when this returns. Raises `StorageError` when it cannot be."""
        ...

    def subscribe(self, subscriber: Callable[[Message], None]) -> Callable[[], None]:
        """Call it with every message from now on, on the running loop; returns how to stop."""
        ...
