"""What counts as data. Only these exact types are looked into; of anything else no attribute is ever touched.

`Unique` is what a set is here: like Python's, but it keeps the order in which its items came, so that the
same expression gives the same list everywhere.
"""

from __future__ import annotations

from collections.abc import Iterable, Sized
from typing import Any

from nbflow.spec.expressions.budget import Budget
from nbflow.spec.expressions.errors import Fault


class Unique(dict[Any, None]):
    """A set of hashable plain values, in the order in which they came."""

    __slots__ = ()
    __hash__ = None

    def __eq__(self, other: object) -> bool:
        return type(other) is Unique and dict.__eq__(self, other)

    def __ne__(self, other: object) -> bool:
        return not self == other

    def __lt__(self, other: object) -> bool:
        return self.keys() < other.keys() if type(other) is Unique else NotImplemented

    def __le__(self, other: object) -> bool:
        return self.keys() <= other.keys() if type(other) is Unique else NotImplemented

    def __gt__(self, other: object) -> bool:
        return self.keys() > other.keys() if type(other) is Unique else NotImplemented

    def __ge__(self, other: object) -> bool:
        return self.keys() >= other.keys() if type(other) is Unique else NotImplemented

    def __sub__(self, other: object) -> Unique:
        return Unique.of(key for key in self if key not in other) if type(other) is Unique else NotImplemented

    def __repr__(self) -> str:
        return "{" + ", ".join(map(repr, self)) + "}" if self else "set()"

    @staticmethod
    def of(items: Iterable[Any]) -> Unique:
        return Unique(dict.fromkeys(items))


NOTHING = type(None)
SCALARS = frozenset((str, int, float, bool, NOTHING))
NUMBERS = frozenset((int, float, bool))
SEQUENCES = frozenset((list, tuple))
CONTAINERS = frozenset((list, tuple, dict, Unique))
PLAIN = SCALARS | CONTAINERS
WALKED = CONTAINERS | {str}

_LONG = 4096
NULL_HINT = "null is what a skipped node or a missing value gives: write '… if x is not None else …'"
_WORDS = {str: "text", int: "a number", float: "a number", bool: "a boolean", NOTHING: "null", list: "a list",
          tuple: "a list", dict: "a mapping", Unique: "a set"}  # fmt: skip


def named(value: object) -> str:
    """What a value is, in the words of the language."""
    kind = type(value)
    return _WORDS.get(kind) or f"a {type.__getattribute__(kind, '__name__')}"


def counted(value: Sized) -> str:
    what = "characters" if type(value) is str else "items"
    return f"{len(value)} {what[:-1] if len(value) == 1 else what}"


def opaque(value: object) -> Fault:
    """The fault of looking into a value that is no data."""
    message = f"{named(value)} is passed on whole: an expression cannot look into it"
    return Fault("expr.opaque", message, "let a tool take what is needed out of it")


def shallow(value: Any) -> Any:
    """`value`, when it is data at its top: enough to ask for its truth or its length."""
    if type(value) in PLAIN:
        return value
    raise opaque(value)


def whole(budget: Budget, value: Any) -> Any:
    """`value`, when it is data all through: needed before it is compared, hashed or written as text.

    Costs a step for every value inside it, shared ones as often as they are met.
    """
    kind = type(value)
    if kind in SCALARS:
        if kind is str and len(value) > _LONG:
            budget.text(len(value))
        return value
    waiting = [value]
    while waiting:
        item = waiting.pop()
        kind = type(item)
        if kind in SCALARS:
            continue
        if kind not in CONTAINERS:
            raise opaque(item)
        budget.spend(len(item) + 1)
        if kind is dict:
            _keys(item)
            item = item.values()
        if not SCALARS.issuperset(map(type, item)):
            waiting.extend(item)
    return value


def _keys(mapping: dict[Any, Any]) -> None:
    for key in mapping:
        if type(key) not in SCALARS and type(key) is not tuple:
            raise opaque(key)
