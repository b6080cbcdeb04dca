"""JSON as the same events that YAML gives, so that one composer serves both.

`events` is for text that `json.loads` has accepted: it need not check anything but depth.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import yaml

from nbflow.spec.document.located import Source

_TOKEN = re.compile(r'[ \t\n\r,:]+|"(?:\\.|[^"\\])*"|[{}\[\]]|[^ \t\n\r,:{}\[\]"]+')


def is_json(text: str) -> bool:
    """Whether the text is one JSON document, as RFC 8259 has it (no NaN)."""
    try:
        json.loads(text, parse_constant=_refuse, object_pairs_hook=len)
    except (ValueError, RecursionError):
        return False
    return True


def _refuse(word: str) -> None:
    raise ValueError(word)


def events(source: Source) -> Iterator[Any]:
    """The events of a JSON text, with marks."""
    for found in _TOKEN.finditer(source.text):
        token = found.group()
        first = token[0]
        if first in " \t\n\r,:":
            continue
        start = _mark(source, found.start())
        end = _mark(source, found.end())
        if first == "{":
            yield yaml.MappingStartEvent(None, None, True, start, end, flow_style=True)
        elif first == "[":
            yield yaml.SequenceStartEvent(None, None, True, start, end, flow_style=True)
        elif first == "}":
            yield yaml.MappingEndEvent(start, end)
        elif first == "]":
            yield yaml.SequenceEndEvent(start, end)
        elif first == '"':
            yield yaml.ScalarEvent(None, None, (False, True), json.loads(token), start, end, style='"')
        else:
            yield yaml.ScalarEvent(None, None, (True, False), token, start, end)


def _mark(source: Source, index: int) -> yaml.Mark:
    line, column = source.place(index)
    return yaml.Mark("", index, line - 1, column - 1, None, 0)
