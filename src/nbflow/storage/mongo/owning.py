"""One live writer an execution: the line of an execution names its `owner`, changed by single-document steps only.

A writer shows that it lives by the time in its document of `writers`, which is the server's. Who is silent for longer
than a lease may be followed; a process of this machine at once, when it is gone. A follower is never harmed by a writer
that wakes up late: the place it would write at is taken.
"""

from __future__ import annotations

import asyncio
import os
import socket
from contextlib import suppress
from datetime import datetime
from typing import Any

from pymongo import ReturnDocument
from pymongo.errors import DuplicateKeyError, PyMongoError

from nbflow.storage.mongo.server import Document

LEASE = 20.0  # seconds
BEAT = 5.0
GOING = "(going)"
"""The owner of an execution that is being taken out."""


class Owner:
    """What one writer owns. Used on its loop."""

    def __init__(self, writer: str) -> None:
        self.writer = writer
        self._beating: asyncio.Task[None] | None = None

    @property
    def lives(self) -> bool:
        return self._beating is not None

    async def live(self, database: Any) -> None:
        """Be a living writer from now on."""
        if self._beating is None or self._beating.done():
            await self._beat(database)
            self._beating = asyncio.create_task(self._go_on_beating(database), name="nbflow-owner")

    async def leave(self, database: Any) -> None:
        """Live no more; what it owns is free."""
        if self._beating is not None:
            self._beating.cancel()
            await asyncio.gather(self._beating, return_exceptions=True)
            self._beating = None
            with suppress(PyMongoError):  # then the lease ends
                await database.writers.delete_one({"_id": self.writer})

    async def claim(self, database: Any, execution: str, *, new: bool) -> str | None:
        """Own an execution; who has it instead, in words. A `new` one gets its line."""
        while True:
            free = {"_id": execution, "owner": {"$in": [None, "", self.writer]}}
            if await database.executions.find_one_and_update(free, {"$set": {"owner": self.writer}}):
                return None
            line = await database.executions.find_one({"_id": execution}, {"owner": 1})
            if line is None:
                if not new:
                    return None  # there is nothing to own, and no place in it
                line = {"_id": execution, "last": 0, "phase": "pending", "started": 0.0, "owner": self.writer}
                with suppress(DuplicateKeyError):
                    await database.executions.insert_one(line)
                    return None
                continue
            holder = line.get("owner") or ""
            if holder == GOING:
                return "whoever takes it out of the store"
            living = await self._living(database, holder)
            if living is not None:
                return living
            follow = {"_id": execution, "owner": holder}
            if holder and await database.executions.find_one_and_update(follow, {"$set": {"owner": self.writer}}):
                return None

    async def release(self, database: Any, execution: str) -> None:
        """Let others go on with it."""
        await database.executions.update_one({"_id": execution, "owner": self.writer}, {"$set": {"owner": ""}})

    async def _living(self, database: Any, writer: str) -> str | None:
        """Another writer in words, while it lives."""
        found = await database.writers.find_one({"_id": writer}) if writer else None
        if found is None:
            return None
        if found["host"] == socket.gethostname() and not _runs(found["pid"]):
            return None
        if (await self._beat(database) - found["at"]).total_seconds() > LEASE:
            return None
        return f"process {found['pid']} on {found['host']}"

    async def _beat(self, database: Any) -> datetime:
        said = {"$set": {"pid": os.getpid(), "host": socket.gethostname()}, "$currentDate": {"at": True}}
        beaten: Document = await database.writers.find_one_and_update(
            {"_id": self.writer}, said, upsert=True, return_document=ReturnDocument.AFTER
        )
        at = beaten["at"]
        assert isinstance(at, datetime)
        return at

    async def _go_on_beating(self, database: Any) -> None:
        while True:
            await asyncio.sleep(BEAT)
            with suppress(PyMongoError):  # the server is away: appends say so
                await self._beat(database)


def _runs(pid: int) -> bool:
    """Whether a process of this machine is there."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True
