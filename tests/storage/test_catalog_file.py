"""The embedded catalog's file: damage, torn lines, several processes."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from nbflow.errors import CatalogConflict, StorageError
from nbflow.ports.catalog import Version
from nbflow.storage.duckdb.catalog import DuckDBCatalog, FileFacts
from nbflow.storage.duckdb.folder import Folder
from nbflow.storage.duckdb.store import DuckDBStore

ROOT = Path(__file__).parents[2]
GIVEN = Version("demo", "1.0", "hash-1", "nodes: {}", 1.0)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "history.duckdb"


def numbered(number: int) -> Version:
    return replace(GIVEN, version=f"1.{number}", hash=f"hash-{number}")


async def test_a_torn_last_line_is_overwritten(path: Path) -> None:
    catalog = DuckDBCatalog(path)
    await catalog.save(numbered(1))
    with (path.parent / "catalog.jsonl").open("ab") as file:
        file.write(b'01234567 {"v":1,"fact":"Sav')
    assert len(await catalog.versions("demo")) == 1
    await catalog.save(numbered(2))
    assert [each.version for each in await DuckDBCatalog(path).versions("demo")] == ["1.2", "1.1"]


async def test_a_damaged_line_is_named_and_what_follows_is_there(path: Path) -> None:
    catalog = DuckDBCatalog(path)
    for number in (1, 2, 3):
        await catalog.save(numbered(number))
    file = path.parent / "catalog.jsonl"
    file.write_bytes(file.read_bytes().replace(b"hash-2", b"hash-X"))
    again = DuckDBCatalog(path)
    assert [each.version for each in await again.versions("demo")] == ["1.3", "1.1"]
    assert any("line 2 is damaged" in gap.message for gap in DuckDBStore(path).gaps())
    assert [each.number for each in await again.versions("demo")] == [3, 1]
    assert await again.losses() == ["line 2 of the catalog is damaged; what it said of demo 1.2 is lost"]
    with pytest.raises(CatalogConflict, match="its line is damaged"):
        await again.save(numbered(2))
    await again.alias("demo", "prod", "1.3")
    assert (await again.save(numbered(4))).number == 4
    assert (await DuckDBCatalog(path).load("demo", "prod")).version == "1.3"


async def test_no_number_of_a_line_that_is_garbage_is_given_again(path: Path) -> None:
    catalog = DuckDBCatalog(path)
    for number in (1, 2, 3):
        await catalog.save(numbered(number))
    file = path.parent / "catalog.jsonl"
    first, *_, last = file.read_bytes().splitlines(keepends=True)
    file.write_bytes(first + b"\x00\xffgarbage\n" + last)
    again = DuckDBCatalog(path)
    assert [each.number for each in await again.versions("demo")] == [3, 1]
    assert await again.losses() == ["line 2 of the catalog is damaged; what it said of a workflow is lost"]
    assert (await again.save(numbered(4))).number > 3
    assert (await DuckDBCatalog(path).load("demo", "#3")).version == "1.3"


@pytest.mark.parametrize("whole", [True, False])
async def test_garbage_without_an_end_is_kept_and_named(path: Path, whole: bool) -> None:
    if whole:
        await DuckDBCatalog(path).save(numbered(1))
    file = path.parent / "catalog.jsonl"
    with file.open("ab") as end:
        end.write(b"\x00\xffgarbage")
    before = file.read_bytes()
    catalog = DuckDBCatalog(path)
    assert len(await catalog.losses()) == 1
    assert (await catalog.save(numbered(2))).version == "1.2"
    assert file.read_bytes().startswith(before + b"\n") and len(await DuckDBCatalog(path).losses()) == 1
    assert [each.version for each in await DuckDBCatalog(path).versions("demo")] == ["1.2", "1.1"][: 1 + whole]


async def test_a_line_of_a_newer_nbflow_is_refused_clearly(path: Path) -> None:
    facts = FileFacts(Folder(path))
    await facts.append(1, b'{"v":9,"fact":"Dreamt","fields":{}}')
    with pytest.raises(StorageError, match="newer nbflow") as caught:
        await DuckDBCatalog(path).versions("demo")
    assert caught.value.code == "store.version"


SAVE = """
import asyncio, sys
from tests.storage.test_catalog_file import DuckDBCatalog, numbered
async def main():
    catalog = DuckDBCatalog(sys.argv[1])
    for number in range(15):
        await catalog.save(numbered(int(sys.argv[2]) + number))
asyncio.run(main())
"""


async def test_processes_that_save_at_once_lose_no_version(path: Path) -> None:
    writers = [
        subprocess.Popen([sys.executable, "-c", SAVE, str(path), str(first)], cwd=ROOT) for first in (100, 200, 300)
    ]
    assert [writer.wait() for writer in writers] == [0, 0, 0]
    versions = await DuckDBCatalog(path).versions("demo")
    assert {each.version for each in versions} == {f"1.{first + n}" for first in (100, 200, 300) for n in range(15)}
    assert [each.number for each in versions] == list(range(45, 0, -1))
