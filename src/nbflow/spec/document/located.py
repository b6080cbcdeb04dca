"""A value that remembers where it stands, and the text it stands in.

Lines and columns count from 1, columns in characters. Nothing here parses.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from nbflow.errors import Diagnostic, Severity
from nbflow.spec.document.concealed import conceal
from nbflow.spec.document.places import place_in

Style = Literal["plain", "quoted", "block", "flow", "alias"]

_BREAK = re.compile(r"\r\n|\n|\r")
_UNSEEN = re.compile(
    r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069\ufeff\ufffe\uffff\ud800-\udfff]"
)


class Source:
    """The whole text, line by line: for excerpts, and for places inside a scalar."""

    __slots__ = ("_line", "_shown", "_starts", "aligned", "text")

    def __init__(self, text: str):
        self.text = text
        self.aligned: Any = None  # kept by `places`
        self._starts: list[int] | None = None
        self._line = (0, "")  # the last line that was asked for: a long one is asked for often
        self._shown = (0, "")

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
        if number == self._line[0]:
            return self._line[1]
        if not 1 <= number <= len(self.starts):
            return ""
        start = self.starts[number - 1]
        end = self.starts[number] if number < len(self.starts) else len(self.text)
        self._line = number, self.text[start:end].rstrip("\r\n")
        return self._line[1]

    def shown(self, number: int) -> str:
        """The same line as a finding quotes it: without keys and tokens, and without what moves the cursor."""
        if number != self._shown[0]:
            self._shown = number, conceal(visible(self.line(number)))
        return self._shown[1]

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
        return "nothing" if self.value is None else kind_of(self.value)

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
    elif offset is not None:
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
    return Diagnostic(
        code=code,
        message=visible(conceal(message)),
        line=line,
        column=column,
        severity=severity,
        hint=None if hint is None else visible(conceal(hint)),
        excerpt=source.shown(line),
        length=max(1, length),
    )


def kind_of(value: Any) -> str:
    """What a value is, in the words of the language."""
    match value:
        case None:
            return "null"
        case bool():
            return "a boolean"
        case int() | float():
            return "a number"
        case str():
            return "text"
        case Mapping():
            return "a mapping"
        case list() | tuple():
            return "a list"
        case _:
            return f"a {type(value).__name__}"


def visible(text: str) -> str:
    """`text` without the characters that move the cursor, ring or turn the line round, so that it may be shown."""
    return _UNSEEN.sub("�", text) if not text.isprintable() else text
