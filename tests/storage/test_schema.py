"""Databases of earlier schemas become those of this one when they are opened, with all that they have."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest

from nbflow.ports.executions import Query
from nbflow.storage.duckdb import database
from nbflow.storage.duckdb.journal import DuckDBJournal
from nbflow.storage.duckdb.store import DuckDBStore
from tests.conformance.test_executions import GIVEN, fill


@pytest.fixture
async def path(tmp_path: Path) -> Path:
    """A store as schema 1 had it."""
    path = tmp_path / "history.duckdb"
    journal = DuckDBJournal(path)
    await fill(journal)
    await journal.close()
    with duckdb.connect(path) as connection:
        connection.execute("drop table summaries")
        connection.execute("drop table results")
        connection.execute("update meta set value = '1' where key = 'schema'")
    return path


async def test_a_store_of_the_first_schema_is_lifted_and_goes_on(path: Path) -> None:
    store = DuckDBStore(path)
    assert store.read("a") == GIVEN["a"]
    assert [row.execution for row in store.find(Query()).rows] == ["c", "d", "b", "a"]
    journal = DuckDBJournal(path)
    await journal.append("e", GIVEN["a"], after=0)
    assert [summary.execution for summary in await journal.executions()] == ["c", "d", "b", "a", "e"]
    await journal.close()


def test_a_new_store_has_the_tables_of_a_lifted_one(path: Path, tmp_path: Path) -> None:
    fresh = tmp_path / "fresh.duckdb"
    database.create(fresh)

    def columns(place: Path) -> list[tuple[str, str, str]]:
        with database.opened(place) as connection:
            return connection.execute(
                "select table_name, column_name, data_type from duckdb_columns() where not internal order by all"
            ).fetchall()

    assert columns(path) == columns(fresh)
