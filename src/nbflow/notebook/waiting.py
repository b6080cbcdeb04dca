"""A cell waits for an execution, and ■ (SIGINT) suspends it.

The first interrupt suspends: running attempts are stopped, nothing is undone. The second stops attempts that did
not listen. The third gives the cell back and leaves them behind. The handler never raises: an exception thrown
into a task by a signal would end the kernel.
"""

from __future__ import annotations

import asyncio
import signal
import threading
from collections.abc import Callable, Coroutine, Iterator, Sequence
from contextlib import contextmanager
from types import FrameType
from typing import Any, Literal

from nbflow.errors import ExecutionFailed, IllegalMove
from nbflow.execution.events import ExecutionSuspended, Record
from nbflow.notebook.errors import suspended
from nbflow.runtime.execution import Execution

End = Literal["ended", "suspended", "detached", "abandoned"]
PATIENCE = 5.0  # seconds that a cancelled cell waits for the suspension


class Waiting:
    """One cell that waits for one execution. `tell` is called with words for the person after an interrupt.

    `cancels` says that a cancellation of the cell suspends the execution, as an interrupt does.
    """

    def __init__(
        self, execution: Execution, tell: Callable[[str], None] = lambda words: None, *, cancels: bool = True
    ) -> None:
        self.execution, self.tell, self._cancels = execution, tell, cancels
        self.loop = asyncio.get_running_loop()
        self.presses = 0
        self._since = execution.state.sequence
        self._leave: asyncio.Future[End] = self.loop.create_future()
        execution.on_detach(self.detach)

    @property
    def left(self) -> bool:
        """Whether the cell does not wait any longer."""
        return self._leave.done()

    def detach(self) -> None:
        """Give the cell back; the execution goes on. May be called from any thread."""
        self.loop.call_soon_threadsafe(self._left, "detached")

    def _left(self, how: End) -> None:
        if not self._leave.done():
            self._leave.set_result(how)

    async def end(self) -> End:
        """Wait until the execution has ended or is suspended and quiet, or the cell is given back."""
        ended = self.loop.create_task(self._ended(), name="nbflow-cell-ended")
        quiet = self.loop.create_task(self._quiet(), name="nbflow-cell-suspended")
        try:
            with self._interrupts():
                waited: set[asyncio.Future[Any]] = {ended, quiet, self._leave}
                await asyncio.wait(waited, return_when=asyncio.FIRST_COMPLETED)
        except asyncio.CancelledError:
            if self._cancels:
                self._suspend()
                await asyncio.wait({ended, quiet}, timeout=PATIENCE, return_when=asyncio.FIRST_COMPLETED)
            raise
        finally:
            over = [task for task in (ended, quiet) if not task.done()]
            for task in over:
                task.cancel()
            await asyncio.gather(*over, return_exceptions=True)
        if ended in over and quiet in over:
            return self._leave.result()
        if ended not in over:
            ended.result()
            return "ended"
        quiet.result()
        return "suspended"

    async def _ended(self) -> None:
        try:
            await self.execution
        except ExecutionFailed:
            return

    async def _quiet(self) -> None:
        """A suspension that came after this cell began to wait (a resumed execution was suspended before)."""
        suspended = asyncio.Event()

        def look(records: Sequence[Record]) -> None:
            if any(
                record.sequence > self._since and isinstance(record.event, ExecutionSuspended) for record in records
            ):
                suspended.set()

        forget = self.execution.subscribe(look)
        try:
            await suspended.wait()
            await self.execution.quiet()
        finally:
            forget()

    # --- interrupts --------------------------------------------------------------------------------------

    @contextmanager
    def _interrupts(self) -> Iterator[None]:
        if threading.current_thread() is not threading.main_thread():
            yield  # in a subshell; signals belong to the main thread
            return

        def on_interrupt(number: int, frame: FrameType | None) -> None:
            self.loop.call_soon_threadsafe(self._pressed)

        before: Any = signal.signal(signal.SIGINT, on_interrupt)
        try:
            yield
        finally:
            signal.signal(signal.SIGINT, before)

    def _pressed(self) -> None:
        self.presses += 1
        if self.presses == 1:
            self.tell("stopping what runs; nothing is undone")
            self._suspend()
        elif self.presses == 2:
            self.tell("stopping once more; interrupt again to leave the cell")
            self.execution.stop_again()
        else:
            self._left("abandoned")

    def _suspend(self) -> None:
        try:
            self.execution.suspend("interrupted")
        except IllegalMove:  # it ended, or is suspended already
            if self.execution.suspended:
                self._left("suspended")


class Cells:
    """``await execution`` in a cell: ■ suspends it, as it does with a ``%%workflow`` cell. `began` marks each cell."""

    def __init__(self, tell: Callable[[str], None]) -> None:
        self._tell = tell
        self._task: asyncio.Task[Any] | None = None

    def began(self) -> None:
        """A cell begins in this task; what it awaits in other tasks is not the cell's own."""
        try:
            self._task = asyncio.current_task()
        except RuntimeError:
            self._task = None

    async def wait(self, execution: Execution, plainly: Callable[[], Coroutine[Any, Any, Execution]]) -> Execution:
        """Wait as the cell does, in its own task; plainly in any other. Raises `Suspended` when it is suspended."""
        if asyncio.current_task() is not self._task or not execution.driven:
            return await plainly()
        if await Waiting(execution, self._tell, cancels=False).end() == "ended":
            return await plainly()
        raise suspended(execution)
