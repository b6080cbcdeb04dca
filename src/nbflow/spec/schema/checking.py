"""Whether a value fits a schema, strictly: a number given as text is refused, and so is 3.0 where 3 is wanted.

The forms that people write are checked here, without a library; whatever else JSON Schema has goes to `jsonschema`.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from nbflow.errors import InputError
from nbflow.spec.names import did_you_mean, listed
from nbflow.spec.schema.formats import FORMATS
from nbflow.spec.schema.library import by_library
from nbflow.spec.schema.patterns import matches
from nbflow.spec.schema.problems import MOST, Path, Problem, shown, subject, wrong_type

Schema = Mapping[str, Any]
Rule = Schema | bool

SILENT = frozenset(
    {
        "title",
        "description",
        "doc",
        "default",
        "examples",
        "example",
        "deprecated",
        "readOnly",
        "writeOnly",
        "$schema",
        "$id",
        "$comment",
    }
)  # keywords that say something to people only


class _NotPlain(Exception):
    """The schema has a keyword that is left to the library."""


def check(value: Any, schema: Schema, *, name: str = "") -> list[Problem]:
    """What of `value` does not fit, at most 20 problems; nothing when all does. `name` begins every message."""
    found: list[Problem] = []
    try:
        for problem in _problems(value, schema, (), name):
            found.append(problem)
            if len(found) == MOST:
                break
    except _NotPlain:
        return by_library(value, schema, name)
    return found


NO_INPUTS: Schema = {"type": "object", "properties": {}, "additionalProperties": False}  # of one that declares none


def apply_inputs(schema: Schema, given: Mapping[str, Any]) -> dict[str, Any]:
    """The inputs of an execution: what was given, and the defaults of what was not. Raises InputError."""
    properties: Mapping[str, Schema] = schema.get("properties", {})
    values = {name: one["default"] for name, one in properties.items() if "default" in one and name not in given}
    complete = {name: copy.deepcopy(value) for name, value in values.items()} | dict(given)
    problems = check(complete, schema)
    if problems:
        first, *rest = problems
        more = "".join(f"\n{problem.message} [{problem.code}]" for problem in rest)
        raise InputError(first.code, first.message + more, first.hint)
    return {name: complete[name] for name in (*properties, *(each for each in complete if each not in properties))
            if name in complete}  # fmt: skip


# ---- the plain forms


def _problems(value: Any, schema: Rule, path: Path, name: str) -> Iterator[Problem]:
    if isinstance(schema, bool):
        if not schema:
            yield Problem(path, "input.unknown", f"{subject(path, name)} cannot be given")
        return
    wanted = schema.get("type")
    if wanted is not None and not _is(value, wanted):
        yield wrong_type(value, wanted, path, name)
        return
    for keyword, rule in schema.items():
        if keyword == "type" or keyword in SILENT:
            continue
        checks = _KEYWORDS.get(keyword)
        if checks is None:
            raise _NotPlain
        yield from checks(value, rule, schema, path, name)


def _is(value: Any, wanted: Any) -> bool:
    if isinstance(wanted, str):
        test = _TESTS.get(wanted)
        return test is None or test(value)
    return any(_is(value, one) for one in wanted)


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


_TESTS: dict[str, Callable[[Any], bool]] = {
    "string": lambda value: isinstance(value, str),
    "number": _is_number,
    "integer": lambda value: isinstance(value, int) and not isinstance(value, bool),
    "boolean": lambda value: isinstance(value, bool),
    "object": lambda value: isinstance(value, Mapping),
    "array": lambda value: isinstance(value, (list, tuple)),
    "null": lambda value: value is None,
}


Found = Iterator[Problem]


def _properties(value: Any, rule: Any, schema: Schema, path: Path, name: str) -> Found:
    if isinstance(value, Mapping):
        for key, below in rule.items():
            if key in value:
                yield from _problems(value[key], below, (*path, key), name)


def _required(value: Any, rule: Any, schema: Schema, path: Path, name: str) -> Found:
    if isinstance(value, Mapping):
        for key in rule:
            if key not in value:
                what = subject((*path, key), name) if path or name else f"the input '{key}'"
                yield Problem((*path, key), "input.missing", f"{what} is missing")


def _additional(value: Any, rule: Any, schema: Schema, path: Path, name: str) -> Found:
    if not isinstance(value, Mapping) or rule is True:
        return
    known = schema.get("properties", {})
    if "patternProperties" in schema:
        raise _NotPlain
    for key in value:
        if key in known:
            continue
        if rule is False:
            yield _unknown(key, known, path, name)
        else:
            yield from _problems(value[key], rule, (*path, key), name)


def _unknown(key: Any, known: Mapping[str, Any], path: Path, name: str) -> Problem:
    hint = did_you_mean(str(key), known) or (f"there are {listed(known)}" if known else "there are none")
    where = f" in {subject(path, name)}" if path or name else ""
    what = "field" if where else "input"
    return Problem((*path, key), "input.unknown", f"there is no {what} '{key}'{where}", hint)


def _items(value: Any, rule: Any, schema: Schema, path: Path, name: str) -> Found:
    if isinstance(value, (list, tuple)):
        for index, item in enumerate(value):
            yield from _problems(item, rule, (*path, index), name)


def _enum(value: Any, rule: Any, schema: Schema, path: Path, name: str) -> Found:
    if not any(_same(value, one) for one in rule):
        choices = listed([json.dumps(one, ensure_ascii=False) if not isinstance(one, str) else one for one in rule])
        hint = did_you_mean(value, [one for one in rule if isinstance(one, str)]) if isinstance(value, str) else None
        message = f"{subject(path, name)} must be one of {choices}; it is {shown(value)}"
        yield Problem(path, "input.choice", message, hint)


def _const(value: Any, rule: Any, schema: Schema, path: Path, name: str) -> Found:
    if not _same(value, rule):
        message = f"{subject(path, name)} must be {shown(rule)}; it is {shown(value)}"
        yield Problem(path, "input.choice", message)


def _same(one: Any, other: Any) -> bool:
    """Equality of JSON: 1 is 1.0 and not true."""
    return bool(one == other) and isinstance(one, bool) == isinstance(other, bool)


def _bound(words: str, holds: Callable[[Any, Any], bool]) -> Callable[..., Found]:
    def bound(value: Any, rule: Any, schema: Schema, path: Path, name: str) -> Found:
        if _is_number(value) and not holds(value, rule):
            message = f"{subject(path, name)} must be {words} {rule}; it is {shown(value)}"
            yield Problem(path, "input.range", message)

    return bound


def _size(
    words: str, kinds: type | tuple[type, ...], unit: str, holds: Callable[[int, int], bool]
) -> Callable[..., Found]:
    def sized(value: Any, rule: Any, schema: Schema, path: Path, name: str) -> Found:
        size = len(value) if isinstance(value, (str, list, tuple)) and isinstance(value, kinds) else None
        if size is not None and not holds(size, rule):
            message = f"{subject(path, name)} must have {words} {rule} {unit}; it has {size}"
            yield Problem(path, "input.length", message)

    return sized


def _pattern(value: Any, rule: Any, schema: Schema, path: Path, name: str) -> Found:
    if isinstance(value, str) and not matches(rule, value):
        yield Problem(path, "input.pattern", f"{subject(path, name)} must match {rule}; it is {shown(value)}")


def _format(value: Any, rule: Any, schema: Schema, path: Path, name: str) -> Found:
    known = FORMATS.get(rule)
    if isinstance(value, str) and known is not None and not known[0](value):
        yield Problem(path, "input.format", f"{subject(path, name)} must be {known[1]}; it is {shown(value)}")


def _any_of(value: Any, rule: Any, schema: Schema, path: Path, name: str) -> Found:
    nearest: list[Problem] | None = None
    for one in rule:
        found = list(_problems(value, one, path, name))
        if not found:
            return
        if nearest is None or _depth(found) > _depth(nearest):
            nearest = found
    types = [one.get("type") for one in rule if isinstance(one, Mapping)]
    if nearest and len(types) == len(rule) and all(problem.path == path for problem in nearest):
        flat = [each for one in types if one for each in ([one] if isinstance(one, str) else one)]
        if flat and not _is(value, flat):
            nearest = [wrong_type(value, flat, path, name)]
    yield from nearest or ()


def _depth(found: list[Problem]) -> int:
    return max((len(problem.path) for problem in found), default=0)


_KEYWORDS: dict[str, Callable[..., Found]] = {
    "properties": _properties, "required": _required, "additionalProperties": _additional, "items": _items,
    "enum": _enum, "const": _const, "pattern": _pattern, "format": _format, "anyOf": _any_of,
    "minimum": _bound("at least", lambda value, rule: value >= rule),
    "maximum": _bound("at most", lambda value, rule: value <= rule),
    "exclusiveMinimum": _bound("above", lambda value, rule: value > rule),
    "exclusiveMaximum": _bound("below", lambda value, rule: value < rule),
    "minLength": _size("at least", str, "characters", lambda size, rule: size >= rule),
    "maxLength": _size("at most", str, "characters", lambda size, rule: size <= rule),
    "minItems": _size("at least", (list, tuple), "items", lambda size, rule: size >= rule),
    "maxItems": _size("at most", (list, tuple), "items", lambda size, rule: size <= rule),
}  # fmt: skip
PLAIN = frozenset(_KEYWORDS)
