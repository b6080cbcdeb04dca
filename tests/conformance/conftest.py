"""Every store that has a journal; a store of a third party joins by adding itself to `STORES`."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest

from nbflow.ports.journal import Journal
from nbflow.storage.duckdb.journal import DuckDBJournal
from nbflow.storage.memory.journal import MemoryJournal

Open = Callable[[Path], Awaitable[Journal]]


async def _memory(folder: Path) -> Journal:
    return MemoryJournal()


async def _duckdb(folder: Path) -> Journal:
    return DuckDBJournal(folder / ".nbflow" / "history.duckdb")


STORES: dict[str, Open] = {"memory": _memory, "duckdb": _duckdb}


@pytest.fixture(params=list(STORES))
async def journal(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Journal]:
    opened = await STORES[request.param](tmp_path)
    yield opened
    await opened.close()
