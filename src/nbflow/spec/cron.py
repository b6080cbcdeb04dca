"""Checks a cron line of five fields: minute, hour, day of month, month, day of week.

Only what every cron means alike is taken: numbers, `*`, ranges, steps, lists, and names of months and days.
"""

from __future__ import annotations

from nbflow.spec.names import did_you_mean

_MONTHS = {name: number for number, name in enumerate("jan feb mar apr may jun jul aug sep oct nov dec".split(), 1)}
_DAYS = {name: number for number, name in enumerate("sun mon tue wed thu fri sat".split())}

FIELDS: tuple[tuple[str, int, int, dict[str, int]], ...] = (
    ("minute", 0, 59, {}),
    ("hour", 0, 23, {}),
    ("day of month", 1, 31, {}),
    ("month", 1, 12, _MONTHS),
    ("day of week", 0, 7, _DAYS),
)
ALIASES = ("@yearly", "@annually", "@monthly", "@weekly", "@daily", "@midnight", "@hourly")


def wrong_cron(text: str) -> tuple[str, str, str | None] | None:
    """Why a cron line cannot be followed: (code, message, hint), or None when it can."""
    if text.startswith("@"):
        if text in ALIASES:
            return None
        hint = did_you_mean(text, ALIASES) or "@hourly, @daily, @weekly, @monthly and @yearly are known"
        return "cron.alias", f"'{text}' names no time", hint
    parts = text.split()
    if len(parts) != len(FIELDS):
        return (
            "cron.fields", f"a cron line has 5 fields, '{text}' has {len(parts)}",
            "minute hour day-of-month month day-of-week, as in '0 7 * * 1-5'",
        )  # fmt: skip
    for part, (name, low, high, names) in zip(parts, FIELDS, strict=True):
        problem = _wrong_field(part, name, low, high, names)
        if problem is not None:
            return "cron.range", problem, f"{name}: {low} to {high}"
    return None


def _wrong_field(part: str, name: str, low: int, high: int, names: dict[str, int]) -> str | None:
    for item in part.split(","):
        span, slash, step = item.partition("/")
        if slash and (not step.isdigit() or int(step) == 0):
            return f"'{item}' has no step: a whole number above 0 after '/'"
        if span == "*":
            continue
        ends = span.split("-")
        numbers = [_number(end, names) for end in ends]
        if len(ends) > 2 or any(number is None for number in numbers):
            return f"'{item}' is no {name}"
        outside = next(
            (end for end, number in zip(ends, numbers, strict=True) if not low <= (number or 0) <= high), None
        )
        if outside is not None:
            return f"'{outside}' is no {name}"
        if len(numbers) == 2 and (numbers[0] or 0) > (numbers[1] or 0):
            return f"'{span}' runs backwards"
    return None


def _number(text: str, names: dict[str, int]) -> int | None:
    if text.isdecimal() and text.isascii():
        return int(text)
    return names.get(text.lower())
