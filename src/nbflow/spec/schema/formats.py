"""The formats of JSON Schema that are checked. A format that is not here says something to people only."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date, datetime, time
from ipaddress import IPv4Address, IPv6Address

_URI = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:[^\s<>\"{}|\\^`]+")
_EMAIL = re.compile(r"[^@\s,;<>\"]{1,64}@[^@\s,;<>\"]{1,255}")
_UUID = re.compile(r"[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}")
_HOST = re.compile(r"(?=.{1,253}\.?\Z)(?:[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.?)+")
_DATE = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
_DATE_TIME = re.compile(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:[Zz]|[+-]\d\d:\d\d)", re.ASCII)
_TIME = re.compile(r"\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:[Zz]|[+-]\d\d:\d\d)?", re.ASCII)


def _matches(pattern: re.Pattern[str]) -> Callable[[str], bool]:
    return lambda text: pattern.fullmatch(text) is not None


def _reads(act: Callable[[str], object], pattern: re.Pattern[str] | None = None) -> Callable[[str], bool]:
    def reads(text: str) -> bool:
        if pattern is not None and not pattern.fullmatch(text):
            return False
        try:
            act(_cut(text))
        except ValueError:
            return False
        return True

    return reads


def _cut(text: str) -> str:
    """A time with at most the six digits of a second that Python reads."""
    return re.sub(r"(\.\d{6})\d+", r"\1", text.upper())


FORMATS: dict[str, tuple[Callable[[str], bool], str]] = {
    "uri": (_matches(_URI), "an address such as https://example.com"),
    "url": (_matches(_URI), "an address such as https://example.com"),
    "email": (_matches(_EMAIL), "an e-mail address"),
    "uuid": (_matches(_UUID), "a UUID"),
    "hostname": (_matches(_HOST), "the name of a host"),
    "date": (_reads(date.fromisoformat, _DATE), "a date such as 2026-11-24"),
    "date-time": (_reads(datetime.fromisoformat, _DATE_TIME), "a time such as 2026-11-24T09:30:00Z"),
    "time": (_reads(time.fromisoformat, _TIME), "a time of day such as 09:30:00"),
    "ipv4": (_reads(IPv4Address), "an IPv4 address"),
    "ipv6": (_reads(IPv6Address), "an IPv6 address"),
}
