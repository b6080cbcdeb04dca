"""DuckDB 1.5 and the installed one read each other's stores, and take turns on one."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import duckdb
import pytest

from nbflow.storage.duckdb.journal import DuckDBJournal
from nbflow.storage.duckdb.store import DuckDBStore
from tests.storage.other import another
from tests.storage.records import records

pytestmark = [pytest.mark.nightly, pytest.mark.timeout(300)]


@pytest.fixture(scope="module")
def older(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with DuckDB 1.5: the one that NBFLOW_TEST_DUCKDB names, else installed for this test."""
    given = os.environ.get("NBFLOW_TEST_DUCKDB")
    if given:
        return Path(given)
    folder = tmp_path_factory.mktemp("duckdb")
    command = [
        sys.executable,
        "-m",
        "pip",
        "install",
        "--quiet",
        "--no-deps",
        "--target",
        str(folder),
        "duckdb>=1.5,<1.6",
    ]
    if subprocess.run(command, capture_output=True, check=False).returncode:
        pytest.skip("DuckDB 1.5 cannot be installed")
    return folder


def test_what_one_wrote_the_other_reads_and_goes_on_with(older: Path, tmp_path: Path) -> None:
    path = tmp_path / ".nbflow" / "history.duckdb"
    with another(path, older) as other:
        assert other.tell("version") != duckdb.__version__ and other.tell("version").startswith("1.5")
        assert other.tell("append", "theirs", 1, 4) == "ok"
        assert other.tell("read", "theirs") == [1, 2, 3, 4]
    assert DuckDBStore(path).read("theirs") == records(1, 4)
    with another(path) as newer:
        assert newer.tell("append", "ours", 1, 3) == "ok"
        assert newer.tell("append", "theirs", 5, 6) == "ok"
        assert newer.tell("read", "theirs") == [1, 2, 3, 4, 5, 6]
    with another(path, older) as other:
        assert other.tell("read", "ours") == [1, 2, 3]
        assert other.tell("append", "ours", 4, 4) == "ok"
        assert other.tell("read", "theirs") == [1, 2, 3, 4, 5, 6]
    assert DuckDBStore(path).read("ours") == records(1, 4)
    assert DuckDBStore(path).gaps() == []


async def test_both_write_to_one_store_at_once(older: Path, tmp_path: Path) -> None:
    path = tmp_path / ".nbflow" / "history.duckdb"
    journal = DuckDBJournal(path, take_in_every=0.01)
    with another(path, older) as other:
        for last in range(0, 20, 2):
            await journal.append("ours", records(last + 1, last + 2), after=last)
            assert other.tell("append", "theirs", last + 1, last + 2) == "ok"
            assert other.tell("read", "ours") == list(range(1, last + 3))
            assert [record.sequence for record in await journal.read("theirs")] == list(range(1, last + 3))
    await journal.close()
    assert DuckDBStore(path).gaps() == []
