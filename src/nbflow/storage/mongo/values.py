"""Values by their hash. A large one is in pieces, for a document may have 16 MB; its own document comes last."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from hashlib import sha256
from typing import Any

from pymongo.errors import DuplicateKeyError

from nbflow.errors import StorageError
from nbflow.storage.mongo.documents import Fetch, Kept
from nbflow.storage.mongo.server import Document, Server

PIECE = 8 * 1024 * 1024  # bytes

_DIGEST = re.compile(rb'"sha256":\s?"([0-9a-f]{64})"')


class MongoValues:
    """One question a call, at once; for values apart from records."""

    def __init__(self, url: str) -> None:
        self._server = Server(url)

    def put(self, content: bytes, kind: str) -> str:
        digest = sha256(content).hexdigest()
        with self._server.at_once() as database:
            for collection, document in writes([(digest, kind, content)]):
                with suppress(DuplicateKeyError):
                    database[collection].insert_one(document)
        return digest

    def get(self, digest: str) -> tuple[bytes, str]:
        with self._server.at_once() as database:
            found = database.kept.find_one({"_id": digest})
            if found is None:
                raise StorageError("store.missing_value", f"the value {digest} is not there")
            names = [f"{digest}:{number}" for number in range(found["pieces"])]
            pieces = {each["_id"]: each["content"] for each in database.pieces.find({"_id": {"$in": names}})}
        return _joined(found, pieces)


def writes(kept: Sequence[Kept]) -> Iterator[tuple[str, Document]]:
    """The documents of some values by collection, the pieces of each before it: it appears when all of it is there."""
    for digest, kind, content in kept:
        parts = range(0, len(content), PIECE) if len(content) > PIECE else ()
        for number, start in enumerate(parts):
            yield "pieces", {"_id": f"{digest}:{number}", "content": content[start : start + PIECE]}
        yield "kept", {"_id": digest, "kind": kind, "pieces": len(parts), "content": b"" if parts else content}


async def put_all(database: Any, kept: Sequence[Kept]) -> None:
    """Write values; those that are there already stay."""
    for collection, document in writes(kept):
        with suppress(DuplicateKeyError):
            await database[collection].insert_one(document)


async def fetch_all(database: Any, contents: Iterable[bytes], digests: Iterable[str] = ()) -> Fetch:
    """All values that some JSON names, and that these name; a function that gives them by hash."""
    known: dict[str, tuple[bytes, str]] = {}
    wanted = {*digests, *_named(contents)}
    while wanted:
        found = await database.kept.find({"_id": {"$in": sorted(wanted)}}).to_list()
        names = [f"{each['_id']}:{number}" for each in found for number in range(each["pieces"])]
        asked = await database.pieces.find({"_id": {"$in": names}}).to_list() if names else []
        pieces = {each["_id"]: each["content"] for each in asked}
        known.update({each["_id"]: _joined(each, pieces) for each in found})
        inner = _named(known[each["_id"]][0] for each in found if each["kind"] in ("json", "lines"))
        wanted = inner - known.keys()

    def fetch(digest: str) -> tuple[bytes, str]:
        if digest not in known:
            raise StorageError("store.missing_value", f"the value {digest} is not there")
        return known[digest]

    return fetch


def _named(contents: Iterable[bytes]) -> set[str]:
    return {match[1].decode() for content in contents for match in _DIGEST.finditer(content)}


def _joined(value: dict[str, Any], pieces: dict[str, bytes]) -> tuple[bytes, str]:
    parts = [bytes(pieces[f"{value['_id']}:{number}"]) for number in range(value["pieces"])]
    return b"".join(parts) if parts else bytes(value["content"]), value["kind"]
