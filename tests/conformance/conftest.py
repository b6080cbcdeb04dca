"""Every store there is. A store of a third party joins by adding itself to `STORES`, and is held to the same promises."""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from nbflow.ports.catalog import Catalog
from nbflow.ports.clock import Clock
from nbflow.ports.executions import Executions
from nbflow.ports.journal import Journal
from nbflow.ports.values import Values
from nbflow.storage.duckdb.catalog import DuckDBCatalog
from nbflow.storage.duckdb.executions import DuckDBExecutions
from nbflow.storage.duckdb.journal import DuckDBJournal
from nbflow.storage.duckdb.upkeep import Upkeep as DuckDBUpkeep
from nbflow.storage.duckdb.values import FileValues
from nbflow.storage.memory.catalog import MemoryCatalog, MemoryFacts
from nbflow.storage.memory.executions import MemoryExecutions
from nbflow.storage.memory.journal import MemoryJournal
from nbflow.storage.memory.values import MemoryValues
from nbflow.storage.retention import Retains
from tests.services import mongo, postgres
from tests.services.model_server import Unavailable


@dataclass
class Store:
    """One empty store; each call of `catalog` is another view of the same catalog, each of `journal` another writer.

    A store that lives as long as its journal (not `shared`) has one. `retains` makes what keeps it small, if it can.
    """

    journal: Callable[[], Journal]
    executions: Callable[[Journal], Executions]
    catalog: Callable[[], Catalog]
    values: Callable[[], Values]
    retains: Callable[[Clock], Retains] | None = None
    shared: bool = True


def memory(place: Path) -> Store:
    facts, values = MemoryFacts(), MemoryValues()

    def executions(journal: Journal) -> Executions:
        assert isinstance(journal, MemoryJournal)
        return MemoryExecutions(journal)

    return Store(MemoryJournal, executions, lambda: MemoryCatalog(facts, values), MemoryValues, shared=False)


def embedded(place: Path) -> Store:
    path = place / ".nbflow" / "history.duckdb"
    return Store(
        lambda: DuckDBJournal(path), lambda journal: DuckDBExecutions(path), lambda: DuckDBCatalog(path),
        lambda: FileValues(place / "values"), lambda clock: DuckDBUpkeep(path, clock),
    )  # fmt: skip


def postgresql(url: str) -> Store:
    from nbflow.storage.postgres.catalog import PostgresCatalog
    from nbflow.storage.postgres.executions import PostgresExecutions
    from nbflow.storage.postgres.journal import PostgresJournal
    from nbflow.storage.postgres.upkeep import Upkeep
    from nbflow.storage.postgres.values import PostgresValues

    return Store(
        lambda: PostgresJournal(url), lambda journal: PostgresExecutions(url), lambda: PostgresCatalog(url),
        lambda: PostgresValues(url), lambda clock: Upkeep(url, clock),
    )  # fmt: skip


def mongodb(url: str) -> Store:
    from nbflow.storage.mongo.catalog import MongoCatalog
    from nbflow.storage.mongo.executions import MongoExecutions
    from nbflow.storage.mongo.journal import MongoJournal
    from nbflow.storage.mongo.upkeep import Upkeep
    from nbflow.storage.mongo.values import MongoValues

    return Store(
        lambda: MongoJournal(url), lambda journal: MongoExecutions(url), lambda: MongoCatalog(url),
        lambda: MongoValues(url), lambda clock: Upkeep(url, clock),
    )  # fmt: skip


STORES: dict[str, Callable[[Path], Store]] = {"memory": memory, "duckdb": embedded}
SERVERS = {"postgresql": postgresql, "mongodb": mongodb}  # each gets the address of an empty place on its server

_numbers = itertools.count(1)


@pytest.fixture(scope="session")
def postgresql_server() -> Iterator[str]:
    try:
        with postgres.started() as url:
            yield url
    except Unavailable as problem:
        pytest.skip(f"PostgreSQL: {problem}")


@pytest.fixture(scope="session")
def mongodb_server() -> Iterator[str]:
    try:
        with mongo.started() as url:
            yield url
    except Unavailable as problem:
        pytest.skip(f"MongoDB: {problem}")


def empty_schema(url: str) -> str:
    """The address of a schema of its own."""
    import psycopg

    name = f"conformance_{next(_numbers)}"
    with psycopg.connect(url) as connection:
        connection.execute(f"drop schema if exists {name} cascade")
        connection.execute(f"create schema {name}")
    return f"{url}?options=-csearch_path%3D{name}"


def empty_database(url: str) -> str:
    """The address of a database of its own."""
    import pymongo

    name = f"conformance_{next(_numbers)}"
    with pymongo.MongoClient(url) as client:
        client.drop_database(name)
    return f"{url.rpartition('/')[0]}/{name}"


@pytest.fixture(params=[*STORES, *(pytest.param(name, marks=pytest.mark.services) for name in SERVERS)])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Store:
    if request.param in STORES:
        return STORES[request.param](tmp_path)
    url: str = request.getfixturevalue(f"{request.param}_server")
    return SERVERS[request.param](empty_schema(url) if request.param == "postgresql" else empty_database(url))


@pytest.fixture
async def journal(store: Store) -> AsyncIterator[Journal]:
    opened = store.journal()
    yield opened
    await opened.close()
