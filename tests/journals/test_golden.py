"""Journals of every format that was released fold for ever, to what they meant when they were written."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from nbflow.execution.events import ExecutionStarted, Record
from nbflow.plan.workflow import parse
from nbflow.storage import codec
from nbflow.storage.duckdb.folder import Folder
from nbflow.storage.duckdb.segment import Segment
from nbflow.storage.duckdb.store import DuckDBStore
from tests.journals.making import WORKFLOWS, expected, journal_of

HERE = Path(__file__).parent
GOLDEN = sorted(HERE.glob("*/*.jsonl"))


def load(path: Path) -> list[Record]:
    def fetch(digest: str) -> tuple[bytes, str]:
        (value,) = path.parent.glob(f"{digest}.*")
        return value.read_bytes(), value.suffix[1:]

    return [codec.decode(line, fetch)[1] for line in path.read_bytes().splitlines()]


def facts(path: Path) -> object:
    return json.loads(path.with_suffix(".json").read_text())


@pytest.mark.parametrize("path", GOLDEN, ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_a_golden_journal_folds_to_what_it_meant(path: Path) -> None:
    records = load(path)
    started = records[0].event
    assert isinstance(started, ExecutionStarted)
    assert json.loads(json.dumps(expected(parse(started.source).plan, records))) == facts(path)


@pytest.mark.parametrize("path", GOLDEN, ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_a_store_takes_a_golden_journal_in(path: Path, tmp_path: Path) -> None:
    folder = Folder(tmp_path / "history.duckdb")
    folder.create()
    segment = Segment(folder.segments, "20260101-000000-dead", 1)
    segment.append(path.read_bytes())
    segment.close()
    store = DuckDBStore(folder.database)
    for value in path.parent.glob("*.json"):
        if len(value.stem) == 64:
            store.values.put(value.read_bytes(), "json")
    (summary,) = store.executions()
    assert store.read(summary.execution) == load(path)
    assert summary.phase == json.loads(path.with_suffix(".json").read_text())["phase"]


@pytest.mark.parametrize("name", list(WORKFLOWS))
async def test_today_writes_what_the_newest_golden_journals_have(name: str) -> None:
    newest = HERE / str(codec.FORMAT)
    _, records = await journal_of(name)
    golden = load(newest / f"{name}.jsonl")
    assert sorted(type(record.event).__name__ for record in records) == sorted(
        type(record.event).__name__ for record in golden
    )
    now = expected(parse(WORKFLOWS[name][0]).plan, records)
    assert json.loads(json.dumps({**now, "nodes": sorted(now["nodes"])})) == {
        **facts(newest / f"{name}.json"), "nodes": sorted(facts(newest / f"{name}.json")["nodes"]),
    }  # fmt: skip
