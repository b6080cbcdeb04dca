"""What the engine asks of a journal: an ordered, durable list of records an execution."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from nbflow.execution.events import Record


@dataclass(frozen=True, slots=True)
class Summary:
    """One line of a list of executions. Times are seconds since the epoch; `records` is the last sequence."""

    execution: str
    workflow: str
    version: str
    phase: str
    started: float
    ended: float | None
    error: dict[str, object] | None
    records: int


@dataclass(frozen=True, slots=True)
class Gap:
    """Loss that was seen: records `first`..`last` of an execution (or a whole file) cannot be read."""

    execution: str | None
    first: int
    last: int | None
    message: str


@dataclass(frozen=True, slots=True)
class Found:
    """A recorded result: of which node of which execution, and when."""

    execution: str
    path: str
    at: float
    output: object


class Journal(Protocol):
    """An append-only list of records an execution, with one writer each."""

    async def append(self, execution: str, records: Sequence[Record], *, after: int) -> None:
        """Add `records`, whose first sequence is ``after + 1``. All or nothing; on disk when it returns.

        Appends of one execution are made in the order of the calls. Raises `JournalConflict` when the
        journal's last sequence is not `after`, `StorageError` when it cannot be stored (then nothing was).
        """
        ...

    async def read(self, execution: str, *, after: int = 0) -> list[Record]:
        """The records after a sequence, in order; an unknown execution has none."""
        ...

    async def executions(self) -> list[Summary]:
        """One line an execution, the latest started first."""
        ...

    def peek(self, execution: str) -> list[Record]:
        """As `read`, at once: for a person who opens an execution from a cell or a script."""
        ...

    def summaries(self) -> list[Summary]:
        """As `executions`, at once."""
        ...

    async def find_result(self, key: str) -> Found | None:
        """The latest `NodeCompleted` that was recorded under this key, if any."""
        ...

    async def gaps(self) -> list[Gap]:
        """Loss that this store knows of; empty when all is well."""
        ...

    async def close(self) -> None:
        """Write what is left and release files; appending afterwards raises `StorageError`."""
        ...
