"""Starts per second, kept over any window, not just on average.

With a burst of b (the whole starts of one second, at least 1, at most `MOST`) any b + 1 starts in a row span at
least b / rate seconds. So no half-open window of w seconds ever sees more than ``b * ceil(w * rate / b)`` starts,
which is ``w * rate`` for every window that is a multiple of b / rate (a second, when the rate is a whole number).
A bucket refilled on average would let nearly twice that through in its first second.
"""

from __future__ import annotations

from collections import deque

MOST = 100


class Rate:
    """The starts under one name. A lower `limit` named later holds from then on."""

    __slots__ = ("_span", "_starts", "fixed", "label", "limit")

    def __init__(self, name: str, limit: float, *, fixed: bool = False) -> None:
        self.label = f"rate {name}"
        self.fixed = fixed  # set for the engine; what nodes name does not change it
        self._starts: deque[float] = deque()
        self.set(limit)

    def set(self, limit: float) -> None:
        """A new limit, in starts a second; starts already made count."""
        if limit <= 0:
            raise ValueError(f"a rate is more than 0 a second, not {limit}")
        burst = max(1, min(int(limit), MOST))
        self.limit = limit
        self._span = burst / limit
        self._starts = deque(self._starts, maxlen=burst)

    def fits(self, amount: int, now: float) -> bool:
        return self.opens(now) <= now

    def take(self, amount: int, now: float) -> int:
        self._starts.append(now)
        return 0

    def give(self, amount: int, now: float, failed: bool | None) -> None:
        """A start cannot be given back."""

    def opens(self, now: float) -> float:
        starts = self._starts
        if len(starts) < (starts.maxlen or 1):
            return now
        return max(now, starts[0] + self._span)

    def state(self, now: float) -> str:
        return f"next start in {max(0.0, self.opens(now) - now):.1f} s"
