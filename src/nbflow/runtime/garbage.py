"""Keeps the search for garbage from stopping the loop while many nodes run.

Python's full collection looks at every object there is; with the plans and states of ten thousand nodes it stops the
loop for a tenth of a second. While that many run, only what is young is searched; the rest comes when they are over,
or after very many objects.
"""

from __future__ import annotations

import gc
import threading

YOUNG = 3_000  # new objects between two searches meanwhile
MIDDLE = 3  # of these until their survivors are searched too, which must not take long
REST = 1.0  # seconds after the last of them until all is searched as usual
LARGE = 1_000  # nodes of all running executions, from which on the full search waits
RARELY = 1_000  # searches of the middle-aged before a full one; each stands for some ten thousand new objects


class Shelter:
    """One for the process: executions `enter` and `leave` with the number of their nodes."""

    def __init__(self) -> None:
        self._nodes = 0
        self._usual: tuple[int, int, int] | None = None  # thresholds to go back to

    def enter(self, nodes: int) -> None:
        self._nodes += nodes
        if self._nodes >= LARGE and self._usual is None:
            young, middle, old = self._usual = gc.get_threshold()
            gc.set_threshold(max(young, YOUNG), min(middle, MIDDLE), max(old, RARELY))

    def leave(self, nodes: int) -> None:
        self._nodes -= nodes
        if self._nodes < LARGE <= self._nodes + nodes and self._usual is not None:  # the last of the load alone
            timer = threading.Timer(REST, self._as_usual)  # and not now, when others may wait for the loop
            timer.daemon = True
            timer.start()

    def _as_usual(self) -> None:
        if self._nodes < LARGE and self._usual is not None:
            gc.set_threshold(*self._usual)
            self._usual = None


SHELTER = Shelter()
