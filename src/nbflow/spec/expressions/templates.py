"""Where the expressions of a text stand, and texts that look as if they had some."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

from nbflow.errors import Diagnostic
from nbflow.spec.document import Located, finding
from nbflow.spec.document.delimiters import OPEN, template_end
from nbflow.spec.expressions.errors import ExpressionError

_MOST = 20  # look-alikes of one text that are warned of
_LOOK_ALIKE = re.compile(
    r"\$?\{\{\s*(?P<double>[A-Za-z_][\w.\[\]'\"]*)[^{}\n]*\}\}|\$\{(?P<single>[A-Za-z_]\w*(?:\.\w+)*)\}", re.ASCII
)


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of a text: plain `text`, or an expression between `start` and `end`."""

    expression: bool
    text: str
    start: int
    end: int


def pieces(text: str) -> list[Piece]:
    """The parts of a text. Raises ExpressionError for a ``${{`` that nothing closes."""
    found: list[Piece] = []
    plain = ""
    index = 0
    while True:
        start = text.find(OPEN, index)
        if start < 0:
            plain += text[index:]
            break
        if start > index and text[start - 1] == "$":
            plain += text[index : start - 1] + OPEN
            index = start + len(OPEN)
            continue
        plain += text[index:start]
        end = template_end(text, start)
        if end is None:
            message = "the ${{ opened here is not closed with }}"
            raise ExpressionError("expr.unclosed", message, start, "write }} at its end", len(OPEN))
        if plain:
            found.append(Piece(False, plain, 0, 0))
            plain = ""
        found.append(Piece(True, "", start + len(OPEN), end - 2))
        index = end
    if plain or not found:
        found.append(Piece(False, plain, 0, 0))
    return found


def look_alikes(at: Located, text: str) -> Iterator[Diagnostic]:
    """Warnings for ``{{ x }}`` and ``${x}``, which are plain text here."""
    for found in islice(_LOOK_ALIKE.finditer(text), _MOST):
        inner = found.group().strip("${}").strip()
        message = f"{found.group()} is plain text here; expressions are written with ${{{{ }}}}"
        yield finding(
            at, "expr.delimiter", message, hint=f"write {OPEN} {inner} }}}}", severity="warning",
            offset=found.start(), length=len(found.group()),
        )  # fmt: skip


def misread(at: Located, source: str, start: int, error: ExpressionError) -> Diagnostic | None:
    """A better word for an expression that YAML cut short; None when it did not."""
    if at.style != "plain" or error.code not in ("expr.syntax", "expr.unclosed"):
        return None
    line = at.source.line(at.line)
    written = line[at.column - 1 :]
    value = str(at.value)
    rest = written[len(value) :] if written.startswith(value) else ""
    if not re.match(r"\s+#", rest):
        return None
    message = "the rest of this expression was read as a comment of YAML, which begins with ' #'"
    return finding(at, error.code, message, hint="put quotes around the whole value", offset=len(value))
