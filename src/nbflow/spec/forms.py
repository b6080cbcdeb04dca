"""The forms a field's value may take: how each is read and its JSON Schema, side by side.

A form reads a located value into typed data or reports what is wrong and gives None. The tables of fields
made of forms are the language: the parser, the schema for editors and "did you mean" all come from them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from math import isfinite
from typing import TYPE_CHECKING, Any

from nbflow.errors import Diagnostic
from nbflow.spec import durations, schema
from nbflow.spec.document import Located, finding
from nbflow.spec.expressions import Expression, Value, compile_condition, compile_value
from nbflow.spec.names import did_you_mean, listed

if TYPE_CHECKING:
    from nbflow.spec.kinds import KindSpec

Report = Callable[[Diagnostic], None]
JsonSchema = Mapping[str, Any]


@dataclass(slots=True)
class Reading:
    """What readers of one text share: where findings go, the kinds there are, the defaults by verb."""

    report: Report
    kinds: Mapping[str, KindSpec]
    defaults: dict[str, Any] = field(default_factory=dict)
    enclosing: tuple[frozenset[str], ...] = ()  # ids of the bodies around the one that is read

    def wrong(
        self,
        at: Located,
        code: str,
        message: str,
        hint: str | None = None,
        *,
        severity: Any = "error",
        key: bool = False,
    ) -> None:
        """Reports a finding at a value, or at its key."""
        self.report(finding(at, code, message, hint=hint, severity=severity, key=key))


Reader = Callable[[Located, Reading, str], Any]


@dataclass(frozen=True, slots=True)
class Form:
    """How a value is read (`read(at, reading, name)`; None after a finding) and what an editor may know of it."""

    read: Reader
    schema: JsonSchema
    doc: str = ""
    nullable: bool = False  # null is a value here and not a forgotten one

    def but(self, doc: str) -> Form:
        """The same form with the words that say what it means in its place."""
        return replace(self, doc=doc)


Fields = Mapping[str, Form]


def kind_of(at: Located) -> str:
    """What a value is, in the author's words."""
    return at.kind()


def shown(at: Located) -> str:
    """A scalar as messages quote it, or its kind."""
    value = at.value
    match value:
        case None:
            return "nothing"
        case bool():
            return "true" if value else "false"
        case int() | float():
            return str(value)
        case str():
            return f"'{value}'" if len(value) <= 60 else f"'{value[:59]}…'"
        case _:
            return kind_of(at)


def read_fields(
    at: Located, reading: Reading, fields: Fields, what: str, required: Sequence[str] = ()
) -> dict[str, Any]:
    """A mapping with these fields. Unknown, empty and missing ones are reported; what was read is returned."""
    found: dict[str, Any] = {}
    if not isinstance(at.value, dict):
        reading.wrong(
            at, "type.mapping", f"{what} must be a mapping, not {kind_of(at)}", hint=f"fields: {listed(fields)}"
        )
        return found
    for key, value in at.value.items():
        form = fields.get(key)
        if form is None:
            unknown_key(value, reading, key, what, fields)
        elif value.value is None and not form.nullable:
            reading.wrong(value, "schema.missing_value", f"'{key}' of {what} has no value", key=True)
        else:
            result = form.read(value, reading, key)
            if result is not None:
                found[key] = result
    for name in required:
        if name not in at.value:
            reading.wrong(at, "schema.missing", f"{what} needs '{name}'", hint=fields[name].doc or None)
    return found


def unknown_key(at: Located, reading: Reading, key: str, what: str, names: Mapping[str, Any]) -> None:
    """Reports a field that is not in the language."""
    known = listed(sorted(names))
    hint = did_you_mean(key, names) or (f"fields: {known}" if known else None)
    reading.wrong(at, "schema.unknown_key", f"{what} has no field '{key}'", hint=hint, key=True)


# --- readers -------------------------------------------------------------------------------------------------


def _text(at: Located, reading: Reading, name: str) -> str | None:
    if isinstance(at.value, str):
        if at.value.strip():
            return at.value
        reading.wrong(at, "schema.missing_value", f"'{name}' is an empty text")
        return None
    hint = f'quote it: "{at.value}"' if isinstance(at.value, int | float) else None
    reading.wrong(at, "type.string", f"'{name}' must be text, not {kind_of(at)}", hint=hint)
    return None


def _boolean(at: Located, reading: Reading, name: str) -> bool | None:
    if isinstance(at.value, bool):
        return at.value
    words = {"true": "true", "yes": "true", "on": "true", "false": "false", "no": "false", "off": "false"}
    meant = words.get(str(at.value).lower())
    hint = f"write {meant}, without quotes" if meant else "true or false"
    reading.wrong(at, "type.bool", f"'{name}' must be a boolean, not {shown(at)}", hint=hint)
    return None


def is_number(value: object) -> bool:
    """A finite number; booleans are none."""
    return isinstance(value, int | float) and not isinstance(value, bool) and isfinite(value)


def _whole(least: int | None) -> Reader:
    bound = "" if least is None else f" of at least {least}"

    def read(at: Located, reading: Reading, name: str) -> int | None:
        value = at.value
        if isinstance(value, int) and not isinstance(value, bool) and (least is None or value >= least):
            return value
        hint = "without quotes" if isinstance(value, str) and value.strip().isdigit() else None
        reading.wrong(at, "type.number", f"'{name}' must be a whole number{bound}, not {shown(at)}", hint=hint)
        return None

    return read


def _number(least: float | None) -> Reader:
    bound = "" if least is None else f" of at least {least:g}"

    def read(at: Located, reading: Reading, name: str) -> float | None:
        value = at.value
        if isinstance(value, int | float) and is_number(value) and (least is None or value >= least):
            return value
        reading.wrong(at, "type.number", f"'{name}' must be a number{bound}, not {shown(at)}")
        return None

    return read


def _template(at: Located, reading: Reading, name: str) -> Value:
    return compile_value(at, reading.report)


def _text_template(at: Located, reading: Reading, name: str) -> Value | None:
    if isinstance(at.value, str):
        return compile_value(at, reading.report)
    hint = f'quote it: "{at.value}"' if isinstance(at.value, int | float) else None
    reading.wrong(at, "type.string", f"'{name}' must be text, not {kind_of(at)}", hint=hint)
    return None


def _mapping_template(at: Located, reading: Reading, name: str) -> Value | None:
    if isinstance(at.value, dict) or is_expression(at):
        return compile_value(at, reading.report)
    reading.wrong(at, "type.mapping", f"'{name}' must be a mapping, not {kind_of(at)}", hint=f"{name}: {{key: value}}")
    return None


def is_expression(at: Located) -> bool:
    """A text that is one whole expression, so that it may give any type."""
    return isinstance(at.value, str) and (at.value.startswith("=") or at.value.lstrip().startswith("${{"))


def _condition(at: Located, reading: Reading, name: str) -> Expression | None:
    return compile_condition(at, reading.report, test=name in _TESTS)


_TESTS = ("if", "when", "until", "while")


def _schema(at: Located, reading: Reading, name: str) -> dict[str, Any]:
    return schema.read_schema(at, reading.report)


def _names(at: Located, reading: Reading, name: str) -> tuple[Located, ...] | None:
    items = at.value if isinstance(at.value, list) else [at]
    found: list[Located] = []
    for item in items:
        if isinstance(item.value, str) and item.value.strip():
            found.append(item)
        else:
            reading.wrong(item, "type.string", f"'{name}' takes names, not {shown(item)}")
    return tuple(found)


def _texts(at: Located, reading: Reading, name: str) -> tuple[str, ...] | None:
    named = _names(at, reading, name)
    return None if named is None else tuple(str(item.value) for item in named)


def _json(at: Located, reading: Reading, name: str) -> Any:
    if isinstance(at.value, dict):
        return at.plain()
    reading.wrong(at, "type.mapping", f"'{name}' must be a mapping, not {kind_of(at)}")
    return None


def choice(*options: str) -> Form:
    """One of these words."""

    def read(at: Located, reading: Reading, name: str) -> str | None:
        if isinstance(at.value, str) and at.value in options:
            return at.value
        wrong_choice(at, reading, name, options)
        return None

    return Form(read, {"enum": list(options)})


def wrong_choice(at: Located, reading: Reading, name: str, options: Sequence[str]) -> None:
    """Reports a word that is none of these."""
    near = did_you_mean(at.value, options) if isinstance(at.value, str) else None
    reading.wrong(at, "schema.choice", f"'{name}' is one of {listed(options)}, not {shown(at)}", hint=near)


def mapping(fields: Fields, what: str, required: Sequence[str] = (), *, made: Callable[..., Any] | None = None) -> Form:
    """A mapping with these fields, read into a dictionary or into what `made` makes of it."""

    def read(at: Located, reading: Reading, name: str) -> Any:
        found = read_fields(at, reading, fields, what, required)
        if not isinstance(at.value, dict) or any(need not in found for need in required):
            return None
        return made(**found) if made else found

    return Form(read, object_schema(fields, required))


def object_schema(fields: Fields, required: Sequence[str] = ()) -> dict[str, Any]:
    """The JSON Schema of a mapping with these fields and no others."""
    result: dict[str, Any] = {
        "type": "object",
        "properties": {name: described(form) for name, form in fields.items()},
        "additionalProperties": False,
    }
    if required:
        result["required"] = list(required)
    return result


def described(form: Form) -> JsonSchema:
    """A form's schema with its words."""
    return {**form.schema, "description": form.doc} if form.doc else form.schema


def _seconds(at: Located, reading: Reading, name: str) -> float | None:
    return durations.read_duration(at, reading.report)


def _span(at: Located, reading: Reading, name: str) -> float | None:
    """A duration above zero."""
    return durations.read_duration(at, reading.report, zero=False)


_DURATION = r"^(\d+(\.\d+)?(ms|s|m|h|d))+$"

TEXT = Form(_text, {"type": "string", "minLength": 1})
BOOLEAN = Form(_boolean, {"type": "boolean"})
WHOLE = Form(_whole(None), {"type": "integer"})
NATURAL = Form(_whole(0), {"type": "integer", "minimum": 0})
POSITIVE = Form(_whole(1), {"type": "integer", "minimum": 1})
NUMBER = Form(_number(None), {"type": "number"})
AMOUNT = Form(_number(0), {"type": "number", "minimum": 0})
SPAN = Form(_span, {"type": "string", "pattern": _DURATION})
DURATION = Form(_seconds, {"type": "string", "pattern": _DURATION})
VALUE = Form(_template, {}, nullable=True)
TEMPLATE = Form(_text_template, {"type": "string"})
ARGUMENTS = Form(_mapping_template, {"type": ["object", "string"]})
CONDITION = Form(_condition, {"type": ["string", "boolean", "number"]})
SCHEMA = Form(_schema, {"type": ["string", "object", "array", "boolean"]})
NAMES = Form(_names, {"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}]})
TEXTS = Form(_texts, {"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}]})
JSON = Form(_json, {"type": "object"})
