"""The operators and displays of a running expression, each within its budget.

What Python would do is done by Python; here stands what it would do without end, or to values that are no data.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable, Iterator, Sequence
from types import GeneratorType
from typing import Any

from nbflow.spec.expressions.budget import Budget
from nbflow.spec.expressions.errors import Fault
from nbflow.spec.expressions.plain import (
    NULL_HINT,
    NUMBERS,
    SCALARS,
    SEQUENCES,
    WALKED,
    Unique,
    counted,
    named,
    shallow,
    whole,
)

_HASHED = 60  # bits of a whole number that is its own hash

# ---- arithmetic


def add(budget: Budget, left: Any, right: Any) -> Any:
    if type(left) in NUMBERS and type(right) in NUMBERS:
        return left + right
    if type(left) is type(right):
        if type(left) is str:
            budget.text(len(left) + len(right))
            return left + right
        if type(left) in SEQUENCES:
            budget.spend(len(left) + len(right))
            return left + right
    raise _no_operator("+", "add", left, right)


def subtract(budget: Budget, left: Any, right: Any) -> Any:
    if type(left) in NUMBERS and type(right) in NUMBERS:
        return left - right
    if type(left) is Unique and type(right) is Unique:
        budget.spend(len(left))
        return left - right
    raise _no_operator("-", "subtract", left, right)


def multiply(budget: Budget, left: Any, right: Any) -> Any:
    if type(left) in NUMBERS and type(right) in NUMBERS:
        if type(left) is not float and type(right) is not float:
            budget.number(left.bit_length() + right.bit_length())
        return left * right
    if type(right) in WALKED:
        left, right = right, left
    if type(left) in (str, list, tuple) and type(right) in (int, bool):
        size = len(left) * max(right, 0)
        if type(left) is str:
            budget.text(size)
        else:
            budget.spend(size)
        return left * right
    raise _no_operator("*", "multiply", left, right)


def divide(budget: Budget, left: Any, right: Any) -> Any:
    return _numbers("/", "divide", operator.truediv, left, right)


def divide_whole(budget: Budget, left: Any, right: Any) -> Any:
    return _numbers("//", "divide", operator.floordiv, left, right)


def remainder(budget: Budget, left: Any, right: Any) -> Any:
    if type(left) is str:
        raise Fault("expr.type", "% works on numbers only", "write an f-string: f'… {value} …'")
    return _numbers("%", "divide", operator.mod, left, right)


def power(budget: Budget, left: Any, right: Any) -> Any:
    if type(left) not in NUMBERS or type(right) not in NUMBERS:
        raise _no_operator("**", "raise", left, right)
    if type(left) is not float and type(right) is not float and right > 0:
        bits = left.bit_length()
        exact = left & (left - 1) == 0  # a power of two has one bit less to multiply
        budget.number((bits - exact) * right + 1 if bits > 1 else bits)
    result = left**right
    if type(result) is complex:
        raise Fault("expr.value", "a negative number has no such power among the real numbers")
    return result


def negative(value: Any) -> Any:
    if type(value) in NUMBERS:
        return -value
    raise Fault("expr.type", f"- needs a number; this is {named(value)}")


def positive(value: Any) -> Any:
    if type(value) in NUMBERS:
        return +value
    raise Fault("expr.type", f"+ needs a number; this is {named(value)}")


def _numbers(sign: str, verb: str, act: Callable[[Any, Any], Any], left: Any, right: Any) -> Any:
    if type(left) in NUMBERS and type(right) in NUMBERS:
        return act(left, right)
    raise _no_operator(sign, verb, left, right)


def _no_operator(sign: str, verb: str, left: Any, right: Any) -> Fault:
    shallow(left)
    shallow(right)
    hint = None
    if sign == "+" and str in (type(left), type(right)):
        hint = "write str(…) around what is not text, or text with ${{ }} in it"
    if left is None or right is None:
        hint = "null is what a skipped node or a missing value gives: test it with 'is not None'"
    pair = f"{named(left)} and {named(right)}"
    return Fault("expr.type", f"cannot {verb} {pair} with {sign}", hint)


# ---- displays and iteration


def key(budget: Budget, value: Any) -> Any:
    """`value` as the key of a mapping or an item of a set: hashable data."""
    if type(value) in SCALARS:
        if type(value) is int and value.bit_length() > _HASHED:
            budget.key(value)
        return value
    if type(value) is tuple:
        budget.key(whole(budget, value))  # a list inside it raises
        return value
    shallow(value)
    raise Fault("expr.type", f"{named(value)} cannot be a key of a mapping or an item of a set")


def unique(budget: Budget, items: list[Any]) -> Unique:
    """``{a, b}``."""
    budget.spend(len(items))
    return Unique.of([key(budget, one) for one in items])


def walk(budget: Budget, value: Any, weight: int = 1) -> Any:
    """What ``for … in value`` goes through; each item costs `weight` steps."""
    if type(value) not in WALKED:
        shallow(value)
        hint = NULL_HINT if value is None else None
        raise Fault("expr.type", f"{named(value)} cannot be walked through; a list is needed", hint)
    budget.spend(len(value) * weight + 1)
    return value


def walk_pairs(budget: Budget, value: Any, weight: int, shape: Any) -> Iterator[Any]:
    """The same for ``for a, b in value``: every item must be one that Python may take apart."""
    for one in walk(budget, value, weight):
        _take_apart(one, shape)
        yield one


def _take_apart(value: Any, shape: Sequence[Any]) -> None:
    if type(value) not in WALKED:
        shallow(value)
        raise Fault("expr.type", f"{named(value)} cannot be taken apart into {len(shape)} names")
    if len(value) != len(shape):
        message = f"{counted(value)} cannot be taken apart into {len(shape)} names"
        raise Fault("expr.value", message)
    for inner, below in zip(value, shape, strict=True):
        if below:
            _take_apart(inner, below)


def told(budget: Budget, items: Iterable[Any]) -> list[Any]:
    """The items of a generator or of data, as a list."""
    return list(items) if type(items) is GeneratorType else list(walk(budget, items))
