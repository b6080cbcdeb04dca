"""How a model's text is read as JSON: strictly, but forgiving what surrounds it.

The whole text is JSON; or it has one fenced block; or one JSON value stands in its prose. Against a schema of
words the reply may differ in space, case and a final stop. Nothing is guessed and nothing is evaluated.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any, NoReturn

from nbflow.errors import NbflowError

_FENCE = re.compile(r"```[\w-]*[ \t]*\n(.*?)\n?[ \t]*```", re.DOTALL)
_START = re.compile(r"[{\[]")


class Unreadable(NbflowError):
    """A reply that is not what was asked for; the message is for the model and for the author."""

    def __init__(self, code: str, message: str):
        self.code = code
        super().__init__(message)


def read_reply(text: str, schema: Mapping[str, Any]) -> tuple[Any, str | None]:
    """The value a text stands for, and what was forgiven. Raises `Unreadable` (``llm.empty``, ``llm.bad_json``)."""
    if not text.strip():
        raise Unreadable("llm.empty", "the model returned nothing")
    if _takes_text(schema):
        return _word(text, schema)
    body, note = _body(text)
    return _parse(body), note


def _takes_text(schema: Mapping[str, Any]) -> bool:
    options = schema.get("enum")
    if isinstance(options, list) and "type" not in schema:
        return all(isinstance(option, str) for option in options)
    return schema.get("type") == "string"


def _word(text: str, schema: Mapping[str, Any]) -> tuple[str, str | None]:
    options = [option for option in schema.get("enum", ()) if isinstance(option, str)]
    if not options or text in options:
        return text, None
    bare = text.strip().strip("\"'`*").rstrip(".!").strip().casefold()
    for option in options:
        if option.casefold() == bare:
            return option, f"{text.strip()!r} was read as {option!r} (space, case, final stop)"
    return text, None


def _body(text: str) -> tuple[str, str | None]:
    bare = text.strip()
    if bare[0] in '{["-0123456789' or bare in ("true", "false", "null"):
        return bare, None
    fenced = _FENCE.findall(bare)
    if len(fenced) == 1:
        return fenced[0].strip(), "the fenced block was read, the text around it left out"
    start = _START.search(bare)
    if start is None:
        return bare, None
    return _inside(bare[start.start() :]), "the JSON was read, the text around it left out"


def _inside(text: str) -> str:
    """The JSON value a text begins with, when no other follows."""
    try:
        _, end = json.JSONDecoder().raw_decode(text)
    except ValueError:
        return text
    return text if _START.search(text[end:]) else text[:end]


def _parse(text: str) -> Any:
    try:
        return json.loads(text, parse_constant=_not_json)
    except json.JSONDecodeError as problem:
        raise Unreadable("llm.bad_json", _words(text, problem)) from None
    except RecursionError:
        raise Unreadable("llm.bad_json", "the JSON is nested too deeply") from None
    except ValueError as problem:  # an integer of more digits than Python reads
        raise Unreadable("llm.bad_json", f"bad JSON: {problem}") from None


def _not_json(name: str) -> NoReturn:
    raise Unreadable("llm.bad_json", f"{name} is not JSON")


def _words(text: str, problem: json.JSONDecodeError) -> str:
    place = f"line {problem.lineno} column {problem.colno}"
    rest = text[problem.pos :].lstrip()
    if problem.msg == "Extra data":
        more = "two values where one is expected" if rest[:1] in ("{", "[") else "text after the JSON"
        return f"{more}, at {place}"
    if rest.startswith("'"):
        return f"bad JSON at {place}: keys and text need double quotes"
    return f"bad JSON at {place}: {problem.msg[0].lower()}{problem.msg[1:]}"
