"""Whether a value fits a schema, strictly: a number given as text is refused, and so is 3.0 where 3 is wanted.

The forms that people write are checked here, without a library; whatever else JSON Schema has goes to `jsonschema`.
"""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from nbflow.errors import InputError
from nbflow.spec.document import conceal, kind_of
from nbflow.spec.names import did_you_mean, listed
from nbflow.spec.schema.formats import FORMATS
from nbflow.spec.schema.patterns import PatternError, compile_pattern

Path = tuple[str | int, ...]
Schema = Mapping[str, Any]
Rule = Schema | bool

TYPES: dict[str, str] = {
    "string": "text", "number": "a number", "integer": "a whole number", "boolean": "true or false",
    "object": "a mapping", "array": "a list", "null": "null",
}  # fmt: skip
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
_MOST = 20  # problems that are listed


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that does not fit: where in the value, a stable code (``input.type`` …), what, and what to do."""

    path: Path
    code: str
    message: str
    hint: str | None = None


class _NotPlain(Exception):
    """The schema has a keyword that is left to the library."""


def check(value: Any, schema: Schema, *, name: str = "") -> list[Problem]:
    """What of `value` does not fit, at most 20 problems; nothing when all does. `name` begins every message."""
    found: list[Problem] = []
    try:
        for problem in _problems(value, schema, (), name):
            found.append(problem)
            if len(found) == _MOST:
                break
    except _NotPlain:
        return _by_library(value, schema, name)
    return found


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
            yield Problem(path, "input.unknown", f"{_subject(path, name)} cannot be given")
        return
    wanted = schema.get("type")
    if wanted is not None and not _is(value, wanted):
        yield _wrong_type(value, wanted, path, name)
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


def _wrong_type(value: Any, wanted: Any, path: Path, name: str) -> Problem:
    words = TYPES.get(wanted, wanted) if isinstance(wanted, str) else " or ".join(TYPES.get(one, one) for one in wanted)
    message = f"{_subject(path, name)} must be {words}; {shown(value)} is {kind_of(value)}"
    return Problem(path, "input.type", message, type_hint(value, wanted))


def type_hint(value: Any, wanted: Any) -> str | None:
    """What to write instead of a value of the wrong type, when it can be told."""
    match wanted, value:
        case ("integer", float()) if value.is_integer():
            return f"write {int(value)}"
        case (("integer" | "number"), str()) if re.fullmatch(r"\s*[-+]?\d+(\.\d+)?\s*", value):
            return f"give it as a number: {value.strip()}, without quotes"
        case ("boolean", str()) if value.lower() in _TRUTHS:
            return f"write {_TRUTHS[value.lower()]}"
        case ("string", bool() | int() | float()):
            return f'quote it: "{json.dumps(value)}"'
        case ("array", str() | int() | float()):
            return "write a list: [ … ]"
        case _:
            return None


_TRUTHS = {"yes": "true", "on": "true", "true": "true", "y": "true", "no": "false", "off": "false", "false": "false",
           "n": "false"}  # fmt: skip

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
                what = _subject((*path, key), name) if path or name else f"the input '{key}'"
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
    where = f" in {_subject(path, name)}" if path or name else ""
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
        message = f"{_subject(path, name)} must be one of {choices}; it is {shown(value)}"
        yield Problem(path, "input.choice", message, hint)


def _const(value: Any, rule: Any, schema: Schema, path: Path, name: str) -> Found:
    if not _same(value, rule):
        message = f"{_subject(path, name)} must be {shown(rule)}; it is {shown(value)}"
        yield Problem(path, "input.choice", message)


def _same(one: Any, other: Any) -> bool:
    """Equality of JSON: 1 is 1.0 and not true."""
    return bool(one == other) and isinstance(one, bool) == isinstance(other, bool)


def _bound(words: str, holds: Callable[[Any, Any], bool]) -> Callable[..., Found]:
    def bound(value: Any, rule: Any, schema: Schema, path: Path, name: str) -> Found:
        if _is_number(value) and not holds(value, rule):
            message = f"{_subject(path, name)} must be {words} {rule}; it is {shown(value)}"
            yield Problem(path, "input.range", message)

    return bound


def _size(
    words: str, kinds: type | tuple[type, ...], unit: str, holds: Callable[[int, int], bool]
) -> Callable[..., Found]:
    def sized(value: Any, rule: Any, schema: Schema, path: Path, name: str) -> Found:
        size = len(value) if isinstance(value, (str, list, tuple)) and isinstance(value, kinds) else None
        if size is not None and not holds(size, rule):
            message = f"{_subject(path, name)} must have {words} {rule} {unit}; it has {size}"
            yield Problem(path, "input.length", message)

    return sized


def _pattern(value: Any, rule: Any, schema: Schema, path: Path, name: str) -> Found:
    if isinstance(value, str) and not _matches(rule, value):
        yield Problem(path, "input.pattern", f"{_subject(path, name)} must match {rule}; it is {shown(value)}")


def _matches(pattern: str, text: str) -> bool:
    try:
        return compile_pattern(pattern).search(text)
    except PatternError:  # a schema that came with a tool, and not with a workflow
        return re.search(pattern, text) is not None


def _format(value: Any, rule: Any, schema: Schema, path: Path, name: str) -> Found:
    known = FORMATS.get(rule)
    if isinstance(value, str) and known is not None and not known[0](value):
        yield Problem(path, "input.format", f"{_subject(path, name)} must be {known[1]}; it is {shown(value)}")


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
            nearest = [_wrong_type(value, flat, path, name)]
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


# ---- words


def shown(value: Any) -> str:
    """A value as messages quote it, short, and without keys or tokens."""
    if isinstance(value, str):
        text = f"'{value}'" if len(value) <= 60 else f"'{value[:59]}…'"
        return conceal(text)
    if value is None or isinstance(value, (bool, int, float)):
        return json.dumps(value)
    return "it" if isinstance(value, (Mapping, list, tuple)) else "the value"


def _subject(path: Path, name: str) -> str:
    """The name of a part of the value: ``answer.claims[0]``."""
    text = name
    for step in path:
        text += f"[{step}]" if isinstance(step, int) else f".{step}" if text else str(step)
    return text or "the value"


# ---- everything else of JSON Schema


def _by_library(value: Any, schema: Schema, name: str) -> list[Problem]:
    validator = _validator(json.dumps(schema, sort_keys=True, default=str))
    errors = sorted(validator.iter_errors(value), key=lambda error: [str(step) for step in error.absolute_path])
    return [_from_library(error, name) for error in errors[:_MOST]]


def _from_library(error: Any, name: str) -> Problem:
    best = error
    while best.context:  # of several alternatives, the one that came furthest
        best = max(best.context, key=lambda one: (len(one.absolute_path), one.validator != "type"))
    path = tuple(best.absolute_path)
    if best.validator == "type":
        return _wrong_type(best.instance, best.validator_value, path, name)
    if best.validator == "required":
        missing = next((key for key in best.validator_value if key not in best.instance), "")
        return Problem((*path, missing), "input.missing", f"{_subject((*path, missing), name)} is missing")
    code = _LIBRARY_CODES.get(best.validator, "input.value")
    return Problem(path, code, f"{_subject(path, name)}: {conceal(best.message[:300])}")


_LIBRARY_CODES = {"enum": "input.choice", "const": "input.choice", "additionalProperties": "input.unknown",
                  "pattern": "input.pattern", "format": "input.format", "minimum": "input.range",
                  "maximum": "input.range"}  # fmt: skip


@lru_cache(maxsize=256)
def _validator(text: str) -> Any:
    import jsonschema

    types = jsonschema.Draft202012Validator.TYPE_CHECKER.redefine(
        "integer", lambda _, value: isinstance(value, int) and not isinstance(value, bool)
    ).redefine("array", lambda _, value: isinstance(value, (list, tuple)))
    extend: Callable[..., Any] = jsonschema.validators.extend
    strict = extend(jsonschema.Draft202012Validator, {"pattern": _library_pattern}, type_checker=types)
    formats = jsonschema.FormatChecker(formats=())
    for format_name, (test, _) in FORMATS.items():
        formats.checks(format_name)(lambda value, test=test: not isinstance(value, str) or test(value))
    return strict(json.loads(text), format_checker=formats)


def _library_pattern(validator: Any, pattern: str, value: Any, schema: Any) -> Iterator[Any]:
    import jsonschema

    if isinstance(value, str) and not _matches(pattern, value):
        yield jsonschema.ValidationError(f"{shown(value)} does not match {pattern}")


def not_a_schema(schema: Schema) -> str | None:
    """Why the library refuses a schema, or None. Only for schemas with more than the plain forms."""
    import jsonschema

    try:
        jsonschema.Draft202012Validator.check_schema(dict(schema))
    except jsonschema.SchemaError as error:
        return str(error.message)
    return None
