"""Retention, giving back space, checking, export and import, while others write."""

from __future__ import annotations

import gzip
import os
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd
import pytest

from nbflow.errors import JournalConflict, StorageError
from nbflow.execution import events as e
from nbflow.execution.events import Record
from nbflow.ports.catalog import Version
from nbflow.storage.duckdb import carrying, upkeep
from nbflow.storage.duckdb.catalog import DuckDBCatalog
from nbflow.storage.duckdb.journal import DuckDBJournal
from nbflow.storage.duckdb.store import DuckDBStore
from nbflow.storage.retention import Vacuumed
from tests.storage.other import another
from tests.storage.records import START, records

pytestmark = pytest.mark.timeout(90)

DAY = 86400.0


class At:
    """A clock that stands."""

    def __init__(self, now: float) -> None:
        self.time, self.ids = now, 0

    def now(self) -> float:
        return self.time

    def new_id(self) -> str:
        self.ids += 1
        return f"20260101-000000-{os.getpid()}{self.ids:06d}"

    def random(self) -> float:
        return 0.5


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / ".nbflow" / "history.duckdb"


def life(day: int, end: e.Event | None = e.ExecutionCompleted(), value: Any = 1) -> list[Record]:
    events: list[e.Event] = [e.ExecutionStarted("demo", "1", "h", "nodes: {}", {}), e.NodeCompleted("n", 1, value)]
    events += [end] if end else []
    return [Record(number, START + day * DAY + number, event) for number, event in enumerate(events, 1)]


async def fill(path: Path, lives: dict[str, list[Record]]) -> None:
    journal = DuckDBJournal(path)
    for execution, written in lives.items():
        await journal.append(execution, written, after=0)
    await journal.close()


def there(path: Path) -> list[str]:
    return sorted(summary.execution for summary in DuckDBStore(path).executions())


def frame(day: int) -> pd.DataFrame:
    return pd.DataFrame({"day": [day] * 1000})


async def test_ended_executions_are_kept_for_a_while(path: Path) -> None:
    lives = {f"d{day}": life(day, value=frame(day)) for day in range(10)}
    await fill(path, {**lives, "open": life(0, None, frame(99))})
    store = DuckDBStore(path, At(START + 10 * DAY))
    for value in store.folder.values.glob("*/*.arrow"):
        os.utime(value, (START, START))
    vacuumed = upkeep.vacuum(store, keep=4.5 * DAY)
    assert there(path) == ["d6", "d7", "d8", "d9", "open"]
    assert (vacuumed.executions, vacuumed.records, vacuumed.values) == (6, 18, 6)
    output = DuckDBStore(path).read("open")[1].event
    assert isinstance(output, e.NodeCompleted) and output.output.equals(frame(99))
    assert list(upkeep.check(store)) == []
    await fill(path, {"d0": life(11)})  # its name is free again
    assert "d0" in there(path)


async def test_a_store_is_kept_to_a_size_by_taking_out_the_oldest(path: Path) -> None:
    await fill(path, {f"d{day}": life(day, value="x" * 60_000) for day in range(20)})
    store = DuckDBStore(path, At(START + 30 * DAY))
    half = upkeep.size_of(store) // 2
    upkeep.vacuum(store, size=half)
    left = there(path)
    assert 5 <= len(left) <= 14 and left == sorted(f"d{day}" for day in range(20 - len(left), 20))


async def test_space_is_given_back(path: Path) -> None:
    journal = DuckDBJournal(path)
    for number in range(60):
        text = os.urandom(24_000).hex()
        await journal.append(f"x{number}", life(0, value=text), after=0)
    await journal.close()
    store = DuckDBStore(path, At(START + 30 * DAY))
    before = path.stat().st_size
    vacuumed = upkeep.vacuum(store, keep=DAY)
    assert vacuumed.executions == 60 and path.stat().st_size < before / 2
    assert vacuumed.after < vacuumed.before
    assert there(path) == [] and store.gaps() == []


async def test_vacuum_while_others_write_loses_nothing_of_theirs(path: Path) -> None:
    await fill(path, {f"d{day}": life(day) for day in range(5)})
    with another(path) as other:
        other.tell("append", "theirs", 1, 3)
        upkeep.vacuum(DuckDBStore(path, At(START + 99 * DAY)), keep=DAY)
        assert other.tell("append", "theirs", 4, 6) == "ok"
        assert other.tell("append", "more", 1, 1) == "ok"
        journal = DuckDBJournal(path)
        with pytest.raises(JournalConflict, match=f"process {other.pid}"):
            await journal.append("theirs", records(7, 7), after=6)
        await journal.close()
        assert there(path) == ["more", "theirs"]
    assert DuckDBStore(path).read("theirs") == records(1, 6)


async def test_a_database_that_the_user_has_open_is_not_replaced_under_it(path: Path) -> None:
    await fill(path, {f"x{n}": life(0, value=os.urandom(20_000).hex()) for n in range(40)})
    own = duckdb.connect(path)
    inode = path.stat().st_ino
    upkeep.vacuum(DuckDBStore(path, At(START + 30 * DAY)), keep=DAY)
    assert path.stat().st_ino == inode
    assert own.execute("select count(*) from records").fetchall() == [(0,)]
    own.close()


async def test_young_values_are_left_for_the_record_that_may_come(path: Path) -> None:
    store = DuckDBStore(path)
    store.folder.create()
    digest = store.values.put(b"y" * 100, "bytes")
    assert upkeep.vacuum(store).values == 0
    assert store.values.get(digest)
    (file,) = store.folder.values.glob("*/*.bytes")
    os.utime(file, (START, START))
    store.values.put(b"y" * 100, "bytes")  # wanted again
    assert upkeep.vacuum(store).values == 0
    os.utime(file, (START, START))
    assert upkeep.vacuum(store).values == 1


async def test_values_inside_values_and_texts_of_the_catalog_stay(path: Path) -> None:
    nested = {"rows": [{"n": n, "text": "t" * 20} for n in range(5000)], "frame": frame(1)}
    await fill(path, {"x": life(0, None, [nested, "z" * 100_000])})
    catalog = DuckDBCatalog(path)
    text = "nodes: {}\n" + "#" * 100_000
    await catalog.save(Version("demo", "1", "hash", text))
    store = DuckDBStore(path)
    for value in store.folder.values.glob("*/*.*"):
        os.utime(value, (START, START))
    assert upkeep.vacuum(store).values == 0
    assert list(upkeep.check(store)) == [] and (await DuckDBCatalog(path).load("demo")).text == text


async def test_check_names_values_that_are_missing_or_damaged(path: Path) -> None:
    await fill(path, {"x": life(0, value=frame(1)), "y": life(0, value=frame(2))})
    store = DuckDBStore(path)
    one, two = sorted(store.folder.values.glob("*/*.arrow"))
    one.unlink()
    two.write_bytes(b"other")
    messages = [gap.message for gap in upkeep.check(store)]
    assert (
        len(messages) == 2 and any("is not there" in m for m in messages) and any("is damaged" in m for m in messages)
    )


@pytest.mark.parametrize("name", ["backup.jsonl", "backup.jsonl.gz"])
async def test_what_was_exported_comes_in_elsewhere_and_only_once(path: Path, tmp_path: Path, name: str) -> None:
    lives = {"x": life(0, value=frame(1)), 'we"ird\\': life(1, None, {"text": "z" * 100_000, "nan": float("inf")})}
    await fill(path, lives)
    await DuckDBCatalog(path).save(Version("demo", "1", "hash", "nodes: {}"))
    await DuckDBCatalog(path).alias("demo", "prod", "1")
    carried = carrying.export(DuckDBStore(path), tmp_path / name)
    assert (carried.executions, carried.records, carried.values, carried.workflows) == (2, 5, 2, 1)
    (tmp_path / "new").mkdir()
    target = DuckDBStore(tmp_path / "new" / "history.duckdb")
    assert carrying.take_in(target, tmp_path / name) == carried
    again = carrying.take_in(target, tmp_path / name)
    assert (again.executions, again.records, again.workflows, again.left) == (0, 0, 0, ())
    assert target.read('we"ird\\') == lives['we"ird\\']
    output = target.read("x")[1].event
    assert isinstance(output, e.NodeCompleted) and output.output.equals(frame(1))
    assert list(upkeep.check(target)) == []
    assert (await DuckDBCatalog(target.folder.database).load("demo", "prod")).hash == "hash"
    journal = DuckDBJournal(target.folder.database)
    with pytest.raises(JournalConflict):
        await journal.append("x", records(1, 1), after=0)
    await journal.close()


async def test_some_executions_can_be_exported(path: Path, tmp_path: Path) -> None:
    await fill(path, {"x": life(0), "y": life(1)})
    assert carrying.export(DuckDBStore(path), tmp_path / "some.jsonl", ["y"]).executions == 1
    target = DuckDBStore(tmp_path / "history.duckdb")
    carrying.take_in(target, tmp_path / "some.jsonl")
    assert there(target.folder.database) == ["y"]


async def test_an_execution_that_differs_is_left_alone_and_named(path: Path, tmp_path: Path) -> None:
    await fill(path, {"x": life(0), "y": life(1), "longer": life(2)})
    carrying.export(DuckDBStore(path), tmp_path / "backup.jsonl")
    (tmp_path / "new").mkdir()
    target = tmp_path / "new" / "history.duckdb"
    await fill(target, {"x": life(0, value="other"), "longer": life(2)[:1]})
    carried = carrying.take_in(DuckDBStore(target), tmp_path / "backup.jsonl")
    assert (carried.executions, carried.left) == (2, ("x",))
    assert DuckDBStore(target).read("x") == life(0, value="other")
    assert DuckDBStore(target).read("longer") == life(2)


@pytest.mark.parametrize("damage", ["flipped", "cut", "other", "newer", "not_gzip"])
async def test_a_damaged_file_changes_nothing(path: Path, tmp_path: Path, damage: str) -> None:
    await fill(path, {"x": life(0)})
    file = tmp_path / ("backup.jsonl.gz" if damage == "not_gzip" else "backup.jsonl")
    carrying.export(DuckDBStore(path), file)
    content = file.read_bytes()
    match damage:
        case "flipped":
            file.write_bytes(content.replace(b'"n"', b'"m"'))
        case "cut":
            file.write_bytes(content[:-30])
        case "other":
            file.write_bytes(b"hello\n")
        case "newer":
            file.write_bytes(carrying._sealed({"nbflow": "export", "format": 9}))
        case "not_gzip":
            file.write_bytes(gzip.decompress(content))
    (tmp_path / "new").mkdir()
    target = DuckDBStore(tmp_path / "new" / "history.duckdb")
    with pytest.raises(StorageError) as caught:
        carrying.take_in(target, file)
    assert caught.value.code == ("store.version" if damage == "newer" else "store.corrupt")
    assert target.executions() == []


@pytest.mark.parametrize("made", [False, True])
def test_upkeep_of_a_folder_in_which_nothing_has_run_finds_and_makes_nothing(
    path: Path, tmp_path: Path, made: bool
) -> None:
    if made:
        path.parent.mkdir()
    kept = upkeep.Upkeep(path)
    assert kept.vacuum(keep=0.0) == kept.vacuum(size=0) == Vacuumed(0, 0, 0, 0, 0)
    assert list(kept.check()) == []
    assert kept.export(tmp_path / "out.jsonl").executions == 0
    assert not path.parent.exists() or not list(path.parent.iterdir())
