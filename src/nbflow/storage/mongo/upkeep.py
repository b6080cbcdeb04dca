"""Keeping MongoDB small, by steps on single documents.

An execution that has ended and that nobody owns is owned by who takes it out, so that no writer goes on with it
meanwhile; what was cut short goes on the next time. Values go when nothing has named or wanted them for an hour.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from nbflow.ports.clock import Clock, SystemClock
from nbflow.storage.mongo import documents
from nbflow.storage.mongo.owning import GOING
from nbflow.storage.mongo.server import Document, Server
from nbflow.storage.mongo.values import MongoValues, named_in, pieces_of
from nbflow.storage.retention import Ended, Vacuumed, doomed

YOUNG = 3600.0  # seconds in which a value that nothing names may belong to what is being written
_COLLECTIONS = ("batches", "executions", "kept", "pieces", "catalog")


class Upkeep:
    """Of the database at `url`. Checking, exporting and importing are for the server's own tools."""

    def __init__(self, url: str, clock: Clock | None = None) -> None:
        self._server, self._clock, self._values = Server(url), clock or SystemClock(), MongoValues(url)

    def due(self, every: float) -> bool:
        """Always: it costs few questions."""
        return True

    def vacuum(self, *, keep: float | None = None, size: int | None = None) -> Vacuumed:
        now = self._clock.now()
        with self._server.at_once() as database:
            before = _size(database)
            lines = list(database.executions.find({}, {"ended": 1, "owner": 1}))
            bytes = _bytes(database) if size is not None else {}
            ended = [
                Ended(
                    line["_id"],
                    None if line.get("owner") else line.get("ended"),
                    bytes.get(line["_id"], 0),
                    self._source(database, line),
                )
                for line in lines
            ]
            going = [line["_id"] for line in lines if line.get("owner") == GOING]
            chosen = dict.fromkeys([*going, *doomed(ended, now, keep, size, before)])
            taken = [count for name in chosen if (count := _take_out(database, name)) is not None]
            values = self._drop_values(database, now - YOUNG) if taken else 0
            return Vacuumed(len(taken), sum(taken), values, before, _size(database))

    def _source(self, database: Any, line: Document) -> str:
        """The workflow's text of an ended execution, where it may say how long it stays."""
        if line.get("ended") is None:
            return ""
        first = database.batches.find_one({"_id": f"{line['_id']}:0"}, {"lines": 1, "lines_in": 1})
        if first is None or ("lines" in first and b"keep" not in first["lines"]):
            return ""
        records = documents.records_of(first, self._values.get)
        return str(getattr(records[0].event, "source", ""))

    def _drop_values(self, database: Any, before: float) -> int:
        old = {"$or": [{"put": {"$lt": before}}, {"put": {"$exists": False}}]}
        unnamed = {one["_id"]: one for one in database.kept.find(old, {"content": 0})}
        named = named_in(
            bytes(one["lines"]) for one in database.batches.find({"lines": {"$exists": True}}, {"lines": 1})
        )
        named |= {one["lines_in"] for one in database.batches.find({"lines_in": {"$exists": True}}, {"lines_in": 1})}
        named |= named_in(_texts(database.catalog.find({})))
        open = set(named)
        while open:
            kinds = {"_id": {"$in": sorted(open)}, "kind": {"$in": ["json", "lines"]}}
            inner = [one["_id"] for one in database.kept.find(kinds, {"_id": 1})]
            open = named_in(self._values.get(digest)[0] for digest in inner) - named
            named |= open
        dropped = 0
        for digest, value in unnamed.items():
            wanted = {"_id": digest, "put": value.get("put")}
            if digest not in named and database.kept.delete_one(wanted).deleted_count:  # else it is wanted again
                dropped += 1
                database.pieces.delete_many({"_id": {"$in": pieces_of(value)}})
        return dropped


def _take_out(database: Any, execution: str) -> int | None:
    """The number of its records; None when somebody has gone on with it."""
    free = {"_id": execution, "ended": {"$ne": None}, "owner": {"$in": [None, "", GOING]}}
    marked = database.executions.find_one_and_update(free, {"$set": {"owner": GOING}})
    if marked is None:
        return None
    database.batches.delete_many({"execution": execution})
    database.executions.delete_one({"_id": execution, "owner": GOING})
    return int(marked["last"])


def _bytes(database: Any) -> dict[str, int]:
    found: dict[str, int] = {}
    for one in database.batches.find({}, {"execution": 1, "lines": 1}):
        found[one["execution"]] = found.get(one["execution"], 0) + len(one.get("lines", b""))
    return found


def _size(database: Any) -> int:
    return sum(int(database.command("collStats", name).get("size", 0)) for name in _COLLECTIONS)


def _texts(facts: Iterable[Document]) -> Iterable[bytes]:
    return (str(fact.get("fact", "")).encode() for fact in facts)
