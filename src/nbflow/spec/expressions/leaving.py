"""What leaves an expression is JSON: tuples and sets become lists, NaN and infinities are refused, keys are text.

Opaque values pass whole and untouched.
"""

from __future__ import annotations

from math import isfinite
from typing import Any

from nbflow.spec.expressions.budget import Budget
from nbflow.spec.expressions.errors import Fault
from nbflow.spec.expressions.plain import NOTHING, Unique, named

_AS_IT_IS = frozenset((str, int, bool, NOTHING))
_LISTS = frozenset((tuple, list, Unique))
_DEPTH = 200


def leave(budget: Budget, value: Any) -> Any:
    """`value` as JSON data; a part of it that is JSON already is not copied. Raises Fault."""
    kind = type(value)
    if kind in _AS_IT_IS:
        return value
    if kind is float:
        return _finite(value)
    if kind in _LISTS or kind is dict:
        return _collection(budget, value, 0)
    return value


def _finite(value: float) -> float:
    if isfinite(value):
        return value
    message = f"{'NaN' if value != value else 'infinity'} is not JSON: it cannot be the value of an expression"
    raise Fault("expr.not_json", message, "test for it, and give null or a number in its place")


def _collection(budget: Budget, value: Any, depth: int) -> Any:
    if depth > _DEPTH:
        raise Fault("expr.limit", f"the value is nested too deeply; the limit is {_DEPTH}")
    budget.spend(len(value) + 1)
    if type(value) is dict:
        for key in value:
            if type(key) is not str:
                message = f"the keys of a mapping are text; {named(key)} is none"
                raise Fault("expr.not_json", message, "write str(…) around the key")
        if _AS_IT_IS.issuperset(map(type, value.values())):
            return value
        return {key: _part(budget, item, depth) for key, item in value.items()}
    if _AS_IT_IS.issuperset(map(type, value)):
        return value if type(value) is list else list(value)
    return [_part(budget, item, depth) for item in value]


def _part(budget: Budget, value: Any, depth: int) -> Any:
    kind = type(value)
    if kind in _AS_IT_IS:
        return value
    if kind is float:
        return _finite(value)
    if kind in _LISTS or kind is dict:
        return _collection(budget, value, depth + 1)
    return value
