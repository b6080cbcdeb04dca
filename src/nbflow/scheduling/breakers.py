"""A tool or model that keeps failing is left alone for a while, then tried with one request.

closed: all pass, failures in a row are counted. open: nobody passes until `reset` seconds are over.
half-open: one probe passes; its success closes, its failure opens again. Attempts that began before the breaker
opened say nothing about it any more.
"""

from __future__ import annotations

CLOSED, OPEN, HALF_OPEN = "closed", "open", "half-open"
ORDINARY, PROBE = 0, 1


class Breaker:
    """The health of one name. `failures` in a row open it; `reset` is in seconds."""

    __slots__ = ("_epoch", "_failed", "_probing", "_until", "failures", "label", "phase", "reset")

    def __init__(self, name: str, failures: int, reset: float) -> None:
        self.label = f"breaker {name}"
        self.failures = max(1, failures)
        self.reset = reset
        self.phase = CLOSED
        self._failed = 0
        self._until = 0.0
        self._probing = False
        self._epoch = 0  # counts openings: news from an earlier epoch is old

    def fits(self, amount: int, now: float) -> bool:
        match self.phase:
            case "closed":
                return True
            case "open":
                return now >= self._until
            case _:
                return not self._probing

    def take(self, amount: int, now: float) -> int:
        if self.phase == OPEN:
            self.phase = HALF_OPEN
        self._probing = self.phase == HALF_OPEN
        return self._epoch

    def give(self, amount: int, now: float, failed: bool | None) -> None:
        if amount != self._epoch:
            return
        probing, self._probing = self._probing, False
        if failed is None:
            return
        self._failed = self._failed + 1 if failed else 0
        if failed and (probing or self._failed >= self.failures):
            self._trip(now)
        elif not failed:
            self.phase = CLOSED

    def opens(self, now: float) -> float | None:
        return self._until if self.phase == OPEN else None

    def state(self, now: float) -> str:
        if self.phase == OPEN:
            return f"open for {max(0.0, self._until - now):.1f} s more"
        return "one request is trying it" if self._probing else self.phase

    def _trip(self, now: float) -> None:
        self.phase = OPEN
        self._failed = 0
        self._until = now + self.reset
        self._epoch += 1
