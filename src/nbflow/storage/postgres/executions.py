"""Finding executions in PostgreSQL."""

from __future__ import annotations

from typing import Any

from nbflow.ports.executions import Listed, Page, Query
from nbflow.storage.finding import cut
from nbflow.storage.postgres import queries, rows
from nbflow.storage.postgres.journal import fetch_all
from nbflow.storage.postgres.server import Server


class PostgresExecutions:
    """All executions of the database at `url`."""

    def __init__(self, url: str) -> None:
        self.server = Server(url, size=2)

    async def find(self, query: Query) -> Page:
        text, parameters = queries.found(query)
        async with self.server.connection() as connection:
            found: list[Any] = await (await connection.execute(text, parameters)).fetchall()
            fetch = await fetch_all(connection, [str(row[6]) for row in found] + [str(row[-1]) for row in found])
        return cut([_listed(row, fetch) for row in found], query.limit)

    async def close(self) -> None:
        await self.server.close()


def _listed(row: tuple[Any, ...], fetch: Any) -> Listed:
    facts = list(row)
    facts[6], facts[-1] = rows.read_json(facts[6], fetch), rows.read_json(facts[-1], fetch) or {}
    return Listed(*facts)
