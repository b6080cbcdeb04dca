"""Finding executions of the embedded store."""

from __future__ import annotations

import asyncio
from functools import partial
from pathlib import Path

from nbflow.ports.executions import Page, Query
from nbflow.storage.duckdb.store import DuckDBStore


class DuckDBExecutions:
    """All executions of the store whose database is `path`, of every process."""

    def __init__(self, path: str | Path | DuckDBStore) -> None:
        self.store = path if isinstance(path, DuckDBStore) else DuckDBStore(path)

    async def find(self, query: Query) -> Page:
        return await asyncio.get_running_loop().run_in_executor(None, partial(self.store.find, query))

    async def close(self) -> None:
        """Nothing is held."""
