"""From what went wrong in a running expression to an error that its author understands.

The place is that of the instruction that raised; Python keeps it, so that it costs nothing while all is well.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Mapping
from itertools import islice
from types import TracebackType
from typing import Any

from nbflow.spec.expressions.errors import EvaluationError, Fault
from nbflow.spec.expressions.grammar import operator_offset
from nbflow.spec.expressions.parsing import Parsed, parse
from nbflow.spec.expressions.rewriting import FILE
from nbflow.spec.names import did_you_mean

CAUGHT = (Fault, TypeError, ValueError, ArithmeticError, LookupError, RecursionError, MemoryError)

_COMPARISON = re.compile(r"'(.{1,2})' not supported between instances of '(\w+)' and '(\w+)'")
_KINDS = {"str": "text", "int": "a number", "float": "a number", "bool": "a boolean", "NoneType": "null",
          "list": "a list", "tuple": "a list", "dict": "a mapping", "Unique": "a set"}  # fmt: skip
_NULL = "null is what a skipped node or a missing value gives: test it with 'is not None'"

Span = tuple[int, int, int, int]


def explain(text: str, error: BaseException, scope: Mapping[str, Any]) -> EvaluationError:
    """The error a user sees for what evaluating `text` over `scope` raised."""
    parsed = parse(text)
    span = _span(error.__traceback__)
    node = _node(parsed.tree, span) if span else None
    code, message, hint = _unknown(error, scope) if isinstance(error, KeyError) else _what(error)
    at = _caret(parsed, node) if node is not None else parsed.start(parsed.tree)
    if node is not None and message.startswith(("it ", "there is no ")):
        message = _with_name(parsed, node, message)
    return EvaluationError(code, message, text, at, hint)


def _unknown(error: KeyError, scope: Mapping[str, Any]) -> tuple[str, str, str | None]:
    """A root that the scope does not have."""
    name = str(error.args[0]) if error.args else ""
    return "expr.unknown_name", f"unknown name '{name}'", did_you_mean(name, list(scope))


def _what(error: BaseException) -> tuple[str, str, str | None]:
    """Code, message and hint."""
    match error:
        case Fault():
            return error.code, error.message, error.hint
        case ZeroDivisionError():
            return "expr.value", "division by zero", "test the divisor first: 'a / b if b != 0 else None'"
        case OverflowError():
            return "expr.value", f"the number is too large: {error}", None
        case RecursionError() | MemoryError():
            return "expr.limit", "the value is nested too deeply, or too large", None
        case TypeError():
            return _type_error(str(error))
        case _:
            return "expr.value", _ours(str(error)), None


def _type_error(said: str) -> tuple[str, str, str | None]:
    found = _COMPARISON.fullmatch(said)
    if found is None:
        return "expr.type", _ours(said), None
    sign, left, right = found.groups()
    pair = f"{_KINDS.get(left, left)} with {_KINDS.get(right, right)}"
    hint = _NULL if "NoneType" in (left, right) else None
    if {left, right} <= {"str", "int", "float"}:
        hint = "make a number of the text with float(…) or int(…), or text of the number with str(…)"
    return "expr.type", f"cannot compare {pair} ({sign} is not supported between them)", hint


def _ours(said: str) -> str:
    """Python's words without the names of its types and of our functions."""
    if " positional argument" in said or "keyword argument" in said:
        return "it does not take these arguments"
    said = re.sub(r"'(str|int|float|bool|NoneType|list|tuple|dict|Unique)'", lambda one: _KINDS[one.group(1)], said)
    return said or "there is no such value"


def _span(trace: TracebackType | None) -> Span | None:
    """Where in the expression the innermost of its frames was: lines and columns as Python has them."""
    place: Span | None = None
    while trace is not None:
        code = trace.tb_frame.f_code
        if code.co_filename == FILE:
            found = next(islice(code.co_positions(), trace.tb_lasti // 2, None), None)
            if found is not None and None not in found:
                line, end_line, column, end_column = found
                place = (line or 1, column or 0, end_line or 1, end_column or 0)
        trace = trace.tb_next
    return place


def _node(tree: ast.expr, span: Span) -> ast.expr | None:
    """The outermost node that stands exactly there."""
    for node in ast.walk(tree):
        if isinstance(node, ast.expr) and span == (node.lineno, node.col_offset, node.end_lineno, node.end_col_offset):
            return node
    return None


def _caret(parsed: Parsed, node: ast.expr) -> int:
    """The character that shows best what is meant: the field, the sign, the bracket."""
    match node:
        case ast.Attribute():
            return parsed.end(node) - len(node.attr)
        case ast.Subscript():
            return parsed.start(node.slice)
        case ast.BinOp():
            return operator_offset(parsed, node)
        case ast.Call(func=ast.Attribute() as func):
            return parsed.end(func) - len(func.attr)
        case ast.Compare():
            return parsed.start(node.comparators[0])
        case _:
            return parsed.start(node)


def _with_name(parsed: Parsed, node: ast.expr, message: str) -> str:
    """``it is null`` with the name of what is null; ``there is no 'x' (…)`` with the name of where it is not."""
    value = node.func if isinstance(node, ast.Call) else node
    if not isinstance(value, (ast.Attribute, ast.Subscript)):
        return message
    name = " ".join(parsed.segment(value.value).split())
    name = name if len(name) <= 60 else name[:59] + "…"
    if message.startswith("it is null, "):
        return f"{name} is null, {message[12:]}"
    if message.startswith("it has "):
        return f"{name} has {message[7:]}"
    if message.startswith("there is no "):
        return f"{name} has no {message[12:]}"
    return message
