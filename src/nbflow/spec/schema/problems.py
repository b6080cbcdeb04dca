"""What does not fit a schema, and how it is said."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from nbflow.spec.document import conceal, kind_of

Path = tuple[str | int, ...]
TYPES: dict[str, str] = {
    "string": "text", "number": "a number", "integer": "a whole number", "boolean": "true or false",
    "object": "a mapping", "array": "a list", "null": "null",
}  # fmt: skip
MOST = 20  # problems that are listed


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that does not fit: where in the value, a stable code (``input.type`` …), what, and what to do."""

    path: Path
    code: str
    message: str
    hint: str | None = None


def wrong_type(value: Any, wanted: Any, path: Path, name: str) -> Problem:
    words = TYPES.get(wanted, wanted) if isinstance(wanted, str) else " or ".join(TYPES.get(one, one) for one in wanted)
    message = f"{subject(path, name)} must be {words}; {shown(value)} is {kind_of(value)}"
    return Problem(path, "input.type", message, type_hint(value, wanted))


def type_hint(value: Any, wanted: Any) -> str | None:
    """What to write instead of a value of the wrong type, when it can be told."""
    match wanted, value:
        case ("integer", float()) if value.is_integer():
            return f"write {int(value)}"
        case (("integer" | "number"), str()) if re.fullmatch(r"\s*[-+]?\d+(\.\d+)?\s*", value):
            return f"give it as a number: {value.strip()}, without quotes"
        case ("boolean", str()) if value.lower() in _TRUTHS:
            return f"write {_TRUTHS[value.lower()]}"
        case ("string", bool() | int() | float()):
            return f'quote it: "{json.dumps(value)}"'
        case ("array", str() | int() | float()):
            return "write a list: [ … ]"
        case _:
            return None


_TRUTHS = {"yes": "true", "on": "true", "true": "true", "y": "true", "no": "false", "off": "false", "false": "false",
           "n": "false"}  # fmt: skip


def shown(value: Any) -> str:
    """A value as messages quote it, short, and without keys or tokens."""
    if isinstance(value, str):
        text = f"'{value}'" if len(value) <= 60 else f"'{value[:59]}…'"
        return conceal(text)
    if value is None or isinstance(value, (bool, int, float)):
        return json.dumps(value)
    return "it" if isinstance(value, (Mapping, list, tuple)) else "the value"


def subject(path: Path, name: str) -> str:
    """The name of a part of the value: ``answer.claims[0]``."""
    text = name
    for step in path:
        text += f"[{step}]" if isinstance(step, int) else f".{step}" if text else str(step)
    return text or "the value"
