"""How a schema is put to a model: providers take objects only, and some take no schema at all."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from nbflow.nodes.reading import Unreadable, read_reply
from nbflow.nodes.replies import problems

KEY = "value"


@dataclass(frozen=True, slots=True)
class Envelope:
    """What the model is asked to fill: `schema` is the author's, `sent` an object that holds its value."""

    schema: Mapping[str, Any]
    sent: Mapping[str, Any] | None  # None: a text is wanted, and no schema is needed
    wrapped: bool = False

    def read(self, text: str) -> tuple[Any, str | None]:
        """The value in a reply, and what was forgiven. Raises `Unreadable` with what is wrong, for the model."""
        value, note = self._unwrapped(text) if self.wrapped else read_reply(text, self.schema)
        found = problems(value, self.schema)
        if found:
            raise Unreadable("llm.schema", "; ".join(found))
        return value, note

    def _unwrapped(self, text: str) -> tuple[Any, str | None]:
        if text.lstrip().startswith("{"):
            value, note = read_reply(text, {})
            if isinstance(value, dict) and set(value) == {KEY}:
                return value[KEY], note
        return read_reply(text, self.schema)

    def instruction(self) -> str:
        """The same in words, for a provider that takes no schema."""
        schema = json.dumps(self.schema, ensure_ascii=False)
        return f"Answer with one JSON value and nothing else. It has to fit this JSON Schema:\n{schema}"


def envelope(schema: Mapping[str, Any]) -> Envelope:
    """The envelope of an `output:` schema."""
    if schema.get("type") == "object" and "properties" in schema:
        return Envelope(schema, schema)
    if schema.get("type") == "string" and "enum" not in schema:
        return Envelope(schema, None)
    inner = {name: value for name, value in schema.items() if name != "$defs"}
    sent = {"type": "object", "properties": {KEY: inner}, "required": [KEY], "additionalProperties": False}
    if "$defs" in schema:
        sent["$defs"] = schema["$defs"]
    return Envelope(schema, sent, wrapped=True)
