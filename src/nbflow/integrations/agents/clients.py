"""One SDK client a loop: made when first used, closed with the loop's executions."""

from __future__ import annotations

import asyncio
import importlib
import sys
import weakref
from collections.abc import Awaitable, Callable
from typing import Generic, Protocol, TypeVar


class Closable(Protocol):
    def close(self) -> Awaitable[None]: ...


C = TypeVar("C", bound=Closable)


class Clients(Generic[C]):
    """Clients by loop. A connection belongs to the loop that opened it."""

    def __init__(self, make: Callable[[], C]) -> None:
        self._make = make
        self._made: weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, C] = weakref.WeakKeyDictionary()

    def get(self) -> C:
        """The client of the running loop."""
        loop = asyncio.get_running_loop()
        client = self._made.get(loop)
        if client is None:
            client = self._made[loop] = self._make()
        return client

    async def load(self, library: str) -> None:
        """Import the SDK in a thread, once: it takes a second, and the loop has others to serve."""
        if library not in sys.modules:
            await asyncio.to_thread(importlib.import_module, library)

    async def close(self) -> None:
        """Close the running loop's client, if there is one; the next use makes a new one."""
        client = self._made.pop(asyncio.get_running_loop(), None)
        if client is not None:
            await client.close()
