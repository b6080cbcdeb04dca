"""Records as rows of PostgreSQL, and what a batch of them changes in the row of its execution."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from nbflow.execution.events import Record
from nbflow.storage import codec, tags
from nbflow.storage.columns import Change, change_of, clean

Kept = tuple[str, str, bytes]  # hash, kind, content

_DIGEST = re.compile(r'"sha256":\s?"([0-9a-f]{64})"')


@dataclass(slots=True)
class Rows:
    """Encoded records: the columns of their rows, the values they need, and the change of their execution."""

    columns: list[tuple[str, int, float, str, str | None, int, str]]
    kept: list[Kept]
    change: Change


async def encode(execution: str, records: Sequence[Record]) -> Rows:
    """Raises `StorageError` for what cannot be stored."""
    kept: list[Kept] = []

    def keep(content: bytes, kind: str) -> str:
        digest = sha256(content).hexdigest()
        kept.append((digest, kind, content))
        return digest

    columns, lines = [], await codec.encode_all(execution, records, keep)
    for record, line in zip(records, lines, strict=True):
        node = clean(getattr(record.event, "node", None))
        fields = line[line.index(b'"fields":') + 9 : -codec.TAIL].decode()
        name = type(record.event).__name__
        columns.append((execution, record.sequence, record.at, name, node, codec.FORMAT, fields))
    return Rows(columns, kept, change_of(records, b"".join(lines)))


def digests(texts: Sequence[str]) -> set[str]:
    """The hashes that some JSON names."""
    return {match[1] for text in texts for match in _DIGEST.finditer(text)}


def decode(rows: Sequence[tuple[Any, ...]], fetch: Callable[[str], tuple[bytes, str]]) -> list[Record]:
    """Rows (sequence, stamp, event, format, fields as text) as records."""
    return [
        Record(sequence, stamp, codec.decode_event(version, event, fields, fetch))
        for sequence, stamp, event, version, fields in rows
    ]


def read_json(text: str | None, fetch: Callable[[str], tuple[bytes, str]]) -> Any:
    return None if text is None else tags.read(text, fetch)
