"""The words of the language that fit at a place of a text, from the schema that the parser's own tables give."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from nbflow import assembly
from nbflow.spec.language import language_schema
from nbflow.spec.schema.reading import KEYWORDS, WORDS

SHAPE = {  # of an input or an output: a word, or a JSON Schema
    "enum": list(WORDS),
    "properties": {**{name: {} for name in sorted(KEYWORDS)}, "type": {"enum": list(WORDS)}, "default": {}},
}
SHAPED = ("inputs", "output")  # fields with a shape under every name

Schema = Mapping[str, Any]


def keys(path: list[str]) -> list[str]:
    """The keys that may stand under these."""
    return [name for each in _at(path) for name in each.get("properties", ())]


def values(path: list[str]) -> list[str]:
    """The words that may be the value of the last of these keys."""
    found: list[str] = []
    for each in _at(path):
        found += [str(word) for word in each.get("enum", ())]
        if each.get("type") == "boolean":
            found += ["true", "false"]
    return found


def _at(path: list[str]) -> list[Schema]:
    """What may stand at a place, every form of it."""
    language = language_schema(assembly.installed())
    here = list(_forms(language, language["$defs"]))
    for number, key in enumerate(path):
        inner = [form for each in here for form in _inside(each, key)]
        before = path[number - 1] if number else ""
        if before in SHAPED and (before == "output" or number == 1):
            inner = [SHAPE]
        here = [form for each in inner for form in _forms(each, language["$defs"])]
        if key == "output":
            here.append(SHAPE)
    return here


def _forms(schema: Schema, definitions: Mapping[str, Schema]) -> Iterator[Schema]:
    """The forms of a value; those of a list's items count as its own."""
    if "$ref" in schema:
        yield from _forms(definitions[schema["$ref"].rpartition("/")[2]], definitions)
    for each in schema.get("anyOf", ()):
        yield from _forms(each, definitions)
    if isinstance(schema.get("items"), Mapping):
        yield from _forms(schema["items"], definitions)
    yield schema


def _inside(schema: Schema, key: str) -> Iterator[Schema]:
    """What a key of this form holds."""
    if key in schema.get("properties", ()):
        yield schema["properties"][key]
    elif isinstance(schema.get("additionalProperties"), Mapping):
        yield schema["additionalProperties"]
