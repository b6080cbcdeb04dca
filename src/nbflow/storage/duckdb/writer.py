"""The thread that writes: all batches that wait go to disk with one write and one sync, then all are answered.

It never reports success after a failed write or sync. Then the segment is given up, what was not acknowledged is
cut off, everyone who waited gets a `StorageError`, and what the store really has is read before anything follows.
"""

from __future__ import annotations

import asyncio
import errno
import threading
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from queue import Empty, SimpleQueue

from nbflow.errors import JournalConflict, NbflowError, StorageError
from nbflow.storage.duckdb.folder import Folder
from nbflow.storage.duckdb.owners import Owners
from nbflow.storage.duckdb.segment import Segment
from nbflow.storage.duckdb.values import FileValues

ROTATE = 8 * 1024 * 1024  # bytes after which a new segment begins
_GROUP = 32 * 1024 * 1024  # at most so many bytes are written at once
_FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})


@dataclass(slots=True)
class Batch:
    """One append: `count` records in `lines`; `kept` are values to store before them; `releases` ends the claim."""

    execution: str
    after: int
    count: int
    lines: bytes
    kept: list[tuple[str, bytes, str]]
    releases: bool
    loop: asyncio.AbstractEventLoop
    answer: asyncio.Future[None]


Answer = tuple[Batch, NbflowError | None]


@dataclass(slots=True)
class _State:
    """What the thread knows: the last sequence of each execution it owns, and which are in doubt after a failure.

    `refused` and `claimed` are of the present group: whose records cannot be written and why, and what is newly owned.
    """

    last: dict[str, int] = field(default_factory=dict)
    doubted: dict[str, StorageError] = field(default_factory=dict)
    refused: dict[str, NbflowError] = field(default_factory=dict)
    claimed: set[str] = field(default_factory=set)


class Writer:
    """Owns this process's segments. `last_sequence` reads the store; `known` names all its executions."""

    def __init__(
        self,
        folder: Folder,
        values: FileValues,
        writer: str,
        last_sequence: Callable[[str], int],
        known: Callable[[], Iterable[str]],
        wrote: Callable[[], None],
    ) -> None:
        self.folder = folder
        self.values = values
        self.owners = Owners(folder, writer)
        self.owners.enter(known)
        self._last_sequence = last_sequence
        self._wrote = wrote
        self._state = _State()
        self._segment: Segment | None = None
        self._number = 0
        self._queue: SimpleQueue[Batch | None] = SimpleQueue()
        self._thread = threading.Thread(target=self._run, name=f"nbflow-writer-{writer}", daemon=True)
        self._thread.start()

    def submit(self, batch: Batch) -> None:
        self._queue.put(batch)

    def close(self) -> None:
        """Write what waits, then stop; the segments are those of a dead writer afterwards."""
        self._queue.put(None)
        self._thread.join()

    def _run(self) -> None:
        going = True
        while going:
            group, going = self._gather()
            _deliver(self._commit(group))
        if self._segment is not None:
            self._segment.close()
        with suppress(StorageError, OSError):
            self.owners.leave()

    def _gather(self) -> tuple[list[Batch], bool]:
        """All that waits, at least one; False at the end when this is the last of it."""
        first = self._queue.get()
        if first is None:
            return [], False
        group, size = [first], len(first.lines)
        while size < _GROUP:
            try:
                batch = self._queue.get_nowait()
            except Empty:
                break
            if batch is None:
                return group, False
            group.append(batch)
            size += len(batch.lines)
        return group, True

    def _commit(self, group: list[Batch]) -> list[Answer]:
        answers: list[Answer] = []
        admitted: list[Batch] = []
        try:
            self._claim(group)
            for batch in group:
                refusal = self._admit(batch)
                admitted.append(batch) if refusal is None else answers.append((batch, refusal))
            if admitted:
                self._store(admitted)
                self._wrote()
            unused = self._state.claimed - {batch.execution for batch in admitted}
            if unused:  # what was refused is not ours to keep from others
                self._release(sorted(unused))
        except Exception as error:  # noqa: BLE001 - whoever waits must be answered
            answered = {id(batch) for batch, _ in answers}
            failure = self._fail(error, group)
            return answers + [(batch, failure) for batch in group if id(batch) not in answered]
        return answers + [(batch, None) for batch in admitted]

    def _claim(self, group: list[Batch]) -> None:
        """Own every execution of the group, or know who does; then know its last sequence."""
        last = self._state.last
        unknown = list(dict.fromkeys(batch.execution for batch in group if batch.execution not in last))
        self._state.refused, self._state.claimed = {}, set()
        if not unknown:
            return
        first = {batch.execution: batch.after for batch in reversed(group)}
        for execution, answer in self.owners.claim(unknown).items():
            if answer is None and first[execution] == 0:
                last[execution] = 0
            elif answer in (None, "known"):
                self._consult(execution)
            else:
                self._state.refused[execution] = JournalConflict(f"{execution} is being written by {answer}")
                continue
            self._state.claimed.add(execution)

    def _consult(self, execution: str) -> None:
        try:
            self._state.last[execution] = self._last_sequence(execution)
        except StorageError as error:
            self._state.refused[execution] = error

    def _admit(self, batch: Batch) -> NbflowError | None:
        """Why a batch is refused; None when it is next in its execution, which it then is."""
        refusal = self._state.refused.get(batch.execution)
        if refusal is not None:
            return refusal
        last = self._state.last[batch.execution]
        if last == batch.after:
            self._state.last[batch.execution] = last + batch.count
            self._state.doubted.pop(batch.execution, None)
            return None
        doubt = self._state.doubted.get(batch.execution)
        return doubt or JournalConflict(
            f"{batch.execution} has {last} records, not {batch.after}: another writer has appended to it"
        )

    def _store(self, batches: list[Batch]) -> None:
        for batch in batches:
            for digest, content, kind in batch.kept:
                self.values.write(digest, content, kind)
        segment = self._segment
        if segment is None or segment.synced > ROTATE:
            segment = self._next_segment()
        segment.append(b"".join([batch.lines for batch in batches]))
        if segment.spoiled:
            segment.abandon()
            self._segment = None
        released = [batch.execution for batch in batches if batch.releases]
        if released:
            self._release(released)

    def _next_segment(self) -> Segment:
        if self._segment is not None:
            self._segment.close()
            self._segment = None
        self._number += 1
        self._segment = Segment(self.folder.segments, self.owners.writer, self._number)
        return self._segment

    def _release(self, executions: list[str]) -> None:
        for execution in executions:
            self._state.last.pop(execution, None)
        with suppress(StorageError, OSError):  # they stay ours until we close, then
            self.owners.release(executions)

    def _fail(self, error: Exception, group: list[Batch]) -> StorageError:
        if self._segment is not None:
            self._segment.abandon()
            self._segment = None
        failure = _failure(error, self.folder)
        for batch in group:
            self._state.last.pop(batch.execution, None)
            self._state.doubted[batch.execution] = failure
        return failure


def _failure(error: Exception, folder: Folder) -> StorageError:
    if isinstance(error, StorageError):
        return error
    if isinstance(error, OSError) and error.errno in _FULL:
        return StorageError(
            "store.full",
            f"the journal in {folder.root} could not be written: {error.strerror}",
            "nothing committed is lost; make room and go on with `nbflow executions recover`",
        )
    return StorageError(
        "store.write",
        f"the journal in {folder.root} could not be written: {error}",
        "nothing committed is lost; go on with `nbflow executions recover` when the disk is well",
    )


def _deliver(answers: list[Answer]) -> None:
    """Answer on the loops that wait, one call a loop."""
    by_loop: dict[asyncio.AbstractEventLoop, list[Answer]] = {}
    for answer in answers:
        by_loop.setdefault(answer[0].loop, []).append(answer)
    for loop, some in by_loop.items():
        with suppress(RuntimeError):  # the loop is closed: nobody waits any more
            loop.call_soon_threadsafe(_answer, some)


def _answer(answers: list[Answer]) -> None:
    for batch, error in answers:
        if batch.answer.done():
            continue
        if error is None:
            batch.answer.set_result(None)
        else:
            batch.answer.set_exception(error)
