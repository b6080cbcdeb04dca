"""Templates: what stands under `with:` and the like, a tree whose leaves may be expressions.

A text that begins with ``=``, or is one ``${{ }}`` whole, keeps the type of its expression; inside a longer text
``${{ }}`` is written out. Everything else is data. What is rendered is never rendered again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from math import isfinite
from typing import Any

from nbflow.errors import Diagnostic
from nbflow.spec.document import Located, finding
from nbflow.spec.document.delimiters import OPEN
from nbflow.spec.expressions.budget import TEXT
from nbflow.spec.expressions.errors import EvaluationError, ExpressionError, Fault
from nbflow.spec.expressions.expression import Expression, expression_at
from nbflow.spec.expressions.formatting import as_text
from nbflow.spec.expressions.references import Path, Reference
from nbflow.spec.expressions.templates import Piece, look_alikes, misread, pieces

Report = Callable[[Diagnostic], None]
Evaluate = Callable[[Mapping[str, Any]], Any]


class Value:
    """A template tree. A part without expressions is given as it is, so what comes out must not be changed.

    `constant` has no references, so that it is the same always (or fails always, as 1/0 does); `literal` is plain
    data. `constants` are the expressions in it that read nothing; `source` is where it was written, when it was.
    """

    __slots__ = ("_evaluate", "constant", "constants", "literal", "references", "secret_paths", "source")

    def __init__(
        self, evaluate: Evaluate, found: tuple[Reference, ...] = (), secrets: tuple[Path, ...] = (), *,
        constants: tuple[Expression, ...] = (), literal: bool = False,
    ):  # fmt: skip
        self._evaluate = evaluate
        self.references = found
        self.secret_paths = secrets
        self.constant = not found
        self.literal = literal
        self.constants = constants
        self.source: Located | None = None

    def evaluate(self, scope: Mapping[str, Any]) -> Any:
        """The value, as JSON data (opaque values whole). Raises EvaluationError."""
        return self._evaluate(scope)

    def plain(self) -> Any:
        """The template as it was written, as JSON data."""
        return self._evaluate({}) if self.source is None else self.source.plain()


def literal(value: Any) -> Value:
    """A value that is what it is."""
    return Value(lambda scope: value, literal=True)


def compile_value(at: Located, report: Report) -> Value:
    """The template of a located value. What is wrong with it is reported; such a leaf gives null."""
    made = _compile(at, report)
    made.source = at
    return made


def _compile(at: Located, report: Report) -> Value:
    value = at.value
    if isinstance(value, str):
        return _text(at, value, report)
    if isinstance(value, dict):
        return _mapping({key: _compile(item, report) for key, item in value.items()})
    if isinstance(value, list):
        return _list([_compile(item, report) for item in value])
    if isinstance(value, float) and not isfinite(value):
        report(finding(at, "type.number", f"{at.written()} is not JSON: a number must be finite"))
        return literal(None)
    return literal(value)


# ---- collections


def _mapping(parts: dict[str, Value]) -> Value:
    found = tuple(reference for part in parts.values() for reference in part.references)
    secrets = tuple((key, *path) for key, part in parts.items() for path in part.secret_paths)
    constants = tuple(expression for part in parts.values() for expression in part.constants)
    if all(part.literal for part in parts.values()):
        made = {key: part.evaluate({}) for key, part in parts.items()}
        return literal(made)
    leaves = tuple((key, part._evaluate) for key, part in parts.items())
    return Value(lambda scope: {key: evaluate(scope) for key, evaluate in leaves}, found, secrets, constants=constants)


def _list(parts: list[Value]) -> Value:
    found = tuple(reference for part in parts for reference in part.references)
    secrets = tuple((index, *path) for index, part in enumerate(parts) for path in part.secret_paths)
    constants = tuple(expression for part in parts for expression in part.constants)
    if all(part.literal for part in parts):
        made = [part.evaluate({}) for part in parts]
        return literal(made)
    leaves = tuple(part._evaluate for part in parts)
    return Value(lambda scope: [evaluate(scope) for evaluate in leaves], found, secrets, constants=constants)


# ---- texts


def _text(at: Located, text: str, report: Report) -> Value:
    if text[:1] == "=":
        return _expression(at, text, 1, len(text), report)
    if text[:2] == "\\=":
        return literal(text[1:])
    if OPEN not in text:
        if "{" in text:
            for diagnostic in look_alikes(at, text):
                report(diagnostic)
        return literal(text)
    try:
        parts = pieces(text.rstrip("\n") if at.style == "block" else text)
    except ExpressionError as error:
        report(misread(at, text, 0, error) or _at(at, error, 0))
        return literal(None)
    if len(parts) == 1 and parts[0].expression:
        return _expression(at, text, parts[0].start, parts[0].end, report)
    return _mixed(at, text, pieces(text) if at.style == "block" else parts, report)


def _expression(at: Located, text: str, start: int, end: int, report: Report) -> Value:
    made = _read(at, text, start, end, report)
    if made is None:
        return literal(None)
    secrets = ((),) if _mentions_secret(made) else ()
    return Value(made.evaluate, made.references, secrets, constants=(made,) if made.constant else ())


def _mixed(at: Located, text: str, parts: list[Piece], report: Report) -> Value:
    made: list[str | Expression] = []
    for part in parts:
        if not part.expression:
            made.append(part.text)
            continue
        expression = _read(at, text, part.start, part.end, report)
        if expression is not None:
            made.append(expression)
    expressions = [part for part in made if isinstance(part, Expression)]
    if not expressions:
        whole = "".join(part for part in made if isinstance(part, str))
        return literal(whole)
    found = tuple(reference for expression in expressions for reference in expression.references)
    secrets = ((),) if any(map(_mentions_secret, expressions)) else ()
    constants = tuple(expression for expression in expressions if expression.constant)
    return Value(_Text(tuple(made)).evaluate, found, secrets, constants=constants)


def _mentions_secret(expression: Expression) -> bool:
    return any(reference.root == "secrets" for reference in expression.references)


def _read(at: Located, text: str, start: int, end: int, report: Report) -> Expression | None:
    source = text[start:end]
    try:
        return expression_at(source, at, start)
    except ExpressionError as error:
        report(misread(at, source, start, error) or _at(at, error, start))
        return None


def _at(at: Located, error: ExpressionError, start: int) -> Diagnostic:
    """The finding for an expression that begins at `start` of the text of `at`."""
    offset = start + error.offset if error.code != "expr.empty" else 0  # the ${{ that has nothing in it
    return finding(at, error.code, error.message, hint=error.hint, offset=offset, length=error.length)


class _Text:
    """A text with expressions in it."""

    __slots__ = ("_parts",)

    def __init__(self, parts: tuple[str | Expression, ...]):
        self._parts = parts

    def evaluate(self, scope: Mapping[str, Any]) -> str:
        made = "".join(self._written(scope))
        if len(made) > TEXT:
            message = f"the text would be too long: {len(made):,} characters; the limit is {TEXT:,}"
            raise EvaluationError("expr.limit", message, "${{ }}")
        return made

    def _written(self, scope: Mapping[str, Any]) -> Iterator[str]:
        for part in self._parts:
            if isinstance(part, str):
                yield part
                continue
            value = part.evaluate(scope)
            try:
                yield as_text(value)
            except Fault as fault:
                raise EvaluationError(fault.code, fault.message, part.text, 0, fault.hint) from None
