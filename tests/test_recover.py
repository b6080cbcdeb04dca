"""`nbflow.recover()`: what was interrupted goes on, once its functions are here."""

from __future__ import annotations

import asyncio

import pytest

import nbflow
from nbflow import assembly
from nbflow.runtime.readiness import Unready

TEXT = "name: left\nnodes:\n  a: {set: {v: 1}}\n  b: {tool: reach, needs: [a]}\n"


@pytest.fixture
def store(tmp_path, monkeypatch):
    """A store of its own, and tools that are gone afterwards."""
    monkeypatch.setattr(assembly.tools, "_registered", {})
    return f"duckdb:///{tmp_path}/history.duckdb"


async def interrupted(store: str) -> str:
    begun = asyncio.Event()

    async def reach() -> None:
        begun.set()
        await asyncio.Event().wait()

    nbflow.tool(reach)
    execution = nbflow.start(TEXT, store=store)
    await begun.wait()
    await assembly.engine(store).close()  # as a kernel that ends: suspended, not ended
    assembly.tools._registered.clear()
    return execution.id


async def test_what_lacks_its_functions_is_left_as_it_is(store):
    id = await interrupted(store)
    before = nbflow.open(id, store).events
    with pytest.warns(UserWarning, match="there is no tool 'reach'"):
        assert nbflow.recover(store=store) == []
    with pytest.raises(Unready, match="there is no tool 'reach'"):
        nbflow.recover(id, store=store)
    assert nbflow.open(id, store).events == before
    await assembly.engine(store).close()


async def test_with_its_functions_it_goes_on_and_is_driven_once(store):
    id = await interrupted(store)

    async def reach() -> int:
        return 7

    nbflow.tool(reach)
    first, again = nbflow.recover(store=store)[0], nbflow.recover(id, store=store)[0]
    assert (await first).outputs == {"b": 7}
    assert (await again).outputs == {"b": 7}
    assert [type(record.event).__name__ for record in first.events].count("ExecutionRecovered") == 1
    await assembly.engine(store).close()
