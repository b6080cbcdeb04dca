"""The line of ``%%workflow``: words, options, inputs. Nothing is taken from the notebook but what `$name` names."""

from __future__ import annotations

import json
import keyword
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from nbflow.notebook.errors import MagicError, did_you_mean, nearest

FLAGS = {
    "--background": "return at once; the execution goes on and the cell's picture keeps following it",
    "--debug": "return at once with the debugger: breakpoints hold, failing nodes can be fixed and retried",
    "--no-run": "check and draw, run nothing",
    "--save": "keep this version in the catalog",
    "--mock": "nodes that have `mock:` give that instead of calling anything",
    "--help": "show this page",
}
VALUES = {
    "-i": ("KEY=VALUE", "an input: JSON if it is JSON, else text; KEY=$NAME takes the notebook's variable NAME"),
    "--as": ("NAME", "the variable that receives the execution (also in `_`)"),
    "--break": ("NODE", "hold before this node, NODE:after it or on its NODE:error; may be given more than once"),
    "--store": ("URL", "where the execution is kept: duckdb:///path or memory:"),
}
OPTIONAL = {"--reuse": ("[ID]", "keep results of an earlier execution (the latest of this name) that did not change")}
SHORT = {"-h": "--help", "-b": "--background", "--input": "-i"}
NAME = re.compile(r"[a-z][a-z0-9_-]*\Z")
CLOSING = {"[": "]", "{": "}", "(": ")"}


@dataclass(slots=True)
class Options:
    """What the line says. `reuse` is an id, or "" for the latest; None when nothing is reused."""

    name: str | None = None
    inputs: dict[str, Any] = field(default_factory=dict)
    variable: str | None = None
    breaks: list[str] = field(default_factory=list)
    store: str | None = None
    reuse: str | None = None
    background: bool = False
    debug: bool = False
    run: bool = True
    save: bool = False
    mock: bool = False
    help: bool = False


def words(line: str) -> list[str]:
    """The line's words. Blanks inside quotes or brackets do not end a word; quotes stay, since they may be JSON."""
    found, word, inside = [], "", _Inside()
    for char in line:
        if char.isspace() and inside.none:
            if word:
                found.append(word)
            word = ""
            continue
        inside.see(char, word)
        word += char
    if not inside.none:
        raise MagicError("magic.option", f"{inside.what} is not closed in {word}", f"close it with {inside.needs}")
    return [*found, word] if word else found


def unquoted(word: str) -> str:
    """A word without the quotes that are around all of it."""
    if len(word) < 2 or word[0] != word[-1] or word[0] not in "\"'":
        return word
    return word[1:-1].replace(f"\\{word[0]}", word[0])


class _Inside:
    """Which quotes and brackets are open. A quote opens at the start of a word or value, or within brackets."""

    def __init__(self) -> None:
        self.quote, self.open = "", ""

    @property
    def none(self) -> bool:
        return not self.quote and not self.open

    @property
    def needs(self) -> str:
        return self.quote or CLOSING[self.open[-1]]

    @property
    def what(self) -> str:
        return self.quote or self.open[-1]

    def see(self, char: str, word: str) -> None:
        if self.quote:
            escaped = (len(word) - len(word.rstrip("\\"))) % 2
            self.quote = "" if char == self.quote and not escaped else self.quote
        elif char in "\"'" and (self.open or word == "" or word.endswith("=")):
            self.quote = char
        elif char in CLOSING and (self.open or word == "" or word.endswith("=")):
            self.open += char
        elif self.open and char == CLOSING[self.open[-1]]:
            self.open = self.open[:-1]


def read_options(line: str, namespace: Mapping[str, Any]) -> Options:
    """The options of a line. Raises `MagicError` with the option that was meant."""
    options = Options()
    rest = iter(words(line))
    waiting: list[str] = []
    for word in rest:
        _take(options, word, rest, namespace, waiting)
        while waiting:
            _take(options, waiting.pop(), rest, namespace, waiting)
    return options


def _take(options: Options, word: str, rest: Iterator[str], namespace: Mapping[str, Any], waiting: list[str]) -> None:
    name, sign, value = word.partition("=") if word.startswith("--") else (word, "", "")
    name = SHORT.get(name, name)
    if name.startswith("-i") and not name.startswith("--") and len(name) > 2:
        name, value, sign = "-i", name[2:], "="
    if name in FLAGS:
        _flag(options, name)
    elif name in VALUES:
        _value(options, name, value if sign else _following(name, rest), namespace)
    elif name in OPTIONAL:
        options.reuse = value if sign else ""
        following = None if sign else next(rest, None)
        named = following is not None and options.name is not None and NAME.match(following)
        if following is not None and (following[0].isdigit() or named):  # ids begin with their date
            options.reuse = following
        elif following is not None:
            waiting.append(following)
    elif name.startswith("-"):
        raise unknown(name)
    else:
        _name(options, word)


def unknown(option: str) -> MagicError:
    known = [*FLAGS, *VALUES, *OPTIONAL]
    return MagicError("magic.option", f"unknown option {option}", did_you_mean(option, known))


def _following(name: str, rest: Iterator[str]) -> str:
    value = next(rest, None)
    if value is None:
        raise MagicError("magic.option", f"{name} takes {VALUES[name][0]}", f"{name} {VALUES[name][0]}")
    return value


def _flag(options: Options, name: str) -> None:
    if name == "--no-run":
        options.run = False
    else:
        setattr(options, name[2:], True)


def _value(options: Options, name: str, value: str, namespace: Mapping[str, Any]) -> None:
    if name == "-i":
        options.inputs |= read_input(value, namespace)
        return
    value = unquoted(value)
    if name == "--as":
        options.variable = variable(value)
    elif name == "--break":
        options.breaks += [node for node in value.split(",") if node]
    else:
        options.store = value


def _name(options: Options, word: str) -> None:
    if options.name is not None:
        hint = f"-i {word}" if "=" in word else "a name has no blanks; options begin with -"
        raise MagicError("magic.option", f"there is a name already ({options.name}); {word} is one too many", hint)
    if "=" in word:
        raise MagicError("magic.option", f"inputs are given with -i: {word}", f"-i {word}")
    if not NAME.match(word):
        raise MagicError(
            "magic.name", f"{word!r} cannot be a workflow's name",
            "a name begins with a small letter and has small letters, digits, _ and -",
        )  # fmt: skip
    options.name = word


def variable(name: str) -> str:
    """A name that Python can bind. Raises `MagicError`."""
    if not name.isidentifier() or keyword.iskeyword(name):
        raise MagicError("magic.option", f"{name!r} cannot be a variable", "--as takes a Python name")
    return name


def read_input(text: str, namespace: Mapping[str, Any]) -> dict[str, Any]:
    """``KEY=VALUE``, ``KEY=$NAME`` or ``@file.json``; quotes may be around all of it."""
    text = unquoted(text)
    if text.startswith("@"):
        return _from_file(text[1:])
    key, sign, value = text.partition("=")
    if not sign or not key:
        raise MagicError("magic.option", f"-i takes KEY=VALUE, not {shown(text)}", f"-i {key or 'KEY'}=VALUE")
    return {key: input_value(value, namespace)}


def shown(text: str) -> str:
    return text if len(text) <= 40 else text[:39] + "…"


def input_value(text: str, namespace: Mapping[str, Any]) -> Any:
    """JSON when it is JSON, a variable after `$`, else the text without its outer quotes."""
    if re.match(r"\$[A-Za-z_]\w*\Z", text):
        return _variable(text[1:], namespace)
    bare = text[1:-1] if len(text) > 1 and text[0] == text[-1] == "'" else text
    try:
        return json.loads(bare, parse_constant=lambda word: word)
    except ValueError:
        return bare


def _variable(name: str, namespace: Mapping[str, Any]) -> Any:
    if name not in namespace:
        near = nearest(name, (known for known in namespace if not known.startswith("_")))
        hint = f"did you mean ${near}?" if near else "run the cell that makes it first"
        raise MagicError("magic.variable", f"the notebook has no variable {name}", hint)
    return namespace[name]


def _from_file(path: str) -> dict[str, Any]:
    try:
        found = json.loads(Path(path).expanduser().read_text(encoding="utf-8"))
    except (OSError, ValueError) as problem:
        raise MagicError("magic.option", f"-i @{path}: {problem}") from None
    if not isinstance(found, dict):
        raise MagicError("magic.option", f"-i @{path}: the file holds no mapping", "inputs are a JSON object")
    return found
