"""The embedded journal: durable in its own segment, readable by every process of the folder.

Appending never touches DuckDB and never blocks the loop: a thread writes what all executions have waiting with one
sync. About once a second, and whenever somebody asks, the segments are taken into the database.
"""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import TypeVar

from nbflow.errors import NbflowError, StorageError
from nbflow.execution import events as e
from nbflow.execution.events import Record
from nbflow.ports.clock import Clock
from nbflow.ports.journal import Found, Gap, Summary
from nbflow.storage import codec
from nbflow.storage.duckdb.requests import FolderRequests
from nbflow.storage.duckdb.store import DuckDBStore
from nbflow.storage.duckdb.writer import Batch, Writer

Answer = TypeVar("Answer")

TAKE_IN_EVERY = 1.0  # seconds

_RELEASES = (e.ExecutionCompleted, e.ExecutionFailed, e.ExecutionCancelled, e.ExecutionSuspended)


class DuckDBJournal:
    """The journal of the store at `path`, as one of its writers.

    An execution belongs to the journal that appended to it first, until it ends, is suspended, or the journal is closed
    (or its process is gone). Segments are taken in every `take_in_every` seconds while there is something new.
    Raises `StorageError` when the store cannot be used at all.
    """

    def __init__(self, path: str | Path, clock: Clock | None = None, *, take_in_every: float = TAKE_IN_EVERY) -> None:
        self.store = DuckDBStore(path, clock)
        self.store.folder.create()
        self.values = self.store.values
        self._process = os.getpid()
        self._every = take_in_every
        self._written = threading.Event()
        self._closing = threading.Event()
        self._closed = False
        self._writer = Writer(
            self.store.folder,
            self.values,
            self.store.stamp(),
            self.store.last_sequence,
            self.store.known,
            self._written.set,
        )
        self.requests = FolderRequests(self.store.folder, self._writer.owners.writer, self.store.clock)
        self._readers = ThreadPoolExecutor(1, "nbflow-reader")
        self._taker = threading.Thread(target=self._take_in_now_and_then, name="nbflow-taker", daemon=True)
        self._taker.start()

    async def append(self, execution: str, records: Sequence[Record], *, after: int) -> None:
        self._check()
        if not records:
            return
        kept: list[tuple[str, bytes, str]] = []

        def keep(content: bytes, kind: str) -> str:
            digest = sha256(content).hexdigest()
            kept.append((digest, content, kind))
            return digest

        lines = b"".join(await codec.encode_all(execution, records, keep))
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[None] = loop.create_future()
        releases = isinstance(records[-1].event, _RELEASES)
        self._writer.submit(Batch(execution, after, len(records), lines, kept, releases, loop, answer))
        await answer

    async def read(self, execution: str, *, after: int = 0) -> list[Record]:
        return await self._ask(partial(self.store.read, execution, after))

    async def executions(self) -> list[Summary]:
        return await self._ask(self.store.executions)

    def peek(self, execution: str) -> list[Record]:
        return self.store.read(execution)

    def summaries(self) -> list[Summary]:
        return self.store.executions()

    async def find_result(self, key: str) -> Found | None:
        return await self._ask(partial(self.store.find_result, key))

    async def gaps(self) -> list[Gap]:
        return await self._ask(self.store.gaps)

    async def close(self) -> None:
        if self._closed:
            return
        self._closed = True
        await asyncio.get_running_loop().run_in_executor(self._readers, self._close)
        self._readers.shutdown()

    def _close(self) -> None:
        self._closing.set()
        self._written.set()
        self.requests.close()
        self._writer.close()
        self._taker.join()
        with suppress(NbflowError):  # what is not in is in the segments
            self.store.take_in()

    async def _ask(self, question: Callable[[], Answer]) -> Answer:
        self._check()
        return await asyncio.get_running_loop().run_in_executor(self._readers, question)

    def _check(self) -> None:
        if self._closed:
            raise StorageError("store.closed", "the journal is closed")
        if os.getpid() != self._process:
            raise StorageError(
                "store.forked",
                "this journal belongs to the process that was forked",
                "open the store anew in the child",
            )

    def _take_in_now_and_then(self) -> None:
        while not self._closing.is_set():
            self._written.wait()
            self._written.clear()
            if self._closing.wait(self._every):
                return
            with suppress(Exception):  # next time; who asks gets the error
                self.store.take_in()
