"""Appends as documents: the records as the codec's lines, and beside them what lists and searches need."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from hashlib import sha256
from typing import Any

from nbflow.execution import events as e
from nbflow.execution.events import Record
from nbflow.storage import codec
from nbflow.storage.columns import change_of, clean
from nbflow.storage.mongo.server import Document

Kept = tuple[str, str, bytes]  # hash, kind, content
Fetch = Callable[[str], tuple[bytes, str]]

LARGEST = 8 * 1024 * 1024  # bytes of lines in a document; a document may have 16 MB
_MARKS = {"NodeStarted": "running", "NodeCompleted": "settled", "NodeFailed": "settled", "NodeCancelled": "settled"}


async def batch(execution: str, records: Sequence[Record], after: int, writer: str) -> tuple[Document, list[Kept]]:
    """The document of an append, and the values it needs. Raises `StorageError` for what cannot be stored."""
    kept: list[Kept] = []

    def keep(content: bytes, kind: str) -> str:
        digest = sha256(content).hexdigest()
        kept.append((digest, kind, content))
        return digest

    lines = b"".join(await codec.encode_all(execution, records, keep))
    change = change_of(records, lines)
    document: Document = {
        "_id": f"{execution}:{after}", "execution": execution, "after": after, "last": after + len(records),
        "writer": writer, "stamp": records[-1].at, "sets": change.sets, "adds": change.adds,
        "keys": [event.key for event in _events(records) if isinstance(event, e.NodeCompleted) and event.key],
        "nodes": sorted({name for event in _events(records) if (name := clean(getattr(event, "node", None)))}),
        "marks": marks(records), "releases": change.releases,
    }  # fmt: skip
    if len(lines) > LARGEST:
        document["lines_in"] = keep(lines, "lines")
    else:
        document["lines"] = lines
    return document, kept


def marks(records: Iterable[Record]) -> list[dict[str, str]]:
    """Where the nodes of these records stand: running, waiting, retry or settled."""
    found: dict[str, str] = {}
    for record in records:
        event, name = record.event, type(record.event).__name__
        node = clean(getattr(event, "node", None))
        if node is None:
            continue
        if isinstance(event, e.NodeWaiting):
            found[node] = "retry" if event.reason == "retry" else "waiting"
        elif name in _MARKS:
            found[node] = _MARKS[name]
    return [{"node": node, "stands": mark} for node, mark in found.items()]


def records_of(document: Document, fetch: Fetch) -> list[Record]:
    """The records of a batch."""
    content = fetch(document["lines_in"])[0] if "lines_in" in document else bytes(document["lines"])
    return [codec.decode(line, fetch)[1] for line in content.splitlines()]


def standing(batches: Iterable[Document]) -> Document:
    """One line an execution from all its batches, in order: what `executions` should have."""
    line: Document = {"last": 0}
    for one in batches:
        line["last"] = one["last"]
        line.update(one["sets"])
        for name, amount in one["adds"].items():
            line[name] = line.get(name, 0) + amount
    return line


def waits(batches: Iterable[Document]) -> bool:
    """Whether a node waits for a person, event or time and none runs."""
    found: dict[str, str] = {}
    for one in batches:
        found.update({mark["node"]: mark["stands"] for mark in one["marks"]})
    return "waiting" in found.values() and "running" not in found.values()


def _events(records: Sequence[Record]) -> list[Any]:
    return [record.event for record in records]
