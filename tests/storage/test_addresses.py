from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from nbflow.errors import StorageError
from nbflow.storage.addresses import read_address
from nbflow.storage.duckdb.journal import DuckDBJournal


@pytest.mark.parametrize(("url", "path"), [
    ("duckdb:///.nbflow/history.duckdb", ".nbflow/history.duckdb"),
    ("duckdb:///history.duckdb", "history.duckdb"),
    ("duckdb:////var/tmp/history.duckdb", "/var/tmp/history.duckdb"),
    ("duckdb:history.duckdb", "history.duckdb"),
    ("/var/tmp/history.duckdb", "/var/tmp/history.duckdb"),
    ("history.duckdb", "history.duckdb"),
    ("DuckDB:///x.duckdb", "x.duckdb"),
])  # fmt: skip
def test_duckdb_addresses_name_a_file(url: str, path: str) -> None:
    address = read_address(url)
    assert (address.scheme, address.path, address.moved) == ("duckdb", Path(path), False)


def test_other_stores_are_known_by_their_scheme() -> None:
    assert [read_address(url).scheme for url in ("memory:", "postgresql://u@h/db", "postgres://h", "mongodb://h/db")] == [
        "memory", "postgresql", "postgresql", "mongodb",
    ]  # fmt: skip


@pytest.mark.parametrize("url", ["mysql://db/x", "sqlite:///x.db", "duckdb://", "duckdb:///", "duckdb:///folder/"])
def test_what_is_no_store_is_refused_with_what_there_is(url: str) -> None:
    with pytest.raises(StorageError) as caught:
        read_address(url)
    assert caught.value.code == "store.url"
    if not url.startswith("duckdb"):
        assert "postgresql://" in str(caught.value) and "memory:" in str(caught.value)


@pytest.mark.parametrize(("word", "hint"), [
    ("memory", "did you mean memory:?"), ("duckdb", "duckdb:///.nbflow/history.duckdb"),
    ("postgres", "postgres://host/db"), ("foo", "duckdb:///foo"), ("cassandra", "cassandra://host/db"),
])  # fmt: skip
def test_a_bare_word_is_no_file(word: str, hint: str) -> None:
    with pytest.raises(StorageError, match="neither the address of a store nor a path") as caught:
        read_address(word, ["cassandra"])
    assert caught.value.code == "store.url" and hint in (caught.value.hint or "")
    for path in (f"./{word}", Path(word), f"{word}.db", f"duckdb:///{word}"):
        assert read_address(path).path == Path(str(path).removeprefix("duckdb:///"))


def test_a_missing_folder_is_named_and_not_made(tmp_path: Path) -> None:
    for path in (tmp_path / "no" / "such" / "history.duckdb", tmp_path / "no" / "such" / "folder" / "history.duckdb"):
        with pytest.raises(StorageError, match=str(tmp_path / "no")) as caught:
            DuckDBJournal(path)
        assert caught.value.code == "store.path"
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_cannot_be_written_has_its_store_in_the_state_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = tmp_path / "shared"
    place.mkdir()
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.chdir(place)
    monkeypatch.setattr(os, "access", lambda path, mode: Path(path) != place)
    first, second = read_address("duckdb:///.nbflow/history.duckdb"), read_address(f"{place}/.nbflow/history.duckdb")
    assert first.moved and first.path and first.path.is_relative_to(tmp_path / "state" / "nbflow")
    assert first.path == second.path != read_address(f"{place}/.nbflow/other.duckdb").path


def test_a_read_only_disk_cannot_be_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "ro,size=64k", "tmpfs", str(disk)]
    if subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("a disk cannot be mounted here")
    try:
        assert read_address(f"{disk}/.nbflow/history.duckdb").moved
    finally:
        subprocess.run(["umount", "--lazy", str(disk)], check=True)
