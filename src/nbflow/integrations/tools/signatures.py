"""A function's signature as a schema: type hints to JSON Schema, docstring to words, arguments to what it takes.

JSON arguments are checked strictly against the schema first; only then are they made into what the hints
name (dates, dataclasses, models …). Hints that JSON Schema cannot say take anything.
"""

from __future__ import annotations

import inspect
import json
import re
import types
import typing
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError, create_model
from pydantic.errors import PydanticInvalidForJsonSchema, PydanticSchemaGenerationError, PydanticUserError

from nbflow.ports.arguments import check_arguments, wrong_arguments
from nbflow.ports.executors import Call
from nbflow.spec.schema.problems import MOST
from nbflow.spec.schema.typed import sentence

_PLAIN = (str, int, float, bool, type(None), Any, dict, list, inspect.Parameter.empty)
_TAKEN = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)


@dataclass(frozen=True, slots=True)
class Signature:
    """What a function takes. `by_place` are its positional-only parameters, `call` the one that gets the `Call`."""

    schema: Mapping[str, Any]
    model: type[BaseModel] | None  # makes values of the hints; None when all hints are plain JSON
    by_place: tuple[str, ...] = ()
    call: str | None = None

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(self.schema["properties"])

    @property
    def required(self) -> tuple[str, ...]:
        return tuple(self.schema.get("required", ()))

    @property
    def open(self) -> bool:
        """Whether it takes other names too (``**options``)."""
        return self.schema.get("additionalProperties") is not False

    def bind(self, arguments: Mapping[str, Any], call: Call, what: str) -> tuple[list[Any], dict[str, Any]]:
        """Arguments by place and by name. Raises `NodeError` (`InvalidInput`) that names each wrong one."""
        check_arguments(arguments, self.schema, what)
        values = dict(arguments)
        if self.model is not None:
            values |= _made(self.model, arguments, what)
        if self.call is not None:
            values[self.call] = call
        placed = [values.pop(name) for name in self.by_place if name in values]
        return placed, values


def _made(model: type[BaseModel], arguments: Mapping[str, Any], what: str) -> dict[str, Any]:
    try:
        made = model.model_validate(arguments)
    except ValidationError as problem:
        words = "; ".join(sentence(one) for one in problem.errors(include_url=False)[:MOST])
        raise wrong_arguments(f"{what}: {words}") from None
    fields = type(made).model_fields.items()
    return {str(field.alias): getattr(made, name) for name, field in fields if field.alias in arguments}


def read_signature(function: Callable[..., Any]) -> Signature:
    """The signature of a function; one that Python does not know (some built-ins) takes anything by name."""
    try:
        parameters = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):
        return Signature({"type": "object", "properties": {}}, None)
    hints, words = _hints(function), _argument_words(inspect.getdoc(function) or "")
    fields: dict[str, Any] = {}
    by_place: list[str] = []
    call: str | None = None
    plain, is_open = True, False
    for parameter in parameters:
        hint = hints.get(parameter.name, parameter.annotation)
        if hint is Call:
            call = parameter.name
        elif parameter.kind is inspect.Parameter.VAR_KEYWORD:
            is_open = True
        elif parameter.kind in _TAKEN:
            hint = _readable(hint, parameter.default)
            plain = plain and _is_plain(hint)
            fields[f"a{len(fields)}"] = (hint, _field(parameter, words.get(parameter.name)))
            if parameter.kind is inspect.Parameter.POSITIONAL_ONLY:
                by_place.append(parameter.name)
    model = create_model("Arguments", __config__=ConfigDict(extra="ignore", protected_namespaces=()), **fields)
    return Signature(_schema(model, is_open), None if plain else model, tuple(by_place), call)


def _hints(function: Callable[..., Any]) -> dict[str, Any]:
    target = function if inspect.isroutine(function) else type(function).__call__
    try:
        return typing.get_type_hints(target, include_extras=True)
    except Exception:  # noqa: BLE001 - a hint that names what is not there says nothing
        return {}


def _readable(hint: Any, default: Any) -> Any:
    """The hint, or `Any` where JSON Schema has no words for it. ``x: int = None`` also takes null."""
    if hint is inspect.Parameter.empty or isinstance(hint, str) or _has_bytes(hint):
        return Any
    try:
        TypeAdapter(hint).json_schema()
    except (PydanticSchemaGenerationError, PydanticInvalidForJsonSchema, PydanticUserError, TypeError, NameError):
        return Any
    return hint | None if default is None and hint is not Any and not isinstance(hint, str) else hint


def _has_bytes(hint: Any) -> bool:
    return hint in (bytes, bytearray, memoryview) or any(
        _has_bytes(part) for part in typing.get_args(hint) if part is not hint
    )


def _is_plain(hint: Any) -> bool:
    """Whether a JSON value that fits the hint's schema is already what the hint names."""
    origin = typing.get_origin(hint)
    if origin is None:
        return hint in _PLAIN
    if origin is typing.Literal:
        return True
    if origin in (list, dict, typing.Union, types.UnionType, typing.Annotated):
        parts = typing.get_args(hint)
        return all(_is_plain(part) for part in (parts[:1] if origin is typing.Annotated else parts))
    return False


def _field(parameter: inspect.Parameter, words: str | None) -> Any:
    default = parameter.default
    if default is inspect.Parameter.empty:
        return Field(alias=parameter.name, description=words)
    if _is_json(default):
        return Field(default, alias=parameter.name, description=words)
    return Field(default_factory=lambda: default, alias=parameter.name, description=words)


def _is_json(value: Any) -> bool:
    try:
        json.dumps(value, allow_nan=False)
    except (TypeError, ValueError, RecursionError):
        return False
    return True


def _schema(model: type[BaseModel], is_open: bool) -> dict[str, Any]:
    made = _untitled(model.model_json_schema(by_alias=True))
    schema = {"type": "object", "properties": made.get("properties", {})}
    schema |= {name: made[name] for name in ("required", "$defs") if name in made}
    if not is_open:
        schema["additionalProperties"] = False
    return schema


def _untitled(value: Any) -> Any:
    """Without the titles that repeat a field's own name."""
    if isinstance(value, dict):
        return {
            key: {name: _untitled(inner) for name, inner in item.items()}
            if key in ("properties", "$defs")
            else _untitled(item)
            for key, item in value.items()
            if not (key == "title" and isinstance(item, str))
        }
    return [_untitled(item) for item in value] if isinstance(value, list) else value


_SECTION = re.compile(r"^\s*(?:Args|Arguments|Parameters)\s*:\s*$", re.MULTILINE)
_ARGUMENT = re.compile(r"^(\s+)\*{0,2}(\w+)\s*(?:\([^)]*\))?\s*:\s*(.*)$")
_SPHINX = re.compile(r"^\s*:param\s+(?:[\w\[\], ]+\s)?(\w+)\s*:\s*(.*)$", re.MULTILINE)


def _argument_words(doc: str) -> dict[str, str]:
    """What a docstring says of each argument, in Google's or Sphinx's form."""
    words = {name: text.strip() for name, text in _SPHINX.findall(doc)}
    start = _SECTION.search(doc)
    indent: str | None = None
    name = ""
    for line in doc[start.end() :].strip("\n").splitlines() if start else ():
        found = _ARGUMENT.match(line)
        if found and (indent is None or found[1] == indent):
            indent, name = found[1], found[2]
            words[name] = found[3].strip()
        elif not line.strip() or not line[0].isspace():
            break
        elif name:
            words[name] = f"{words[name]} {line.strip()}".strip()
    return words


def summary(function: Callable[..., Any]) -> str:
    """The docstring's words before its sections of arguments, results and examples."""
    doc = inspect.getdoc(function) or ""
    if not inspect.isroutine(function) and doc == inspect.getdoc(type(function)):
        doc = inspect.getdoc(type(function)) or ""
    ends = [found.start() for found in re.finditer(r"^\s*(?:\w+:\s*$|:\w+[^:]*:|>>> )", doc, re.MULTILINE)]
    return doc[: min(ends, default=len(doc))].strip()
