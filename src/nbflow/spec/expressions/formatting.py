"""Text out of values: f-strings as Python has them, and `${{ }}` inside a text as JSON has it."""

from __future__ import annotations

import json
import re
from typing import Any

from nbflow.spec.expressions.budget import WIDTH, Budget
from nbflow.spec.expressions.errors import Fault
from nbflow.spec.expressions.plain import whole

_NUMBER = re.compile(r"\d+", re.ASCII)
_CONVERSIONS = {-1: None, 115: str, 114: repr, 97: ascii}


def formatted(budget: Budget, value: Any, conversion: int, spec: str) -> str:
    """``{value!r:>10}`` of an f-string."""
    whole(budget, value)
    convert = _CONVERSIONS[conversion]
    if convert is not None:
        value = convert(value)
    if not spec:
        return value if type(value) is str else str(value)
    for number in _NUMBER.findall(spec):
        if len(number) > 6 or int(number) > WIDTH:
            raise Fault("expr.limit", f"the field would be too wide: {number[:12]}; the limit is {WIDTH:,}")
    return format(value, spec)


def joined(budget: Budget, *parts: str) -> str:
    """The parts of an f-string."""
    budget.text(sum(map(len, parts)))
    return "".join(parts)


def as_text(value: Any) -> str:
    """What ``${{ }}`` writes into a text: text as it is, everything else as compact JSON.

    `value` has left its expression, so it is JSON or opaque; the latter raises Fault.
    """
    if type(value) is str:
        return value
    try:
        return json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False, default=_refuse)
    except (TypeError, ValueError) as error:
        raise Fault("expr.type", f"this cannot be written into a text: {error}") from None


def _refuse(value: object) -> Any:
    name = type.__getattribute__(type(value), "__name__")
    hint = "let a tool make text of it"
    raise Fault("expr.opaque", f"a {name} cannot be written into a text", hint)
