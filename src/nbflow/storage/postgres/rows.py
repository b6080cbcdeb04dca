"""Records as rows of PostgreSQL, and what a batch of them changes in the row of its execution."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

from nbflow.execution import events as e
from nbflow.execution.events import Record
from nbflow.storage import codec, tags
from nbflow.storage.summary import ENDS, PHASES

Kept = tuple[str, str, bytes]  # hash, kind, content

_DIGEST = re.compile(r'"sha256":\s?"([0-9a-f]{64})"')
_RELEASES = (*ENDS, "ExecutionSuspended")


@dataclass(slots=True)
class Change:
    """What records do to the row of their execution: what they set, and what they add."""

    sets: dict[str, Any] = field(default_factory=dict)
    adds: dict[str, float] = field(default_factory=dict)
    releases: bool = False


@dataclass(slots=True)
class Rows:
    """Encoded records: the columns of their rows, the values they need, and the change of their execution."""

    columns: list[tuple[str, int, float, str, str | None, int, str]]
    kept: list[Kept]
    change: Change


def encode(execution: str, records: Sequence[Record]) -> Rows:
    """Raises `StorageError` for what cannot be stored."""
    kept: list[Kept] = []

    def keep(content: bytes, kind: str) -> str:
        digest = sha256(content).hexdigest()
        kept.append((digest, kind, content))
        return digest

    codec.check_id(execution)
    columns = []
    change = Change()
    for record in records:
        name, fields = codec.encode_event(record.event, keep)
        node = getattr(record.event, "node", None)
        text = fields.decode()
        columns.append((execution, record.sequence, record.at, name, clean(node), codec.FORMAT, text))
        _add(change, name, record, text)
    return Rows(columns, kept, change)


def _add(change: Change, name: str, record: Record, fields: str) -> None:
    event = record.event
    change.releases = name in _RELEASES
    if name in PHASES:
        ended = name in ENDS
        change.sets["phase"] = PHASES[name]
        change.sets["ended"] = record.at if ended else None
        change.sets["error"] = _part(fields, "error") if ended else None
    if isinstance(event, e.ExecutionStarted):
        change.sets.update(
            workflow=clean(event.workflow), version=clean(event.version), started=record.at,
            labels=_part(fields, "labels"), inputs=_part(fields, "inputs"),
        )  # fmt: skip
    elif isinstance(event, e.NodeStarted):
        change.adds["attempts"] = change.adds.get("attempts", 0) + 1
    elif isinstance(event, e.CallRecorded):
        said = {
            "calls": 1,
            "input_tokens": event.usage.get("input"),
            "output_tokens": event.usage.get("output"),
            "usd": event.usage.get("usd"),
        }
        for column, amount in said.items():
            if amount is not None:
                change.adds[column] = change.adds.get(column, 0) + amount


def _part(fields: str, name: str) -> str | None:
    """One field of an event, as the JSON it was written in."""
    part = json.loads(fields).get(name)
    return None if part is None else json.dumps(part, ensure_ascii=False, separators=(",", ":"))


def clean(text: str | None) -> str | None:
    """A text for a column: PostgreSQL has neither NUL nor lone surrogates; `fields` has the text as it is."""
    if not isinstance(text, str):
        return None
    return text.replace("\0", "\ufffd").encode("utf-8", "replace").decode()


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
