"""Stores by their address: which parts there are, and how they are kept small."""

from __future__ import annotations

import sys
from importlib.metadata import EntryPoint

import pytest

from nbflow import assembly, stores
from nbflow.errors import StorageError


@pytest.fixture
def plug_in(monkeypatch: pytest.MonkeyPatch) -> None:
    """The installed package of a store ``tests:``, which has nothing but this module."""
    points = [EntryPoint("tests", __name__, "nbflow.stores")]
    monkeypatch.setattr("nbflow.storage.adapters.entry_points", lambda group: points)
    monkeypatch.setattr("nbflow.stores.entry_points", lambda group: points)


def test_what_goes_with_its_process_has_nothing_that_keeps_it_small() -> None:
    assert stores.open_retention("memory:") is None


@pytest.mark.usefixtures("plug_in")
def test_a_package_need_not_keep_its_store_small() -> None:
    assert stores.open_retention("tests://here/db") is None
    with pytest.raises(StorageError, match=r"the store tests of tests\.test_stores has no journal"):
        stores.open_journal("tests://here/db")


def test_a_library_that_is_missing_is_named_by_what_keeps_its_store_small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "psycopg", None)
    monkeypatch.delitem(sys.modules, "nbflow.storage.postgres.upkeep", raising=False)
    with pytest.raises(StorageError, match="postgresql needs psycopg") as caught:
        stores.open_retention("postgresql://host/db")
    assert caught.value.code == "store.library" and "nbflow[postgres]" in (caught.value.hint or "")


def test_a_package_that_cannot_be_loaded_is_named_too(monkeypatch: pytest.MonkeyPatch) -> None:
    points = [EntryPoint("tests", "tests.is_not_there", "nbflow.stores")]
    monkeypatch.setattr("nbflow.storage.adapters.entry_points", lambda group: points)
    monkeypatch.setattr("nbflow.stores.entry_points", lambda group: points)
    with pytest.raises(StorageError, match="cannot be loaded: ModuleNotFoundError"):
        stores.open_retention("tests://here/db")


async def test_a_store_is_kept_small_once_a_loop_however_often_its_engine_is_made(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    kept: list[str] = []
    monkeypatch.setattr(assembly, "keep_small", kept.append)
    for _ in range(3):
        await assembly.engine("memory:").close()
    assert kept == ["memory:"]
