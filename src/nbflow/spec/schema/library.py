"""Checks by `jsonschema`, for what the plain forms leave out.

A schema may come from a stranger: nothing is fetched, one law holds (2020-12), and there is a budget of steps.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from contextvars import ContextVar
from functools import lru_cache
from typing import Any

from nbflow.spec.document import conceal
from nbflow.spec.schema.formats import FORMATS
from nbflow.spec.schema.patterns import matches
from nbflow.spec.schema.problems import MOST, Problem, shown, subject, wrong_type


def by_library(value: Any, schema: Mapping[str, Any], name: str) -> list[Problem]:
    """What of `value` does not fit; ``input.schema`` when that cannot be told."""
    from referencing.exceptions import Unresolvable

    validator = _validator(json.dumps(schema, sort_keys=True, default=str))
    _left.set([_STEPS + _STEPS_A_PART * _size_of(value)])
    try:
        errors = sorted(validator.iter_errors(value), key=lambda error: [str(step) for step in error.absolute_path])
    except Unresolvable as error:
        what = f"its schema refers to {shown(str(error.ref))}, which is not in it"
        return [Problem((), "input.schema", f"{subject((), name)} cannot be checked: {what}")]
    except (_TooMany, RecursionError):
        return [Problem((), "input.schema", f"{subject((), name)} cannot be checked: its schema takes too many steps")]
    return [_from_library(error, name) for error in errors[:MOST]]


def _from_library(error: Any, name: str) -> Problem:
    best = error
    while best.context:  # of several alternatives, the one that came furthest
        best = max(best.context, key=lambda one: (len(one.absolute_path), one.validator != "type"))
    path = tuple(best.absolute_path)
    if best.validator == "type":
        return wrong_type(best.instance, best.validator_value, path, name)
    if best.validator == "required":
        missing = next((key for key in best.validator_value if key not in best.instance), "")
        return Problem((*path, missing), "input.missing", f"{subject((*path, missing), name)} is missing")
    code = _LIBRARY_CODES.get(best.validator, "input.value")
    return Problem(path, code, f"{subject(path, name)}: {conceal(best.message[:300])}")


_LIBRARY_CODES = {"enum": "input.choice", "const": "input.choice", "additionalProperties": "input.unknown",
                  "pattern": "input.pattern", "format": "input.format", "minimum": "input.range",
                  "maximum": "input.range"}  # fmt: skip


_STEPS, _STEPS_A_PART = 50_000, 100  # keywords that are looked at for one value
_left: ContextVar[list[int]] = ContextVar("steps_left")


class _TooMany(Exception):
    """The schema costs more steps than a value of this size may."""


def _size_of(value: Any) -> int:
    size, waiting = 0, [value]
    while waiting:
        size += 1
        one = waiting.pop()
        waiting.extend(one.values() if isinstance(one, Mapping) else one if isinstance(one, (list, tuple)) else ())
    return size


def _counted(keyword: Callable[..., Any]) -> Callable[..., Any]:
    def counted(validator: Any, rule: Any, value: Any, schema: Any) -> Any:
        left = _left.get()
        left[0] -= 1
        if left[0] < 0:
            raise _TooMany
        return keyword(validator, rule, value, schema)

    return counted


def _without_dialect(schema: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in schema.items() if key != "$schema" or not isinstance(value, str)}


@lru_cache(maxsize=256)
def _validator(text: str) -> Any:
    import jsonschema
    from referencing import Registry

    types = jsonschema.Draft202012Validator.TYPE_CHECKER.redefine(
        "integer", lambda _, value: isinstance(value, int) and not isinstance(value, bool)
    ).redefine("array", lambda _, value: isinstance(value, (list, tuple)))
    extend: Callable[..., Any] = jsonschema.validators.extend
    words = {**jsonschema.Draft202012Validator.VALIDATORS, "pattern": _library_pattern}
    counted = {word: _counted(keyword) for word, keyword in words.items()}
    strict = extend(jsonschema.Draft202012Validator, counted, type_checker=types)
    formats = jsonschema.FormatChecker(formats=())
    for format_name, (test, _) in FORMATS.items():
        formats.checks(format_name)(lambda value, test=test: not isinstance(value, str) or test(value))
    schema = json.loads(text, object_hook=_without_dialect)
    return strict(schema, format_checker=formats, registry=Registry())


def _library_pattern(validator: Any, pattern: str, value: Any, schema: Any) -> Iterator[Any]:
    import jsonschema

    if isinstance(value, str) and not matches(pattern, value):
        yield jsonschema.ValidationError(f"{shown(value)} does not match {pattern}")


def not_a_schema(schema: Mapping[str, Any]) -> str | None:
    """Why the library refuses a schema, or None. Only for schemas with more than the plain forms."""
    import jsonschema

    try:
        jsonschema.Draft202012Validator.check_schema(dict(schema))
    except jsonschema.SchemaError as error:
        return str(error.message)
    return None
