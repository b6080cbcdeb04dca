"""Built-in tools whose libraries are loaded when one of them is first asked for."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from nbflow.errors import NodeError
from nbflow.ports.tools import Tool


class LazyFamily:
    """The tools ``prefix.name``; `make` makes all of them at once."""

    def __init__(self, prefix: str, names: Sequence[str], make: Callable[[], Sequence[Tool]]) -> None:
        self._names = tuple(f"{prefix}.{name}" for name in names)
        self._make = make
        self._made: dict[str, Tool] | None = None

    def find(self, name: str) -> Tool | None:
        if name not in self._names:
            return None
        if self._made is None:
            self._made = {tool.name: tool for tool in self._make()}
        return self._made.get(name)

    async def learn(self) -> tuple[NodeError, ...]:
        """Nothing outside has to be asked."""
        return ()

    async def close(self) -> None:
        """Close what those that were made keep open in the running loop."""
        for tool in (self._made or {}).values():
            if hasattr(tool, "close"):
                await tool.close()

    def names(self) -> tuple[str, ...]:
        return self._names
