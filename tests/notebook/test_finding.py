"""What a word stands for: a workflow's name is its latest execution, whatever became of it."""

from __future__ import annotations

from nbflow import assembly
from nbflow.notebook.finding import find_execution

WAITS = "name: asks\nnodes: {q: {ask: sure?}}"


async def test_a_name_means_the_latest_execution_also_when_an_older_one_still_waits(tmp_path) -> None:
    store = f"duckdb:///{tmp_path}/h.duckdb"
    made = assembly.engine(store)
    older = assembly.start(WAITS, store=store)
    await older.until("waiting")
    latest = assembly.start(WAITS, store=store)
    assert (await find_execution("asks", store, live=True)).id == latest.id
    await latest.until("waiting")
    latest.answer("q", "yes")
    await latest
    assert (await find_execution("asks", store, live=True)).id == latest.id
    assert (await find_execution(older.id[:-2], store, live=True)).id == older.id
    assert (await find_execution(None, store, live=True)).id == older.id
    await made.close()
