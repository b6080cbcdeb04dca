"""What the next execution takes from an earlier one, wherever that is kept."""

from __future__ import annotations

import pytest

from nbflow import assembly
from nbflow.notebook.cell import run_cell
from nbflow.notebook.commands import run_command
from nbflow.notebook.options import read_options
from nbflow.notebook.session import Session

TEXT = "nodes: {a: {set: {v: 1}}, b: {tool: add, with: {v: =a.v}}}"
calls: list[int] = []


def add(v: int) -> int:
    calls.append(v)
    return v


@pytest.fixture
async def session(tmp_path, monkeypatch):
    """A notebook in a terminal, whose store is a file."""
    calls.clear()
    assembly.tools.register_all({"add": add})
    monkeypatch.chdir(tmp_path)
    yield Session({}, kernel=False, write=lambda text: None)
    for store in (None, "memory:", f"duckdb:///{tmp_path}/one.duckdb", f"duckdb:///{tmp_path}/two.duckdb"):
        await assembly.engine(store).close()


async def cell(session: Session, line: str):
    return await run_cell(session, read_options(line, session.namespace), TEXT)


async def test_an_execution_in_memory_is_gone_on_from_by_its_id(session) -> None:
    first = await cell(session, "kept --store memory:")
    await run_command(session, f"again {first.id}")
    second = await cell(session, "kept --store memory:")
    assert (calls, second.nodes["b"].taken["execution"]) == ([1], first.id)


async def test_what_is_debugged_in_another_store_goes_on_from_where_it_was(session, tmp_path) -> None:
    first = await cell(session, f"debugged --debug --store duckdb:///{tmp_path}/one.duckdb")
    await first
    second = await cell(session, f"debugged --debug --store duckdb:///{tmp_path}/two.duckdb")
    await second
    assert (calls, second.nodes["b"].taken["execution"]) == ([1], first.id)
