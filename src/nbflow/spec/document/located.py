"""A value that remembers where it stands, and the text it stands in.

Lines and columns count from 1, columns in characters. Nothing here parses.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from dataclasses import dataclass
from typing import Any, Literal

from nbflow.errors import Diagnostic, Severity
from nbflow.spec.document.concealed import conceal

Style = Literal["plain", "quoted", "block", "flow", "alias"]

_BREAK = re.compile(r"\r\n|\n|\r")
_EXCERPT = 500
_UNSEEN = re.compile(
    r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069\ufeff\ufffe\uffff\ud800-\udfff]"
)


class Source:
    """The whole text, line by line: for excerpts, and for places inside a scalar."""

    __slots__ = ("_starts", "text")

    def __init__(self, text: str):
        self.text = text
        self._starts: list[int] | None = None

    @property
    def starts(self) -> list[int]:
        """Where each line begins, as an index into the text."""
        if self._starts is None:
            self._starts = [0, *(found.end() for found in _BREAK.finditer(self.text))]
        return self._starts

    @property
    def lines(self) -> int:
        return len(self.starts)

    def line(self, number: int) -> str:
        """Line `number`, from 1, without its end; empty when there is no such line."""
        if not 1 <= number <= len(self.starts):
            return ""
        start = self.starts[number - 1]
        end = self.starts[number] if number < len(self.starts) else len(self.text)
        return self.text[start:end].rstrip("\r\n")

    def index(self, line: int, column: int) -> int:
        """The index of a place in the text."""
        if line > len(self.starts):
            return len(self.text)
        return min(self.starts[max(line, 1) - 1] + column - 1, len(self.text))

    def place(self, index: int) -> tuple[int, int]:
        """Line and column of an index."""
        line = bisect_right(self.starts, index)
        return line, index - self.starts[line - 1] + 1


@dataclass(slots=True, eq=False)
class Located:
    """A YAML or JSON value, where it stands, and where its key stands when it has one.

    `style` is how it is written: `plain`, `quoted` or `block` (text after ``|`` and ``>``) for a scalar,
    `block` or `flow` for a mapping or list, `alias` for ``*name``, whose content is shared and stands elsewhere.
    """

    value: bool | int | float | str | list[Located] | dict[str, Located] | None
    line: int
    column: int
    key_line: int
    key_column: int
    style: str
    source: Source

    def plain(self) -> Any:
        """The value as JSON data, new at every call (a float may be NaN or infinite, which JSON refuses)."""
        value = self.value
        if isinstance(value, dict):
            return {key: item.plain() for key, item in value.items()}
        if isinstance(value, list):
            return [item.plain() for item in value]
        return value

    def kind(self) -> str:
        """What it is, in the words of the language: ``text``, ``a number``, ``a list`` …"""
        match self.value:
            case None:
                return "nothing"
            case bool():
                return "true or false"
            case int() | float():
                return "a number"
            case str():
                return "text"
            case list():
                return "a list"
            case _:
                return "a mapping"

    def written(self) -> str:
        """A scalar as the author wrote it: ``1.10`` where the value is 1.1. The first line, for text over several."""
        line = self.source.line(self.line)[self.column - 1 :]
        if self.style == "plain" and not isinstance(self.value, (str, list, dict)):
            found = re.match(r"[^\s,\]}#]*", line)
            return found.group() if found else line
        return line


def finding(
    at: Located,
    code: str,
    message: str,
    *,
    hint: str | None = None,
    severity: Severity = "error",
    key: bool = False,
    offset: int | None = None,
    length: int = 1,
) -> Diagnostic:
    """A finding about `at`: about its key with `key`, or about character `offset` of its text, from 0."""
    if key:
        line, column = at.key_line, at.key_column
    elif offset is not None and isinstance(at.value, str):
        line, column = place_in(at, offset)
    else:
        line, column = at.line, at.column
    return finding_at(at.source, line, column, code, message, hint=hint, severity=severity, length=length)


def finding_at(
    source: Source,
    line: int,
    column: int,
    code: str,
    message: str,
    *,
    hint: str | None = None,
    severity: Severity = "error",
    length: int = 1,
) -> Diagnostic:
    """A finding about a place of a text, its line quoted (keys and tokens in it made unreadable)."""
    excerpt = visible(source.line(line))
    if len(excerpt) > column + _EXCERPT:
        excerpt = excerpt[: column + _EXCERPT]
    return Diagnostic(
        code=code,
        message=visible(conceal(message)),
        line=line,
        column=column,
        severity=severity,
        hint=None if hint is None else visible(conceal(hint)),
        excerpt=conceal(excerpt),
        length=max(1, length),
    )


def visible(text: str) -> str:
    """`text` without the characters that move the cursor, ring or turn the line round, so that it may be shown."""
    return _UNSEEN.sub("�", text) if not text.isprintable() else text


# ---- places inside a scalar ----------------------------------------------------------------------
# Folding, escapes and indentation change white space only, so the k-th character that is not white space
# in the value is the k-th one in the text.

_PROPERTIES = re.compile(r"(?:[&!][^\s,\[\]{}]*[ \t\r\n]+)*")
_HEADER = re.compile(r"[|>][^\r\n]*(?:\r\n|\n|\r)?")
_DOUBLE = re.compile(r"\\(?:x[0-9A-Fa-f]{2}|u[0-9A-Fa-f]{4}|U[0-9A-Fa-f]{8}|\r\n|[^ ])|[^\\]", re.DOTALL)
_SPACED_ESCAPES = frozenset(("\\t", "\\n", "\\r", "\\\t", "\\\n", "\\\r", "\\\r\n", "\\ ", "\\N", "\\_", "\\L", "\\P",
                             "\\v", "\\f"))  # fmt: skip


def place_in(at: Located, offset: int) -> tuple[int, int]:
    """Line and column of character `offset` of a text value; the value's own place when it cannot be told."""
    value, source = at.value, at.source
    if not isinstance(value, str) or at.style == "alias":
        return at.line, at.column
    text = source.text
    start = _PROPERTIES.match(text, source.index(at.line, at.column))
    begin = start.end() if start else source.index(at.line, at.column)
    if at.style == "quoted" and text.startswith(value, begin + 1):
        begin += 1
    if at.style in ("plain", "quoted") and text.startswith(value, begin):
        return source.place(begin + offset)
    solid = sum(1 for character in value[:offset] if not character.isspace())
    spaces = 0
    while spaces < offset and value[offset - spaces - 1].isspace():
        spaces += 1
    if spaces and (offset == len(value) or value[offset].isspace()):
        index = _solid_index(at, text, begin, max(solid - 1, 0)) + 1
        return source.place(min(index, len(text)))
    return source.place(_solid_index(at, text, begin, solid))


def _solid_index(at: Located, text: str, begin: int, count: int) -> int:
    """The index in the text of the `count`-th (from 0) character of the scalar that is not white space."""
    opening = text[begin : begin + 1]
    if at.style == "quoted" and opening == '"':
        return _solid_index_escaped(text, begin + 1, count)
    if at.style == "block":
        header = _HEADER.match(text, begin)
        begin = header.end() if header else begin
    elif at.style == "quoted":
        begin += 1
    last = begin
    for index in range(begin, len(text)):
        character = text[index]
        if character.isspace():
            continue
        if at.style == "quoted" and character == "'" and text[index - 1] == "'" and last == index - 1:
            last = -1  # the second quote of a pair writes nothing
            continue
        if count == 0:
            return index
        count -= 1
        last = index
    return begin


def _solid_index_escaped(text: str, begin: int, count: int) -> int:
    for found in _DOUBLE.finditer(text, begin):
        piece = found.group()
        if piece in _SPACED_ESCAPES or (len(piece) == 1 and piece.isspace()):
            continue
        if count == 0:
            return found.start()
        count -= 1
    return begin
