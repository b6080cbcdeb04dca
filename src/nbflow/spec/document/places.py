"""Where a character of a scalar stands in the text, whatever style the scalar is written in.

Folding, indentation and line ends change white space only, so the k-th character of the value that is not white
space is the k-th one in the text; an escape counts as what it stands for.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterator
from itertools import islice
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from nbflow.spec.document.located import Located

_PROPERTIES = re.compile(r"(?:[&!][^\s,\[\]{}]*[ \t\r\n]+)*")
_HEADER = re.compile(r"[|>][^\r\n]*(?:\r\n|\n|\r)?")
_DOUBLE = re.compile(r"\\(?:x[0-9A-Fa-f]{2}|u[0-9A-Fa-f]{4}|U[0-9A-Fa-f]{8}|\r\n|.)|[^\\]", re.DOTALL)
_SPACES = frozenset(
    "\\" + sign for sign in ("t", "n", "r", "v", "f", "\t", "\n", "\r", "\r\n", " ", "N", "_", "L", "P")
)


_HEX = "0x"


class Alignment:
    """How a scalar's characters lie in the text: one after the other, or wherever its solid ones are found."""

    __slots__ = ("_begin", "_exact", "_solid", "_there", "_value")

    def __init__(self, at: Located):
        value, text = str(at.value), at.source.text
        begin = _content(text, at.source.index(at.line, at.column))
        self._value = value
        if at.style == "quoted" and text.startswith(value, begin + 1):
            begin += 1
        self._begin = begin
        self._exact = at.style in ("plain", "quoted") and text.startswith(value, begin)
        self._solid: list[int] = []
        self._there: list[int] = []
        if not self._exact:
            self._solid = [index for index, character in enumerate(value) if not character.isspace()]
            self._there = list(islice(_indices(text, begin, at.style), len(self._solid)))

    def index(self, offset: int) -> int:
        """The index in the text of character `offset` of the value."""
        if self._exact:
            return self._begin + offset
        number = bisect_left(self._solid, offset)
        solid = number < len(self._there) and self._solid[number] == offset
        if solid or number == 0:
            return self._there[number] if number < len(self._there) else self._begin
        if not self._there:
            return self._begin
        return self._there[min(number, len(self._there)) - 1] + 1  # white space: right behind what is before it


def place_in(at: Located, offset: int) -> tuple[int, int]:
    """Line and column of character `offset` of a text value; the value's own place when it cannot be told."""
    source = at.source
    if not isinstance(at.value, str) or at.style == "alias":
        return at.line, at.column
    known = source.aligned
    if known is None or known[0] is not at:
        known = source.aligned = at, Alignment(at)
    return source.place(min(known[1].index(offset), len(source.text)))


def _content(text: str, index: int) -> int:
    """Where a scalar begins, past its anchor and tag."""
    found = _PROPERTIES.match(text, index)
    return found.end() if found else index


def _indices(text: str, begin: int, style: str) -> Iterator[int]:
    """Where the characters of a scalar stand that are not white space."""
    if style == "quoted":
        return _escaped(text, begin + 1) if text.startswith('"', begin) else _doubled(text, begin + 1)
    header = _HEADER.match(text, begin) if style == "block" else None
    return _solid(text, header.end() if header else begin)


def _solid(text: str, begin: int) -> Iterator[int]:
    return (index for index in range(begin, len(text)) if not text[index].isspace())


def _doubled(text: str, begin: int) -> Iterator[int]:
    """In single quotes, where two quotes stand for one."""
    index = begin
    while index < len(text):
        if not text[index].isspace():
            yield index
        index += 2 if text.startswith("''", index) else 1


def _escaped(text: str, begin: int) -> Iterator[int]:
    """In double quotes."""
    for found in _DOUBLE.finditer(text, begin):
        piece = found.group()
        if len(piece) > 2 and piece[1] in "xuU":
            solid = not chr(min(int(_HEX + piece[2:], 0), 0x10FFFF)).isspace()
        else:
            solid = piece not in _SPACES and not piece.isspace()
        if solid:
            yield found.start()
