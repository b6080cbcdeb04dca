"""What records change in the one line that a store keeps about their execution."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from pydantic_core import from_json, to_json

from nbflow.execution import events as e
from nbflow.execution.events import Record
from nbflow.ports.executions import CALLS
from nbflow.storage.summary import ENDS, PHASES

_RELEASES = (*ENDS, "ExecutionSuspended")


@dataclass(slots=True)
class Change:
    """What records set in the line of their execution and what they add; `releases` when their writer is done with it.

    `error`, `labels` and `inputs` are the codec's JSON, as text.
    """

    sets: dict[str, Any] = field(default_factory=dict)
    adds: dict[str, float] = field(default_factory=dict)
    releases: bool = False


def change_of(records: Sequence[Record], lines: bytes) -> Change:
    """The change that some records make; `lines` are the codec's lines of them."""
    change = Change()
    for record, line in zip(records, lines.splitlines(), strict=True):
        _add(change, type(record.event).__name__, record, line)
    return change


def clean(text: Any) -> str | None:
    """A text for a column: not every store has NUL or lone surrogates; the record has the text as it is."""
    if not isinstance(text, str):
        return None
    return text.replace("\0", "\ufffd").encode("utf-8", "replace").decode()


def _add(change: Change, name: str, record: Record, line: bytes) -> None:
    event = record.event
    change.releases = name in _RELEASES
    if name in PHASES:
        ended = name in ENDS
        error = _part(line, "error") if ended else None
        change.sets.update(phase=PHASES[name], ended=record.at if ended else None, error=error)
    if isinstance(event, e.ExecutionStarted):
        change.sets.update(
            workflow=clean(event.workflow), version=clean(event.version), started=record.at,
            labels=_part(line, "labels"), inputs=_part(line, "inputs"),
        )  # fmt: skip
    elif isinstance(event, e.NodeStarted):
        change.adds["attempts"] = change.adds.get("attempts", 0) + 1
    elif isinstance(event, e.CallRecorded):
        usage = event.usage
        called = 1 if event.kind in CALLS else None
        said = (("calls", called), ("input_tokens", usage.get("input")), ("output_tokens", usage.get("output")))
        for column, amount in (*said, ("usd", usage.get("usd"))):
            if amount is not None:
                change.adds[column] = change.adds.get(column, 0) + amount


def _part(line: bytes, name: str) -> str | None:
    """One field of an event, as the JSON it was written in."""
    part = from_json(line)["fields"].get(name)
    return None if part is None else to_json(part).decode()
