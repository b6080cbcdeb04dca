"""Damaged files: the process lives, what can be read is read, loss is named, and nothing is deleted."""

from __future__ import annotations

import random
import shutil
from pathlib import Path

import duckdb
import pytest

from nbflow.errors import StorageError
from nbflow.storage import codec
from nbflow.storage.duckdb import database, intake
from nbflow.storage.duckdb.journal import DuckDBJournal
from nbflow.storage.duckdb.segment import HEADER, Segment
from nbflow.storage.duckdb.store import DuckDBStore
from tests.storage.other import another
from tests.storage.records import records

pytestmark = pytest.mark.timeout(90)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / ".nbflow" / "history.duckdb"


async def write(path: Path, execution: str = "x", first: int = 1, last: int = 10) -> None:
    journal = DuckDBJournal(path)
    await journal.append(execution, records(first, last), after=first - 1)
    await journal.close()


def segment(path: Path, execution: str = "x", count: int = 5) -> Path:
    """A segment of a dead writer, with one record a line."""
    folder = DuckDBStore(path).folder
    folder.create()
    written = Segment(folder.segments, "20260101-000000-dead", 1)
    for record in records(1, count):
        written.append(codec.encode(execution, record, lambda content, kind: ""))
    written.close()
    return written.path


def flip(path: Path, place: int, bit: int = 0) -> None:
    content = bytearray(path.read_bytes())
    content[place] ^= 1 << bit
    path.write_bytes(content)


def sequences(path: Path, execution: str = "x") -> list[int]:
    return [record.sequence for record in DuckDBStore(path).read(execution)]


# --- segments -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("rest", [b'{"v":1,"exec', b"\0" * 512, b"", b'{"v":1,"execution":"x"}'])
def test_a_torn_last_line_was_never_acknowledged(path: Path, rest: bytes) -> None:
    torn = segment(path)
    with torn.open("ab") as file:
        file.write(rest)
    assert sequences(path) == [1, 2, 3, 4, 5]
    assert DuckDBStore(path).gaps() == [] and not torn.exists()


def test_a_flipped_bit_in_a_line_is_a_gap_and_the_segment_is_kept(path: Path) -> None:
    lines = segment(path).read_bytes()[HEADER:].splitlines(keepends=True)
    flip(segment_path(path), HEADER + len(lines[0]) + len(lines[1]) + 30)
    assert sequences(path) == [1, 2, 4, 5]
    messages = " | ".join(gap.message for gap in DuckDBStore(path).gaps())
    assert "records 3 to 3 of x are missing" in messages and "damaged" in messages
    (gap, *_) = [gap for gap in DuckDBStore(path).gaps() if gap.execution]
    assert (gap.execution, gap.first, gap.last) == ("x", 3, 3)
    (aside,) = segment_path(path).parent.glob("*.damaged-*")
    assert lines[3] in aside.read_bytes()


def segment_path(path: Path) -> Path:
    return path.parent / "segments" / "20260101-000000-dead-000001.jsonl"


@pytest.mark.parametrize("seed", range(25))
def test_a_segment_damaged_anywhere_loses_no_more_than_two_lines_and_says_so(path: Path, seed: int) -> None:
    rng = random.Random(seed)
    whole = segment(path, count=20)
    flip(whole, rng.randrange(whole.stat().st_size), rng.randrange(8))
    left = sequences(path)
    assert len(left) >= 18 and left == sorted(set(left))
    assert len(left) == 20 or DuckDBStore(path).gaps()


@pytest.mark.parametrize("seed", range(8))
def test_a_segment_cut_short_is_noticed(path: Path, seed: int) -> None:
    whole = segment(path, count=20)
    size = whole.stat().st_size
    with whole.open("r+b") as file:
        file.truncate(random.Random(seed).randrange(HEADER, size))
    left = sequences(path)
    assert left == list(range(1, len(left) + 1)) and len(left) < 20
    assert any("cut" in gap.message for gap in DuckDBStore(path).gaps())


async def test_a_deleted_segment_is_a_gap(path: Path) -> None:
    segment(path, count=5).unlink()
    await write(path, "y", 1, 3)
    assert sequences(path, "y") == [1, 2, 3]


def test_a_segment_of_a_newer_nbflow_is_left_alone_and_named(path: Path) -> None:
    newer = segment(path)
    content = newer.read_bytes()
    newer.write_bytes(content.replace(b'"format": 1', b'"format": 9', 1))
    store = DuckDBStore(path)
    assert store.executions() == []
    assert any("newer" in gap.message for gap in store.gaps())
    assert newer.read_bytes() == content.replace(b'"format": 1', b'"format": 9', 1)


def test_nothing_beyond_what_is_on_disk_is_read_of_a_living_writer(path: Path) -> None:
    with another(path) as other:
        other.tell("append", "x", 1, 2)
        (live,) = (path.parent / "segments").glob("*.jsonl")
        with live.open("ab") as file:  # written, and not yet synced
            file.write(codec.encode("x", records(3, 3)[0], lambda content, kind: ""))
        assert sequences(path) == [1, 2]
        other.kill()
    assert sequences(path) == [1, 2, 3]


# --- claims ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("damage", ["deleted", "emptied", "garbage", "torn"])
async def test_damaged_claims_cost_nothing(path: Path, damage: str) -> None:
    await write(path)
    claims = path.parent / "segments" / "claims"
    match damage:
        case "deleted":
            claims.unlink()
        case "emptied":
            claims.write_bytes(b"")
        case "garbage":
            claims.write_bytes(b"\xff\0garbage\n[1]\n")
        case "torn":
            claims.write_bytes(claims.read_bytes() + b'["y", "2026')
    await write(path, "x", 11, 12)
    await write(path, "z", 1, 2)
    assert sequences(path) == list(range(1, 13)) and sequences(path, "z") == [1, 2]
    if damage == "deleted":
        with pytest.raises(Exception, match="12 records"):
            await write(path, "x", 1, 1)


# --- the database ---------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def big(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database with 130,000 records of 130 executions, all taken in."""
    path = tmp_path_factory.mktemp("big") / "history.duckdb"
    database.create(path)
    with database.opened(path) as connection:
        connection.execute(
            "insert into records select 'x' || (i // 1000), i % 1000 + 1, i, 'NodeStarted', 'n' || i, 1,"
            ' \'{"node":"n\' || i || \'","attempt":1,"inputs":\' || hash(i) // 3 || \'}\' from range(130000) t(i)'
        )
        intake.summarise(connection, "select distinct execution from records")
    return path


@pytest.mark.parametrize("seed", range(25))
async def test_a_database_damaged_anywhere_is_set_aside_and_rebuilt(path: Path, big: Path, seed: int) -> None:
    path.parent.mkdir()
    shutil.copy(big, path)
    rng = random.Random(seed)
    flip(path, rng.randrange(path.stat().st_size) if seed > 3 else rng.randrange(12288), rng.randrange(8))
    size = path.stat().st_size
    journal = DuckDBJournal(path)
    await journal.append("new", records(1, 3), after=0)
    assert await journal.read("new") == records(1, 3)
    whole = "select count(*), max(fields::varchar), max(node), sum(stamp) from records"
    total = journal.store.ask(lambda connection: connection.execute(whole).fetchall())[0][0]
    assert len(await journal.executions()) in (130, 131) or total < 130_000
    aside = [file for file in path.parent.iterdir() if ".damaged-" in file.name]
    if aside:
        assert aside[0].stat().st_size >= size
        assert await journal.gaps()
    else:
        assert total == 130_003  # the bit was in an unused place
    await journal.close()
    assert DuckDBStore(path).read("new") == records(1, 3)


async def test_what_a_damaged_database_still_has_is_kept(path: Path, big: Path) -> None:
    path.parent.mkdir()
    shutil.copy(big, path)
    flip(path, path.stat().st_size // 2, 3)
    store = DuckDBStore(path)
    store.folder.create()
    left = store.ask(
        lambda connection: connection.execute("select count(*), max(fields::varchar) from records").fetchone()
    )
    assert left and 5_000 < left[0] < 130_000
    gaps = store.gaps()
    assert sum(gap.last - gap.first + 1 for gap in gaps if gap.execution and gap.last) > 0
    assert any("cannot be read" in gap.message for gap in gaps)
    assert any("set aside" in gap.message for gap in gaps)
    assert store.gaps() == gaps


def logged(path: Path) -> Path:
    """A store whose database has a log that is not checkpointed, as a kill in the middle leaves it."""
    segment(path, count=50)
    store = DuckDBStore(path)
    database.create(path)
    copy = path.with_name("copy")
    with database.opened(path) as connection:
        intake.take_in(connection, store.folder, "stamp", store.folder.segments / "t", remove=False)
        shutil.copy(path, copy)
        shutil.copy(store.folder.wal, f"{copy}.wal")
    copy.rename(path)
    Path(f"{copy}.wal").rename(store.folder.wal)
    return store.folder.wal


@pytest.mark.parametrize("seed", range(25))
def test_a_damaged_log_of_the_database_loses_nothing(path: Path, seed: int) -> None:
    wal, rng = logged(path), random.Random(seed)
    if seed % 3:
        flip(wal, rng.randrange(wal.stat().st_size), rng.randrange(8))
    else:
        with wal.open("r+b") as file:
            file.truncate(rng.randrange(wal.stat().st_size))
    assert sequences(path) == list(range(1, 51))
    assert not any(gap.execution for gap in DuckDBStore(path).gaps())


def test_a_deleted_log_of_the_database_loses_nothing(path: Path) -> None:
    logged(path).unlink()
    assert sequences(path) == list(range(1, 51))
    assert DuckDBStore(path).gaps() == []


async def test_a_deleted_database_is_named(path: Path) -> None:
    await write(path)
    path.unlink()
    store = DuckDBStore(path)
    assert store.executions() == []
    await write(path, "y", 1, 2)
    assert sequences(path, "y") == [1, 2]
    assert [gap.execution for gap in store.gaps()] == [None, "x"]
    assert "was gone" in store.gaps()[0].message and "no record of x is left" in store.gaps()[1].message


def test_a_text_file_is_refused_and_not_touched(path: Path) -> None:
    path.parent.mkdir()
    path.write_text("dear diary")
    for open in (DuckDBStore, DuckDBJournal):
        with pytest.raises(StorageError, match="not a DuckDB file") as caught:
            open(path)
        assert caught.value.code == "store.not_a_database"
    assert path.read_text() == "dear diary" and [file.name for file in path.parent.iterdir()] == [path.name]


async def test_a_store_whose_database_became_text_is_rebuilt(path: Path) -> None:
    await write(path)
    path.write_text("dear diary")
    await write(path, "y", 1, 2)
    assert sequences(path, "y") == [1, 2]
    assert any("no record of x is left" in gap.message for gap in DuckDBStore(path).gaps())
    (aside,) = path.parent.glob("*.damaged-*")
    assert aside.read_text() == "dear diary"


async def test_somebody_elses_database_is_refused_and_not_touched(path: Path) -> None:
    path.parent.mkdir()
    with duckdb.connect(path) as own:
        own.execute("create table mine as select 42 as answer")
    before = path.read_bytes()
    with pytest.raises(StorageError, match="not one of nbflow") as caught:
        DuckDBJournal(path)
    assert caught.value.code == "store.not_a_database"
    assert path.read_bytes() == before


async def test_a_newer_store_is_refused_clearly_and_not_touched(path: Path) -> None:
    await write(path)
    with duckdb.connect(path) as own:
        own.execute("update meta set value = '99' where key = 'schema'")
    before = path.read_bytes()
    journal = DuckDBJournal(path)
    await journal.append("new", records(1, 2), after=0)  # new executions go on
    with pytest.raises(StorageError, match="newer nbflow") as caught:
        await journal.read("x")
    assert caught.value.code == "store.version" and "upgrade" in (caught.value.hint or "")
    assert any("newer" in gap.message for gap in await journal.gaps())
    await journal.close()
    assert path.read_bytes() == before
    with duckdb.connect(path) as own:
        own.execute(f"update meta set value = '{database.SCHEMA}' where key = 'schema'")
    assert sequences(path, "new") == [1, 2]


def test_a_database_of_a_newer_duckdb_is_named_so() -> None:
    text = (
        "IO Error: Trying to read a database file with version number 69, but we can only read versions between 64 and 68.\n"
        "The database file was created with a newer version of DuckDB."
    )
    error = database._meaning(Path("h.duckdb"), text)
    assert error.code == "store.version" and "upgrade" in (error.hint or "")


async def test_the_database_is_of_the_storage_version_that_both_duckdbs_read(path: Path) -> None:
    await write(path)
    with duckdb.connect(path) as own:
        (tags,) = own.execute("select tags from duckdb_databases() where not internal").fetchone() or ({},)
    assert tags["storage_version"] == "v1.5.0+"


def test_a_missing_value_is_named(path: Path) -> None:
    store = DuckDBStore(path)
    store.folder.create()
    digest = store.values.put(b"content", "bytes")
    (file,) = store.folder.values.glob("*/*.bytes")
    file.write_bytes(b"other")
    with pytest.raises(StorageError, match="is damaged"):
        store.values.get(digest)
    file.unlink()
    with pytest.raises(StorageError, match="is not there"):
        store.values.get(digest)
