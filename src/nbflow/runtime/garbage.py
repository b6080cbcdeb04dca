"""Keeps the search for garbage from stopping the loop while many nodes run.

Python's full collection looks at every object there is; with the plans and states of ten thousand nodes it stops the
loop for a tenth of a second. While that many run, only what is young is searched; the rest comes when they are over,
or after very many objects.
"""

from __future__ import annotations

import gc

YOUNG = 5_000  # new objects between two searches meanwhile
LARGE = 1_000  # nodes of all running executions, from which on the full search waits
RARELY = 200  # searches of the middle-aged before a full one; each stands for some fifty thousand new objects


class Shelter:
    """One for the process: executions `enter` and `leave` with the number of their nodes."""

    def __init__(self) -> None:
        self._nodes = 0
        self._usual: tuple[int, int, int] | None = None  # thresholds to go back to

    def enter(self, nodes: int) -> None:
        self._nodes += nodes
        if self._nodes >= LARGE and self._usual is None:
            young, middle, old = self._usual = gc.get_threshold()
            gc.set_threshold(max(young, YOUNG), middle, max(old, RARELY))

    def leave(self, nodes: int) -> None:
        self._nodes -= nodes
        if self._nodes < LARGE and self._usual is not None:
            gc.set_threshold(*self._usual)
            self._usual = None


SHELTER = Shelter()
