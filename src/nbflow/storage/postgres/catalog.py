"""The catalog in PostgreSQL: facts in a table, numbered; a number is given once."""

from __future__ import annotations

import psycopg

from nbflow.storage.catalog import LogCatalog
from nbflow.storage.postgres.server import Server
from nbflow.storage.postgres.values import PostgresValues


class PostgresFacts:
    """Rows of the table `catalog`."""

    def __init__(self, url: str) -> None:
        self.server = Server(url, size=2)

    async def read(self, after: int) -> list[bytes]:
        async with self.server.connection() as connection:
            cursor = await connection.execute("select fact from catalog where number > %s order by number", [after])
            return [str(fact).encode() for (fact,) in await cursor.fetchall()]

    async def append(self, number: int, fact: bytes) -> bool:
        async with self.server.connection() as connection:
            try:
                async with connection.transaction():
                    cursor = await connection.execute("select coalesce(max(number), 0) from catalog")
                    row = await cursor.fetchone()
                    if row is None or row[0] != number - 1:
                        return False
                    await connection.execute("insert into catalog values (%s, %s)", [number, fact.decode()])
            except psycopg.errors.UniqueViolation:
                return False
        return True

    async def close(self) -> None:
        await self.server.close()


class PostgresCatalog(LogCatalog):
    """The catalog of the database at `url`."""

    def __init__(self, url: str) -> None:
        values = PostgresValues(url)
        super().__init__(PostgresFacts(url), values.put, values.get)
