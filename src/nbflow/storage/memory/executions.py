"""Finding executions of a journal in memory."""

from __future__ import annotations

from nbflow.execution.events import ExecutionStarted
from nbflow.ports.executions import Page, Query
from nbflow.storage.finding import listed, page
from nbflow.storage.memory.journal import MemoryJournal


class MemoryExecutions:
    """Looks at all records of the journal."""

    def __init__(self, journal: MemoryJournal) -> None:
        self.journal = journal

    async def find(self, query: Query) -> Page:
        rows = []
        for execution in self.journal.known():
            records = await self.journal.read(execution)
            first = records[0].event
            rows.append((listed(execution, records), first.inputs if isinstance(first, ExecutionStarted) else {}))
        return page(rows, query)

    async def close(self) -> None:
        """Nothing is held."""
