"""What came back is checked against `output:`; what does not fit fails the attempt with its raw form kept."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from nbflow.errors import NodeError
from nbflow.spec.schema import check

MAX_RAW = 100_000  # characters kept of a reply that does not fit


def problems(value: Any, schema: Mapping[str, Any]) -> list[str]:
    """What is wrong with a value, each in a sentence that names the field and what came."""
    return [problem.message for problem in check(value, dict(schema), name="output")]


def checked(value: Any, schema: Mapping[str, Any] | None, what: str, *, raw: Any = None) -> Any:
    """The value, when it fits. Raises `NodeError` (`InvalidOutput`) with the raw reply in `detail`."""
    found = problems(value, schema) if schema is not None else []
    if found:
        raise misfit(found, what, value if raw is None else raw)
    return value


def misfit(found: list[str], what: str, raw: Any, code: str = "output.schema") -> NodeError:
    """The error of a reply that does not fit."""
    message = f"the reply of {what} does not fit 'output': " + "; ".join(found)
    return NodeError("InvalidOutput", message, code=code, detail={"raw": cut(raw)})


def cut(raw: Any) -> Any:
    """A raw reply at a length a journal can keep."""
    text = raw if isinstance(raw, str) else None
    if text is None:
        try:
            text = json.dumps(raw, ensure_ascii=False, default=repr)
        except (TypeError, ValueError, RecursionError):
            text = repr(raw)
        if len(text) <= MAX_RAW:
            return raw
    return text if len(text) <= MAX_RAW else f"{text[:MAX_RAW]}… ({len(text):,} characters in all)"


def repair_words(problem: NodeError) -> str:
    """What is said to who gave an answer that does not fit."""
    return f"{problem}.\nAnswer again: the whole answer, corrected, and nothing else."
