"""The locks that processes share, and file systems that have none."""

from __future__ import annotations

import errno
import fcntl
import os
from pathlib import Path

import pytest

from nbflow.errors import StorageError
from nbflow.storage.duckdb.folder import Folder, try_lock
from nbflow.storage.duckdb.journal import DuckDBJournal


def test_a_file_system_without_locks_is_refused_clearly(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_locks(descriptor: int, mode: int) -> None:
        raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))

    monkeypatch.setattr(fcntl, "flock", no_locks)
    with pytest.raises(StorageError, match="locks do not work on this file system") as caught:
        DuckDBJournal(tmp_path / "history.duckdb")
    assert caught.value.code == "store.network" and "local disk" in (caught.value.hint or "")


def test_a_lock_is_held_by_one_and_goes_with_its_file(tmp_path: Path) -> None:
    folder = Folder(tmp_path / "history.duckdb")
    folder.create()
    with folder.held("claims"):
        with (
            pytest.raises(StorageError, match="held by another process") as caught,
            folder.held("claims", timeout=0.02),
        ):
            pass
        assert caught.value.code == "store.shared"
        with folder.held("database"):
            pass
    with folder.held("claims", timeout=0):
        pass


def test_shared_locks_go_together_and_exclude_writers(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_text("")
    one, two, three = (os.open(path, os.O_RDWR) for _ in range(3))
    assert try_lock(one, shared=True) and try_lock(two, shared=True) and not try_lock(three)
    os.close(one)
    os.close(two)
    assert try_lock(three)
    os.close(three)
