"""Executions, nodes, events and model calls as DataFrames, and as tables that SQL can ask.

All is computed from the journal, of what every process has written until now, on a private copy: no query can
harm the store, and none keeps it from its writers. Times are UTC. pandas and DuckDB are loaded when first used.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias, runtime_checkable

from nbflow.analytics.kinds import kinds_of
from nbflow.analytics.tables import JSON_COLUMNS, VIEWS
from nbflow.errors import NbflowError, StorageError
from nbflow.storage import tags
from nbflow.storage.addresses import read_address

if TYPE_CHECKING:
    import pandas as pd
    from duckdb import DuckDBPyConnection

DEFAULT = "duckdb:///.nbflow/history.duckdb"


@runtime_checkable
class Attached(Protocol):
    """A store that can be attached to a DuckDB connection, with its tables ``name.records`` and ``name.summaries``."""

    def attach(self, connection: DuckDBPyConnection, name: str) -> None: ...


Store: TypeAlias = "str | Path | Attached | None"


class QueryError(NbflowError):
    """A query that DuckDB refuses; the message is DuckDB's."""

    code = "analytics.query"


def _usual(store: str | None) -> str | Attached:
    return store or os.environ.get("NBFLOW_STORE", DEFAULT)


find: Callable[[str | None], str | Attached] = _usual
"""The store at an address, or its address; None is the set one. `assembly` puts in what it knows."""


def executions(store: Store = None) -> pd.DataFrame:
    """One row an execution, the latest started first.

    Columns: execution, workflow, version, phase, started, ended, seconds, nodes (that were reached), attempts, calls,
    input_tokens, output_tokens, usd, error_kind, error_node, error, inputs, outputs, labels, origin, records.

    `store` is an address or path; without one, the set store.

    >>> executions("duckdb:///no-such-folder/history.duckdb").empty
    True
    """
    return _frame("executions", store)


def nodes(store: Store = None) -> pd.DataFrame:
    """One row a node that was reached, of every execution, round, item and branch.

    Columns: execution, workflow, path, node (its id), kind, phase, attempts, started (of the first attempt), ended,
    seconds (between the two, waiting included), inputs, output, error_kind, error, handled (the policy that took a
    failure), reason (of a skip, wait or cancellation), taken_from (the execution a reused result is from).
    """
    return _frame("nodes", store)


def events(store: Store = None) -> pd.DataFrame:
    """One row a record of the journals.

    Columns: execution, sequence, time, event, path (of the node it is about), attempt, fields (all it says).
    """
    return _frame("events", store)


def calls(store: Store = None) -> pd.DataFrame:
    """One row a model or tool call inside a node.

    Columns: execution, path, attempt, call, kind (model or tool), name, model, time (of its end), seconds,
    input_tokens, output_tokens, cached_tokens, reasoning_tokens, usd, error_kind, error, request, response. What a
    provider did not say is missing, and is not 0.
    """
    return _frame("calls", store)


def sql(query: str, store: Store = None, **tables: pd.DataFrame) -> pd.DataFrame:
    """Ask the tables `executions`, `nodes`, `events` and `calls` in DuckDB's SQL.

    DataFrames given by name are tables too: ``sql("from nodes join mine using (path)", mine=frame)``. The query
    sees a copy: it can neither change the store nor read or write files. JSON columns are text there, asked as
    ``output->>'$.a'``. Raises `QueryError`.
    """
    import duckdb

    with connection(store) as opened:
        for name, table in tables.items():
            opened.register(name, table)
        try:
            return opened.execute(query).df()
        except duckdb.Error as error:
            raise QueryError(str(error)) from None


def connection(store: Store = None) -> DuckDBPyConnection:
    """A DuckDB connection with the tables, for `%sql` tools and for more than one query; close it when done.

    It has what was written until now; for newer records ask for a new one.
    """
    import duckdb

    opened = duckdb.connect(":memory:")
    try:
        _source(store).attach(opened, "store")
        opened.execute("create schema parts")
        opened.execute("create table parts.kinds (hash varchar, node varchar, kind varchar)")
        for view in VIEWS:
            opened.execute(view)
        _fill_kinds(opened)
        opened.execute("set enable_external_access = false")
        opened.execute("set lock_configuration = true")
    except BaseException:
        opened.close()
        raise
    return opened


def _frame(table: str, store: Store) -> pd.DataFrame:
    """A table whose JSON columns are values, read beside the frame: it would make texts of its own of them."""
    values: dict[str, list[Any]] = {}
    with connection(store) as opened:
        opened.execute(f"create temp table answer as select * from {table}")  # noqa: S608 - one of ours
        columns = [name for name, *_ in opened.execute("select * from answer limit 0").description]
        for column in JSON_COLUMNS[table]:
            texts: Any = opened.execute(f"select {column} from answer").fetchnumpy()[column]  # noqa: S608 - ours
            values[column] = tags.outlines(texts.tolist())
        names = ", ".join(name for name in columns if name not in values)
        frame = opened.execute(f"select {names} from answer").df()  # noqa: S608 - ours
    for place, column in enumerate(columns):
        if column in values:
            frame.insert(place, column, values[column])
    return frame


def _source(store: Store) -> Attached:
    from nbflow.storage.duckdb.store import DuckDBStore
    from nbflow.storage.memory.journal import MemoryJournal

    found = find(store) if store is None or isinstance(store, str) else store
    if not isinstance(found, str | Path):
        return found
    place = read_address(found)
    if place.path is not None:
        return DuckDBStore(place.path)
    if place.scheme == "memory":
        return MemoryJournal()
    raise StorageError("store.url", f"no tables are known for {place.scheme}:", "use duckdb:///path")


def _fill_kinds(opened: DuckDBPyConnection) -> None:
    """What each node of each version is, read from the pinned texts."""
    sources = opened.execute(
        "select fields->>'$.hash' as hash, any_value(fields->'$.source') from store.records"
        " where event = 'ExecutionStarted' group by hash"
    ).fetchall()
    rows: Iterable[tuple[str, str, str]] = (
        (hash, node, kind) for hash, source in sources for node, kind in kinds_of(tags.outline(source)).items()
    )
    found = list(rows)
    if found:
        columns = [list(column) for column in zip(*found, strict=True)]
        opened.execute("insert into parts.kinds select unnest(?), unnest(?), unnest(?)", columns)
