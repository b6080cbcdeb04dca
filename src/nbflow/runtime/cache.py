"""`cache:`: a node takes the result that a node of the same meaning, inputs and function gave not long ago.

The journal is the cache: results are found by a key that is recorded with them. Those of this process are
remembered, so that they are not looked for.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from nbflow.execution.digest import digest
from nbflow.execution.events import NodeCompleted, Record
from nbflow.execution.state import NodeState
from nbflow.ports.clock import Clock
from nbflow.ports.journal import Found, Journal

MOST = 10_000  # results that are remembered


class Cache:
    """The cache of one engine. `hits` and `misses` count what was looked for."""

    def __init__(self, journal: Journal, clock: Clock) -> None:
        self._journal, self._clock = journal, clock
        self._recent: dict[str, Found] = {}
        self.hits = self.misses = 0

    def key(self, node: NodeState, inputs: Any, fingerprint: str) -> str:
        """Under which the node's result is kept."""
        return digest([node.node.kind, node.node.meaning, fingerprint, digest(inputs)])[:32]

    async def find(self, key: str, age: float | bool) -> Found | None:
        """The latest result under a key that is at most `age` seconds old (True: of any age)."""
        found = self._recent.get(key) or await self._journal.find_result(key)
        if found is None or (age is not True and self._clock.now() - found.at > age):
            self.misses += 1
            return None
        self.hits += 1
        return found

    def remember(self, execution: str, records: Iterable[Record]) -> None:
        """Results that were just committed."""
        for record in records:
            event = record.event
            if type(event) is NodeCompleted and event.key is not None:
                if len(self._recent) >= MOST:
                    del self._recent[next(iter(self._recent))]
                self._recent[event.key] = Found(execution, event.node, record.at, event.output)
