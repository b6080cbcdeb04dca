"""What there is only so much of. A resource knows its own count and who is parked at it, never who comes next."""

from __future__ import annotations

from typing import Protocol


class Resource(Protocol):
    """What a request may have to wait for: a pool, a rate, a breaker. `label` is for people: ``pool gpu``."""

    label: str

    def fits(self, amount: int, now: float) -> bool:
        """Whether `amount` can be taken at `now`."""
        ...

    def take(self, amount: int, now: float) -> int:
        """Take it (after `fits`); what must be given back later."""
        ...

    def give(self, amount: int, now: float, failed: bool | None) -> None:
        """Give back what `take` returned; `failed` is None when nothing is known of how it went."""
        ...

    def opens(self, now: float) -> float | None:
        """When `fits` may become true by time alone; None when time does not help."""
        ...

    def state(self, now: float) -> str:
        """How it stands, for a verdict: ``3 of 4 taken``."""
        ...


class Pool:
    """A named capacity. Who wants more than there is gets all of it, alone."""

    __slots__ = ("capacity", "known", "label", "taken")

    def __init__(self, name: str, capacity: int, *, known: bool = True) -> None:
        self.label = f"pool {name}"
        self.capacity = capacity
        self.known = known  # somebody has set it
        self.taken = 0

    def fits(self, amount: int, now: float) -> bool:
        return self.taken + min(amount, self.capacity) <= self.capacity and self.capacity > 0

    def take(self, amount: int, now: float) -> int:
        amount = min(amount, self.capacity)
        self.taken += amount
        return amount

    def give(self, amount: int, now: float, failed: bool | None) -> None:
        self.taken -= amount

    def opens(self, now: float) -> float | None:
        return None

    def state(self, now: float) -> str:
        return f"{self.taken} of {self.capacity} taken"
