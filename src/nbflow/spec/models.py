"""Verbs of plug-ins: a pydantic model says what parameters there are; values that are expressions wait until run.

What is written literally is checked against the model now. Errors at or under an expression are not errors yet.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, ValidationError

from nbflow.spec.document import Located
from nbflow.spec.expressions import compile_value
from nbflow.spec.forms import Reading
from nbflow.spec.names import did_you_mean, listed
from nbflow.spec.schema.typed import said


def read_model(model: type[BaseModel], at: Located, reading: Reading, name: str) -> dict[str, Any]:
    """The parameters as a template; what is wrong with their literal parts is reported."""
    template = compile_value(at, reading.report)
    open_paths = tuple(_expressions(at, ()))
    try:
        model.model_validate(at.plain())
    except ValidationError as error:
        for problem in error.errors(include_url=False):
            path = tuple(problem["loc"])
            if not _awaits(path, open_paths):
                _report(model, at, reading, name, problem["type"], path, said(problem))
    return {"parameters": template}


def _expressions(at: Located, path: tuple[str | int, ...]) -> list[tuple[str | int, ...]]:
    """Paths of the leaves that are known only when run."""
    if isinstance(at.value, dict):
        return [found for key, inner in at.value.items() for found in _expressions(inner, (*path, key))]
    if isinstance(at.value, list):
        return [found for index, inner in enumerate(at.value) for found in _expressions(inner, (*path, index))]
    text = at.value
    return [path] if isinstance(text, str) and (text.startswith("=") or "${{" in text) else []


def _awaits(path: tuple[str | int, ...], expressions: tuple[tuple[str | int, ...], ...]) -> bool:
    """Whether an error there may vanish when the expressions have values: it is above, at or under one."""
    return any(path[: len(found)] == found or found[: len(path)] == path for found in expressions)


def _report(
    model: type[BaseModel],
    at: Located,
    reading: Reading,
    name: str,
    kind: str,
    path: tuple[str | int, ...],
    words: str,
) -> None:
    place, key, field = at, False, ""
    for step in path:
        inner: Any = None
        if isinstance(place.value, dict):
            inner = place.value.get(str(step))
        elif isinstance(place.value, list) and isinstance(step, int):
            inner = place.value[step]
        if inner is None:
            break
        place = inner
    field = str(path[-1]) if path else name
    if kind == "missing":
        reading.wrong(place, "schema.missing", f"'{name}' needs '{field}'")
    elif kind == "extra_forbidden":
        known = [info.alias or each for each, info in model.model_fields.items()]
        hint = did_you_mean(field, known) or f"fields: {listed(known)}"
        reading.wrong(place, "schema.unknown_key", f"'{name}' has no field '{field}'", hint=hint, key=True)
    else:
        reading.wrong(place, "schema.parameter", f"'{field}' of '{name}' {words}", key=key)


def model_fields(model: type[BaseModel]) -> Mapping[str, Any]:
    """The JSON Schema of a plug-in's value, in which any leaf may also be an expression."""
    schema = model.model_json_schema(ref_template=f"#/$defs/{model.__name__}.{{model}}")
    schema.pop("$defs", None)
    properties = schema.get("properties", {})
    loose = {key: {"anyOf": [value, {"type": "string", "pattern": r"^=|\$\{\{"}]} for key, value in properties.items()}
    return {**schema, "properties": loose} if loose else schema
