"""Text that an attempt says while it runs: to the live view, in pieces, and never to the journal."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

Emit = Callable[[str], None]


class Speech(Protocol):
    """A door for pieces of text; it may hold the last characters back until it knows what they are."""

    def __call__(self, text: str) -> None: ...

    def close(self) -> None:
        """Pass on what is held back."""
        ...


Guard = Callable[[Emit], Speech]


class Open:
    """A door that holds nothing back."""

    def __init__(self, emit: Emit) -> None:
        self._emit = emit

    def __call__(self, text: str) -> None:
        self._emit(text)

    def close(self) -> None: ...


class Voice:
    """The speech of one attempt; its door is made at the first word."""

    __slots__ = ("_door", "_guard", "_path", "_say")

    def __init__(self, guard: Guard, say: Callable[[str, str], None], path: str) -> None:
        self._guard, self._say, self._path = guard, say, path
        self._door: Speech | None = None

    def __call__(self, text: str) -> None:
        if self._door is None:
            say, path = self._say, self._path
            self._door = self._guard(lambda words: say(path, words))
        self._door(text)

    def close(self) -> None:
        if self._door is not None:
            self._door.close()
