"""A seeded event loop with virtual time: the order of callbacks, time and threads come from one seed."""

from __future__ import annotations

import asyncio
import heapq
import random
from collections.abc import Callable
from contextlib import suppress
from typing import Any


class SimLoop(asyncio.BaseEventLoop):
    """Runs any ready callback next, and jumps in time when nothing is ready. Threads are seeded events."""

    def __init__(self, seed: int) -> None:
        super().__init__()
        self.rng = random.Random(seed)
        self._now = 0.0
        self.steps = 0
        self.at_step: dict[int, Callable[[], None]] = {}  # what happens before a step, between two callbacks

    def time(self) -> float:
        return self._now

    def _process_events(self, event_list: Any) -> None: ...

    def _write_to_self(self) -> None: ...

    def call_soon_threadsafe(self, callback: Callable[..., Any], *args: Any, context: Any = None) -> asyncio.Handle:
        return self.call_soon(callback, *args, context=context)

    def run_in_executor(self, executor: Any, func: Callable[..., Any], *args: Any) -> asyncio.Future[Any]:  # type: ignore[override]
        future = self.create_future()

        def finish() -> None:
            if future.cancelled():
                return
            try:
                future.set_result(func(*args))
            except BaseException as error:
                future.set_exception(error)

        self.call_later(self.rng.uniform(0, 0.01), finish)
        return future

    def _run_once(self) -> None:
        self.steps += 1
        if self.steps in self.at_step:
            self.at_step.pop(self.steps)()
        while self._scheduled and self._scheduled[0]._cancelled:  # type: ignore[attr-defined]
            heapq.heappop(self._scheduled)._scheduled = False  # type: ignore[attr-defined]
        if not self._ready:  # type: ignore[attr-defined]
            if not self._scheduled:  # type: ignore[attr-defined]
                raise RuntimeError("deadlock: nothing is ready and no timer is set")
            self._now = max(self._now, self._scheduled[0]._when)  # type: ignore[attr-defined]
        while self._scheduled and self._scheduled[0]._when <= self._now + 1e-9:  # type: ignore[attr-defined]
            handle = heapq.heappop(self._scheduled)  # type: ignore[attr-defined]
            handle._scheduled = False
            self._ready.append(handle)  # type: ignore[attr-defined]
        if not self._ready:  # type: ignore[attr-defined]
            return
        place = self.rng.randrange(len(self._ready))  # type: ignore[attr-defined]
        self._ready.rotate(-place)  # type: ignore[attr-defined]
        handle = self._ready.popleft()  # type: ignore[attr-defined]
        self._ready.rotate(place)  # type: ignore[attr-defined]
        if not handle._cancelled:
            handle._run()


class SimClock:
    """The loop's virtual time as the world's; ids and luck from the seed."""

    def __init__(self, loop: SimLoop) -> None:
        self._loop, self._count = loop, 0

    def now(self) -> float:
        return 1_000_000.0 + self._loop.time()

    def new_id(self) -> str:
        self._count += 1
        return f"x{self._count}"

    def random(self) -> float:
        return self._loop.rng.random()


def simulate(seed: int, main: Callable[[SimLoop], Any], *, limit: int = 500_000) -> Any:
    """Run a coroutine function on a fresh loop; what is left over is cancelled."""
    loop = SimLoop(seed)
    try:
        asyncio.set_event_loop(loop)
        loop.set_exception_handler(lambda loop, context: None)  # what a dying process complains of
        return loop.run_until_complete(main(loop))
    finally:
        closed: set[asyncio.Task[Any]] = set()
        while left := asyncio.all_tasks(loop) - closed:  # a dead process finishes nothing, nor what that would begin
            for task in left:
                task._log_destroy_pending = False  # type: ignore[attr-defined]
                with suppress(RuntimeError):  # it would rather clean up
                    task.get_coro().close()  # type: ignore[union-attr]
            closed |= left
        asyncio.set_event_loop(None)
        loop.close()
