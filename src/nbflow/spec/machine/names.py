"""Names in a machine: states, events, descriptors of events."""

from __future__ import annotations

import re

ID = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")
STATE_ID = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*\Z")
_EVENT = re.compile(r"[A-Za-z_][\w-]*(\.[\w-]+)*\Z", re.ASCII)
_DESCRIPTOR = re.compile(r"(\*|[A-Za-z_][\w-]*(\.[\w-]+)*(\.\*)?)\Z", re.ASCII)

TAKEN = frozenset({"state", "execution", "communication"})
"""Names a work cannot have: `done.state.…`, `error.execution` and `error.communication` are the machine's own."""


def wrong_event(text: str, *, whole: bool = False) -> tuple[str, str | None] | None:
    """Why this is no event's name (`whole`) or descriptor: (message, hint); None when it is."""
    pattern = _EVENT if whole else _DESCRIPTOR
    if pattern.match(text):
        return None
    if whole and "*" in text:
        return f"'{text}' cannot be sent: only what listens has a '*'", None
    return f"'{text}' is no event", "an event is a name as 'paid' or 'order.paid'" + (
        "" if whole else "; 'order.*' and '*' are wildcards"
    )
