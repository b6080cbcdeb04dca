"""Which classes keep a store, by the scheme of its address; each is imported when one of its stores is opened."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from importlib.metadata import EntryPoint, entry_points
from typing import Any

from nbflow.errors import StorageError

_ADAPTERS: dict[str, dict[str, str]] = {
    "memory": {
        "journal": "nbflow.storage.memory.journal:MemoryJournal",
    },
    "duckdb": {
        "journal": "nbflow.storage.duckdb.journal:DuckDBJournal",
        "catalog": "nbflow.storage.duckdb.catalog:DuckDBCatalog",
        "executions": "nbflow.storage.duckdb.executions:DuckDBExecutions",
        "upkeep": "nbflow.storage.duckdb.upkeep:Upkeep",
    },
    "postgresql": {
        "journal": "nbflow.storage.postgres.journal:PostgresJournal",
        "catalog": "nbflow.storage.postgres.catalog:PostgresCatalog",
        "executions": "nbflow.storage.postgres.executions:PostgresExecutions",
        "upkeep": "nbflow.storage.postgres.upkeep:Upkeep",
    },
    "mongodb": {
        "journal": "nbflow.storage.mongo.journal:MongoJournal",
        "catalog": "nbflow.storage.mongo.catalog:MongoCatalog",
        "executions": "nbflow.storage.mongo.executions:MongoExecutions",
        "upkeep": "nbflow.storage.mongo.upkeep:Upkeep",
    },
}
"""The classes of each store; a plug-in's stand in the entry point ``nbflow.stores`` named as its scheme."""


class NoSuchPart(StorageError):
    """A store that is there and whole has no such part."""


def adapter(scheme: str, part: str) -> Callable[..., Any]:
    """What makes the journal, catalog, executions or upkeep of a store from its address.

    Raises `StorageError`, which is a `NoSuchPart` for a store that does without.
    """
    place = _ADAPTERS.get(scheme, {}).get(part)
    if place is not None:
        module, _, name = place.partition(":")
        try:
            return getattr(import_module(module), name)  # type: ignore[no-any-return]
        except ModuleNotFoundError as error:
            hint = f"pip install 'nbflow[{'postgres' if scheme == 'postgresql' else 'mongo'}]'"
            raise StorageError("store.library", f"{scheme} needs {error.name}, which is not installed", hint) from None
    for point in entry_points(group="nbflow.stores"):
        if point.name == scheme:
            return _brought(point, part)
    refusal = NoSuchPart if scheme in _ADAPTERS else StorageError
    raise refusal("store.url", f"{scheme} is not served", "use duckdb:///path, postgresql://… or memory:")


def _brought(point: EntryPoint, part: str) -> Callable[..., Any]:
    """A part of a store that an installed package brings."""
    try:
        brought = getattr(point.load(), part, None)
    except Exception as problem:
        message = f"the store {point.name} of {point.value} cannot be loaded: {type(problem).__name__}: {problem}"
        raise StorageError("store.library", message) from problem
    if brought is None:
        raise NoSuchPart("store.library", f"the store {point.name} of {point.value} has no {part}")
    return brought  # type: ignore[no-any-return]
