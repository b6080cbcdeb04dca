"""Schemas as an author writes them: ``number``, ``[string]``, ``{score: number, note?: text}``, or JSON Schema.

What comes out is JSON Schema (2020-12) always. A ``$ref`` points within the schema that it is written in; nothing is
ever fetched. ``$id`` and ``$schema``, which would give it another place or another law, are left out.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from nbflow.errors import Diagnostic
from nbflow.spec.document import Located, finding
from nbflow.spec.names import did_you_mean, listed, nearest
from nbflow.spec.schema import references
from nbflow.spec.schema.checking import PLAIN, SILENT, check
from nbflow.spec.schema.formats import FORMATS
from nbflow.spec.schema.library import not_a_schema
from nbflow.spec.schema.patterns import PatternError, compile_pattern
from nbflow.spec.schema.problems import TYPES, Problem

Report = Callable[[Diagnostic], None]
Schema = dict[str, Any]

WORDS: dict[str, Schema] = {
    "integer": {"type": "integer"}, "number": {"type": "number"}, "text": {"type": "string"},
    "string": {"type": "string"}, "boolean": {"type": "boolean"}, "any": {}, "object": {"type": "object"},
}  # fmt: skip
_OTHER_WORDS = {
    "int": "integer", "long": "integer", "float": "number", "double": "number", "decimal": "number", "num": "number",
    "str": "string", "varchar": "string", "bool": "boolean", "list": "[any]", "array": "[any]", "dict": "object",
    "mapping": "object", "map": "object", "json": "any", "date": "{type: string, format: date}",
    "datetime": "{type: string, format: date-time}", "uri": "{type: string, format: uri}",
    "url": "{type: string, format: uri}", "email": "{type: string, format: email}",
}  # fmt: skip
_MARKS = frozenset({"enum", "const", "anyOf", "oneOf", "allOf", "$ref"})  # keywords that make a mapping a schema
_LISTS_OF_SCHEMAS = frozenset({"anyOf", "oneOf", "allOf", "prefixItems"})
_SCHEMAS = frozenset({"items", "not", "contains", "propertyNames", "if", "then", "else", "unevaluatedProperties",
                      "unevaluatedItems"})  # fmt: skip
_MAPPINGS_OF_SCHEMAS = frozenset({"properties", "$defs", "dependentSchemas"})
_NUMBERS = frozenset({"minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"})
_COUNTS = frozenset({"minLength", "maxLength", "minItems", "maxItems", "minProperties", "maxProperties", "minContains",
                     "maxContains"})  # fmt: skip
_OTHERS = frozenset({"uniqueItems", "dependentRequired", "contentEncoding", "contentMediaType", "$anchor"})
KEYWORDS = (
    PLAIN
    | SILENT
    | _MARKS
    | _LISTS_OF_SCHEMAS
    | _SCHEMAS
    | _MAPPINGS_OF_SCHEMAS
    | _NUMBERS
    | _COUNTS
    | _OTHERS
    | {"type"}
)
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*", re.ASCII)


def read_schema(at: Located, report: Report) -> Schema:
    """JSON Schema of a shorthand or a schema. What is wrong is reported; that part then takes anything."""
    return _read(at, report, inside=False)


def _read(at: Located, report: Report, *, inside: bool = True) -> Schema:
    """`inside`: as a part of a JSON Schema, which is then what a reference in it points into."""
    value = at.value
    if isinstance(value, str):
        return _word(at, value, report)
    if isinstance(value, list):
        if len(value) == 1:
            items = _read(value[0], report, inside=inside)
            return {"type": "array", "items": items if inside else references.moved(items, "/items")}
        message = f"a list type has one type in it, as [string]; this has {len(value)}"
        report(finding(at, "schema.type", message, hint="for one of several values write {enum: [a, b]}"))
        return {}
    if isinstance(value, dict):
        if "type" in value or not _MARKS.isdisjoint(value):
            return _json_schema(at, value, report, inside=inside)
        return _object(value, report, inside=inside)
    hint = f"write {listed(WORDS)}, [type], or a mapping of names to types"
    report(finding(at, "schema.type", f"a type is wanted here; this is {at.kind()}", hint=hint, key=value is None))
    return {}


def read_inputs(at: Located, report: Report) -> Schema:
    """The `inputs:` of a workflow as the JSON Schema of an object; defaults stay under ``default``."""
    properties: dict[str, Schema] = {}
    if isinstance(at.value, list):
        for item in at.value:
            _listed_input(properties, item, report)
    elif isinstance(at.value, dict):
        for name, item in at.value.items():
            if _input_name(item, name, report, key=True):
                properties[name] = references.moved(_input(name, item, report), f"/properties/{name}")
    elif at.value is not None:
        message = f"'inputs' is a list of names or a mapping of names to types; this is {at.kind()}"
        report(finding(at, "type.mapping", message, hint="inputs: {url: string}"))
    required = [name for name, schema in properties.items() if "default" not in schema]
    return {"type": "object", "properties": properties, "required": required, "additionalProperties": False}


def _listed_input(properties: dict[str, Schema], at: Located, report: Report) -> None:
    name = at.value
    if not isinstance(name, str):
        hint = "for types write a mapping: {url: string}"
        report(finding(at, "type.string", f"'inputs' lists names; this is {at.kind()}", hint=hint))
    elif _input_name(at, name, report, key=False):
        if name in properties:
            report(finding(at, "schema.duplicate", f"the input '{name}' is listed twice"))
        properties[name] = {}


def _input_name(at: Located, name: str, report: Report, *, key: bool) -> bool:
    if _NAME.fullmatch(name) and not name.startswith("__"):
        return True
    message = f"'{name[:60]}' cannot be the name of an input: letters, digits and _, a letter first"
    better = re.sub(r"\W+", "_", name, flags=re.ASCII).strip("_")
    report(finding(at, "schema.input_name", message, hint=f"write '{better}'" if better else None, key=key))
    return False


def _input(name: str, at: Located, report: Report) -> Schema:
    if at.value is None:
        message = f"the input '{name}' has no type"
        report(finding(at, "schema.missing_value", message, hint=f"write {name}: any", key=True))
        return {}
    schema = read_schema(at, report)
    default = at.value.get("default") if isinstance(at.value, dict) and "default" in schema else None
    if default is not None:
        for problem in check(schema["default"], {**schema, "default": None}, name="default"):
            report(_wrong_default(name, default, problem))
        if isinstance(default.value, str) and (default.value.startswith("=") or "${{" in default.value):
            message = "a default is a plain value; expressions are not evaluated here"
            report(finding(default, "schema.default", message, severity="warning"))
    return schema


_CODES = {"string": "type.string", "boolean": "type.bool", "integer": "type.number", "number": "type.number",
          "array": "type.list", "object": "type.mapping"}  # fmt: skip


def _wrong_default(name: str, default: Located, problem: Problem) -> Diagnostic:
    at = default
    for step in problem.path:
        if isinstance(at.value, dict) and str(step) in at.value:
            at = at.value[str(step)]
        elif isinstance(at.value, list) and isinstance(step, int):
            at = at.value[step]
    message = problem.message.replace("default", f"the default of '{name}'", 1)
    code, hint = "schema.default", problem.hint
    if problem.code == "input.type":
        wanted = next((word for word, said in TYPES.items() if f"must be {said};" in message), "")
        code = _CODES.get(wanted, "schema.default")
        if wanted == "string" and at.style == "plain" and not isinstance(at.value, (dict, list)):
            message = message.replace(f"; {_plain(at)} is", f"; {at.written()} is", 1)
            hint = f'quote it: "{at.written()}"'
    return finding(at, code, message, hint=hint, length=len(at.written()) if at.style == "plain" else 1)


def _plain(at: Located) -> str:
    return str(at.value).lower() if isinstance(at.value, bool) else str(at.value)


# ---- shorthand


def _word(at: Located, word: str, report: Report) -> Schema:
    if word in WORDS:
        return dict(WORDS[word])
    if word == "null":
        return {"type": "null"}
    better = _OTHER_WORDS.get(word.lower()) or nearest(word, WORDS)
    hint = f"did you mean {better}?" if better else f"the types are {listed(WORDS)}, [type] and {{name: type}}"
    report(finding(at, "schema.type", f"'{word[:60]}' is not a type", hint=hint, length=len(word)))
    return {}


def _object(fields: dict[str, Located], report: Report, *, inside: bool) -> Schema:
    properties: dict[str, Schema] = {}
    required: list[str] = []
    for written, at in fields.items():
        name = written.removesuffix("?")
        if not name:
            report(finding(at, "schema.type", "a field needs a name", key=True))
            continue
        if name in properties:
            report(finding(at, "yaml.duplicate_key", f"the field '{name}' is set twice", key=True))
        schema = _read(at, report, inside=inside)
        properties[name] = schema if inside else references.moved(schema, f"/properties/{references.escaped(name)}")
        if name == written:
            required.append(name)
    return {"type": "object", "properties": properties, "required": required, "additionalProperties": False}


# ---- JSON Schema


def _json_schema(at: Located, value: dict[str, Located], report: Report, *, inside: bool) -> Schema:
    schema: Schema = {}
    before = []

    def noted(diagnostic: Diagnostic) -> None:
        before.append(diagnostic)
        report(diagnostic)

    for keyword, part in value.items():
        if keyword not in KEYWORDS and not keyword.startswith("x-"):
            noted(_unknown_keyword(keyword, part))
            continue
        _keyword(schema, keyword, part, noted)
    if not before and not set(schema) <= PLAIN | SILENT | {"type"}:
        refused = not_a_schema(schema)
        if refused is not None:
            report(finding(at, "schema.schema", f"this is not a JSON Schema: {refused[:200]}"))
            return {}
    return schema if inside else _resolved(at, schema, report)


def _resolved(at: Located, schema: Schema, report: Report) -> Schema:
    """A whole schema; without it when a reference in it leads nowhere."""
    lost = references.lost(schema)
    for reference in lost:
        message = f"'{reference[:60]}' leads nowhere in this schema"
        known = [f"#/$defs/{name}" for name in schema.get("$defs", {})]
        hint = did_you_mean(reference, known) or "a reference names a part of its own schema: #/$defs/NAME"
        report(finding(_place_of(at, reference) or at, "schema.reference", message, hint=hint))
    return {} if lost else schema


def _place_of(at: Located, reference: str) -> Located | None:
    if isinstance(at.value, dict) and "$ref" in at.value and at.value["$ref"].value == reference:
        return at.value["$ref"]
    parts = at.value.values() if isinstance(at.value, dict) else at.value if isinstance(at.value, list) else ()
    return next((found for part in parts if (found := _place_of(part, reference)) is not None), None)


def _unknown_keyword(keyword: str, at: Located) -> Diagnostic:
    hint = did_you_mean(keyword, KEYWORDS)
    if hint is None:
        hint = "an object with a field 'type' is written {type: object, properties: {type: …}}"
    return finding(at, "schema.unknown_key", f"'{keyword}' is not a word of JSON Schema", hint=hint, key=True)


def _keyword(schema: Schema, keyword: str, at: Located, report: Report) -> None:
    value = at.value
    if keyword == "type":
        _type(schema, at, report)
    elif keyword in _LISTS_OF_SCHEMAS:
        if isinstance(value, list) and value:
            schema[keyword] = [_read(item, report) for item in value]
        else:
            report(_wanted(at, keyword, "a list of schemas"))
    elif keyword in _SCHEMAS or keyword == "additionalProperties":
        schema[keyword] = value if isinstance(value, bool) else _read(at, report)
    elif keyword in _MAPPINGS_OF_SCHEMAS:
        if isinstance(value, dict):
            schema[keyword] = {name: _read(item, report) for name, item in value.items()}
        else:
            report(_wanted(at, keyword, "a mapping of names to types"))
    else:
        _simple(schema, keyword, at, report)


def _wanted(at: Located, keyword: str, what: str) -> Diagnostic:
    return finding(at, "schema.schema", f"'{keyword}' must be {what}; this is {at.kind()}")


def _type(schema: Schema, at: Located, report: Report) -> None:
    if isinstance(at.value, str):
        if at.value in TYPES:
            schema["type"] = at.value
        else:
            for keyword, part in _word(at, "list" if at.value == "array" else at.value, report).items():
                schema.setdefault(keyword, part)
        return
    if isinstance(at.value, list) and at.value and all(map(_names_a_type, at.value)):
        schema["type"] = ["null" if item.value is None else item.value for item in at.value]
        return
    hint = f"the types are {listed(TYPES)}"
    report(finding(at, "schema.type", f"'type' must be the name of a type; this is {at.kind()}", hint=hint))


def _names_a_type(at: Located) -> bool:
    return at.value is None or (isinstance(at.value, str) and at.value in TYPES)


def _simple(schema: Schema, keyword: str, at: Located, report: Report) -> None:
    """A keyword whose value is plain data."""
    value = at.plain()
    if keyword in _NUMBERS and (isinstance(value, bool) or not isinstance(value, (int, float))):
        report(_wanted(at, keyword, "a number"))
    elif keyword in _COUNTS and (isinstance(value, bool) or not isinstance(value, int) or value < 0):
        report(_wanted(at, keyword, "a whole number of at least 0"))
    elif keyword == "enum" and (not isinstance(value, list) or not value):
        report(_wanted(at, keyword, "a list of values"))
    elif keyword == "required" and not (isinstance(value, list) and all(isinstance(name, str) for name in value)):
        report(_wanted(at, keyword, "a list of names"))
    elif keyword in _CHECKED_TEXTS:
        _CHECKED_TEXTS[keyword](schema, at, report)
    elif keyword not in ("$id", "$schema"):
        schema[keyword] = value


def _reference(schema: Schema, at: Located, report: Report) -> None:
    if not isinstance(at.value, str):
        report(_wanted(at, "$ref", "text"))
    elif not at.value.startswith("#"):
        hint = "nothing is fetched; copy the part under $defs and write #/$defs/NAME"
        message = f"a reference points within its own schema; '{at.value[:60]}' does not"
        report(finding(at, "schema.reference", message, hint=hint))
    else:
        schema["$ref"] = at.value


def _pattern(schema: Schema, at: Located, report: Report) -> None:
    if not isinstance(at.value, str):
        report(_wanted(at, "pattern", "text"))
        return
    try:
        compile_pattern(at.value)
    except PatternError as error:
        hint = "there are characters, classes, groups, | * + ? {m,n} ^ and $; no look-around, no reference back"
        message = f"'pattern' is not a regular expression of the language: {error}"
        report(finding(at, "schema.pattern", message, hint=hint, offset=error.offset))
        return
    schema["pattern"] = at.value


def _format(schema: Schema, at: Located, report: Report) -> None:
    if not isinstance(at.value, str):
        report(_wanted(at, "format", "text"))
        return
    schema["format"] = at.value
    near = nearest(at.value, FORMATS)
    if at.value not in FORMATS and near is not None:
        hint = f"did you mean '{near}'?"
        report(finding(at, "schema.format", f"the format '{at.value}' is not checked", hint=hint, severity="warning"))


_CHECKED_TEXTS = {"$ref": _reference, "pattern": _pattern, "format": _format}
