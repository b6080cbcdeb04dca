"""What a pydantic model says of a value, in the words that the rest of the language has: which field, what it must
be, what came. Names of Python's types reach nobody; the words of a model's own validators are passed on.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from nbflow.spec.document import kind_of
from nbflow.spec.schema.problems import TYPES, shown, subject

_KINDS = {
    "string": "string", "int": "integer", "float": "number", "finite": "number", "decimal": "number", "bool": "boolean",
    "list": "array", "tuple": "array", "set": "array", "frozen": "array", "iterable": "array", "dict": "object",
    "mapping": "object", "model": "object", "dataclass": "object", "none": "null",
}  # fmt: skip
_SHAPES = {
    "datetime": "a date with a time, as 2026-01-31T09:30:00Z", "date": "a date, as 2026-01-31",
    "time": "a time, as 09:30:00", "timezone": "a date with a time and a zone, as 2026-01-31T09:30:00Z",
    "uuid": "a UUID", "url": "an address, as https://example.com", "bytes": "bytes", "json": "JSON text",
}  # fmt: skip
_BOUNDS = {
    "greater_than": ("above", "gt"), "greater_than_equal": ("at least", "ge"), "less_than": ("below", "lt"),
    "less_than_equal": ("at most", "le"), "multiple_of": ("a multiple of", "multiple_of"),
}  # fmt: skip
_SIZES = {
    "string_too_short": ("at least", "min_length", "characters"),
    "string_too_long": ("at most", "max_length", "characters"),
    "too_short": ("at least", "min_length", "items"), "too_long": ("at most", "max_length", "items"),
}  # fmt: skip


def sentence(problem: Mapping[str, Any], name: str = "") -> str:
    """One of `ValidationError.errors()` as a sentence that names the field (below `name`) and what came."""
    path = tuple(step for step in problem["loc"] if isinstance(step, int) or "[" not in step)
    return f"{subject(path, name)} {said(problem)}"


def said(problem: Mapping[str, Any]) -> str:
    """The sentence without its subject: ``must be a whole number; 'x' is text``."""
    kind, value, facts = str(problem["type"]), problem["input"], problem.get("ctx") or {}
    if kind == "missing":
        return "is missing"
    if kind in ("extra_forbidden", "unexpected_keyword_argument"):
        return "is no field of it"
    if kind in ("value_error", "assertion_error"):
        return f"does not fit: {facts.get('error', problem['msg'])}"
    if kind in _BOUNDS:
        words, bound = _BOUNDS[kind]
        return f"must be {words} {facts[bound]}; it is {shown(value)}"
    if kind in _SIZES:
        words, bound, unit = _SIZES[kind]
        return f"must have {words} {facts[bound]} {unit}"
    if kind in ("literal_error", "enum"):
        choices = re.sub(r"'([^']*)'", r"\1", str(facts.get("expected", "")))
        return f"must be one of {choices}; it is {shown(value)}"
    return f"must be {_wanted(kind, problem['msg'])}; {shown(value)} is {kind_of(value)}"


def _wanted(kind: str, message: str) -> str:
    """What was wanted, from the name of the error; else what pydantic says of it."""
    if kind == "int_from_float":
        return TYPES["integer"]
    first = kind.partition("_")[0]
    if first in _KINDS and kind != "string_pattern_mismatch":
        return TYPES[_KINDS[first]]
    if first in _SHAPES:
        return _SHAPES[first]
    return re.sub(r"^(Input|Value) should (be|match) ?(a valid |an instance of )?", "", message).split(",")[0]
