"""`aggregate`: one value out of many. Nulls (of skipped sources) are left out, except by `object`."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from nbflow.errors import NodeError
from nbflow.execution.outcomes import Outcome, Succeeded
from nbflow.execution.state import NodeState
from nbflow.plan.plan import Aggregate
from nbflow.ports.executors import Scope
from nbflow.spec.document import kind_of


class AggregateKind:
    def activate(self, node: NodeState, scope: Scope, now: float) -> Outcome:
        work = node.node.work
        assert isinstance(work, Aggregate)
        items = work.items.evaluate(scope)
        return Succeeded(node.path, 0, aggregate(work, items, scope), inputs=items)


def aggregate(work: Aggregate, items: Any, scope: Scope) -> Any:
    """The value of one aggregate over a mapping or a list."""
    if work.how == "object":
        return items
    values = list(items.values()) if isinstance(items, dict) else items
    if not isinstance(values, list):
        raise _wrong(work.how, "a mapping or a list", items)
    values = [value for value in values if value is not None]
    if work.how == "best":
        return _best(work, values, scope)
    if work.how == "reduce":
        return _reduce(work, values, scope)
    return _SIMPLE[work.how](values)


def _wrong(how: str, wanted: str, got: Any) -> NodeError:
    return NodeError("InvalidInput", f"aggregate: {how} takes {wanted}; this is {kind_of(got)}")


def _concat(values: list[Any]) -> Any:
    if all(isinstance(value, str) for value in values) and values:
        return "".join(values)
    for value in values:
        if not isinstance(value, list):
            raise _wrong("concat", "lists, or texts only", value)
    return [item for value in values for item in value]


def _merge(values: list[Any]) -> dict[str, Any]:
    merged: dict[str, Any] = {}
    for value in values:
        if not isinstance(value, dict):
            raise _wrong("merge", "mappings", value)
        merged = _deep(merged, value)
    return merged


def _deep(left: dict[str, Any], right: dict[str, Any]) -> dict[str, Any]:
    both = dict(left)
    for key, value in right.items():
        old = both.get(key)
        both[key] = _deep(old, value) if isinstance(old, dict) and isinstance(value, dict) else value
    return both


def _numbers(how: str, values: list[Any]) -> list[Any]:
    for value in values:
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise _wrong(how, "numbers", value)
    return values


def _mean(values: list[Any]) -> float | None:
    numbers = _numbers("mean", values)
    return sum(numbers) / len(numbers) if numbers else None


def _extreme(how: str, pick: Callable[[list[Any]], Any]) -> Callable[[list[Any]], Any]:
    def extreme(values: list[Any]) -> Any:
        try:
            return pick(values) if values else None
        except TypeError:
            raise NodeError("InvalidInput", f"aggregate: {how} takes values of one type that can be compared") from None

    return extreme


def _vote(values: list[Any]) -> Any:
    """The most frequent value; of equals the one that came first."""
    counts: dict[str, list[Any]] = {}
    for value in values:
        counts.setdefault(json.dumps(_alike(value), sort_keys=True), [0, value])[0] += 1
    return max(counts.values(), key=lambda count: count[0])[1] if counts else None


def _alike(value: Any) -> Any:
    """The same for values that are equal: 1 and 1.0, also within; true is no number."""
    match value:
        case float() if value.is_integer():
            return int(value)
        case list():
            return [_alike(item) for item in value]
        case dict():
            return {name: _alike(item) for name, item in value.items()}
        case _:
            return value


def _best(work: Aggregate, values: list[Any], scope: Scope) -> Any:
    """The item with the largest `by` (the item itself without it); of equals the first."""
    if not values:
        return None
    by = work.by
    return max(values, key=(lambda item: by.evaluate(scope.also({"item": item}))) if by else lambda item: item)


def _reduce(work: Aggregate, values: list[Any], scope: Scope) -> Any:
    acc = work.start.evaluate(scope) if work.start is not None else None
    if work.step is None:
        raise NodeError("InvalidInput", "aggregate: reduce needs a step")
    for item in values:
        acc = work.step.evaluate(scope.also({"acc": acc, "item": item}))
    return acc


_SIMPLE: dict[str, Callable[[list[Any]], Any]] = {
    "list": lambda values: values,
    "concat": _concat,
    "merge": _merge,
    "sum": lambda values: sum(_numbers("sum", values)),
    "mean": _mean,
    "min": _extreme("min", min),
    "max": _extreme("max", max),
    "count": len,
    "first": lambda values: values[0] if values else None,
    "vote": _vote,
}
