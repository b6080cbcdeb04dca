"""Texts that are no expression, and what their author meant: signs of other languages, words after a dot."""

from __future__ import annotations

import re

from nbflow.spec.expressions.errors import ExpressionError

_STRINGS = re.compile(r"'(?:\\.|[^'\\])*'|\"(?:\\.|[^\"\\])*\"")
_SIGNS: tuple[tuple[str, str, str], ...] = (
    (r"&&", "&& is not in the language", "write 'and'"),
    (r"\|\|", "|| is not in the language", "write 'or'"),
    (r"===", "=== is not in the language", "write =="),
    (r"!==", "!== is not in the language", "write !="),
    (r"<>", "<> is not in the language", "write !="),
    (r"!(?!=)", "! is not in the language", "write 'not'"),
    (r"\?\?", "?? is not in the language", "write 'a if a is not None else b'"),
    (r"\?\.", "?. is not in the language", "write 'a.b if a is not None else None'"),
    (r"\?", "? is not in the language", "write 'a if condition else b'"),
    (r"\$\{?\{?", "${{ }} cannot stand inside an expression", "write the name alone"),
    (r"=>", "=> is not in the language", "for 'at least' write >="),
    (r"=<", "=< is not in the language", "for 'at most' write <="),
    (r"\+\+|--(?=\s*$)", "++ and -- are not in the language", "write + 1 or - 1"),
    (r"(?<![=!<>:])=(?!=)", "= assigns; use == to compare", "write =="),
    (r";", "; is not in the language: an expression is one value", ""),
)
_KEYWORD_FIELD = re.compile(
    r"\.\s*(?P<word>False|None|True|and|as|assert|async|await|break|class|continue|def|del|elif|else|except|finally|for"
    r"|from|global|if|import|in|is|lambda|nonlocal|not|or|pass|raise|return|try|while|with|yield)\b"
)
_STATEMENT = re.compile(r"\s*(import|from|def|class|return|for|while|if|with|try|del|raise|assert|print)\b")
_DIGIT_FIELD = re.compile(r"(?<=[\w\])])\.(\d+)")
_DASHED_FIELD = re.compile(r"\.[A-Za-z_]\w*(?:-\w+)+")


def sign_trap(text: str) -> ExpressionError | None:
    """A sign of another language, or a single =."""
    bare = _bare(text)
    for pattern, message, hint in _SIGNS:
        found = re.search(pattern, bare)
        if found and not (found.group() == "=" and _is_keyword_argument(bare, found.start())):
            return ExpressionError("expr.syntax", message, found.start(), hint or None, len(found.group()))
    return None


def _bare(text: str) -> str:
    """The text with its strings blotted out, every character in its place."""
    return _STRINGS.sub(lambda found: "'" + "_" * (len(found.group()) - 2) + "'", text)


def _is_keyword_argument(text: str, at: int) -> bool:
    before = text[:at]
    return before.count("(") > before.count(")") and re.search(r"[(,]\s*\w+\s*$", before) is not None


def word_trap(text: str) -> ExpressionError | None:
    """A keyword or a number after a dot, or a statement."""
    text = _bare(text)
    found = _KEYWORD_FIELD.search(text)
    if found:
        word = found.group("word")
        message, hint = f"'{word}' is a word of the language, so it cannot follow a dot", f'write ["{word}"]'
        return ExpressionError("expr.syntax", message, found.start("word"), hint, len(word))
    number = _DIGIT_FIELD.search(text)
    if number:
        message, hint = "a place in a list stands in [ ]", f"write [{number.group(1)}]"
        return ExpressionError("expr.syntax", message, number.start(), hint)
    statement = _STATEMENT.match(text)
    if statement:
        word = statement.group(1)
        better = {"if": "write 'a if condition else b'", "for": "write [… for … in …]"}.get(word)
        message = f"'{word}' begins a statement; an expression is one value"
        return ExpressionError("expr.syntax", message, statement.start(1), better, len(word))
    return None
