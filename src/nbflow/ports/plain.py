"""What a node may give: JSON data, copied; or an opaque value, kept whole. Anything else fails with a hint."""

from __future__ import annotations

import dataclasses
from math import isfinite, isnan
from typing import Any

from nbflow.errors import NodeError
from nbflow.ports.opaque import LIBRARIES, refusal

_LEAVES = frozenset({str, int, float, bool, type(None)})


def copied(value: Any) -> Any:
    """A copy of plain data that shares no mapping and no list with it: whoever changes one does not change the other.

    Opaque values are passed on whole.
    """
    kind = type(value)
    if kind is dict:
        return {key: item if type(item) in _LEAVES else copied(item) for key, item in value.items()}
    if kind is list:
        return [item if type(item) in _LEAVES else copied(item) for item in value]
    return value


def plain(value: Any, depth: int = 0) -> Any:
    """A copy of `value` as JSON data. Tuples and sets become lists, dataclasses and pydantic models mappings.

    Raises `NodeError` (`InvalidOutput`) for what can be neither stored nor passed on.
    """
    kind = type(value)
    if kind is str or value is None or kind is int or kind is bool:
        return value
    if kind is float:
        return _finite(value)
    if depth > 200:
        raise NodeError("InvalidOutput", "the result is nested deeper than 200 levels, or contains itself")
    if kind is dict:
        return {_key(key): plain(item, depth + 1) for key, item in value.items()}
    if kind is list or kind is tuple:
        return [plain(item, depth + 1) for item in value]
    return _other(value, depth)


def _finite(value: float) -> float:
    if isfinite(value):
        return value
    name = "NaN" if isnan(value) else "infinity"
    raise NodeError(
        "InvalidOutput",
        f"the result holds {name}, which is not JSON and cannot be kept",
        hint="give null for what is not known",
    )


def _key(key: Any) -> str:
    if type(key) is str:
        return key
    if isinstance(key, str | int | float | bool):
        return str(key)
    raise NodeError("InvalidOutput", f"a key of the result is {type(key).__name__}; keys are text")


def _other(value: Any, depth: int) -> Any:  # noqa: C901 - one flat list of what is known
    if isinstance(value, bytes | bytearray | memoryview):
        return bytes(value)
    if isinstance(value, dict):
        return {_key(key): plain(item, depth + 1) for key, item in value.items()}
    if isinstance(value, list | tuple | range):
        return [plain(item, depth + 1) for item in value]
    if isinstance(value, set | frozenset):
        return [plain(item, depth + 1) for item in sorted(value, key=repr)]
    for known in (str, bool, int):
        if isinstance(value, known):
            return known(value)
    if isinstance(value, float):
        return _finite(float(value))
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: plain(getattr(value, field.name), depth + 1) for field in dataclasses.fields(value)}
    if hasattr(value, "model_dump"):
        return plain(value.model_dump(mode="json"), depth + 1)
    if hasattr(value, "isoformat"):
        return value.isoformat()
    if type(value).__module__.partition(".")[0] in LIBRARIES:
        if hasattr(value, "item") and getattr(value, "ndim", None) == 0:
            return plain(value.item(), depth + 1)
        why = refusal(value)
        if why is None:
            return value
    else:
        why = f"a {type(value).__name__}, which cannot be kept"
    raise NodeError("InvalidOutput", f"the result is {why}", hint="return JSON data, a DataFrame, an array or bytes")
