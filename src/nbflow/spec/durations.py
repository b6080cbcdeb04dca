"""Durations (``20s``, ``1h30m``) and rates (``60/min``): the same reading in YAML, settings and the shell.

A bare number is refused everywhere: nobody knows whether 30 means seconds or minutes.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime

from nbflow.errors import Diagnostic
from nbflow.spec.document import Located, finding

UNITS = {"d": 86_400.0, "h": 3_600.0, "m": 60.0, "s": 1.0, "ms": 0.001}
PERIODS = {"s": 1.0, "sec": 1.0, "min": 60.0, "m": 60.0, "h": 3_600.0, "hour": 3_600.0, "d": 86_400.0, "day": 86_400.0}
LONGEST = 36_525 * UNITS["d"]  # a hundred years

_NUMBER = r"(\d{1,15}(?:\.\d{1,9})?)"
_DURATION = re.compile("".join(f"(?:{_NUMBER}{unit})?" for unit in UNITS), re.ASCII)
_RATE = re.compile(rf"{_NUMBER}\s*/\s*([a-z]+)", re.ASCII)
_NEAR = re.compile(r"([+-]?)\s*(\d+(?:\.\d+)?)\s*([A-Za-zµ]*)\.?", re.ASCII)
_WORDS = {
    "ms": "ms", "msec": "ms", "millisecond": "ms", "milliseconds": "ms", "millis": "ms",
    "s": "s", "sec": "s", "secs": "s", "second": "s", "seconds": "s",
    "m": "m", "min": "m", "mins": "m", "minute": "m", "minutes": "m",
    "h": "h", "hr": "h", "hrs": "h", "hour": "h", "hours": "h", "d": "d", "day": "d", "days": "d",
}  # fmt: skip


def parse_duration(text: str) -> float:
    """Seconds. Raises ValueError, its text saying what is wanted."""
    found = _DURATION.fullmatch(text.strip())
    if not found or not any(found.groups()):
        message, hint = _not_a_duration(text)
        raise ValueError(f"{message}; {hint}")
    seconds = sum(float(amount) * scale for amount, scale in zip(found.groups(), UNITS.values(), strict=True) if amount)
    if seconds > LONGEST:
        raise ValueError(f"'{text}' is longer than a hundred years")
    return seconds


def _not_a_duration(text: str) -> tuple[str, str]:
    """What is wrong with `text`, and what to write."""
    shown = text if len(text) <= 40 else text[:39] + "…"
    found = _NEAR.fullmatch(text.strip())
    if found is None:
        return f"'{shown}' is not a duration", "write for example 20s, 10m, 2h or 1h30m"
    sign, amount, word = found.groups()
    unit = _WORDS.get(word.lower(), "")
    if sign == "-":
        return f"the duration '{shown}' is negative; it must be above 0", f"write {amount}{unit or 's'}"
    if not word:
        return (
            f"a duration needs its unit; {shown} is a bare number",
            f"write {amount}s for seconds, {amount}m for minutes",
        )
    return f"'{shown}' is not a duration", f"write {amount}{unit}" if unit else "the units are ms, s, m, h and d"


def parse_rate(text: str) -> float:
    """Starts per second. Raises ValueError, its text saying what is wanted."""
    found = _RATE.fullmatch(text.strip())
    period = PERIODS.get(found.group(2)) if found else None
    if found is None or period is None or float(found.group(1)) <= 0:
        raise ValueError(f"'{text[:40]}' is not a rate; write for example 60/min, 10/s, 1000/h or 5/d")
    return float(found.group(1)) / period


def read_duration(at: Located, report: Callable[[Diagnostic], None], *, zero: bool = True) -> float | None:
    """Seconds; None after a finding ``type.duration``. `zero` says whether 0s makes sense here."""
    value = at.value
    if isinstance(value, str):
        try:
            seconds = parse_duration(value)
        except ValueError as error:
            message, _, hint = str(error).partition("; write ")
            report(finding(at, "type.duration", message, hint=f"write {hint}" if hint else None, length=len(value)))
            return None
        if seconds > 0 or zero:
            return seconds
        report(finding(at, "type.duration", "a duration of 0 makes no sense here; it must be above 0"))
        return None
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        message, hint = _not_a_duration(at.written())
        report(finding(at, "type.duration", message, hint=hint))
        return None
    report(finding(at, "type.duration", f"a duration such as 20s is wanted; this is {at.kind()}"))
    return None


def read_rate(at: Located, report: Callable[[Diagnostic], None]) -> float | None:
    """Starts per second; None after a finding ``type.rate``."""
    if isinstance(at.value, str):
        try:
            return parse_rate(at.value)
        except ValueError as error:
            message, _, advice = str(error).partition("; ")
            report(finding(at, "type.rate", message, hint=advice, length=len(at.value)))
            return None
    hint = f"write {at.written()}/min, or /s, /h, /d" if isinstance(at.value, int) else None
    report(finding(at, "type.rate", f"a rate such as 60/min is wanted; this is {at.kind()}", hint=hint))
    return None


def parse_moment(value: object) -> float:
    """A time in seconds since the epoch: such a number, or ISO 8601 (UTC where it names no zone). Raises ValueError."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        return float(value)
    if not isinstance(value, str):
        raise ValueError("not a text")
    moment = datetime.fromisoformat(value)
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()


def read_moment(at: Located, report: Callable[[Diagnostic], None]) -> None:
    """A finding ``type.time`` for a written value that is no time; a bare number is more likely meant as a duration."""
    try:
        parse_moment(at.value if isinstance(at.value, str) else None)
    except (ValueError, OverflowError):
        hint = "write it like 2030-01-31T09:00:00Z; for a duration, wait: 10m"
        text = at.value if isinstance(at.value, str) else None
        words = f"a time is wanted; this is {at.kind()}" if text is None else f"'{text}' is not a time"
        report(finding(at, "type.time", words, hint=hint, length=len(text or " ")))


def format_duration(seconds: float) -> str:
    """As short as it is exact to the millisecond: ``1h30m``, ``20s``, ``1.5s``, ``500ms``."""
    left = round(seconds * 1000)
    if left == 0:
        return "0s"
    if left < 0:
        return "-" + format_duration(-seconds)
    if left < 1000:
        return f"{left}ms"
    parts = []
    for unit, size in (("d", 86_400_000), ("h", 3_600_000), ("m", 60_000)):
        amount, left = divmod(left, size)
        if amount:
            parts.append(f"{amount}{unit}")
    if left:
        parts.append(f"{left / 1000:.3f}".rstrip("0").rstrip(".") + "s")
    return "".join(parts)
