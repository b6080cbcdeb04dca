"""Plain functions run here, so that the loop stays free.

The threads are daemons: a function that never returns keeps its thread, not the process. They start when
needed, up to `most`; then calls wait in turn.
"""

from __future__ import annotations

import asyncio
import contextvars
import queue
import threading
from collections.abc import Callable
from typing import Any


class Threads:
    """Runs plain functions in at most `most` threads, with the context variables of the caller."""

    def __init__(self, most: int = 32) -> None:
        self.most = most
        self._work: queue.SimpleQueue[_Job] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._started = 0
        self._open = 0  # calls that wait or run

    async def run(self, function: Callable[[], Any]) -> Any:
        """What the function returns or raises. When cancelled, it runs on and its result is dropped."""
        loop = asyncio.get_running_loop()
        job = _Job(function, contextvars.copy_context(), loop, loop.create_future())
        with self._lock:
            self._open += 1
            if self._open > self._started and self._started < self.most:
                self._started += 1
                threading.Thread(target=self._serve, name=f"nbflow-{self._started}", daemon=True).start()
        self._work.put(job)
        return await job.future

    def _serve(self) -> None:
        while True:
            self._work.get().perform()
            with self._lock:
                self._open -= 1


class _Job:
    """One call, and the future on its caller's loop."""

    __slots__ = ("context", "function", "future", "loop")

    def __init__(
        self,
        function: Callable[[], Any],
        context: contextvars.Context,
        loop: asyncio.AbstractEventLoop,
        future: asyncio.Future[Any],
    ) -> None:
        self.function, self.context, self.loop, self.future = function, context, loop, future

    def perform(self) -> None:
        if self.future.cancelled():
            return
        try:
            result, error = self.context.run(self.function), None
        except BaseException as problem:  # noqa: BLE001 - carried to the caller, whatever it is
            result, error = None, problem
        try:
            self.loop.call_soon_threadsafe(self._settle, result, error)
        except RuntimeError:
            return  # the loop was closed meanwhile: nobody waits

    def _settle(self, result: Any, error: BaseException | None) -> None:
        if self.future.done():
            return
        if error is None:
            self.future.set_result(result)
        else:
            self.future.set_exception(error)
