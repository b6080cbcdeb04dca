"""Fields, items and slices of data. A name after a dot is a key of a mapping, never an attribute of an object."""

from __future__ import annotations

from typing import Any

from nbflow.errors import NbflowError
from nbflow.spec.expressions.budget import Budget
from nbflow.spec.expressions.errors import Fault
from nbflow.spec.expressions.methods import METHODS
from nbflow.spec.expressions.plain import NULL_HINT, SCALARS, SEQUENCES, counted, named, shallow, whole
from nbflow.spec.names import listed, nearest

_SHOWN = 8


def field(value: Any, name: str) -> Any:
    """``value.name``: a key of a mapping, and of nothing else."""
    if type(value) is dict:
        if name in value:
            return value[name]
        raise _no_key(value, name)
    if value is None:
        raise Fault("expr.missing", f"it is null, so it has no '{name}'", NULL_HINT)
    shallow(value)
    hint = f"call it: .{name}(…)" if name in METHODS else None
    raise Fault("expr.type", f"{named(value)} has no field '{name}'", hint)


def item(budget: Budget, value: Any, key: Any) -> Any:
    """``value[key]``."""
    kind = type(value)
    if kind is dict:
        if type(key) not in SCALARS:
            whole(budget, key)
        if key in value:
            return value[key]
        raise _no_key(value, key)
    if kind in SEQUENCES or kind is str:
        if type(key) is not int and type(key) is not bool:
            shallow(key)
            hint = f"take one item first: [0].{key}" if type(key) is str and kind is not str else None
            raise Fault("expr.type", f"the place in {named(value)} is a whole number; this is {named(key)}", hint)
        if -len(value) <= key < len(value):
            return value[key]
        raise Fault("expr.missing", f"it has {counted(value)}; [{key}] is past the end")
    if value is None:
        raise Fault("expr.missing", f"it is null, so it has no [{key!r}]", NULL_HINT)
    shallow(value)
    raise Fault("expr.type", f"{named(value)} has no items to take by place or name")


def part(budget: Budget, value: Any, start: Any, stop: Any, step: Any) -> Any:
    """``value[start:stop:step]``."""
    if type(value) not in SEQUENCES and type(value) is not str:
        shallow(value)
        raise Fault("expr.type", f"{named(value)} cannot be sliced")
    for bound in (start, stop, step):
        if bound is not None and type(bound) is not int and type(bound) is not bool:
            shallow(bound)
            raise Fault("expr.type", f"the bounds of a slice are whole numbers; this is {named(bound)}")
    if type(value) is str:
        budget.text(len(value))
    else:
        budget.spend(len(value))
    return value[start:stop:step]


def entry(mapping: Any, name: str) -> Any:
    """``secrets.NAME`` and ``env.NAME``: the engine's own mapping, asked for one name. What it says itself of a name
    that it does not have, passes on.
    """
    try:
        return mapping[name]
    except KeyError as error:
        if isinstance(error, NbflowError):
            raise
        hint = str(error.args[0]) if error.args and error.args[0] != name else None
        raise Fault("expr.missing", f"there is no '{name}' here", hint) from None


def _no_key(value: dict[Any, Any], key: Any) -> Fault:
    shown = f"'{key}'" if type(key) is str else repr(key) if type(key) in SCALARS else named(key)
    names = [name for name in value if type(name) is str]
    there = f"it has: {listed(names, most=_SHOWN)}" if names else "it is empty"
    near = nearest(key, names) if type(key) is str else None
    hint = f"did you mean '{near}'?" if near else None
    if type(key) is str and key in METHODS and hint is None:
        hint = f"to call it, write .{key}()"
    return Fault("expr.missing", f"there is no {shown} ({there})", hint)
