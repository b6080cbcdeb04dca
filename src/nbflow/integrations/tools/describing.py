"""A tool as a person looks it up: its name, what it does to the world, its arguments. Nothing is called."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from nbflow.ports.tools import Tool


def document(tool: Tool) -> dict[str, Any]:
    """`name description effects parameters`, as JSON data."""
    return {
        "name": tool.name,
        "description": tool.description,
        "effects": tool.effects(),
        "parameters": dict(tool.parameters),
    }


def row(tool: Tool) -> tuple[str, str, str]:
    """Its name, its effects, and the first line of what it does."""
    return tool.name, tool.effects(), tool.description.partition("\n")[0]


def page(tool: Tool) -> str:
    """What it does and what it takes, in words, one line an argument."""
    properties: Mapping[str, Any] = tool.parameters.get("properties", {})
    required = tool.parameters.get("required", ())
    lines = [f"{tool.name} ({tool.effects()})"] + ([tool.description] if tool.description else [])
    if properties:
        width = max(map(len, properties))
        lines += ["", *(f"  {name:<{width}}  {_said(words, name in required)}" for name, words in properties.items())]
    return "\n".join(lines)


def _said(words: Any, required: bool) -> str:
    """The type of an argument, whether it has to be there, and its words."""
    schema: Mapping[str, Any] = words if isinstance(words, Mapping) else {}
    parts = [_type(schema)]
    if required:
        parts.append("required")
    elif schema.get("default") is not None:
        parts.append(f"default {json.dumps(schema['default'], ensure_ascii=False)}")
    text = " ".join(str(schema.get("description", "")).split())
    return ", ".join(parts) + (f": {text}" if text else "")


def _type(schema: Mapping[str, Any]) -> str:
    if "enum" in schema:
        return " | ".join(str(choice) for choice in schema["enum"])
    given = schema.get("type")
    if isinstance(given, list):
        return " | ".join(map(str, given))
    if given == "array":
        items = schema.get("items")
        return f"[{_type(items)}]" if isinstance(items, Mapping) else "array"
    if given is None and "anyOf" in schema:
        return " | ".join(dict.fromkeys(_type(part) for part in schema["anyOf"]))
    return str(given or "any")
