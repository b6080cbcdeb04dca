"""Fields that are bare expressions: `when`, `until`, `while`, `if`, `for_each`, `by`, `step` …"""

from __future__ import annotations

import json

from nbflow.errors import Diagnostic
from nbflow.spec.document import Located, finding
from nbflow.spec.document.delimiters import OPEN, quoted, template_end
from nbflow.spec.expressions.errors import EvaluationError, ExpressionError
from nbflow.spec.expressions.expression import Expression, expression_at
from nbflow.spec.expressions.templates import misread
from nbflow.spec.expressions.values import Report


def compile_condition(at: Located, report: Report, *, test: bool = True) -> Expression | None:
    """The expression of a field that is one; None after a finding.

    `test` says that its truth is asked for: then a text that is always true gets a warning, and so do ``${{ }}``
    around it, which are not needed.
    """
    value = at.value
    match value:
        case str():
            return _text(at, value, report, test)
        case list() | dict():
            report(_flow(at))
        case None:
            report(finding(at, "expr.empty", "an expression is missing here", key=True))
        case _:
            return _read(at, json.dumps(value), 0, report)
    return None


def _text(at: Located, text: str, report: Report, test: bool) -> Expression | None:
    start, source = _bare(text)
    if start and text.lstrip().startswith(OPEN) and test:
        message = "this field is a bare expression, without ${{ }}"
        report(finding(at, "expr.delimiter", message, hint=f"write {source.strip()}", severity="warning"))
    made = _read(at, source, start, report)
    if made is not None and test and made.constant:
        warning = _always(at, made)
        if warning is not None:
            report(warning)
    return made


def _bare(text: str) -> tuple[int, str]:
    """The expression in a text, without a leading ``=`` or ``${{ }}`` around all of it, and where it begins."""
    if text.startswith("="):
        return 1, text[1:]
    begin = len(text) - len(text.lstrip())
    if text.startswith(OPEN, begin) and template_end(text, begin) == len(text.rstrip()):
        return begin + len(OPEN), text.rstrip()[begin + len(OPEN) : -2]
    return 0, text


def _read(at: Located, source: str, start: int, report: Report) -> Expression | None:
    try:
        return expression_at(source, at, start)
    except ExpressionError as error:
        offset = 0 if error.code == "expr.empty" else start + error.offset
        report(
            misread(at, source, start, error)
            or finding(at, error.code, error.message, hint=error.hint, offset=offset, length=error.length)
        )
    return None


def _flow(at: Located) -> Diagnostic:
    """A list or mapping: nearly always an expression that YAML took for its own."""
    line = at.source.line(at.line)[at.column - 1 :].split(" #")[0].rstrip().rstrip(",")
    message = f"an expression is wanted here, and YAML reads this as {at.kind()}"
    hint = f"put it in quotes: {quoted(line)}" if at.style == "flow" else "write one expression, as text"
    return finding(at, "expr.syntax", message, hint=hint)


def _always(at: Located, expression: Expression) -> Diagnostic | None:
    """A text as a condition: it does not say what it seems to say."""
    try:
        value = expression.evaluate({})
    except EvaluationError:
        return None
    if not isinstance(value, str):
        return None
    message = f"a text that is not empty counts as true, so {expression.text.strip()} is always true" if value else (
        "an empty text counts as false, so this is always false"
    )  # fmt: skip
    hint = f"write {value.strip().lower()} without inner quotes" if value.strip().lower() in ("true", "false") else None
    return finding(at, "expr.truthiness", message, hint=hint, severity="warning")
