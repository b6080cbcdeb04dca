"""Disks that are full or broken: never success after a failed write or sync, nothing acknowledged lost, and then on."""

from __future__ import annotations

import asyncio
import errno
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from nbflow.errors import StorageError
from nbflow.execution import events as e
from nbflow.execution.events import Record
from nbflow.storage.duckdb import segment
from nbflow.storage.duckdb.journal import DuckDBJournal
from nbflow.storage.duckdb.store import DuckDBStore
from tests.storage.records import START, record, records

pytestmark = pytest.mark.timeout(60)

ROOT = Path(__file__).parents[2]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / ".nbflow" / "history.duckdb"


class Failing:
    """A system call that fails from its `first` call on, `times` times; before the work or after half of it."""

    def __init__(self, call: Callable[..., Any], first: int, times: int = 1, code: int = errno.EIO, half: bool = False):
        self.call, self.first, self.times, self.code, self.half = call, first, times, code, half
        self.calls = 0

    def __call__(self, *arguments: Any) -> Any:
        self.calls += 1
        if self.first <= self.calls < self.first + self.times:
            if self.half:
                descriptor, content, offset = arguments
                self.call(descriptor, bytes(content)[: len(content) * 2 // 3], offset)
            raise OSError(self.code, os.strerror(self.code))
        return self.call(*arguments)


async def append_all(journal: DuckDBJournal, execution: str, total: int) -> tuple[int, list[StorageError]]:
    """Append batches of three, going on after an error where the journal says it stands; what was acknowledged."""
    acknowledged, errors = 0, []
    while acknowledged < total and len(errors) < 100:
        try:
            await journal.append(execution, records(acknowledged + 1, acknowledged + 3), after=acknowledged)
            acknowledged += 3
        except StorageError as error:
            errors.append(error)
            assert await journal.read(execution) == records(1, acknowledged)
    return acknowledged, errors


@pytest.mark.parametrize("when", range(1, 11))
async def test_after_a_failed_sync_nothing_is_reported_as_done(
    path: Path, monkeypatch: pytest.MonkeyPatch, when: int
) -> None:
    monkeypatch.setattr(segment, "_sync", Failing(segment._sync, when))
    journal = DuckDBJournal(path)
    acknowledged, errors = await append_all(journal, "x", 36)
    assert acknowledged == 36 and [error.code for error in errors] == ["store.write"]
    await journal.close()
    assert DuckDBStore(path).read("x") == records(1, 36) and DuckDBStore(path).gaps() == []


@pytest.mark.parametrize("when", [3, 4, 5, 8])
async def test_a_full_disk_in_the_middle_of_a_write_leaves_whole_batches(
    path: Path, monkeypatch: pytest.MonkeyPatch, when: int
) -> None:
    monkeypatch.setattr(os, "pwrite", Failing(os.pwrite, when, times=3, code=errno.ENOSPC, half=True))
    journal = DuckDBJournal(path)
    acknowledged, errors = await append_all(journal, "x", 30)
    assert acknowledged == 30 and {error.code for error in errors} == {"store.full"}, errors
    assert all("No space" in str(error) and "room" in (error.hint or "") for error in errors)
    await journal.close()
    assert DuckDBStore(path).read("x") == records(1, 30) and DuckDBStore(path).gaps() == []


async def test_what_could_not_be_cut_off_does_not_come_back(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(segment, "_sync", Failing(segment._sync, 2))
    monkeypatch.setattr(os, "ftruncate", Failing(os.ftruncate, 1))
    journal = DuckDBJournal(path, take_in_every=60)
    acknowledged, errors = await append_all(journal, "x", 3)
    with pytest.raises(StorageError, match="Input/output"):
        await journal.append("x", [Record(4, START, e.ExecutionPaused("not acknowledged"))], after=3)
    assert acknowledged == 3 and errors == []
    (cut,) = (path.parent / "segments").glob("*.cut-*.jsonl")
    assert b"not acknowledged" in cut.read_bytes()
    await journal.append("x", records(4, 4), after=3)
    await journal.close()
    assert DuckDBStore(path).read("x") == records(1, 4) and DuckDBStore(path).gaps() == []


async def test_all_who_wait_get_the_error_and_others_go_on(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    journal = DuckDBJournal(path)
    await asyncio.gather(*(journal.append(name, records(1, 1), after=0) for name in "abc"))
    monkeypatch.setattr(segment, "_sync", Failing(segment._sync, 1))
    appends = [journal.append(name, records(last, last), after=last - 1) for last in (2, 3) for name in "abc"]
    answers = await asyncio.gather(*appends, return_exceptions=True)
    assert all(isinstance(answer, StorageError) for answer in answers)
    for name in "abc":
        assert await journal.read(name) == records(1, 1)
        await journal.append(name, records(2, 3), after=1)
    await journal.close()
    assert all(DuckDBStore(path).read(name) == records(1, 3) for name in "abc")


async def test_a_value_that_cannot_be_written_fails_its_record(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    journal = DuckDBJournal(path)
    await journal.append("x", records(1, 1), after=0)
    large = Record(2, START, e.NodeCompleted("n", 1, "y" * 100_000))
    monkeypatch.setattr(os, "fsync", Failing(os.fsync, 1, code=errno.EDQUOT))
    with pytest.raises(StorageError, match="quota"):
        await journal.append("x", [large], after=1)
    assert await journal.read("x") == records(1, 1)
    await journal.append("x", [large], after=1)
    assert await journal.read("x") == [record(1), large]
    await journal.close()


async def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for place, code in ((tmp_path / "file" / "history.duckdb", "store.path"), (tmp_path, "store.path")):
        with pytest.raises(StorageError, match=str(tmp_path)) as caught:
            DuckDBJournal(place)
        assert caught.value.code == code


# --- real faults in another process -----------------------------------------------------------------------

WRITE = """
import asyncio, sys
from tests.storage.test_faults import append_all
from nbflow.storage.duckdb.journal import DuckDBJournal
async def main():
    {before}
    journal = DuckDBJournal(sys.argv[1], take_in_every=60)
    acknowledged = 0
    from nbflow.errors import StorageError
    from tests.storage.records import records
    for _ in range({times}):
        try:
            await journal.append("x", records(acknowledged + 1, acknowledged + 3), after=acknowledged)
            acknowledged += 3
        except StorageError as error:
            print("error", error.code, acknowledged, flush=True)
            break
    else:
        print("done", acknowledged, flush=True)
    import os; os._exit(0)
asyncio.run(main())
"""


def write(path: Path, *prefix: str, before: str = "pass", times: int = 2000) -> list[str]:
    code = WRITE.format(before=before, times=times)
    answer = subprocess.run(
        [*prefix, sys.executable, "-c", code, str(path)], cwd=ROOT, capture_output=True, text=True, check=False
    )
    words = answer.stdout.split()
    assert words, answer.stderr
    return words


def test_a_file_size_limit_is_a_clear_error_and_nothing_acknowledged_is_lost(path: Path) -> None:
    before = "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, 50_000))"
    word, code, acknowledged = write(path, before=before)
    assert (word, code) == ("error", "store.full") and int(acknowledged) > 30
    assert DuckDBStore(path).read("x") == records(1, int(acknowledged))
    assert DuckDBStore(path).gaps() == []


def _strace_works() -> bool:
    return (
        bool(shutil.which("strace"))
        and subprocess.run(["strace", "-o", os.devnull, "true"], capture_output=True, check=False).returncode == 0
    )


@pytest.mark.skipif(not _strace_works(), reason="strace may not trace here")
@pytest.mark.parametrize("when", [1, 4])
def test_a_sync_that_the_kernel_fails_is_never_a_success(path: Path, when: int) -> None:
    trace = ["strace", "-f", "-qq", "-o", os.devnull, "-e", f"inject=fdatasync:error=EIO:when={when}"]
    word, code, acknowledged = write(path, *trace, times=20)
    assert (word, code, int(acknowledged)) == ("error", "store.write", (when - 1) * 3)
    assert DuckDBStore(path).read("x") == records(1, int(acknowledged))


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of its own, with little room."""
    place = tmp_path / "disk"
    place.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", str(place)]
    if subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("a small disk cannot be mounted here")
    yield place
    subprocess.run(["umount", "--lazy", str(place)], check=True)


def test_a_full_disk_is_a_clear_error_and_room_lets_it_go_on(disk: Path) -> None:
    path = disk / "history.duckdb"
    ballast = disk / "ballast"
    ballast.write_bytes(b"\0" * 150_000)
    word, code, acknowledged = write(path)
    assert (word, code) == ("error", "store.full")
    assert DuckDBStore(path).read("x") == records(1, int(acknowledged))  # in a private copy: there is no room here
    ballast.unlink()
    assert DuckDBStore(path).read("x") == records(1, int(acknowledged)) and DuckDBStore(path).gaps() == []


async def test_a_read_only_folder_is_named_and_can_be_read(disk: Path) -> None:
    path = disk / "history.duckdb"
    journal = DuckDBJournal(path)
    await journal.append("x", records(1, 2), after=0)
    await journal.close()
    subprocess.run(["mount", "-o", "remount,ro", str(disk)], check=True)
    assert DuckDBStore(path).read("x") == records(1, 2) and DuckDBStore(path).gaps() == []
    with pytest.raises(StorageError, match="cannot be written") as caught:
        DuckDBJournal(path)
    assert caught.value.code == "store.read_only"
