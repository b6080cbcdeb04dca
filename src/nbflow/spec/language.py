"""The language as a JSON Schema, as installed: the same tables of fields that the parser reads by.

Editors complete verbs and fields with it. It says what may be written; names and meaning are checked elsewhere.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from nbflow.spec import bodies, forms, workflow
from nbflow.spec.kinds import KindSpec
from nbflow.spec.machine import DEFINITIONS
from nbflow.spec.nodes import FIELDS, POLICIES

_ID = "^[a-z][a-z0-9_]*$"
_BODY_FIELDS = ("nodes", "result")


def language_schema(kinds: Mapping[str, KindSpec]) -> dict[str, Any]:
    """JSON Schema (2020-12) of a workflow with these verbs."""
    definitions: dict[str, Any] = {
        "workflow": _workflow(kinds),
        "nodes": {
            "type": "object", "minProperties": 1, "propertyNames": {"pattern": _ID},
            "additionalProperties": {"$ref": "#/$defs/node"},
        },
        "node": _node(kinds),
        "branch": {"anyOf": [{"$ref": "#/$defs/node"}, forms.object_schema(bodies.BRANCH, ["nodes"])]},
        **DEFINITIONS,
    }  # fmt: skip
    for name, kind in kinds.items():
        definitions[f"verb.{name}"] = {**kind.schema, "description": kind.doc} if kind.doc else dict(kind.schema)
        if kind.model is not None:
            inner = kind.model.model_json_schema().get("$defs", {})
            definitions.update({f"{kind.model.__name__}.{key}": value for key, value in inner.items()})
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": "nbflow.schema.json",
        "title": "nbflow workflow",
        "$ref": "#/$defs/workflow",
        "$defs": definitions,
    }


def _workflow(kinds: Mapping[str, KindSpec]) -> dict[str, Any]:
    schema = forms.object_schema(workflow.FIELDS)
    schema["properties"]["defaults"] = {
        "type": "object",
        "description": "Fields for all nodes of a verb.",
        "properties": {name: forms.object_schema({**kind.fields, **POLICIES}) for name, kind in kinds.items()},
        "additionalProperties": False,
    }
    return {**schema, "oneOf": [{"required": ["nodes"]}, {"required": ["machine"]}]}


def _node(kinds: Mapping[str, KindSpec]) -> dict[str, Any]:
    """One object with every verb and field (editors complete from it), of which exactly one verb must stand."""
    schema = forms.object_schema({name: form for name, form in FIELDS.items() if name not in _BODY_FIELDS})
    properties = schema["properties"]
    for name, kind in kinds.items():
        properties[name] = {"$ref": f"#/$defs/verb.{name}"}
        properties.update({each: forms.described(form) for each, form in kind.beside.items()})
    properties["nodes"] = {"$ref": "#/$defs/nodes", "description": "The body of a loop or of each item."}
    properties["result"] = forms.described(FIELDS["result"])
    verbs = [_verb(name, kind) for name, kind in kinds.items()]
    return {**schema, "oneOf": verbs}


def _verb(name: str, kind: KindSpec) -> dict[str, Any]:
    alone: dict[str, Any] = {"required": [name]}
    if not kind.nests:
        alone["not"] = {"anyOf": [{"required": [field]} for field in _BODY_FIELDS]}
    return alone
