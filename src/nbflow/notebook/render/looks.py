"""How a node looks at a moment: its phase, a note for the second line, a badge. Plain data for every renderer."""

from __future__ import annotations

from dataclasses import dataclass

GLYPHS = {
    "pending": "○",
    "scheduled": "◌",
    "running": "▶",
    "waiting": "◷",
    "held": "◉",
    "paused": "⏸",
    "suspended": "⏸",
    "completed": "✓",
    "failed": "✗",
    "cancelled": "⊘",
    "skipped": "»",
    "changed": "≠",
    "same": "=",
}
PHASES = tuple(GLYPHS)


@dataclass(frozen=True, slots=True)
class Look:
    """`note` takes the place of the box's second line, `badge` stands under the glyph; both may be empty.

    `since` is when a running node began, in seconds since the epoch; the live view counts from it.
    """

    phase: str = "pending"
    note: str = ""
    badge: str = ""
    since: float | None = None

    def as_json(self) -> list[str | float | None]:
        return [self.phase, self.note, self.badge, self.since]


PENDING = Look()


def glyph(phase: str) -> str:
    """The sign of a phase in text, so that colour is never the only mark."""
    return GLYPHS.get(phase, "○")
