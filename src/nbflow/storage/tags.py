"""JSON that every store reads without loss, and the few tags for what such JSON cannot say.

Plain data is written as it is. A mapping with one key that begins with ``$`` is a tag:

- ``{"$int": "…"}`` an integer beyond 64 bits; ``{"$float": "nan"|"inf"|"-inf"}``, which results may hold;
- ``{"$text": "…"}`` text with lone surrogates or NUL, as ASCII JSON inside the text;
- ``{"$map": [[key, value], …]}`` a mapping whose keys are such texts, or that looks like a tag itself;
- ``{"$value": {"kind", "sha256", "size"}}`` a value kept by its hash: DataFrame, array, bytes, JSON over 64 KB.

Tuples are written as lists. Nothing else is revived, and an unknown tag is refused.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any

from pydantic_core import PydanticSerializationError, from_json, to_json

from nbflow.errors import StorageError
from nbflow.storage import opaque

Keep = Callable[[bytes, str], str]
Fetch = Callable[[str], tuple[bytes, str]]

LARGE = 64 * 1024  # bytes of JSON; what is larger is kept by its hash

LEAVES = frozenset({str, int, float, bool, type(None)})
_ZEROS = bytes.maketrans(b"123456789", b"000000000")
_LONG = b"0" * 19  # from 19 digits on an integer may not fit 64 bits
_EDGE = 2**63
_AT_ONCE = 10_000  # texts
_MARKS = (b'"$', b"\\u0000", b"NaN", b"Infinity")  # where one is, tags may be needed
_HARMLESS = bytes(set(range(256)) - set(b"$\\NI"))  # every mark has one of the other four


def write(value: Any, keep: Keep) -> bytes:
    """A value as JSON; `keep` stores what does not stand in it and returns its hash.

    Raises `StorageError` ``store.not_json`` for what is neither JSON data nor a known opaque value.
    """
    try:
        if plain(value):
            content = quick(value)
            if content is not None:
                return content if len(content) <= LARGE else to_json(_shrink(value, keep))
        lifted = _lift(value, keep)
        content = _dump(lifted)
        return content if len(content) <= LARGE else _dump(_shrink(lifted, keep))
    except RecursionError:
        raise StorageError(
            "store.not_json", "a value contains itself, or is nested too deeply to be stored", "give back flat data"
        ) from None


def read(content: bytes | str, fetch: Fetch) -> Any:
    """The value again; `fetch` gives what was kept by a hash. Raises `StorageError`."""
    tagged = '"$' in content if isinstance(content, str) else b'"$' in content
    if not tagged:
        try:
            return from_json(content)
        except ValueError:
            return json.loads(content)  # nested deeper than the quick reader goes, or not JSON at all
    return json.loads(content, object_hook=lambda pairs: _revive(pairs, fetch))


def outline(content: str | bytes) -> Any:
    """The value for looking at: what is kept by its hash is named in a short text and not fetched."""
    return read(content, _outlined)


def outlines(contents: Sequence[str | None]) -> list[Any]:
    """What `outline` gives of each, None for None; texts without tags are read many at once."""
    values: list[Any] = []
    for start in range(0, len(contents), _AT_ONCE):
        some = contents[start : start + _AT_ONCE]
        whole = f"[{','.join('null' if content is None else content for content in some)}]"
        try:
            values += from_json(whole) if '"$' not in whole else map(_outline, some)
        except ValueError:  # nested deeper than the quick reader goes
            values += map(_outline, some)
    return values


def _outline(content: str | None) -> Any:
    return None if content is None else outline(content)


def _outlined(digest: str) -> tuple[bytes, str]:
    raise _Outlined(digest)


class _Outlined(Exception):
    """Where a value would be fetched."""


def plain(value: Any) -> bool:
    """Whether a value is made of exact `dict` with text keys, `list`, `str`, `int`, `float`, `bool`, None."""
    kind = value.__class__
    if kind is dict:
        for key, item in value.items():
            if key.__class__ is not str or (item.__class__ not in LEAVES and not plain(item)):
                return False
        return True
    if kind is list:
        for item in value:  # noqa: SIM110 - a generator costs twice as much
            if item.__class__ not in LEAVES and not plain(item):
                return False
        return True
    return kind in LEAVES


def quick(value: Any) -> bytes | None:
    """The JSON of plain data when it needs no tag, else None. (It may say None for a text that looks like one.)"""
    try:
        content = to_json(value)
    except (PydanticSerializationError, ValueError, RecursionError):
        return None  # lone surrogates, or nested too deeply for it
    if _LONG in content.translate(_ZEROS):
        return None
    if content.translate(None, _HARMLESS) and any(mark in content for mark in _MARKS):
        return None
    return content


def _dump(lifted: Any) -> bytes:
    try:
        return to_json(lifted)
    except (PydanticSerializationError, ValueError):
        return json.dumps(lifted, ensure_ascii=False, separators=(",", ":")).encode()


def _lift(value: Any, keep: Keep) -> Any:
    """The value as JSON data with tags."""
    if value is None or value is True or value is False:
        return value
    if isinstance(value, str):
        return str(value) if _safe(value) else {"$text": json.dumps(value)[1:-1]}
    if isinstance(value, int):
        return int(value) if -_EDGE <= value < _EDGE else {"$int": hex(value)}
    if isinstance(value, float):
        return float(value) if value - value == 0 else {"$float": repr(float(value))}
    if isinstance(value, dict):
        return _lift_mapping(value, keep)
    if isinstance(value, (list, tuple)):
        return [_lift(item, keep) for item in value]
    return _lift_opaque(value, keep)


def _lift_mapping(value: dict[Any, Any], keep: Keep) -> Any:
    for key in value:
        if not isinstance(key, str):
            raise StorageError(
                "store.not_json",
                f"a mapping has the key {key!r}, and keys are texts in JSON",
                f"use {str(key)!r} instead",
            )
    lifted = {str(key): _lift(item, keep) for key, item in value.items()}
    if (len(lifted) == 1 and next(iter(lifted)).startswith("$")) or not all(map(_safe, lifted)):
        return {"$map": [[_lift(key, keep), item] for key, item in lifted.items()]}
    return lifted


def _lift_opaque(value: Any, keep: Keep) -> dict[str, Any]:
    dumped = opaque.dump(value)
    if dumped is None:
        raise StorageError(
            "store.not_json",
            f"a value of type {type(value).__name__} cannot be stored",
            "give back JSON data (text, numbers, lists, mappings), a DataFrame, an array or bytes",
        )
    return _kept(*dumped, keep)


def _safe(text: str) -> bool:
    if text.isascii():
        return "\0" not in text
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return "\0" not in text


def _kept(content: bytes, kind: str, keep: Keep) -> dict[str, Any]:
    return {"$value": {"kind": kind, "sha256": keep(content, kind), "size": len(content)}}


def _shrink(value: Any, keep: Keep) -> Any:
    """A value over the limit with its smallest parts over the limit kept by their hash."""
    if _is_tag(value) or not isinstance(value, (dict, list)):
        return _kept(_dump(value), "json", keep)
    items = list(value.items()) if isinstance(value, dict) else list(enumerate(value))
    large = {key for key, item in items if not _is_small(item) and len(_dump(item)) > LARGE}
    if not large:
        return _kept(_dump(value), "json", keep)
    parts = [(key, _shrink(item, keep) if key in large else item) for key, item in items]
    shrunk: Any = dict(parts) if isinstance(value, dict) else [item for _, item in parts]
    rest = _dump(shrunk)
    return shrunk if len(rest) <= LARGE else _kept(rest, "json", keep)


def _is_small(item: Any) -> bool:
    return item is None or isinstance(item, (bool, int, float)) or (isinstance(item, str) and len(item) < LARGE // 6)


def _is_tag(value: Any) -> bool:
    return isinstance(value, dict) and len(value) == 1 and next(iter(value)).startswith("$")


def _revive(pairs: dict[str, Any], fetch: Fetch) -> Any:
    if not _is_tag(pairs):
        return pairs
    ((tag, content),) = pairs.items()
    try:
        return _revivers[tag](content, fetch)
    except (KeyError, TypeError, ValueError) as error:
        raise StorageError(
            "store.version",
            f"a stored value has the unknown or broken tag {tag!r}: {error!r}",
            "it was written by a newer nbflow, or changed since",
        ) from None


def _revive_value(reference: dict[str, Any], fetch: Fetch) -> Any:
    kind = reference["kind"]  # the reference's own: one content may have been kept as two kinds
    try:
        content, _ = fetch(reference["sha256"])
    except _Outlined:
        return f"<{kind}, {reference['size']:,} bytes>"
    return read(content, fetch) if kind == "json" else opaque.load(content, kind)


_revivers: dict[str, Callable[[Any, Fetch], Any]] = {
    "$int": lambda content, _: int(content, 16),
    "$float": lambda content, _: float(content),
    "$text": lambda content, _: json.loads(f'"{content}"'),
    "$map": lambda content, _: dict(content),
    "$value": _revive_value,
}
