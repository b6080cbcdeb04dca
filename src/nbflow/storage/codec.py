"""A record as one line of JSON, and back. The only place that knows old forms: journals outlive releases.

A line is ``{"v", "execution", "sequence", "at", "event", "fields", "crc"}`` and ends with a newline. `v` is the
format of the event, `fields` has the fields that differ from their default, `crc` is the CRC-32 in hex of
all bytes before ``,"crc"``. Fields that this version does not know are left out; a newer format is refused.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Sequence
from dataclasses import Field, fields
from functools import lru_cache
from typing import Any, get_args, get_type_hints
from zlib import crc32

from pydantic_core import PydanticSerializationError, from_json, to_json

from nbflow.errors import StorageError
from nbflow.execution.events import Event, Record
from nbflow.storage import tags
from nbflow.storage.tags import Fetch, Keep

FORMAT = 1
PIECE = 100  # records that are encoded before the loop gets its turn

Upcaster = Callable[[str, dict[str, Any]], tuple[str, dict[str, Any]]]

UPCASTERS: dict[int, Upcaster] = {}
"""From a format to the next: (event name, fields as stored) → (event name, fields). One entry a format."""

TAIL = len(',"crc":"00000000"}\n')
"""Bytes of a line after the fields of its event, with the newline."""


def encode(execution: str, record: Record, keep: Keep) -> bytes:
    """The record as a line; `keep` stores large and opaque values and returns their hash.

    Raises `StorageError` ``store.not_json`` for a value that is neither JSON nor a known opaque value.
    """
    name, content = encode_event(record.event, keep)
    head = (
        f'{{"v":{FORMAT},"execution":{_quoted(execution)},"sequence":{record.sequence},'
        f'"at":{record.at!r},"event":"{name}","fields":'
    )
    body = head.encode() + content
    return b'%b,"crc":"%08x"}\n' % (body, crc32(body))


async def encode_all(execution: str, records: Sequence[Record], keep: Keep) -> list[bytes]:
    """The lines of many records; the loop gets its turn now and then. Raises as `encode` does."""
    lines: list[bytes] = []
    for start in range(0, len(records), PIECE):
        if start:
            await asyncio.sleep(0)
        lines += [encode(execution, record, keep) for record in records[start : start + PIECE]]
    return lines


def line_of(execution: str, sequence: int, at: float, name: str, version: int, fields: str) -> bytes:
    """The line of a record whose event is encoded already, as stores with columns have it."""
    head = f'{{"v":{version},"execution":{_quoted(execution)},"sequence":{sequence},"at":{at!r},"event":"{name}"'
    body = f'{head},"fields":{fields}'.encode()
    return b'%b,"crc":"%08x"}\n' % (body, crc32(body))


def decode(line: bytes, fetch: Fetch) -> tuple[str, Record]:
    """The execution's id and the record of an intact line.

    Raises `StorageError`: ``store.corrupt`` for a damaged line, ``store.version`` for one of a newer nbflow.
    """
    if not intact(line):
        raise StorageError("store.corrupt", f"a line of the journal is damaged: {line[:80]!r}")
    parts = _parse(line)
    event = _event(parts["v"], parts["event"], parts["fields"], b'"$' in line, line, fetch)
    return parts["execution"], Record(parts["sequence"], parts["at"], event)


def intact(line: bytes) -> bool:
    """Whether a line is whole and says what was written; with or without its newline."""
    body = line[:-1] if line.endswith(b"\n") else line
    end = len(body) - TAIL + 1
    if end <= 0 or body[end : end + 8] != b',"crc":"' or not body.endswith(b'"}'):
        return False
    return body[end + 8 : -2] == b"%08x" % crc32(body[:end])


def encode_event(event: Event, keep: Keep) -> tuple[str, bytes]:
    """The name of an event and its fields as JSON, for stores that keep them in columns."""
    shape = SHAPES[event.__class__.__name__]
    given = shape.given(event)
    try:
        content = tags.quick(given) if shape.plain(given) else None
    except RecursionError:
        content = None
    if content is not None and len(content) <= tags.LARGE:
        return shape.name, content
    parts = [b'"%b":%b' % (name.encode(), tags.write(value, keep)) for name, value in given.items()]
    return shape.name, b"{%b}" % b",".join(parts)


def decode_event(version: int, name: str, content: str | bytes, fetch: Fetch) -> Event:
    """The event from its columns. Raises `StorageError` as `decode` does."""
    raw = content.encode() if isinstance(content, str) else content
    return _event(version, name, None, True, raw, fetch)


def _parse(line: bytes) -> dict[str, Any]:
    try:
        parts: dict[str, Any] = from_json(line)
    except ValueError:
        parts = json.loads(line)  # nested deeper than the quick reader goes
    return parts


class Shape:
    """How one class of events is written: its fields, their defaults, and which of them hold tuples."""

    def __init__(self, kind: type) -> None:
        known: tuple[Field[Any], ...] = fields(kind)
        self.kind = kind
        self.name = kind.__name__
        self.names = tuple(field.name for field in known)
        self.known = frozenset(self.names)
        self.given = _given(known)
        hints = get_type_hints(kind)
        self.tuples = {name: form for name in self.names if (form := _tuple_form(hints[name])) is not None}

    def plain(self, given: dict[str, Any]) -> bool:
        """Whether all values can be written without a walk; the event's own tuples count as lists."""
        for name, value in given.items():
            kind = value.__class__
            if kind is tuple and name in self.tuples:
                for item in value:
                    if item.__class__ is not str and not _plain_item(item):
                        return False
            elif kind not in tags.LEAVES and not tags.plain(value):
                return False
        return True

    def build(self, given: dict[str, Any]) -> Event:
        if not self.known.issuperset(given):
            given = {name: value for name, value in given.items() if name in self.known}
        for name, form in self.tuples.items():
            value = given.get(name)
            if value is not None:
                given[name] = form(value)
        return self.kind(**given)  # type: ignore[no-any-return]


def _plain_item(item: Any) -> bool:
    return all(map(tags.plain, item)) if item.__class__ is tuple else tags.plain(item)


def _given(known: tuple[Field[Any], ...]) -> Callable[[Any], dict[str, Any]]:
    """A function that gives the fields of an event that differ from their default, as text put together once.

    (A loop over the fields takes four times as long, and this is done for every record.)
    """
    lines = ["def given(event):", " fields = {}"]
    for one in known:
        lines += [f" value = event.{one.name}", f" if value is not d_{one.name}: fields['{one.name}'] = value"]
    scope: dict[str, Any] = {f"d_{one.name}": one.default for one in known}  # or MISSING, which no value is
    exec("\n".join([*lines, " return fields"]), scope)  # noqa: S102 - names of our own fields and nothing else
    return scope["given"]  # type: ignore[no-any-return]


def _tuple_form(hint: Any) -> Callable[[Any], Any] | None:
    """How a field's lists become tuples again: one level, or tuples in a tuple; None for other fields."""
    options = [hint, *get_args(hint)]
    for option in options:
        if getattr(option, "__origin__", None) is tuple:
            inner = get_args(option)[0]
            return _tuple_of_tuples if getattr(inner, "__origin__", None) is tuple else tuple
    return None


def _tuple_of_tuples(value: list[list[Any]]) -> tuple[tuple[Any, ...], ...]:
    return tuple(map(tuple, value))


SHAPES: dict[str, Shape] = {kind.__name__: Shape(kind) for kind in get_args(Event)}


def _event(version: int, name: str, given: Any, tagged: bool, line: bytes, fetch: Fetch) -> Event:
    if version > FORMAT:
        raise StorageError(
            "store.version",
            f"the journal is of format {version}; this nbflow reads up to {FORMAT}",
            "it was written by a newer nbflow; upgrade to read it",
        )
    if tagged:
        content = tags.read(line, fetch)
        given = content if given is None else content["fields"]
    for step in range(version, FORMAT):
        name, given = UPCASTERS[step](name, given)
    shape = SHAPES.get(name)
    if shape is None:
        raise StorageError(
            "store.version",
            f"the journal has the unknown event {name!r}",
            "it was written by a newer nbflow, or by a plug-in; upgrade to read it",
        )
    try:
        return shape.build(given)
    except (TypeError, KeyError, AttributeError, ValueError) as error:
        raise StorageError("store.corrupt", f"a {name} of the journal cannot be read: {error}") from None


def check_id(text: str) -> None:
    """Raise `StorageError` ``store.not_json`` for an id that stores cannot hold."""
    _quoted(text)


@lru_cache(maxsize=1024)
def _quoted(text: str) -> str:
    """An id as JSON text; ids are short ASCII nearly always."""
    if text.isascii() and text.isprintable() and '"' not in text and "\\" not in text:
        return f'"{text}"'
    try:
        content = to_json(text).decode()
    except PydanticSerializationError:
        content = "\\u0000"
    if "\\u0000" in content:
        raise StorageError("store.not_json", f"{text!r} cannot name an execution: it has characters that are not text")
    return content
