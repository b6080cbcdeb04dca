"""A catalog that lives as long as its object."""

from __future__ import annotations

from nbflow.ports.values import Values
from nbflow.storage.catalog import LogCatalog
from nbflow.storage.memory.values import MemoryValues


class MemoryFacts:
    """Facts in a list."""

    def __init__(self) -> None:
        self._facts: list[bytes] = []

    async def read(self, after: int) -> list[bytes]:
        return self._facts[after:]

    async def append(self, number: int, fact: bytes) -> bool:
        if number != len(self._facts) + 1:
            return False
        self._facts.append(fact)
        return True

    async def close(self) -> None:
        """Nothing is held."""


class MemoryCatalog(LogCatalog):
    """Two with the same `facts` and `values` are two views of one catalog."""

    def __init__(self, facts: MemoryFacts | None = None, values: Values | None = None) -> None:
        kept: Values = MemoryValues() if values is None else values
        super().__init__(facts or MemoryFacts(), kept.put, kept.get)
