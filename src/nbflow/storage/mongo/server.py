"""One MongoDB (or what speaks its protocol): its client, its collections, and what its errors mean.

Collections: `batches` (one document an append, never changed), `executions` (one line an execution), `kept` and
`pieces` (values by their hash), `catalog`. Only single documents are atomic, and nothing here needs more.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any
from urllib.parse import urlsplit

import pymongo
from pymongo.errors import AutoReconnect, ConnectionFailure, DuplicateKeyError, PyMongoError

from nbflow.errors import StorageError
from nbflow.storage.waiting import Broken

FORMAT = 1
DATABASE = "nbflow"  # when the address names none

Document = dict[str, Any]

_INDEXES = (
    ("batches", [("execution", 1), ("after", 1)], True),
    ("batches", [("keys", 1)], False),
    ("executions", [("started", -1)], False),
)


class Server:
    """Connections are made when they are first needed."""

    def __init__(self, url: str, *, wait: float = 10.0) -> None:
        """`wait` is how many seconds to look for a server."""
        self.url = url
        self._wait = int(wait * 1000)
        self._client: pymongo.AsyncMongoClient[Document] | None = None
        self._ready = False

    async def database(self) -> Any:
        """The database, with its indexes. Raises `Broken`, `StorageError`."""
        if self._client is None:
            self._client = pymongo.AsyncMongoClient(self.url, serverSelectionTimeoutMS=self._wait, w="majority")
        found = self._client.get_default_database(DATABASE)
        if not self._ready:
            with meaning(self.url):
                _check_format(self.url, await found.meta.find_one({"_id": "format"}))
                with suppress(DuplicateKeyError):
                    await found.meta.insert_one({"_id": "format", "format": FORMAT})
                for collection, keys, unique in _INDEXES:
                    await found[collection].create_index(keys, unique=unique)
            self._ready = True
        return found

    @contextmanager
    def at_once(self) -> Iterator[Any]:
        """The database without a loop, for one question."""
        client: pymongo.MongoClient[Document] = pymongo.MongoClient(self.url, serverSelectionTimeoutMS=self._wait)
        with meaning(self.url), client:
            found = client.get_default_database(DATABASE)
            _check_format(self.url, found.meta.find_one({"_id": "format"}))
            yield found

    async def close(self) -> None:
        if self._client is not None:
            await self._client.close()
            self._client, self._ready = None, False


@contextmanager
def meaning(url: str) -> Iterator[None]:
    """Turn pymongo's errors into ours; a password is never shown."""
    try:
        yield
    except (AutoReconnect, ConnectionFailure) as error:
        raise Broken(f"{shown(url)} cannot be reached: {str(error)[:160]}") from None
    except PyMongoError as error:
        raise StorageError("store.query", f"{shown(url)}: {str(error)[:300]}") from None


def shown(url: str) -> str:
    """An address without its password."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"


def _check_format(url: str, meta: Document | None) -> None:
    if meta is not None and meta["format"] > FORMAT:
        raise StorageError(
            "store.version",
            f"{shown(url)} was written by a newer nbflow (format {meta['format']})",
            "upgrade nbflow: pip install -U nbflow",
        )
