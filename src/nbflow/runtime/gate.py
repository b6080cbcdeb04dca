"""Where effects are held: pause, breakpoints, stepping. What is held has not begun.

A gate holds nothing by default and costs one comparison. While it holds, the node can be looked at, edited,
mocked or skipped; releasing it lets the effect go on.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field


@dataclass(slots=True)
class Gate:
    """`closed` holds every activation; `stops` holds the paths it accepts; `passes` lets that many through."""

    closed: bool = False
    passes: int = 0
    stops: Callable[[str], bool] | None = None
    held: dict[str, None] = field(default_factory=dict)

    @property
    def idle(self) -> bool:
        return not self.closed and self.stops is None

    def hold(self, path: str) -> bool:
        """Whether this activation is held now. A path that was held and released passes."""
        if path in self.held:
            return True
        if self.closed:
            if self.passes:
                self.passes -= 1
                return False
            self.held[path] = None
            return True
        if self.stops is not None and self.stops(path):
            self.held[path] = None
            return True
        return False

    def release(self, path: str) -> None:
        self.held.pop(path, None)

    def open(self) -> list[str]:
        """Stop holding; returns what was held, in order."""
        self.closed, self.passes = False, 0
        held = list(self.held)
        self.held.clear()
        return held
