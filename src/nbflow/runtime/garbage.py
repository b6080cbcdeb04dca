"""Keeps the search for garbage from stopping the loop while a large execution runs.

Python's full collection looks at every object there is; with a plan and a state of ten thousand nodes it stops
the loop for a tenth of a second. While such executions run, what is alive is now and then moved out of its sight
(`gc.freeze`, which costs nothing), and all of it comes back when the last of them has ended.
"""

from __future__ import annotations

import gc

LARGE = 1_000  # nodes of a plan, from which an execution counts as large
EVERY = 2_000  # records between two moves


class Shelter:
    """One for the process: `enter` and `leave` by large executions, `pass_` by what they have written."""

    def __init__(self) -> None:
        self._inside = 0
        self._written = 0

    def enter(self) -> None:
        self._inside += 1
        gc.freeze()

    def pass_(self, records: int) -> None:
        """So many records were written; their objects live on."""
        self._written += records
        if self._written >= EVERY:
            self._written = 0
            gc.freeze()

    def leave(self) -> None:
        self._inside -= 1
        if not self._inside:
            gc.unfreeze()


SHELTER = Shelter()
