"""The methods an expression may call: of text, of lists, of mappings. Looked up by exact type, never on the value."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from nbflow.spec.expressions.budget import Budget
from nbflow.spec.expressions.errors import Fault
from nbflow.spec.expressions.operators import key as hashable
from nbflow.spec.expressions.operators import told
from nbflow.spec.expressions.plain import NULL_HINT, SEQUENCES, named, shallow, whole
from nbflow.spec.names import did_you_mean, listed

Method = Callable[..., Any]


def _string(name: str, value: Any) -> str:
    if type(value) is str:
        return value
    shallow(value)
    raise Fault("expr.type", f"{name}() needs text; this is {named(value)}")


def _number(name: str, value: Any) -> int:
    if type(value) is int or type(value) is bool:
        return value
    shallow(value)
    raise Fault("expr.type", f"{name}() needs a whole number; this is {named(value)}")


def _same_length(act: Callable[[str], str]) -> Method:
    def method(budget: Budget, value: str, /) -> str:
        budget.text(len(value) * 2)
        return act(value)

    return method


def _stripping(act: Callable[[str, str | None], str], name: str) -> Method:
    def method(budget: Budget, value: str, characters: Any = None, /) -> str:
        budget.text(len(value))
        return act(value, None if characters is None else _string(name, characters))

    return method


def _affix(act: Callable[[str, str], str], name: str) -> Method:
    def method(budget: Budget, value: str, affix: Any, /) -> str:
        budget.text(len(value))
        return act(value, _string(name, affix))

    return method


def _edge(act: Callable[..., bool], name: str) -> Method:
    def method(budget: Budget, value: str, affix: Any, /, *bounds: Any) -> bool:
        if len(bounds) > 2:
            raise Fault("expr.type", f"{name}() takes one to three arguments")
        affixes = tuple(_string(name, one) for one in affix) if type(affix) is tuple else _string(name, affix)
        return act(value, affixes, *_bounds(name, bounds))

    return method


def _bounds(name: str, bounds: tuple[Any, ...]) -> list[int | None]:
    return [None if bound is None else _number(name, bound) for bound in bounds]


def _testing(act: Callable[[str], bool]) -> Method:
    def method(budget: Budget, value: str, /) -> bool:
        budget.text(len(value))
        return act(value)

    return method


def split(budget: Budget, value: str, /, sep: Any = None, maxsplit: Any = -1) -> list[str]:
    separator = None if sep is None else _string("split", sep)
    budget.text(len(value))
    pieces = len(value) // 2 if separator is None else value.count(separator) if separator else 0
    most = _number("split", maxsplit)
    budget.spend(pieces + 1 if most < 0 else min(pieces + 1, most + 1))
    return value.split(separator, most)


def split_lines(budget: Budget, value: str, /, keepends: Any = False) -> list[str]:
    budget.text(len(value))
    lines = value.splitlines(bool(shallow(keepends)))
    budget.spend(len(lines))
    return lines


def join(budget: Budget, value: str, items: Any, /) -> str:
    pieces = told(budget, items)
    for piece in pieces:
        if type(piece) is not str:
            shallow(piece)
            hint = "write str(…) around what is not text: ', '.join(str(x) for x in …)"
            raise Fault("expr.type", f"join() needs texts; there is {named(piece)} among them", hint)
    budget.text(sum(map(len, pieces)) + len(value) * max(0, len(pieces) - 1))
    return value.join(pieces)


def replace(budget: Budget, value: str, old: Any, new: Any, count: Any = -1, /) -> str:
    old, new, most = _string("replace", old), _string("replace", new), _number("replace", count)
    budget.text(len(value))
    found = value.count(old) if most < 0 else min(value.count(old), most)
    budget.text(max(0, len(value) + found * (len(new) - len(old))))
    return value.replace(old, new, most)


def find(budget: Budget, value: str, wanted: Any, /, *bounds: Any) -> int:
    if len(bounds) > 2:
        raise Fault("expr.type", "find() takes one to three arguments")
    budget.text(len(value))
    return value.find(_string("find", wanted), *_bounds("find", bounds))


def count_text(budget: Budget, value: str, wanted: Any, /) -> int:
    budget.text(len(value))
    return value.count(_string("count", wanted))


def index_text(budget: Budget, value: str, wanted: Any, /) -> int:
    budget.text(len(value))
    return value.index(_string("index", wanted))


def count_items(budget: Budget, value: Any, wanted: Any, /) -> int:
    whole(budget, value)
    count: int = value.count(whole(budget, wanted))
    return count


def index_items(budget: Budget, value: Any, wanted: Any, /, *bounds: Any) -> int:
    if len(bounds) > 2:
        raise Fault("expr.type", "index() takes one to three arguments")
    whole(budget, value)
    numbers = [_number("index", bound) for bound in bounds]
    try:
        index: int = value.index(whole(budget, wanted), *numbers)
    except ValueError:
        raise Fault("expr.value", "the list has no such item", "test with 'in' first") from None
    return index


def get(budget: Budget, value: dict[Any, Any], name: Any, default: Any = None, /) -> Any:
    return value.get(hashable(budget, name), default)


def keys(budget: Budget, value: dict[Any, Any], /) -> list[Any]:
    budget.spend(len(value))
    return list(value)


def values(budget: Budget, value: dict[Any, Any], /) -> list[Any]:
    budget.spend(len(value))
    return list(value.values())


def items(budget: Budget, value: dict[Any, Any], /) -> list[tuple[Any, Any]]:
    budget.spend(len(value))
    return list(value.items())


TEXT: dict[str, Method] = {
    "lower": _same_length(str.lower), "upper": _same_length(str.upper), "title": _same_length(str.title),
    "capitalize": _same_length(str.capitalize), "strip": _stripping(str.strip, "strip"),
    "lstrip": _stripping(str.lstrip, "lstrip"), "rstrip": _stripping(str.rstrip, "rstrip"),
    "removeprefix": _affix(str.removeprefix, "removeprefix"), "removesuffix": _affix(str.removesuffix, "removesuffix"),
    "startswith": _edge(str.startswith, "startswith"), "endswith": _edge(str.endswith, "endswith"),
    "isdigit": _testing(str.isdigit), "split": split, "splitlines": split_lines, "join": join, "replace": replace,
    "find": find, "count": count_text, "index": index_text,
}  # fmt: skip
LIST: dict[str, Method] = {"count": count_items, "index": index_items}
MAPPING: dict[str, Method] = {"get": get, "keys": keys, "values": values, "items": items}

METHODS = frozenset((*TEXT, *LIST, *MAPPING))
KEYWORDS: dict[str, frozenset[str]] = {"split": frozenset({"sep", "maxsplit"}), "splitlines": frozenset({"keepends"})}
GENERATORS = frozenset({"join"})

_OF: dict[type, dict[str, Method]] = {str: TEXT, list: LIST, tuple: LIST, dict: MAPPING}


def call(budget: Budget, value: Any, name: str, *arguments: Any, **named_arguments: Any) -> Any:
    """``value.name(…)``."""
    table = _OF.get(type(value))
    if table is not None and name in table:
        return table[name](budget, value, *arguments, **named_arguments)
    if value is None:
        raise Fault("expr.missing", f"it is null, so it has no {name}()", NULL_HINT)
    shallow(value)
    hint: str | None = did_you_mean(name, table or ())
    if hint is None and table and type(value) is not str:
        hint = f"it has {listed(f'{each}()' for each in table)}"
    if name in MAPPING and type(value) in SEQUENCES:
        hint = "it is a list: take one of its items first, with [0] or 'for'"
    raise Fault("expr.type", f"{named(value)} has no {name}()", hint)
