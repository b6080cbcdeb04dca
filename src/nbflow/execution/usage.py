"""What a recorded call took. A child execution's record has its tokens in all, a model's what went in and out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def tokens_of(usage: Mapping[str, Any]) -> int:
    """The tokens of one recorded call; what its provider did not say is not counted."""
    said = usage.get("tokens")
    return said if said is not None else (usage.get("input") or 0) + (usage.get("output") or 0)
