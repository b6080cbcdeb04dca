"""A reply longer than this is refused while it comes, so that no journal and no view has to hold it."""

from __future__ import annotations

from collections.abc import Callable

from nbflow.errors import NodeError

MAX_REPLY = 1_000_000  # characters


class Gathered:
    """The text of a reply as it comes. Raises `NodeError` (``limit.output``) when there is too much."""

    def __init__(self, on_text: Callable[[str], None], most: int = MAX_REPLY) -> None:
        self._on_text, self._most, self._size = on_text, most, 0
        self._parts: list[str] = []

    def add(self, text: str | None) -> None:
        if not text:
            return
        self.count(text)
        self._parts.append(text)
        self._on_text(text)

    def count(self, text: str) -> None:
        """Count text that is no part of the answer (arguments of tools)."""
        self._size += len(text)
        if self._size > self._most:
            raise NodeError("InvalidOutput", f"the reply is longer than {self._most:,} characters", code="limit.output")

    @property
    def text(self) -> str:
        return "".join(self._parts)
