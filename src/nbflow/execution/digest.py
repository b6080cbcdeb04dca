"""A hash of what a node was given, the same for equal values: what `--reuse` and `cache:` compare."""

from __future__ import annotations

import hashlib
import json
from typing import Any


def digest(value: Any) -> str:
    """A hash of JSON data, the same for equal data; opaque values count by their bytes, else by identity."""
    return hashlib.sha256(json.dumps(value, sort_keys=True, default=_opaque).encode()).hexdigest()


def _opaque(value: Any) -> str:
    if isinstance(value, bytes):
        return hashlib.sha256(value).hexdigest()
    if hasattr(value, "to_csv"):
        return hashlib.sha256(value.to_csv().encode()).hexdigest()
    if hasattr(value, "tobytes"):
        return hashlib.sha256(value.tobytes()).hexdigest()
    return f"{type(value).__name__}@{id(value)}"
