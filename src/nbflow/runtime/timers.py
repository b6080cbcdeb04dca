"""Times to come, by name: one timer a name, on the loop's own clock."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from nbflow.ports.clock import Clock


class Timers:
    """`set` replaces a timer of the same name; times are seconds since the epoch."""

    def __init__(self, loop: asyncio.AbstractEventLoop, clock: Clock) -> None:
        self._loop, self._clock = loop, clock
        self._timers: dict[str, asyncio.TimerHandle] = {}

    def set(self, name: str, at: float, then: Callable[[], None]) -> None:
        self.cancel(name)
        self._timers[name] = self._loop.call_later(max(0.0, at - self._clock.now()), self._fire, name, then)

    def _fire(self, name: str, then: Callable[[], None]) -> None:
        del self._timers[name]
        then()

    def cancel(self, name: str) -> None:
        timer = self._timers.pop(name, None)
        if timer is not None:
            timer.cancel()

    def close(self) -> None:
        for name in tuple(self._timers):
            self.cancel(name)
