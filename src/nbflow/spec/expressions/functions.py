"""The functions an expression may call, by name. Each gives what Python's own would, within the budget.

A generator among the arguments is one the expression itself made; everything else is data.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from types import GeneratorType
from typing import Any

from nbflow.spec.expressions.budget import BITS, Budget
from nbflow.spec.expressions.errors import Fault
from nbflow.spec.expressions.operators import add, key, told, walk
from nbflow.spec.expressions.plain import NUMBERS, SEQUENCES, WALKED, Unique, named, shallow, whole

_LONGEST_NUMBER = 1_000  # characters of a text that is read as a number


def _items(budget: Budget, value: Any) -> Any:
    """What a function goes through: data, or the rest of a generator."""
    return list(value) if type(value) is GeneratorType else walk(budget, value)


def _whole_items(budget: Budget, value: Any) -> Any:
    return whole(budget, _items(budget, value))


def absolute(budget: Budget, value: Any, /) -> Any:
    if type(value) in NUMBERS:
        return abs(value)
    shallow(value)
    raise Fault("expr.type", f"abs() needs a number; this is {named(value)}")


def all_hold(budget: Budget, items: Any, /) -> bool:
    return all(map(shallow, items if type(items) is GeneratorType else walk(budget, items)))


def any_holds(budget: Budget, items: Any, /) -> bool:
    return any(map(shallow, items if type(items) is GeneratorType else walk(budget, items)))


def boolean(budget: Budget, value: Any = False, /) -> bool:
    return bool(shallow(value))


def mapping(budget: Budget, pairs: Any = (), /, **more: Any) -> dict[Any, Any]:
    if type(pairs) is dict:
        budget.spend(len(pairs))
        return {**pairs, **more}
    made: dict[Any, Any] = {}
    for pair in _items(budget, pairs):
        if type(pair) not in WALKED:
            shallow(pair)
            raise Fault("expr.type", f"dict() needs pairs; this is {named(pair)}")
        if len(pair) != 2:
            raise Fault("expr.value", f"dict() needs pairs; this has {len(pair)} items")
        name, value = pair
        made[key(budget, name)] = value
    return {**made, **more}


def numbered(budget: Budget, items: Any, start: Any = 0) -> list[tuple[int, Any]]:
    return list(enumerate(_items(budget, items), _whole_number("enumerate()", start)))


def decimal(budget: Budget, value: Any = 0.0, /) -> float:
    if type(value) in NUMBERS:
        return float(value)
    if type(value) is str:
        return float(_short(value))
    shallow(value)
    raise Fault("expr.type", f"float() needs a number or text; this is {named(value)}")


def integer(budget: Budget, value: Any = 0, /, base: Any = None) -> int:
    if base is not None:
        if type(value) is not str:
            raise Fault("expr.type", f"int() with a base needs text; this is {named(value)}")
        return _within(int(_short(value), _whole_number("int()", base)))
    if type(value) in NUMBERS:
        return _within(int(value))
    if type(value) is str:
        return _within(int(_short(value)))
    shallow(value)
    raise Fault("expr.type", f"int() needs a number or text; this is {named(value)}")


def _within(number: int) -> int:
    if number.bit_length() > BITS:
        raise Fault("expr.limit", f"the number would be too large; the limit is {BITS:,} bits")
    return number


def _short(text: str) -> str:
    if len(text) > _LONGEST_NUMBER:
        raise Fault("expr.value", f"a text of {len(text):,} characters is no number")
    return text


def _whole_number(what: str, value: Any) -> int:
    if type(value) is int or type(value) is bool:
        return value
    shallow(value)
    raise Fault("expr.type", f"{what} needs a whole number; this is {named(value)}")


def length(budget: Budget, value: Any, /) -> int:
    if type(value) in WALKED:
        return len(value)
    shallow(value)
    hint = "null is what a skipped node gives: test it with 'is not None'" if value is None else None
    raise Fault("expr.type", f"{named(value)} has no length", hint)


def sequence(budget: Budget, items: Any = (), /) -> list[Any]:
    return told(budget, items)


def fixed(budget: Budget, items: Any = (), /) -> tuple[Any, ...]:
    return tuple(told(budget, items))


def distinct(budget: Budget, items: Any = (), /) -> Unique:
    return Unique.of([key(budget, one) for one in _items(budget, items)])


def backwards(budget: Budget, items: Any, /) -> list[Any]:
    if type(items) not in SEQUENCES and type(items) is not str and type(items) is not dict:
        shallow(items)
        raise Fault("expr.type", f"reversed() needs a list; this is {named(items)}")
    return told(budget, items)[::-1]


_NONE_GIVEN = object()


def _extreme(act: Callable[..., Any], name: str) -> Callable[..., Any]:
    def extreme(budget: Budget, first: Any, /, *rest: Any, default: Any = _NONE_GIVEN) -> Any:
        if rest:
            if default is not _NONE_GIVEN:
                raise Fault("expr.type", f"{name}() takes a default only with one list")
            return act(whole(budget, [first, *rest]))
        items = _whole_items(budget, first)
        if not items:
            if default is not _NONE_GIVEN:
                return default
            raise Fault("expr.value", f"{name}() of an empty list", f"give a default: {name}(…, default=None)")
        return act(items)

    return extreme


def span(budget: Budget, *bounds: Any) -> list[int]:
    if not 1 <= len(bounds) <= 3:
        raise Fault("expr.type", "range() takes one to three whole numbers")
    numbers = range(*(_whole_number("range()", bound) for bound in bounds))
    first, step = numbers.start, numbers.step
    size = max(0, (numbers.stop - first + step - (1 if step > 0 else -1)) // step)
    budget.spend(size)
    return list(numbers)


def rounded(budget: Budget, number: Any, ndigits: Any = None) -> Any:
    if type(number) not in NUMBERS:
        shallow(number)
        raise Fault("expr.type", f"round() needs a number; this is {named(number)}")
    if ndigits is None:
        return round(number)
    digits = _whole_number("round()", ndigits)
    if type(number) is not float and -digits > number.bit_length():
        return 0  # 10**digits is more than twice the number; Python would make that power first
    return round(number, digits)


def ordered(budget: Budget, items: Any, /, *, reverse: Any = False) -> list[Any]:
    items = _whole_items(budget, items)
    budget.spend(len(items) * (len(items).bit_length() >> 2))
    return sorted(items, reverse=bool(shallow(reverse)))


def text(budget: Budget, value: Any = "", /) -> str:
    return str(whole(budget, value))


def total(budget: Budget, items: Any, /, start: Any = 0) -> Any:
    items = _items(budget, items)
    if NUMBERS.issuperset(map(type, items)) and type(start) in NUMBERS:
        return sum(items, start)
    if type(start) is str:
        raise Fault("expr.type", "sum() adds numbers and lists", "join text with ''.join(…)")
    for one in items:
        start = add(budget, start, one)
    return start


def together(budget: Budget, *lists: Any, strict: Any = False) -> list[tuple[Any, ...]]:
    iterators: list[Iterator[Any]] = [one if type(one) is GeneratorType else iter(walk(budget, one)) for one in lists]
    return list(zip(*iterators, strict=bool(shallow(strict))))


FUNCTIONS: dict[str, Callable[..., Any]] = {
    "abs": absolute, "all": all_hold, "any": any_holds, "bool": boolean, "dict": mapping, "enumerate": numbered,
    "float": decimal, "int": integer, "len": length, "list": sequence, "max": _extreme(max, "max"),
    "min": _extreme(min, "min"), "range": span, "reversed": backwards, "round": rounded, "set": distinct,
    "sorted": ordered, "str": text, "sum": total, "tuple": fixed, "zip": together,
}  # fmt: skip

KEYWORDS: dict[str, frozenset[str] | None] = {  # None: any, as `dict(a=1)` has it
    "dict": None, "enumerate": frozenset({"start"}), "int": frozenset({"base"}), "max": frozenset({"default"}),
    "min": frozenset({"default"}), "round": frozenset({"ndigits", "number"}), "sorted": frozenset({"reverse"}),
    "sum": frozenset({"start"}), "zip": frozenset({"strict"}),
}  # fmt: skip

GENERATORS = frozenset(
    "all any dict enumerate list max min set sorted sum tuple zip".split()
)  # functions that may be given `x for x in y`
