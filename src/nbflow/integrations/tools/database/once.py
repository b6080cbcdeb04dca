"""A statement that happens once, though its process may be killed at any moment: on the database of a store alone.

The statement, its key and its answer are one transaction, in the table `performed` of the store. Whoever performs the
attempt again finds the key, and with it the answer; where the transaction did not come to its end, neither is there.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from hashlib import sha256
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from nbflow.errors import NodeError
from nbflow.integrations.tools.database.asking import Rows, mappings

_TAKE = "insert into performed (key) values ($1) on conflict do nothing returning key"
_ANSWER = "select answer from performed where key = $1"
_KEEP = "update performed set answer = $2 where key = $1"


def same_database(one: str, other: str) -> bool:
    """Whether two addresses of PostgreSQL are of the same database and schema, whoever connects."""
    return _place(one) is not None and _place(one) == _place(other)


def key_of(key: str, statement: str, values: Any) -> str:
    """The key of a node's statement: when a person changes it and tries again, that is another one."""
    return f"{key}#{sha256(repr((statement, values)).encode()).hexdigest()[:16]}"


async def once(cursor: Any, key: str, perform: Callable[[], Awaitable[Rows]]) -> Rows:
    """The answer to what was performed under a key; in the open transaction, waiting for who performs it now."""
    try:
        await cursor.execute(_TAKE, [key])
    except Exception as error:
        if getattr(error, "sqlstate", None) != "42P01":
            raise
        hint = "run once with it as the store, such as `nbflow executions list`"
        message = "the database is set as the store, but no store has begun in it"
        raise NodeError("InvalidInput", message, code="sql.once", hint=hint) from None
    if await cursor.fetchone() is None:
        await cursor.execute(_ANSWER, [key])
        (answer,) = await cursor.fetchone()
        said = json.loads(answer)
        return Rows(said["columns"], said["rows"], said["changed"])
    found = await perform()
    try:
        rows = [list(row.values()) for row in mappings(found)]
        answer = json.dumps({"columns": list(found.columns), "rows": rows, "changed": found.changed})
    except (TypeError, ValueError) as problem:
        hint = "cast what `returning` gives to text or numbers"
        raise NodeError("InvalidOutput", f"the answer cannot be kept: {problem}", code="sql.once", hint=hint) from None
    await cursor.execute(_KEEP, [key, answer])
    return found


def _place(address: str) -> tuple[Any, ...] | None:
    parts = urlsplit(address)
    if parts.scheme not in ("postgresql", "postgres"):
        return None
    hosts = tuple(sorted(host.partition(":")[::2] for host in parts.netloc.rpartition("@")[2].lower().split(",")))
    options = parse_qs(parts.query).get("options", [])
    return tuple((host or "localhost", port or "5432") for host, port in hosts), unquote(parts.path), tuple(options)
