"""Where an expression ends in a text: past its own strings, brackets and braces. Nothing here judges it."""

from __future__ import annotations

import re

OPEN = "${{"
_TOKEN = re.compile(
    r"""
    '''(?:\\.|[^\\])*?(?:'''|\Z) | \"\"\"(?:\\.|[^\\])*?(?:\"\"\"|\Z)
  | '(?:\\.|[^'\\])*(?:'|\Z) | "(?:\\.|[^"\\])*(?:"|\Z)
  | [()\[\]{}]
    """,
    re.VERBOSE | re.DOTALL,
)
_LONGEST = 2_000  # characters of an expression that are looked at for a hint
_CLOSING = {")": "(", "]": "[", "}": "{"}


def template_end(text: str, start: int) -> int | None:
    """The index just past the ``}}`` that closes the ``${{`` at `start`; None when nothing closes it.

    ``}}`` inside a string of the expression, or closing its own braces, does not end it.
    """
    depth = 0
    for found in _TOKEN.finditer(text, start + len(OPEN)):
        piece = found.group()
        if piece in "([{":
            depth += 1
        elif piece == "}" and depth == 0:
            if text.startswith("}}", found.start()):
                return found.start() + 2
        elif piece in ")]}":
            depth = max(0, depth - 1)
    return None


def unclosed_bracket(text: str) -> str | None:
    """The first bracket of `text` that nothing closes, strings aside; None when all are closed."""
    waiting: list[str] = []
    for found in _TOKEN.finditer(text):
        piece = found.group()
        if piece in "([{":
            waiting.append(piece)
        elif piece in _CLOSING and waiting and waiting[-1] == _CLOSING[piece]:
            waiting.pop()
    return waiting[0] if waiting else None


def expression_end(text: str, start: int, stops: str = "") -> int:
    """The index where an expression that begins at `start` ends in its line: at a bracket it did not open, or
    at one of `stops` outside its brackets and strings."""
    limit = min(len(text), start + _LONGEST)
    for stop in ("\n", "\r"):
        at = text.find(stop, start, limit)
        limit = at if 0 <= at < limit else limit
    depth, index = 0, start
    while index < limit:
        found = _TOKEN.match(text, index)
        piece = found.group() if found else text[index]
        if piece in ("(", "[", "{"):
            depth += 1
        elif piece in _CLOSING:
            if depth == 0:
                return index
            depth -= 1
        elif depth == 0 and piece in stops and piece:
            return index
        index += len(piece)
    return limit


def quoted(text: str) -> str:
    """`text` as a quoted scalar of YAML, in the quotes that need the least escaping."""
    if '"' not in text and "\\" not in text:
        return f'"{text}"'
    return "'" + text.replace("'", "''") + "'"
