"""What may be called, and with which arguments: known before anything runs."""

from __future__ import annotations

import ast
import inspect
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from nbflow.spec.expressions import functions, methods
from nbflow.spec.expressions.errors import ExpressionError
from nbflow.spec.names import did_you_mean, listed

if TYPE_CHECKING:
    from nbflow.spec.expressions.parsing import Parsed

_MANY = 10_000
Arity = tuple[int, int]


def _arity(act: Callable[..., Any], ours: int) -> Arity:
    """How few and how many arguments a call may have; the first `ours` of the function are not the author's."""
    known = inspect.signature(act).parameters.values()
    placed = [one for one in known if one.kind in (one.POSITIONAL_ONLY, one.POSITIONAL_OR_KEYWORD)]
    least = sum(one.default is one.empty for one in placed) - ours
    open_end = any(one.kind is one.VAR_POSITIONAL for one in known)
    return least, _MANY if open_end else len(placed) - ours


def _method_arity(name: str) -> Arity:
    """The same for a method, of whichever type it is called on."""
    tables = (methods.TEXT, methods.LIST, methods.MAPPING)
    each = [_arity(table[name], 2) for table in tables if name in table]
    return min(least for least, _ in each), max(most for _, most in each)


_ARITIES = {name: _arity(act, 1) for name, act in functions.FUNCTIONS.items()}
_METHOD_ARITIES = {name: _method_arity(name) for name in methods.METHODS}


def forbidden(message: str, at: int, hint: str | None = None, length: int = 1) -> ExpressionError:
    """The error for what Python has and the language has not."""
    return ExpressionError("expr.forbidden", message, at, hint, length)


def takes_generator(node: ast.Call) -> bool:
    """Whether `x for x in y` may stand among the arguments."""
    match node.func:
        case ast.Name(id=name):
            return name in functions.GENERATORS
        case ast.Attribute(attr=name):
            return name in methods.GENERATORS
        case _:
            return False


def check_call(node: ast.Call, parsed: Parsed) -> None:
    """Raises ExpressionError for a call that cannot be right."""
    if any(keyword.arg is None for keyword in node.keywords):
        raise forbidden("** for several values is not in the language", parsed.start(node))
    if isinstance(node.func, ast.Name):
        _function(node, node.func.id, parsed)
    elif isinstance(node.func, ast.Attribute):
        _method(node, node.func, parsed)
    elif not isinstance(node.func, ast.Lambda):  # which says more about itself
        raise forbidden("only functions and methods with a name can be called", parsed.start(node))


def _function(node: ast.Call, name: str, parsed: Parsed) -> None:
    if name not in functions.FUNCTIONS:
        hint = f"it is a method: write value.{name}(…)" if name in methods.METHODS else None
        hint = hint or did_you_mean(name, functions.FUNCTIONS)
        hint = hint or f"the functions are {listed(functions.FUNCTIONS, most=30)}"
        raise ExpressionError(
            "expr.unknown_function", f"there is no function '{name}'", parsed.start(node), hint, len(name)
        )
    _keywords(node, functions.KEYWORDS.get(name, frozenset()), name, parsed)
    _count(node, _ARITIES[name], name, parsed)


def _method(node: ast.Call, func: ast.Attribute, parsed: Parsed) -> None:
    name = func.attr
    if name not in methods.METHODS:
        at = parsed.end(func) - len(name)
        hint = did_you_mean(name, methods.METHODS) or f"the methods are {listed(sorted(methods.METHODS), most=40)}"
        raise ExpressionError("expr.unknown_function", f"there is no method '{name}'", at, hint, len(name))
    _keywords(node, methods.KEYWORDS.get(name, frozenset()), name, parsed)
    _count(node, _METHOD_ARITIES[name], name, parsed)


def _keywords(node: ast.Call, known: frozenset[str] | None, name: str, parsed: Parsed) -> None:
    for keyword in node.keywords:
        if known is not None and keyword.arg not in known:
            hint = did_you_mean(str(keyword.arg), known) or (f"it has {listed(sorted(known))}" if known else None)
            raise forbidden(f"{name}() has no argument '{keyword.arg}'", parsed.start(keyword), hint)


def _count(node: ast.Call, arity: Arity, name: str, parsed: Parsed) -> None:
    least, most = arity
    given, named = len(node.args), len(node.keywords)
    if least <= given + named and given <= most:
        return
    wanted = f"{least}" if least == most else f"{least} to {most}" if most < _MANY else f"at least {least}"
    plural = "" if wanted == "1" else "s"
    at = parsed.start(node.args[most]) if given > most else parsed.end(node) - 1
    raise forbidden(f"{name}() takes {wanted} argument{plural}; {given + named} given", at)
