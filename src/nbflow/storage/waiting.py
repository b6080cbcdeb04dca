"""Group commit on a loop, for stores behind a network: what waits is one transaction, and is tried until it is certain.

When the server goes away, what waits is tried again until it is back or patience ends. Whether a commit whose answer
was lost has happened is for the store to see: `again` says that it may have.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from nbflow.errors import NbflowError, StorageError

T = TypeVar("T")

PATIENCE = 30.0  # seconds that an append waits for a server that is away
_PAUSES = (0.05, 0.1, 0.2, 0.5, 1.0)
_GROUP = 500  # batches in one transaction


class Broken(StorageError):
    """The server cannot be reached, or went away in the middle; what was asked may have happened."""

    def __init__(self, message: str) -> None:
        super().__init__("store.unreachable", message, "see that it runs and that the address is right")


@dataclass(slots=True)
class Batch(Generic[T]):
    """One append that waits: what it writes, and where."""

    execution: str
    after: int
    count: int
    content: T
    answer: asyncio.Future[None] = field(repr=False)

    @property
    def last(self) -> int:
        return self.after + self.count


Answers = list[tuple[Batch[T], NbflowError | None]]
Commit = Callable[[list[Batch[T]], bool], Awaitable[Answers[T]]]


class Waiting(Generic[T]):
    """The batches that wait for a `commit(batches, again)`, which raises `Broken` when it cannot be known."""

    def __init__(self, commit: Commit[T], patience: float) -> None:
        self._commit, self._patience = commit, patience
        self._waiting: list[Batch[T]] = []
        self._writing: asyncio.Task[None] | None = None
        self._closed = False

    def check(self) -> None:
        """Raise `StorageError` ``store.closed`` after the end."""
        if self._closed:
            raise StorageError("store.closed", "the journal is closed")

    async def put(self, execution: str, after: int, count: int, content: T) -> None:
        """Returns when it is on disk; raises why not."""
        answer: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append(Batch(execution, after, count, content, answer))
        if self._writing is None:
            self._writing = asyncio.create_task(self._write())
        await answer

    async def close(self) -> None:
        """Write what waits; nothing is taken afterwards."""
        self._closed = True
        if self._writing is not None:
            await self._writing

    async def _write(self) -> None:
        while self._waiting:
            group, self._waiting = self._waiting[:_GROUP], self._waiting[_GROUP:]
            for batch, refusal in await self._answers(group):
                if not batch.answer.done():
                    batch.answer.set_exception(refusal) if refusal else batch.answer.set_result(None)
        self._writing = None

    async def _answers(self, group: list[Batch[T]]) -> Answers[T]:
        """The answer to each batch; a refused one takes no other with it."""
        try:
            return await self._try(group)
        except Exception as error:  # noqa: BLE001 - whoever waits must be answered
            if len(group) > 1 and not isinstance(error, Broken):
                return [answer for batch in group for answer in await self._answers([batch])]
            failure = error if isinstance(error, NbflowError) else StorageError("store.write", repr(error))
            return [(batch, failure) for batch in group]

    async def _try(self, group: list[Batch[T]]) -> Answers[T]:
        loop = asyncio.get_running_loop()
        end, tries = loop.time() + self._patience, 0
        while True:
            try:
                return await self._commit(group, tries > 0)
            except Broken:
                if loop.time() > end:
                    raise
            await asyncio.sleep(_PAUSES[min(tries, len(_PAUSES) - 1)])
            tries += 1
