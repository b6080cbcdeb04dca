"""What stands where in a text that is being written.

It need not be valid: only indentation, dashes and braces are read.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import yaml

KEY = re.compile(r"^([\s-]*)([A-Za-z_][\w.-]*|\"[^\"]*\")\s*:(?=\s|$)(.*)$")
TOKEN = re.compile(r'"[^"]*"|\'[^\']*\'|([A-Za-z_][\w.-]*)\s*:(?=\s|$)|([{}\[\],])')

Tree = dict[str, Any]


def place(lines: list[str], number: int, head: str) -> tuple[list[str], str]:
    """Where the cursor is: the keys around it, from the outermost, and the key whose value is written, or ""."""
    found = KEY.match(head)
    path = parents(lines, number, len(found[1]) if found else len(head) - len(head.lstrip(" -")))
    inner, key = _opened(head)
    return path + inner, key


def parents(lines: list[str], number: int, indent: int) -> list[str]:
    """The keys around a line, from the outermost, by indentation; a dash counts as a space."""
    around: list[str] = []
    for line in reversed(lines[1:number]):
        found = KEY.match(line)
        if found and len(found[1]) < indent:
            around.insert(0, found[2])
            indent = len(found[1])
    return around


def _opened(head: str) -> tuple[list[str], str]:
    """The keys of the braces that are open at the end of a line, and the key whose value is written there."""
    stack: list[tuple[str, str]] = []
    key = ""
    for found in TOKEN.finditer(head):
        name, mark = found.groups()
        if name:
            key = name
        elif mark in ("{", "["):
            stack.append((mark, key))
            key = ""
        elif mark == ",":
            key = key if not stack else ""
        elif mark:
            key = stack.pop()[1] if stack else ""
    if stack and stack[-1][0] == "[" and not key:
        key = stack.pop()[1]
    return [name for _, name in stack if name], key


def tree(lines: list[str]) -> Tree:
    """The whole text as mappings, as far as it can be read; the items of a list count as one mapping."""
    whole: Tree = {}
    around: list[tuple[int, Tree]] = [(-1, whole)]
    for line in lines[1:]:
        found = KEY.match(line)
        if found is None:
            continue
        while around[-1][0] >= len(found[1]):
            around.pop()
        value = _value(found[3])
        around[-1][1][found[2]] = value
        around.append((len(found[1]), value if isinstance(value, dict) else {}))
    return whole


def _value(text: str) -> Any:
    """What stands behind a key; a brace that is not shut yet counts as shut."""
    text = text.strip()
    if not text or text.startswith(("|", ">", "#", "&")):
        return {}
    for end in ("", *_ends(text)):
        try:
            return yaml.safe_load(text + end)
        except (yaml.YAMLError, ValueError):
            continue
    return text


def _ends(text: str) -> Iterator[str]:
    missing = "".join({"{": "}", "[": "]"}[mark] for mark in reversed(_unshut(text)))
    yield missing
    yield '"' + missing
    yield "'" + missing


def _unshut(text: str) -> list[str]:
    marks: list[str] = []
    for mark in re.findall(r"[{}\[\]]", text):
        if mark in "{[":
            marks.append(mark)
        elif marks:
            marks.pop()
    return marks


def nodes(within: Any) -> Iterator[tuple[str, Tree]]:
    """Every node with its id, in every body."""
    if isinstance(within, list):
        for item in within:
            yield from nodes(item)
    if not isinstance(within, dict):
        return
    for key, value in within.items():
        if key == "nodes" and isinstance(value, dict):
            yield from ((str(id), node if isinstance(node, dict) else {}) for id, node in value.items())
        yield from nodes(value)
