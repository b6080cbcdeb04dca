"""Values by their hash. A large one is in pieces, for a document may have 16 MB; its own document comes last.

`put` is when a value was last wanted. Who takes out values that nothing names deletes them only as they were when it
looked, and pieces have a mark of who wrote them: a value that is wanted again meanwhile is whole.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from hashlib import sha256
from typing import Any

from pymongo.errors import DuplicateKeyError

from nbflow.errors import StorageError
from nbflow.ports.clock import SystemClock
from nbflow.storage.mongo.documents import Fetch, Kept
from nbflow.storage.mongo.server import Document, Server

PIECE = 8 * 1024 * 1024  # bytes
_CLOCK = SystemClock()

_DIGEST = re.compile(rb'"sha256":\s?"([0-9a-f]{64})"')


class MongoValues:
    """One question a call, at once; for values apart from records."""

    def __init__(self, url: str) -> None:
        self._server = Server(url)

    def put(self, content: bytes, kind: str) -> str:
        digest = sha256(content).hexdigest()
        with self._server.at_once() as database:
            while database.kept.update_one({"_id": digest}, _wanted()).matched_count == 0:
                for collection, document in writes((digest, kind, content)):
                    with suppress(DuplicateKeyError):
                        database[collection].insert_one(document)
        return digest

    def get(self, digest: str) -> tuple[bytes, str]:
        with self._server.at_once() as database:
            found = database.kept.find_one({"_id": digest})
            if found is None:
                raise StorageError("store.missing_value", f"the value {digest} is not there")
            names = pieces_of(found)
            pieces = {each["_id"]: each["content"] for each in database.pieces.find({"_id": {"$in": names}})}
        return _joined(found, pieces)


def writes(value: Kept) -> Iterator[tuple[str, Document]]:
    """The documents of a value by collection, its pieces first: it appears when all of it is there."""
    digest, kind, content = value
    parts = range(0, len(content), PIECE) if len(content) > PIECE else ()
    document = {
        "_id": digest, "kind": kind, "pieces": len(parts), "content": b"" if parts else content, **_wanted()["$set"],
        **({"mark": _CLOCK.new_id()} if parts else {}),
    }  # fmt: skip
    for name, start in zip(pieces_of(document), parts, strict=True):
        yield "pieces", {"_id": name, "content": content[start : start + PIECE]}
    yield "kept", document


def pieces_of(document: Document) -> list[str]:
    """The names of a value's pieces."""
    mark = f":{document['mark']}" if "mark" in document else ""
    return [f"{document['_id']}:{number}{mark}" for number in range(document["pieces"])]


def _wanted() -> Document:
    return {"$set": {"put": _CLOCK.now()}}


async def put_all(database: Any, kept: Sequence[Kept]) -> None:
    """Write values; those that are there already stay."""
    for value in kept:
        while (await database.kept.update_one({"_id": value[0]}, _wanted())).matched_count == 0:
            for collection, document in writes(value):
                with suppress(DuplicateKeyError):
                    await database[collection].insert_one(document)


async def fetch_all(database: Any, contents: Iterable[bytes], digests: Iterable[str] = ()) -> Fetch:
    """All values that some JSON names, and that these name; a function that gives them by hash."""
    known: dict[str, tuple[bytes, str]] = {}
    wanted = {*digests, *named_in(contents)}
    while wanted:
        found = await database.kept.find({"_id": {"$in": sorted(wanted)}}).to_list()
        names = [name for each in found for name in pieces_of(each)]
        asked = await database.pieces.find({"_id": {"$in": names}}).to_list() if names else []
        pieces = {each["_id"]: each["content"] for each in asked}
        known.update({each["_id"]: _joined(each, pieces) for each in found})
        inner = named_in(known[each["_id"]][0] for each in found if each["kind"] in ("json", "lines"))
        wanted = inner - known.keys()

    def fetch(digest: str) -> tuple[bytes, str]:
        if digest not in known:
            raise StorageError("store.missing_value", f"the value {digest} is not there")
        return known[digest]

    return fetch


def named_in(contents: Iterable[bytes]) -> set[str]:
    return {match[1].decode() for content in contents for match in _DIGEST.finditer(content)}


def _joined(value: dict[str, Any], pieces: dict[str, bytes]) -> tuple[bytes, str]:
    parts = [bytes(pieces[name]) for name in pieces_of(value)]
    return b"".join(parts) if parts else bytes(value["content"]), value["kind"]
