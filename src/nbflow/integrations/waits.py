"""How long the other side asks to wait, as HTTP says it."""

from __future__ import annotations

import email.utils
from collections.abc import Mapping


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds the other side asks to wait: ``retry-after-ms``, or ``retry-after`` in seconds or as a date (by the
    other side's own clock)."""
    exact = _number(headers.get("retry-after-ms"))
    if exact is not None:
        return exact / 1000
    given = headers.get("retry-after")
    seconds = _number(given)
    if seconds is not None or given is None:
        return seconds
    try:
        until, now = (email.utils.parsedate_to_datetime(text) for text in (given, headers.get("date") or ""))
    except ValueError:
        return None
    return max(0.0, (until - now).total_seconds())


def _number(text: str | None) -> float | None:
    try:
        number = float(text) if text is not None else None
    except ValueError:
        return None
    return number if number is not None and 0 <= number < 1e7 else None
