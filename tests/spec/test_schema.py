"""Schemas: the shorthand, strict checks, and messages that say which field and what came."""

import json
import subprocess
import sys
from typing import Any

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nbflow.errors import Diagnostic, InputError
from nbflow.spec.document import load
from nbflow.spec.schema import apply_inputs, check, read_inputs, read_schema


def read(written: str) -> tuple[Any, list[Diagnostic]]:
    found: list[Diagnostic] = []
    root = load(f"x: {written}\n").value
    assert isinstance(root, dict)
    return read_schema(root["x"], found.append), found


def schema(written: str) -> Any:
    made, found = read(written)
    assert found == []
    jsonschema.Draft202012Validator.check_schema(made)
    return made


def inputs(written: str) -> Any:
    found: list[Diagnostic] = []
    made = read_inputs(load(written), found.append)
    assert found == []
    jsonschema.Draft202012Validator.check_schema(made)
    return made


STRING, NUMBER = {"type": "string"}, {"type": "number"}


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("integer", {"type": "integer"}),
        ("number", NUMBER),
        ("text", STRING),
        ("string", STRING),
        ("boolean", {"type": "boolean"}),
        ("any", {}),
        ("object", {"type": "object"}),
        ("'null'", {"type": "null"}),
        ("[string]", {"type": "array", "items": STRING}),
        ("[[number]]", {"type": "array", "items": {"type": "array", "items": NUMBER}}),
        ("[any]", {"type": "array", "items": {}}),
        (
            "{a: number, b?: [text]}",
            {
                "type": "object", "properties": {"a": NUMBER, "b": {"type": "array", "items": STRING}}, "required": ["a"],
                "additionalProperties": False,
            },
        ),
        ("{}", {"type": "object", "properties": {}, "required": [], "additionalProperties": False}),
        ("{type: string, format: uri}", {"type": "string", "format": "uri"}),
        ("{type: text}", STRING),
        ("{type: any, description: x}", {"description": "x"}),
        ("{type: number, minimum: 0, maximum: 1}", {"type": "number", "minimum": 0, "maximum": 1}),
        ("{enum: [a, 1, null]}", {"enum": ["a", 1, None]}),
        ("{type: [string, 'null']}", {"type": ["string", "null"]}),
        ("{type: [string, null]}", {"type": ["string", "null"]}),
        ("{type: array, items: number}", {"type": "array", "items": NUMBER}),
        ("{type: object, properties: {a: [number]}}", {"type": "object", "properties": {"a": {"type": "array", "items": NUMBER}}}),
        ("{anyOf: [text, {a: number}]}", {"anyOf": [STRING, {
            "type": "object", "properties": {"a": NUMBER}, "required": ["a"], "additionalProperties": False}]}),
        ("{type: object, additionalProperties: number}", {"type": "object", "additionalProperties": NUMBER}),
        ("{$ref: '#/$defs/a', $defs: {a: number}}", {"$ref": "#/$defs/a", "$defs": {"a": NUMBER}}),
        ("{type: object, properties: {type: text}}", {"type": "object", "properties": {"type": STRING}}),
    ],
)  # fmt: skip
def test_the_shorthand_is_read_as_json_schema(written: str, expected: Any) -> None:
    assert schema(written) == expected


@pytest.mark.parametrize(
    ("written", "code", "column", "said"),
    [
        ("strng", "schema.type", 4, "string"),
        ("int", "schema.type", 4, "integer"),
        ("str", "schema.type", 4, "string"),
        ("list", "schema.type", 4, "[any]"),
        ("date", "schema.type", 4, "format: date"),
        ("qqqq", "schema.type", 4, "types are"),
        ("[a, b]", "schema.type", 4, "enum"),
        ("[]", "schema.type", 4, "[string]"),
        ("3", "schema.type", 4, "a number"),
        ("", "schema.type", 1, "nothing"),
        ("{score: numbr}", "schema.type", 12, "number"),
        ("{a: {b: [txt]}}", "schema.type", 13, "text"),
        ("{type: strin}", "schema.type", 11, "string"),
        ("{type: 3}", "schema.type", 11, "a number"),
        ("{type: string, amount: number}", "schema.unknown_key", 19, "properties"),
        ("{type: string, minLenght: 1}", "schema.unknown_key", 19, "minLength"),
        ("{type: string, minLength: -1}", "schema.schema", 30, "at least 0"),
        ("{type: string, minLength: a}", "schema.schema", 30, "text"),
        ("{type: number, minimum: '0'}", "schema.schema", 28, "number"),
        ("{enum: a}", "schema.schema", 11, "list"),
        ("{enum: []}", "schema.schema", 11, "list"),
        ("{type: object, required: a}", "schema.schema", 29, "names"),
        ("{type: object, properties: [a]}", "schema.schema", 31, "mapping"),
        ("{anyOf: string}", "schema.schema", 12, "list of schemas"),
        ("{type: string, pattern: '['}", "schema.pattern", 29, "regular expression"),
        ("{type: string, pattern: 3}", "schema.schema", 28, "text"),
        ("{type: string, uniqueItems: 3, multipleOf: 2}", "schema.schema", 4, "not a JSON Schema"),
    ],
)
def test_what_is_no_schema_is_explained_at_its_place(written: str, code: str, column: int, said: str) -> None:
    _, found = read(written)
    assert [(one.code, one.line, one.column) for one in found] == [(code, 1, column)]
    assert said in f"{found[0].message} {found[0].hint}"


def test_a_format_that_is_nearly_one_is_warned_of() -> None:
    _, found = read("{type: string, format: date-tim}")
    assert [(one.code, one.severity) for one in found] == [("schema.format", "warning")]
    assert read("{type: string, format: my-own}")[1] == []


def test_inputs_may_be_a_list_of_names() -> None:
    assert inputs("[url, style]") == {
        "type": "object", "properties": {"url": {}, "style": {}}, "required": ["url", "style"], "additionalProperties": False,
    }  # fmt: skip


def test_an_input_with_a_default_is_optional() -> None:
    made = inputs("{url: string, n: {type: integer, default: 3}, m: {type: [string, 'null'], default: null}}")
    assert made["required"] == ["url"]
    assert apply_inputs(made, {"url": "x"}) == {"url": "x", "n": 3, "m": None}
    assert apply_inputs(made, {"n": 4, "url": "x", "m": "a"}) == {"url": "x", "n": 4, "m": "a"}


def test_a_default_is_its_own_in_every_execution() -> None:
    made = inputs("{xs: {type: array, default: [1]}}")
    apply_inputs(made, {})["xs"].append(2)
    assert apply_inputs(made, {}) == {"xs": [1]}


@pytest.mark.parametrize(
    ("written", "code", "line", "column", "said"),
    [
        ("{v: {type: boolean, default: yes}}", "type.bool", 1, 30, "write true"),
        ("{v: {type: string, default: 010}}", "type.string", 1, 29, '"010"'),
        ("{v: {type: string, default: 1.10}}", "type.string", 1, 29, '"1.10"'),
        ("{v: {type: integer, default: 2.5}}", "type.number", 1, 30, "whole"),
        ("{v: {type: number, default: '3'}}", "type.number", 1, 29, "without quotes"),
        ("{v: {type: array, default: a}}", "type.list", 1, 28, "list"),
        ("{v: {type: object, default: 1}}", "type.mapping", 1, 29, "mapping"),
        ("{v: {type: number, default: 2, maximum: 1}}", "schema.default", 1, 29, "at most 1"),
        ("{v: {type: array, items: string, default: [a, 1]}}", "type.string", 1, 47, "quote it"),
        ("{my-input: string}", "schema.input_name", 1, 2, "my_input"),
        ("{v: }", "schema.missing_value", 1, 2, "v: any"),
        ("[a, a]", "schema.duplicate", 1, 5, "twice"),
        ("[a, 1]", "type.string", 1, 5, "names"),
        ("url", "type.mapping", 1, 1, "inputs: {url: string}"),
        ("{v: {type: string, default: =x}}", "schema.default", 1, 29, "not evaluated"),
    ],
)
def test_what_is_wrong_with_inputs_is_explained_at_its_place(
    written: str, code: str, line: int, column: int, said: str
) -> None:
    found: list[Diagnostic] = []
    read_inputs(load(written), found.append)
    assert [(one.code, one.line, one.column) for one in found] == [(code, line, column)]
    assert said in f"{found[0].message} {found[0].hint}"


PROBLEMS = [
    ("ten", "integer", "input.type", "n must be a whole number; 'ten' is text"),
    ("3", "integer", "input.type", "without quotes"),
    (3.0, "integer", "input.type", "write 3"),
    (True, "integer", "input.type", "boolean"),
    (True, "number", "input.type", "boolean"),
    ("3", "number", "input.type", "number"),
    (1, "string", "input.type", 'quote it: "1"'),
    (None, "string", "input.type", "null"),
    (1, "boolean", "input.type", "true or false"),
    ("yes", "boolean", "input.type", "write true"),
    ("a", "[string]", "input.type", "a list"),
    ([1], "[string]", "input.type", "n[0] must be text"),
    ({"a": 1}, "{a: string}", "input.type", "n.a must be text"),
    ({}, "{a: string}", "input.missing", "n.a is missing"),
    ({"a": "x", "b": 1}, "{a: string}", "input.unknown", "'b'"),
    ({"aa": "x"}, "{a: string, bb?: any}", "input.missing", "n.a"),
    ([{"a": [1, "x"]}], "[{a: [number]}]", "input.type", "n[0].a[1] must be a number"),
    (2, "{type: number, maximum: 1}", "input.range", "at most 1"),
    (-1, "{type: number, minimum: 0}", "input.range", "at least 0"),
    (0, "{type: number, exclusiveMinimum: 0}", "input.range", "above 0"),
    (1, "{type: number, exclusiveMaximum: 1}", "input.range", "below 1"),
    ("", "{type: string, minLength: 1}", "input.length", "at least 1"),
    ("abc", "{type: string, maxLength: 2}", "input.length", "it has 3"),
    ([], "{type: array, minItems: 1}", "input.length", "items"),
    ([1, 2], "{type: array, maxItems: 1}", "input.length", "items"),
    ("c", "{enum: [aa, b]}", "input.choice", "aa and b"),
    ("ab", "{enum: [abc, x]}", "input.choice", "did you mean 'abc'"),
    (True, "{enum: [1, 0]}", "input.choice", "true"),
    (2, "{const: 1}", "input.choice", "must be 1"),
    ("x", "{type: string, pattern: '^[0-9]+$'}", "input.pattern", "match"),
    ("x", "{type: string, format: uri}", "input.format", "https://example.com"),
    ("a@b@c", "{type: string, format: email}", "input.format", "e-mail"),
    ("2026-02-30", "{type: string, format: date}", "input.format", "2026-11-24"),
    (1, "{anyOf: [string, boolean]}", "input.type", "text or true or false"),
    ({"a": 1}, "{anyOf: [string, {a: string}]}", "input.type", "n.a must be text"),
    ("x", "{type: [number, 'null']}", "input.type", "a number or null"),
    (3.0, "{oneOf: [integer, string]}", "input.type", "whole number"),
    ({"a": 1}, "{type: object, propertyNames: {type: string, pattern: '^b'}}", "input.pattern", "^b"),
    ([1, 1], "{type: array, uniqueItems: true}", "input.value", "n:"),
    ({"b": 3.0}, "{$ref: '#/$defs/x', $defs: {x: {b: integer}}}", "input.type", "n.b must be a whole number"),
    ({}, "{allOf: [{a: string}, {}]}", "input.missing", "n.a is missing"),
    (5, "{type: integer, multipleOf: 2}", "input.value", "n:"),
    ("2026-13-01", "{type: string, format: date, not: {const: x}}", "input.format", "n:"),
]  # fmt: skip


@pytest.mark.parametrize(("value", "written", "code", "said"), PROBLEMS)
def test_a_value_that_does_not_fit_is_named_with_what_came(value: Any, written: str, code: str, said: str) -> None:
    found = check(value, schema(written), name="n")
    assert found[0].code == code
    assert said in f"{found[0].message} {found[0].hint}"


FITTING = [
    (3, "integer"), (3, "number"), (3.5, "number"), ("", "string"), (None, "any"), (None, "{type: [string, 'null']}"),
    (False, "boolean"), ([], "[string]"), ({"a": 1, "b": "x"}, "{a: number, b?: text}"), ({"a": 1}, "{a: number, b?: text}"),
    ({"x": 1}, "object"), ("https://x.test", "{type: string, format: uri}"), ("mailto:a@b", "{type: string, format: uri}"),
    ("2026-11-24T09:30:00Z", "{type: string, format: date-time}"), ("2026-11-24T09:30:00.123456789+01:00", "{type: string, format: date-time}"),
    ("::1", "{type: string, format: ipv6}"), ("x", "{type: string, format: unheard-of}"), (1.0, "{enum: [1]}"), (2, "{anyOf: [string, number]}"),
    ((1, 2), "[number]"), (4, "{type: integer, multipleOf: 2}"), (3, "{oneOf: [integer, string]}"), ([1, 2], "{type: array, uniqueItems: true}"),
]  # fmt: skip


@pytest.mark.parametrize(("value", "written"), FITTING)
def test_a_value_that_fits_has_no_problems(value: Any, written: str) -> None:
    assert check(value, schema(written)) == []


def test_inputs_that_a_workflow_does_not_take_are_refused() -> None:
    made = inputs("{url: string, n: integer}")
    for given_, code, said in (
        ({"ulr": "x", "n": 1, "url": "y"}, "input.unknown", "did you mean 'url'?"),
        ({"url": "x"}, "input.missing", "'n' is missing"),
        ({"url": "x", "n": "ten"}, "input.type", "n must be a whole number; 'ten' is text"),
    ):
        with pytest.raises(InputError) as caught:
            apply_inputs(made, given_)
        assert caught.value.code == code
        assert said in str(caught.value)


def test_all_problems_of_the_inputs_are_told() -> None:
    with pytest.raises(InputError) as caught:
        apply_inputs(inputs("{url: string, n: integer}"), {"n": "ten", "m": 1})
    assert all(word in str(caught.value) for word in ("'ten'", "'url' is missing", "'m'"))


def test_a_problem_never_repeats_a_key() -> None:
    key = "sk-proj-" + "A" * 32
    assert key not in check(key, schema("{type: string, maxLength: 3, enum: [a]}"))[0].message
    assert key not in check({"a": key}, schema("{type: object, propertyNames: {const: b}}"))[0].message


def test_at_most_twenty_problems_are_listed() -> None:
    assert len(check(["x"] * 1_000, schema("[number]"))) == 20
    assert len(check({"a": ["x"] * 1_000}, schema("{type: object, properties: {a: [number]}, minProperties: 1}"))) == 20


def test_the_plain_forms_need_no_library() -> None:
    script = (
        "import sys\n"
        "from nbflow.spec.document import load\n"
        "from nbflow.spec.schema import apply_inputs, check, read_inputs\n"
        "made = read_inputs(load('{a: [{b: number}], c: {type: string, format: uri, default: \"x:y\"}}'), print)\n"
        "apply_inputs(made, {'a': [{'b': 1}]})\n"
        "print('jsonschema' in sys.modules)\n"
        "check(1, {'oneOf': [{'type': 'string'}]})\n"
        "print('jsonschema' in sys.modules)\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "True"]


values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-3, 3)
    | st.floats(-2, 2).map(lambda x: x + 0.25)
    | st.sampled_from(["", "a", "abc", "2026-11-24"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("abc"), inner, max_size=3),
    max_leaves=6,
)
plain_schemas = st.recursive(
    st.sampled_from([
        {}, {"type": "string"}, {"type": "integer"}, {"type": "number", "minimum": 0}, {"type": "boolean"}, {"type": "null"},
        {"enum": ["a", 1, None]}, {"type": ["string", "null"]}, {"type": "string", "maxLength": 1}, {"const": [1]},
        {"type": "string", "pattern": "^a"}, {"type": "number", "exclusiveMaximum": 1}, True, False,
    ]),
    lambda inner: st.one_of(
        inner.map(lambda one: {"type": "array", "items": one}),
        inner.map(lambda one: {"items": one, "minItems": 1, "maxItems": 2}),
        st.tuples(inner, inner).map(lambda two: {"anyOf": list(two)}),
        st.tuples(st.dictionaries(st.sampled_from("abc"), inner, max_size=2), st.booleans() | inner).map(
            lambda pair: {"properties": pair[0], "required": list(pair[0])[:1], "additionalProperties": pair[1]}
        ),
    ),
    max_leaves=5,
)  # fmt: skip


@given(values, plain_schemas)
def test_the_plain_forms_mean_what_the_library_says(value: Any, made: Any) -> None:
    by_library = jsonschema.Draft202012Validator(made).is_valid(value)
    assert (check(value, made) == []) == by_library, json.dumps(made)
