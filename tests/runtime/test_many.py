"""Thousands of executions at once on the embedded store: all finish, and no journal has a gap."""

from __future__ import annotations

import asyncio
from pathlib import Path

import duckdb
import pytest

from nbflow.storage.duckdb.journal import DuckDBJournal
from tests.runtime.conftest import House

FIVE = "nodes: {a: {tool: nap}, b: {tool: nap, needs: a}, c: {tool: nap, needs: a}, d: {needs: [b, c], set: {v: =b + c}}, e: {tool: nap, needs: d}}"


async def run_at_once(folder: Path, count: int) -> None:
    house = House()
    house.journal = DuckDBJournal(folder / "h.duckdb")  # type: ignore[assignment]
    house.engine = house.new_engine()

    @house.tool
    async def nap() -> int:
        await asyncio.sleep(0.01)
        return 1

    executions = [house.start(FIVE) for _ in range(count)]
    for execution in executions:
        await execution
    assert [execution.outputs for execution in executions] == [{"e": 1}] * count
    assert house.engine.drivers == {}
    await house.engine.close()


def judge(folder: Path, count: int) -> None:
    """By SQL over the file alone."""
    with duckdb.connect(str(folder / "h.duckdb"), read_only=True) as base:
        journals = (
            "select execution, count(*) n, max(sequence) last, min(sequence) first from records group by execution"
        )
        assert base.execute(f"select count(*) from ({journals})").fetchone() == (count,)
        assert base.execute(f"select count(*) from ({journals}) where n <> last or first <> 1").fetchone() == (0,)
        ended = "select count(distinct execution) from records where event = 'ExecutionCompleted'"
        assert base.execute(ended).fetchone() == (count,)


async def test_a_thousand_executions_at_once_finish_without_a_gap(tmp_path: Path) -> None:
    await run_at_once(tmp_path, 1_000)
    judge(tmp_path, 1_000)


@pytest.mark.nightly
async def test_ten_thousand_executions_at_once_finish_without_a_gap(tmp_path: Path) -> None:
    await run_at_once(tmp_path, 10_000)
    judge(tmp_path, 10_000)
