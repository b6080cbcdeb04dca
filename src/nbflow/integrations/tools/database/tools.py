"""``database.query`` and ``database.execute`` on databases that an operator has named.

A query cannot change anything, which the database itself sees to; so its effects are `none`. What a statement
is about goes in `params`, never in its text.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote

from nbflow.errors import NodeError
from nbflow.integrations.tools.database.asking import Ask, Database, Rows, mappings
from nbflow.integrations.tools.database.files import duckdb_database, sqlite_database
from nbflow.integrations.tools.database.once import key_of, same_database
from nbflow.integrations.tools.database.postgres import PostgresDatabase
from nbflow.integrations.tools.database.statements import checked_values, single
from nbflow.integrations.tools.threads import Threads
from nbflow.plan.plan import AgentCall, Effects
from nbflow.ports.arguments import check_arguments
from nbflow.ports.executors import Call
from nbflow.spec.names import did_you_mean, listed

DEFAULT = "default"
_PROPERTIES: dict[str, Any] = {
    "query": {"type": "string", "description": "One statement; ? or $name stand for values."},
    "params": {"description": "The values: a list for ?, a mapping for $name."},
    "connection": {"type": "string", "description": "The database's name, as set; without it `default`, or memory."},
    "max_rows": {"type": "integer", "minimum": 1, "description": "The most rows; default 10,000."},
}
_READING: dict[str, Any] = {
    "tables": {"type": "object", "description": "Rows or DataFrames to query by name, by DuckDB in memory."},
    "rows": {"enum": ["list", "frame"], "description": "What comes back: a list of mappings, or a DataFrame."},
}


class Databases:
    """Databases by name. An address is ``duckdb:///path``, ``sqlite:///path`` or ``postgresql://…``.

    In an address ``{NAME}`` stands for a secret. `refuse` says which files are none of a workflow's business.
    """

    def __init__(
        self, addresses: Mapping[str, str] | None = None, secrets: Mapping[str, str] | None = None,
        refuse: Callable[[Path], bool] = lambda path: False, store: str = "",
    ) -> None:  # fmt: skip
        """`store` is the address of the store of executions."""
        self.addresses, self._store = dict(addresses or {}), store
        self._secrets, self._refuse = secrets if secrets is not None else {}, refuse
        self._threads = Threads(8)
        self._open: dict[str, Database] = {}

    def exact(self, name: str | None) -> bool:
        """Whether a database is that of the store, which sees to it that a statement happens once."""
        address = self.addresses.get(name or DEFAULT)
        return address is not None and same_database(address, self._store)

    def find(self, name: str | None) -> Database:
        """The database of a name. Raises `NodeError` (``sql.connection``) for one that is not there."""
        key = name or (DEFAULT if DEFAULT in self.addresses else "")
        if key not in self._open:
            self._open[key] = self._make(key) if key else duckdb_database(None, self._threads)
        return self._open[key]

    def _make(self, name: str) -> Database:
        address = self.addresses.get(name)
        if address is None:
            hint = (
                did_you_mean(name, self.addresses)
                or f"databases: {listed(self.addresses) or 'none; set NBFLOW_DATABASES'}"
            )
            raise _wrong("sql.connection", f"there is no database '{name}'", hint)
        scheme, _, rest = address.partition(":")
        if scheme in ("postgresql", "postgres"):
            return PostgresDatabase(name, self._filled(address))
        path = Path(rest.removeprefix("///")) if rest.removeprefix("///") else None
        if path is not None and self._refuse(path):
            raise _wrong(
                "sql.connection", f"database '{name}' is a file of nbflow itself", "use nbflow.sql(…) to look into it"
            )
        if scheme == "duckdb":
            return duckdb_database(path, self._threads)
        if scheme == "sqlite":
            return sqlite_database(path, self._threads)
        raise _wrong("sql.connection", f"database '{name}': no database is known for {scheme}:")

    def _filled(self, address: str) -> str:
        """The address with the secrets it names."""
        for name in {part.partition("}")[0] for part in address.split("{")[1:]}:
            address = address.replace(f"{{{name}}}", quote(self._secrets[name], safe=""))
        return address

    async def close(self) -> None:
        """Close what is open in the running loop."""
        for database in self._open.values():
            await database.close()


class DatabaseTool:
    """``database.query``, or with `write` ``database.execute``."""

    authors_only = ("connection", "tables", "max_rows", "rows")

    def __init__(self, databases: Databases, *, write: bool) -> None:
        self._databases, self._write = databases, write
        self.name = "database.execute" if write else "database.query"
        self.description = (
            "Change data of a database. Gives {changed, rows}."
            if write
            else "Rows of a database, as a list of mappings."
        )
        self.parameters: dict[str, Any] = {
            "type": "object",
            "properties": _PROPERTIES if write else {**_PROPERTIES, **_READING},
            "required": ["query"],
            "additionalProperties": False,
        }

    def effects(self, arguments: Mapping[str, Any] | None = None) -> Effects:
        if not self._write:
            return "none"
        return "idempotent" if self.exact(arguments) else "once"

    def exact(self, arguments: Mapping[str, Any] | None = None) -> bool:
        """Whether a call of a node happens once though it is made again, by its key."""
        return self._write and arguments is not None and self._databases.exact(arguments.get("connection"))

    async def prepare(self) -> None: ...

    async def call(self, arguments: Mapping[str, Any], call: Call) -> Any:
        check_arguments(arguments, self.parameters, self.name)
        query = single(arguments["query"])
        values = checked_values(query, arguments.get("params"))
        key = key_of(call.key, query, values) if self._is_once(arguments, call) else None
        most, tables = arguments.get("max_rows", 10_000), arguments.get("tables") or {}
        ask = Ask(query, values, self._write, most, tables, key)
        work = call.node.work
        named = work.options.get("connection") if isinstance(work, AgentCall) else arguments.get("connection")
        found = await self._databases.find(named).run(ask)
        if self._write:
            return {"changed": found.changed, "rows": mappings(found)}
        return _as_frame(found) if arguments.get("rows") == "frame" else mappings(found)

    def _is_once(self, arguments: Mapping[str, Any], call: Call) -> bool:
        """A model's calls have no key of their own."""
        return not isinstance(call.node.work, AgentCall) and self.exact(arguments)

    async def close(self) -> None:
        await self._databases.close()


def _as_frame(found: Rows) -> Any:
    import pandas as pd

    return pd.DataFrame([tuple(row) for row in found.rows], columns=list(found.columns))


def database_tools(databases: Databases) -> tuple[DatabaseTool, ...]:
    return DatabaseTool(databases, write=False), DatabaseTool(databases, write=True)


def _wrong(code: str, message: str, hint: str | None = None) -> NodeError:
    return NodeError("InvalidInput", message, code=code, hint=hint)
