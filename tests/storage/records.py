"""Records and values that the tests of storage write, and Hypothesis strategies for them."""

from __future__ import annotations

from dataclasses import fields
from typing import Any, get_args, get_type_hints

from hypothesis import strategies as st

from nbflow.execution import events as e

START = 1_764_000_000.0

NASTY: tuple[Any, ...] = (
    float("nan"), float("inf"), -float("inf"), -0.0, 1e308, 5e-324, 0.1,
    2**63 - 1, 2**63, -(2**63), -(2**63) - 1, 2**64 - 1, 2**64, 2**200, -(2**200), 10**18, 10**19,
    "", "\0", "a\0b", "\ud800", "\udfff x \ud800", "😀", "\u2028", "\\u0000", "NaN", "Infinity", "$", '"$', '{"$value":1}',
    "1234567890123456789012345", "\x7f", "\n\r\t", "'; drop table events; --",
    {"$value": {"kind": "json", "sha256": "0" * 64, "size": 1}}, {"$int": "0x1"}, {"$map": []}, {"$": 1}, {"$a": 1, "$b": 2},
    {"a\0": 1}, {"\ud800": {"$text": "x"}}, {"": None}, {"$map": [{"$map": {"$text": "\0"}}]}, {'"$': '"$'},
    [], {}, [[]], [{}], [None, True, False], {"a": [1, {"b": [2.5, "c"]}]},
)  # fmt: skip

texts = st.one_of(
    st.text(st.characters(codec=None), max_size=12),  # any code point, surrogates and NUL too
    st.sampled_from(["$value", "$int", "$map", "$text", "\0", "\ud800", "NaN", "a"]),
)
leaves = st.one_of(
    st.none(), st.booleans(), st.integers(), st.integers(-(2**70), 2**70), st.floats(), texts,
    st.sampled_from([value for value in NASTY if not isinstance(value, (dict, list))]),
)  # fmt: skip
values = st.recursive(
    leaves,
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(texts, inner, max_size=4)),
    max_leaves=12,
)

_BY_HINT: dict[str, st.SearchStrategy[Any]] = {
    "str": texts,
    "str | None": st.none() | texts,
    "int": st.integers(0, 1000),
    "int | None": st.none() | st.integers(0, 1000),
    "float": st.floats(0, 2e9),
    "float | None": st.none() | st.floats(0, 2e9),
    "bool": st.booleans(),
    "Any": values,
    "dict[str, Any]": st.dictionaries(texts, values, max_size=3),
    "dict[str, str]": st.dictionaries(texts, texts, max_size=3),
    "dict[str, Any] | None": st.none() | st.dictionaries(texts, values, max_size=3),
    "tuple[str, ...]": st.lists(texts, max_size=3).map(tuple),
    "Paths": st.lists(texts, max_size=3).map(tuple),
    "Paths | None": st.none() | st.lists(texts, max_size=3).map(tuple),
    "Skips": st.lists(st.tuples(texts, texts), max_size=3).map(tuple),
    "tuple[tuple[str, dict[str, Any]], ...]": st.lists(
        st.tuples(texts, st.dictionaries(texts, values, max_size=2)), max_size=2
    ).map(tuple),
    "tuple[dict[str, Any], ...]": st.lists(st.dictionaries(texts, values, max_size=2), max_size=2).map(tuple),
}


def _events(kind: type) -> st.SearchStrategy[Any]:
    get_type_hints(kind)  # the hints resolve
    return st.builds(kind, **{field.name: _BY_HINT[str(field.type)] for field in fields(kind)})


events = st.one_of(*map(_events, get_args(e.Event)))


def same(left: Any, right: Any) -> bool:
    """Equal in value and type at every place; NaN equals NaN, and 0.0 does not equal -0.0."""
    if type(left) is not type(right):
        return False
    if isinstance(left, dict):
        return list(left) == list(right) and all(same(left[key], right[key]) for key in left)
    if isinstance(left, (list, tuple)):
        return len(left) == len(right) and all(map(same, left, right))
    if isinstance(left, float):
        return repr(left) == repr(right)
    if hasattr(left, "__dataclass_fields__"):
        return all(same(getattr(left, field.name), getattr(right, field.name)) for field in fields(left))
    return bool(left == right)


def record(sequence: int, event: e.Event | None = None) -> e.Record:
    return e.Record(sequence, START + sequence / 8, event or e.NodeStarted(f"n{sequence}", 1, {"x": sequence}))


def records(first: int, last: int) -> list[e.Record]:
    return [record(sequence) for sequence in range(first, last + 1)]


def started(workflow: str = "demo", **more: Any) -> e.ExecutionStarted:
    return e.ExecutionStarted(workflow, "1", "hash", "nodes: {}", {}, ("n",), **more)
