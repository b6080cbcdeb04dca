"""What a function prints belongs to the attempt that called it: it is kept there and never reaches stdout.

While such a function runs, ``sys.stdout`` and ``sys.stderr`` are doors that look at a context variable: set,
the text goes to the attempt; not set (everyone else in this process), it goes where it always went.
"""

from __future__ import annotations

import contextvars
import sys
import threading
from collections.abc import Callable
from typing import Any, TextIO

Sink = Callable[[str], None]

_sink: contextvars.ContextVar[Sink | None] = contextvars.ContextVar("nbflow_printed", default=None)
_lock = threading.Lock()
_inside: list[object] = []
_doors: dict[int, _Door] = {}


class _Door:
    """A text stream in front of another."""

    def __init__(self, behind: TextIO) -> None:
        self.behind = behind

    def write(self, text: str) -> int:
        sink = _sink.get()
        if sink is None:
            return self.behind.write(text)
        sink(text)
        return len(text)

    def writelines(self, lines: Any) -> None:
        for line in lines:
            self.write(line)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.behind, name)


class printed_to:  # noqa: N801 - used as a function
    """What is printed inside, in this task and in threads started with its context, goes to `sink`."""

    __slots__ = ("_sink", "_token")

    def __init__(self, sink: Sink) -> None:
        self._sink = sink

    def __enter__(self) -> None:
        with _lock:
            _inside.append(None)
            if type(sys.stdout) is not _Door:
                sys.stdout = _door(sys.stdout)
            if type(sys.stderr) is not _Door:
                sys.stderr = _door(sys.stderr)
        self._token = _sink.set(self._sink)

    def __exit__(self, *problem: object) -> None:
        try:  # noqa: SIM105 - half as dear, and every attempt comes by
            _sink.reset(self._token)
        except ValueError:  # a coroutine that is closed when its loop is gone is closed in another context
            pass
        with _lock:
            _inside.pop()
            if not _inside:
                _close()


def _door(stream: TextIO) -> Any:
    """The door of a stream, made once."""
    door = _doors.get(id(stream))
    if door is None or door.behind is not stream:
        if len(_doors) > 8:
            _doors.clear()
        door = _doors[id(stream)] = _Door(stream)
    return door


def _close() -> None:
    """The last one takes the doors away, unless someone has put another stream before them: then they stay open."""
    if type(sys.stdout) is _Door:
        sys.stdout = sys.stdout.behind
    if type(sys.stderr) is _Door:
        sys.stderr = sys.stderr.behind
