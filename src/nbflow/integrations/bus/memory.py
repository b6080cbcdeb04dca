"""A bus inside one process: every loop of it hears what any of them says. A message nobody hears is gone."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable

from nbflow.ports.bus import Message

Subscriber = Callable[[Message], None]


class MemoryBus:
    """Subscribers by the loop they live on."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._subscribers: list[tuple[asyncio.AbstractEventLoop, Subscriber]] = []

    async def publish(self, message: Message) -> None:
        with self._lock:
            subscribers = tuple(self._subscribers)
        for loop, subscriber in subscribers:
            if not loop.is_closed():
                loop.call_soon_threadsafe(subscriber, message)

    def subscribe(self, subscriber: Subscriber) -> Callable[[], None]:
        entry = (asyncio.get_running_loop(), subscriber)
        with self._lock:
            self._subscribers = [one for one in self._subscribers if not one[0].is_closed()] + [entry]
        return lambda: self._leave(entry)

    def _leave(self, entry: tuple[asyncio.AbstractEventLoop, Subscriber]) -> None:
        with self._lock:
            self._subscribers = [one for one in self._subscribers if one is not entry]
