"""Amounts of bytes as people write them: ``500MB``, ``2 GB``, ``1.5g``; a kilobyte has 1,000."""

from __future__ import annotations

import re

_UNITS = {"": 1, "k": 10**3, "m": 10**6, "g": 10**9, "t": 10**12}


def parse_size(text: str) -> int:
    """Bytes; raises `ValueError` for what is none.

    >>> parse_size("1.5GB")
    1500000000
    """
    match = re.fullmatch(r"([0-9]+(?:\.[0-9]+)?)\s*([kmgt]?)b?", text.strip().lower())
    if match is None:
        raise ValueError(f"{text!r} is no size, such as 500MB or 2GB")
    return int(float(match[1]) * _UNITS[match[2]])
