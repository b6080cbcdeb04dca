"""What is asked of a database, and what comes back: the same for all of them."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Protocol
from uuid import UUID

from nbflow.errors import NodeError

LARGEST = 2**63 - 1


@dataclass(frozen=True, slots=True)
class Ask:
    """One statement. `write` lets it change data; `most` is the number of rows; `tables` are rows to query, by name."""

    query: str
    values: list[Any] | dict[str, Any]
    write: bool = False
    most: int = 10_000
    tables: Mapping[str, Any] = field(default_factory=dict)
    once: str | None = None  # a key: what was done under it is not done again, and its answer is given once more


@dataclass(frozen=True, slots=True)
class Rows:
    """What came back. `changed` counts the rows that a statement changed, where the database says so."""

    columns: Sequence[str]
    rows: Sequence[Sequence[Any]]
    changed: int | None = None


class Database(Protocol):
    """A database by its name."""

    async def run(self, ask: Ask) -> Rows:
        """Run a statement in a transaction of its own. Raises `NodeError`; when cancelled the statement is stopped."""
        ...

    async def close(self) -> None:
        """Close what is open in the running loop."""
        ...


def within(rows: Sequence[Any], most: int) -> Sequence[Any]:
    """The rows, when there are no more than `most`."""
    if len(rows) > most:
        message, hint = f"stopped at {most:,} rows", "limit the query, or raise max_rows"
        raise NodeError("InvalidOutput", message, code="limit.rows", hint=hint)
    return rows


def mappings(found: Rows) -> list[dict[str, Any]]:
    """Rows as mappings by column. Two columns of one name are refused."""
    columns = list(found.columns)
    twice = next((name for name in columns if columns.count(name) > 1), None)
    if twice is not None:
        message = f"two columns are named {twice!r}"
        raise NodeError("InvalidOutput", message, code="sql.columns", hint="give one another name with `as`")
    return [{name: plain_value(value) for name, value in zip(columns, row, strict=True)} for row in found.rows]


def plain_value(value: Any) -> Any:
    """A database's value as JSON data: times as ISO 8601, decimals as numbers where a number holds them."""
    if value is None or isinstance(value, str | bool | bytes):
        return value
    if isinstance(value, int):
        return value if -LARGEST - 1 <= value <= LARGEST else str(value)
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Decimal):
        return _decimal(value)
    if isinstance(value, dt.datetime | dt.date | dt.time):
        return value.isoformat()
    return _compound(value)


def _compound(value: Any) -> Any:
    if isinstance(value, dt.timedelta):
        return value.total_seconds()
    if isinstance(value, bytearray | memoryview):
        return bytes(value)
    if isinstance(value, dict):
        return {str(name): plain_value(inner) for name, inner in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [plain_value(inner) for inner in value]
    return str(value) if isinstance(value, UUID) or not hasattr(value, "__dict__") else repr(value)


def _decimal(value: Decimal) -> Any:
    if not value.is_finite():
        return None
    if value == value.to_integral_value() and value.as_tuple().exponent == 0:
        return plain_value(int(value))
    number = float(value)
    return number if Decimal(repr(number)) == value else str(value)
