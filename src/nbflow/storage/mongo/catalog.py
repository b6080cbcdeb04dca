"""The catalog in MongoDB: facts by their number; a number is given once."""

from __future__ import annotations

from pymongo.errors import DuplicateKeyError

from nbflow.storage.catalog import LogCatalog
from nbflow.storage.mongo.server import Server, meaning
from nbflow.storage.mongo.values import MongoValues


class MongoFacts:
    """Documents of the collection `catalog`."""

    def __init__(self, url: str) -> None:
        self.server = Server(url)

    async def read(self, after: int) -> list[bytes]:
        database = await self.server.database()
        with meaning(self.server.url):
            found = await database.catalog.find({"_id": {"$gt": after}}).sort("_id", 1).to_list()
        return [bytes(each["fact"]) for each in found]

    async def append(self, number: int, fact: bytes) -> bool:
        database = await self.server.database()
        with meaning(self.server.url):
            if number > 1 and await database.catalog.find_one({"_id": number - 1}) is None:
                return False
            try:
                await database.catalog.insert_one({"_id": number, "fact": fact})
            except DuplicateKeyError:
                return False
        return True

    async def close(self) -> None:
        await self.server.close()


class MongoCatalog(LogCatalog):
    """The catalog of the database at `url`."""

    def __init__(self, url: str) -> None:
        values = MongoValues(url)
        super().__init__(MongoFacts(url), values.put, values.get)
