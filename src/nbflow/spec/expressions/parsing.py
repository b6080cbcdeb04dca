"""From text to a checked syntax tree. What is not in the language, or too large for it, is refused here.

The text is looked at before Python's parser sees it, so that no text whatever can exhaust the parser.
"""

from __future__ import annotations

import ast
import re
import warnings
from dataclasses import dataclass

from nbflow.spec.expressions.budget import BRACKETS, LENGTH
from nbflow.spec.expressions.errors import ExpressionError
from nbflow.spec.expressions.grammar import check, odd_character, too_deep
from nbflow.spec.expressions.traps import sign_trap, word_trap

_PIECE = re.compile(
    r"""
    (?P<string> [A-Za-z]{0,2}(?:'''(?:\\.|[^\\])*?''' | \"\"\"(?:\\.|[^\\])*?\"\"\"
                | '(?:\\.|[^'\\\n])*' | "(?:\\.|[^"\\\n])*"))
  | (?P<open> [(\[{]) | (?P<close> [)\]}])
  | (?P<quote> ['"]) | (?P<comment> \#)
  | (?P<odd> [^\x00-\x7f]) | (?P<control> [\x00-\x08\x0b-\x1f\x7f])
    """,
    re.VERBOSE | re.DOTALL,
)
_PAIRS = {")": "(", "]": "[", "}": "{"}
_PREFIXES = re.compile(r"(?:not\b\s*|[-+~]\s*){50}")
_RISKY = re.compile(r"\\|\d\.?[A-Za-z_]")


@dataclass(frozen=True, slots=True)
class Parsed:
    """A checked tree, and where its nodes stand in the text."""

    text: str
    tree: ast.expr
    shift: int  # characters that stand before the text on the first line Python saw

    def offset(self, line: int, column: int) -> int:
        """The offset in the text of a place that Python names: a line from 1, a column in bytes of UTF-8."""
        lines = self.text.split("\n")
        line = min(max(line, 1), len(lines))
        if line == 1:
            column -= self.shift
        current = lines[line - 1]
        if not current.isascii():
            column = len(current.encode()[:column].decode(errors="ignore"))
        return sum(len(one) + 1 for one in lines[: line - 1]) + max(0, min(column, len(current)))

    def start(self, node: ast.expr | ast.keyword) -> int:
        """The offset of a node's first character."""
        return self.offset(node.lineno, node.col_offset)

    def end(self, node: ast.expr) -> int:
        """The offset just past a node."""
        return self.offset(node.end_lineno or node.lineno, node.end_col_offset or 0)

    def segment(self, node: ast.expr) -> str:
        """A node as it is written."""
        return self.text[self.start(node) : self.end(node)]


def parse(text: str) -> Parsed:
    """The tree of an expression. Raises ExpressionError with the place of what is wrong."""
    text = text.replace("\r", " ")  # one line end is enough, and every character keeps its place
    if not text.strip():
        raise ExpressionError("expr.empty", "the expression is empty")
    if len(text) > LENGTH:
        message = f"the expression is too long: {len(text):,} characters; the limit is {LENGTH:,}"
        raise ExpressionError("expr.limit", message, hint="move the work into a tool")
    _look(text)
    parsed = _python(text)
    check(parsed)
    return parsed


def _look(text: str) -> None:
    """Refuses what must not reach the parser: open strings, unbalanced or deep brackets, odd characters."""
    waiting: list[tuple[str, int]] = []
    for found in _PIECE.finditer(text):
        match found.lastgroup:
            case "open":
                waiting.append((found.group(), found.start()))
                if len(waiting) > BRACKETS:
                    raise too_deep(found.start())
            case "close":
                _close(waiting, found.group(), found.start())
            case "string":
                pass
            case kind:
                raise _odd(str(kind), found.group(), found.start())
    if waiting:
        bracket, at = waiting[-1]
        raise ExpressionError("expr.syntax", f"the {bracket} opened here is never closed", at)
    deep = _PREFIXES.search(text)
    if deep:
        raise too_deep(deep.start())


def _close(waiting: list[tuple[str, int]], bracket: str, at: int) -> None:
    if not waiting:
        raise ExpressionError("expr.syntax", f"this {bracket} closes nothing", at)
    opened, _ = waiting.pop()
    if opened != _PAIRS[bracket]:
        raise ExpressionError("expr.syntax", f"this {bracket} does not close the {opened} before it", at)


def _odd(kind: str, piece: str, at: int) -> ExpressionError:
    match kind:
        case "quote":
            return ExpressionError("expr.syntax", "the quote opened here is never closed", at)
        case "comment":
            return ExpressionError("expr.syntax", "a comment (#) cannot stand in an expression", at)
        case _:
            return odd_character(piece, at)


def _python(text: str) -> Parsed:
    """Python's own tree of the text, in brackets so that it may go over several lines."""
    source, shift = f"({text}\n)", 1
    try:
        if _RISKY.search(text):
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # an unknown escape in a string is no business of Python's here
                tree = ast.parse(source, mode="eval").body
        else:
            tree = ast.parse(source, mode="eval").body
    except SyntaxError as error:
        raise _refused(text, error, shift) from None
    except (RecursionError, MemoryError):
        raise too_deep() from None
    except ValueError as error:
        raise ExpressionError("expr.syntax", f"this is not an expression: {error}") from None
    return Parsed(text, tree, shift)


def _refused(text: str, error: SyntaxError, shift: int) -> ExpressionError:
    """Python's refusal in the words of this language."""
    line, column = error.lineno or 1, error.offset or 1
    starts = [0, *(found.end() for found in re.finditer("\n", text))]
    end = len(text.rstrip())
    at = starts[line - 1] + column - 1 - (shift if line == 1 else 0) if line <= len(starts) else end
    at = max(0, min(at, end))
    trap = sign_trap(text) or word_trap(text)
    if trap is not None:
        return trap
    message = str(error.msg or "").rstrip(".")
    for said, better in _SAID:
        if said in message:
            return ExpressionError("expr.syntax", better or message, at)
    return ExpressionError("expr.syntax", "this is not an expression: something is missing or out of place here", at)


_SAID = (
    ("forgot a comma", "a comma or an operator is missing here"),
    ("expected 'else'", "an else is missing: 'a if condition else b'"),
    ("leading zeros", "a number cannot begin with 0"),
    ("Exceeds the limit", "this number has too many digits"),
    ("invalid decimal literal", "a name cannot begin with a digit"),
    ("f-string", ""),
    ("Generator expression must be parenthesized", "put [ ] around the comprehension"),
    ("positional argument follows keyword argument", ""),
    ("keyword argument repeated", ""),
    ("cannot mix bytes", ""),
    ("starred", "* for several values is not in the language"),
    ("did you forget parentheses around the comprehension target", "put ( ) around the names: 'for (a, b) in …'"),
)
