"""Time, ids and randomness: the only door through which they enter."""

from __future__ import annotations

import random
import time
import uuid
from typing import Protocol


class Clock(Protocol):
    def now(self) -> float:
        """Seconds since the epoch."""
        ...

    def new_id(self) -> str:
        """A new execution id: sortable by time, unguessable."""
        ...

    def random(self) -> float:
        """Uniform in [0, 1), for jitter."""
        ...


class SystemClock:
    """The machine's own time; ids are time-ordered and end in 40 random bits."""

    def now(self) -> float:
        return time.time()

    def new_id(self) -> str:
        stamp = time.strftime("%Y%m%d-%H%M%S", time.gmtime(self.now()))
        return f"{stamp}-{uuid.uuid4().hex[:10]}"

    def random(self) -> float:
        return random.random()
