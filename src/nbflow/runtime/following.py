"""What becomes of an execution that is driven elsewhere: whoever holds it here reads it from the journal.

A suspended execution is nobody's, and any process may go on with it. While it rests here the journal is looked into:
when it has more than was written here, the driver gives the execution up, and what comes is read until its end.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from nbflow.errors import JournalConflict

if TYPE_CHECKING:
    from nbflow.runtime.driver import Driver
    from nbflow.runtime.engine import Engine

LOOK = 0.5  # seconds between two looks into the journal


def lost(driver: Driver) -> bool:
    """Whether another process writes it, or has written it, since it was driven here."""
    done = driver.done
    return done.done() and not done.cancelled() and isinstance(done.exception(), JournalConflict)


def rests(driver: Driver) -> bool:
    """Whether it is suspended, and all of that is on disk."""
    state = driver.state
    quiet = state.suspended and not driver.cranking and driver.committed == state.sequence
    return quiet and not (driver.done.done() or driver.engine.closed)


async def news(driver: Driver, *, every: bool = True) -> None:
    """Return when there may be more to see: after records (without `every` at a rest alone), a look, or the end."""
    if driver.done.done() and not lost(driver):
        driver.done.result()  # raises what broke the driver off
        return
    coming: asyncio.Future[None] = driver.loop.create_future()

    def notice() -> None:
        if not coming.done() and (every or driver.state.suspended):
            coming.set_result(None)

    waited: set[asyncio.Future[None]] = {coming} if driver.done.done() else {coming, driver.done}
    forget = driver.feed.watch(notice)
    try:
        patience = LOOK if rests(driver) or lost(driver) else None
        await asyncio.wait(waited, timeout=patience, return_when=asyncio.FIRST_COMPLETED)
    finally:
        forget()
    await look(driver)
    if driver.done.done() and not (lost(driver) and last(driver) > driver.committed):
        driver.done.result()  # raises, also for a conflict where nobody else has gone on with it


async def look(driver: Driver) -> None:
    """Read what others have written of it since it rests here, or was lost."""
    if not (rests(driver) or lost(driver)):
        return
    records = await driver.engine.journal.read(driver.id, after=last(driver))
    records = [record for record in records if record.sequence > last(driver)]  # who else looks may have been first
    if records and (lost(driver) or rests(driver)):
        if not lost(driver):
            whose = owner(driver.engine, driver.id) or "nobody now, and was by another process"
            driver.break_off(JournalConflict(f"execution {driver.id} is driven by {whose}"))
        driver.feed.publish(records)


def last(driver: Driver) -> int:
    return driver.feed.records[-1].sequence if driver.feed.records else 0


def owner(engine: Engine | None, id: str) -> str | None:
    """Which other process drives it, in words."""
    return engine.requests.holder(id) if engine is not None and engine.requests is not None else None


def orphaned(engine: Engine | None, id: str) -> bool:
    """Whether it is known that no process drives it, this one neither."""
    here = engine is None or engine.requests is None or id in engine.drivers
    return not here and owner(engine, id) is None
