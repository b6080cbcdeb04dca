"""What the wires of all providers share: attachments, schemas that a strict mode takes, replies as JSON data."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Any

from nbflow.ports.agents import Attachment

STRICT_WORDS = frozenset(
    {
        "type",
        "properties",
        "required",
        "additionalProperties",
        "items",
        "enum",
        "const",
        "anyOf",
        "description",
        "title",
    }
    | {"$ref", "$defs", "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf", "minItems"}
    | {"maxItems", "pattern", "format"}
)


def data_url(attachment: Attachment) -> str:
    """An address that carries the bytes, or the address given."""
    if attachment.url is not None:
        return attachment.url
    return f"data:{attachment.media};base64,{encoded(attachment)}"


def encoded(attachment: Attachment) -> str:
    return base64.b64encode(attachment.content or b"").decode()


def is_strict(schema: Any) -> bool:
    """Whether strict mode takes a schema: every object closed, every property required, known words only."""
    if isinstance(schema, list):
        return all(map(is_strict, schema))
    if not isinstance(schema, Mapping):
        return True
    if not schema or set(schema) - STRICT_WORDS or isinstance(schema.get("type"), list):
        return False
    if schema.get("type") == "object":
        properties = schema.get("properties", {})
        if schema.get("additionalProperties") is not False or set(schema.get("required", ())) != set(properties):
            return False
    inner = [*schema.get("properties", {}).values(), *schema.get("$defs", {}).values()]
    inner += [schema[name] for name in ("items", "anyOf") if name in schema]
    return all(map(is_strict, inner))


def is_typed(schema: Any) -> bool:
    """Whether every part of a schema says what it is, which a provider's own mode may ask for."""
    if not isinstance(schema, Mapping):
        return False
    if not any(word in schema for word in ("type", "anyOf", "oneOf", "allOf", "enum", "const", "$ref")):
        return False
    inner = [*schema.get("properties", {}).values(), *schema.get("$defs", {}).values()]
    inner += [schema["items"]] if "items" in schema else []
    inner += [part for word in ("anyOf", "oneOf", "allOf") for part in schema.get(word, ())]
    return all(map(is_typed, inner))


def as_json(reply: Any) -> Any:
    """An SDK's model as JSON data."""
    return reply.model_dump(mode="json", exclude_none=True) if hasattr(reply, "model_dump") else reply
