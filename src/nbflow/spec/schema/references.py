"""References of a JSON Schema: ``#``, ``#/$defs/NAME`` and ``#anchor``, which point within the schema itself."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import unquote

_LISTS = ("anyOf", "oneOf", "allOf", "prefixItems")
_SINGLE = ("items", "not", "contains", "propertyNames", "if", "then", "else", "unevaluatedProperties",
           "unevaluatedItems", "additionalProperties")  # fmt: skip
_MAPPINGS = ("properties", "$defs", "dependentSchemas")


def lost(schema: Mapping[str, Any]) -> list[str]:
    """The references in `schema` that lead nowhere in it, each once."""
    parts = list(_parts(schema))
    anchors = {f"#{part['$anchor']}" for part in parts if isinstance(part.get("$anchor"), str)}
    wanted = dict.fromkeys(part["$ref"] for part in parts if "$ref" in part)
    return [each for each in wanted if each not in anchors and not _leads(schema, each)]


def moved(schema: dict[str, Any], place: str) -> dict[str, Any]:
    """`schema` as it reads when it stands at `place` (a JSON pointer) of a larger one."""
    for part in list(_parts(schema)):
        reference = part.get("$ref", "")
        if reference == "#" or reference.startswith("#/"):
            part["$ref"] = f"#{place}{reference[1:]}"
    return schema


def escaped(name: str) -> str:
    """A name as a step of a JSON pointer in a reference."""
    return name.replace("%", "%25").replace("~", "~0").replace("/", "~1")


def _parts(schema: Any) -> Iterator[dict[str, Any]]:
    waiting = [schema]
    while waiting:
        part = waiting.pop()
        if not isinstance(part, dict):
            continue
        yield part
        waiting.extend(part[word] for word in _SINGLE if word in part)
        waiting.extend(each for word in _LISTS for each in part.get(word, ()))
        waiting.extend(each for word in _MAPPINGS for each in part.get(word, {}).values())


def _leads(schema: Any, reference: str) -> bool:
    """Whether a pointer leads to a schema."""
    if reference == "#":
        return True
    if not reference.startswith("#/"):
        return False
    at = schema
    for step in unquote(reference[2:]).split("/"):
        key = step.replace("~1", "/").replace("~0", "~")
        if isinstance(at, dict) and key in at:
            at = at[key]
        elif isinstance(at, list) and key.isdecimal() and int(key) < len(at):
            at = at[int(key)]
        else:
            return False
    return isinstance(at, (dict, bool))
