"""A secret is passed on whole, alone or as a part of a text. To compare, cut or measure it would be to tell it.

(What a tool got is recorded with the secret's name in its place; a part of it could be recognised nowhere.)
"""

from __future__ import annotations

import ast

from nbflow.spec.expressions.errors import ExpressionError
from nbflow.spec.expressions.parsing import Parsed

ROOT = "secrets"


def check_secrecy(parsed: Parsed) -> None:
    """Raises ExpressionError for a secret that does not go straight into the value."""
    waiting: list[tuple[ast.AST, bool]] = [(parsed.tree, True)]
    while waiting:
        node, passed_on = waiting.pop()
        if isinstance(node, ast.Name) and node.id == ROOT:
            raise _exposed(parsed, node, "'secrets' cannot be read as a whole; name one of them", "write secrets.NAME")
        if _is_secret(node):
            if not passed_on:
                message = "a secret cannot be compared, cut or measured in an expression: its result would be stored"
                raise _exposed(parsed, node, message, "pass it on whole, to a tool")
            continue
        through = _THROUGH.get(type(node), ()) if passed_on else ()
        if isinstance(node, ast.BinOp) and not isinstance(node.op, ast.Add):
            through = ()
        for name, child in ast.iter_fields(node):
            children = child if isinstance(child, list) else [child]
            waiting += [(one, name in through) for one in children if isinstance(one, ast.AST)]


_THROUGH: dict[type[ast.AST], tuple[str, ...]] = {
    ast.BinOp: ("left", "right"), ast.JoinedStr: ("values",), ast.FormattedValue: ("value",),
    ast.IfExp: ("body", "orelse"), ast.List: ("elts",), ast.Tuple: ("elts",), ast.Dict: ("values",),
}  # fmt: skip


def _is_secret(node: ast.AST) -> bool:
    """``secrets.NAME`` or ``secrets["NAME"]``."""
    if isinstance(node, ast.Attribute):
        return isinstance(node.value, ast.Name) and node.value.id == ROOT
    if isinstance(node, ast.Subscript) and isinstance(node.value, ast.Name) and node.value.id == ROOT:
        return isinstance(node.slice, ast.Constant) and isinstance(node.slice.value, str)
    return False


def _exposed(parsed: Parsed, node: ast.AST, message: str, hint: str) -> ExpressionError:
    assert isinstance(node, ast.expr)
    at = parsed.start(node)
    return ExpressionError("secret.exposed", message, at, hint, parsed.end(node) - at)
