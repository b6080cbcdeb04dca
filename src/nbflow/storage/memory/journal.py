"""A journal that lives as long as its object: for `memory:`, tests and simulation. It keeps lines, as the others do."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from nbflow.errors import JournalConflict, StorageError
from nbflow.execution.events import NodeCompleted, Record
from nbflow.ports.journal import Found, Gap, Summary
from nbflow.ports.values import Values
from nbflow.storage import codec
from nbflow.storage.memory.values import MemoryValues
from nbflow.storage.summary import summarise
from nbflow.storage.table import attach_lines

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection


class MemoryJournal:
    """Keeps the lines of each execution in a list; what was appended cannot be changed through its objects."""

    def __init__(self, values: Values | None = None) -> None:
        self.values: Values = MemoryValues() if values is None else values
        self._lines: dict[str, list[bytes]] = {}
        self._closed = False

    async def append(self, execution: str, records: Sequence[Record], *, after: int) -> None:
        if self._closed:
            raise StorageError("store.closed", "the journal is closed")
        lines = await codec.encode_all(execution, records, self.values.put)
        last = len(self._lines.get(execution, ()))
        if last != after:
            raise JournalConflict(f"{execution} has {last} records, not {after}: another writer has appended to it")
        if lines:
            self._lines.setdefault(execution, []).extend(lines)

    async def read(self, execution: str, *, after: int = 0) -> list[Record]:
        return self._read(execution, after)

    def peek(self, execution: str) -> list[Record]:
        return self._read(execution, 0)

    async def executions(self) -> list[Summary]:
        return self.summaries()

    def summaries(self) -> list[Summary]:
        summaries = [summarise(execution, self._read(execution, 0)) for execution in self._lines]
        return sorted(summaries, key=lambda summary: (-summary.started, summary.execution))

    async def find_result(self, key: str) -> Found | None:
        found: Found | None = None
        for execution in self._lines:
            for record in self._read(execution, 0):
                event = record.event
                if isinstance(event, NodeCompleted) and event.key == key and (found is None or record.at > found.at):
                    found = Found(execution, event.node, record.at, event.output)
        return found

    async def gaps(self) -> list[Gap]:
        return []

    def known(self) -> list[str]:
        """The ids of all executions."""
        return list(self._lines)

    def attach(self, connection: DuckDBPyConnection, name: str) -> None:
        """Give a DuckDB connection all records as ``name.records``, for analytics."""
        attach_lines(connection, name, (line for kept in self._lines.values() for line in kept))

    async def close(self) -> None:
        self._closed = True

    def _read(self, execution: str, after: int) -> list[Record]:
        lines = self._lines.get(execution, [])[after:]
        return [codec.decode(line, self.values.get)[1] for line in lines]
