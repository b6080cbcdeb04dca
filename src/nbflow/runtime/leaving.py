"""What becomes of an execution when its engine closes: what runs is suspended, what only waits is left as it is."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from nbflow.execution.outcomes import SuspendWished
from nbflow.execution.state import ENDED
from nbflow.runtime.execution import phase_of

if TYPE_CHECKING:
    from nbflow.runtime.driver import Driver


async def leave(driver: Driver) -> None:
    """Return when all that is known of it is on disk. Whoever recovers it goes on from there."""
    state = driver.state
    if state.suspended or state.phase in ENDED:
        return
    busy = driver.tasks or driver.cranking or state.ending
    if not busy and (state.paused or phase_of(driver.id, state, driver.engine) == "waiting"):
        await _told(driver, lambda told: driver.after(state.sequence, told))
        if not driver.done.done():
            driver.end()
        return
    await _told(driver, lambda told: driver.tell(SuspendWished("closed"), told))


async def _told(driver: Driver, ask: Callable[[Callable[[], None]], None]) -> None:
    """Wait until it calls back, or is broken off."""
    heard = driver.loop.create_future()

    def told(*_: object) -> None:
        if not heard.done():
            heard.set_result(None)

    driver.done.add_done_callback(told)
    ask(told)
    await heard
