"""The words and flags after the verb of a line magic."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from nbflow.notebook.errors import MagicError, did_you_mean
from nbflow.notebook.options import input_value, read_input, unquoted, words

FLAGS = {
    "--background": "",
    "-b": "",
    "--store": "URL",
    "--at": "NODE|RECORD",
    "--from": "NODE",
    "--over": "FILE|$NAME",
    "--effects": "mock|real",
    "--debug": "",
    "--format": "svg|dot|mermaid",
    "-i": "KEY=VALUE",
    "--tag": "TAG",
    "--kind": "KIND",
    "--tool": "TOOL",
    "--model": "MODEL",
    "--by": "NAME",
    "--run-by": "NAME",
    "--phase": "PHASE",
    "--since": "TIME",
    "--error": "TEXT",
    "--version": "VERSION",
    "--until": "TIME",
    "--label": "KEY=VALUE",
    "--usd": "AMOUNT",
    "--limit": "NUMBER",
    "--cursor": "CURSOR",
}
PLACE = re.compile(r"\{([A-Za-z_]\w*)((?:\.[A-Za-z]\w*)*)\}")
SEARCH = ("tag", "kind", "tool", "model", "by", "run-by", "phase", "since", "error")  # of workflows
FIND = ("phase", "version", "since", "until", "tag", "error", "usd", "limit", "cursor")  # of executions


@dataclass(slots=True)
class Arguments:
    """What stands after the verb."""

    words: list[str] = field(default_factory=list)
    inputs: dict[str, Any] = field(default_factory=dict)
    labels: dict[str, str] = field(default_factory=dict)
    flags: dict[str, str] = field(default_factory=dict)
    namespace: Mapping[str, Any] = field(default_factory=dict)

    @property
    def store(self) -> str | None:
        return self.flags.get("--store")

    @property
    def background(self) -> bool:
        return "--background" in self.flags or "-b" in self.flags

    def take(self, name: str, value: str) -> None:
        """An option with its value."""
        if name == "-i":
            self.inputs |= read_input(value, self.namespace)
        elif name == "--label":
            key, _, self.labels[key] = value.partition("=")
        else:
            self.flags[name] = unquoted(value) if name != "--over" else value

    def asked(self, names: Sequence[str]) -> dict[str, str]:
        """The options of a search that were given."""
        return {name.replace("-", "_"): self.flags[f"--{name}"] for name in names if f"--{name}" in self.flags}

    def first(self) -> str | None:
        return self.words[0] if self.words else None

    def word(self, place: int, what: str, usage: str) -> str:
        """A word that must be there. Raises `MagicError` with how the line should read."""
        if place >= len(self.words):
            raise MagicError("magic.option", f"{what} is missing", usage)
        return unquoted(self.words[place])

    def value(self, place: int) -> Any:
        """A value: JSON, `$name` or text; null when there is none."""
        return input_value(self.words[place], self.namespace) if place < len(self.words) else None


def _filled(word: str, namespace: Mapping[str, Any]) -> str:
    """``{x}`` and ``{x.id}`` mean what the notebook's variable holds, as in other magics; no JSON looks like that."""
    if (found := PLACE.fullmatch(word)) is None:
        return word
    value = input_value(f"${found[1]}", namespace)
    for name in found[2].split(".")[1:]:
        if not hasattr(value, name):
            raise MagicError("magic.variable", f"{found[1]} has no {name}", None)
        value = getattr(value, name)
    return str(getattr(value, "id", value))


def read_arguments(line: str, namespace: Mapping[str, Any], store: str | None = None) -> Arguments:
    """Words and flags; `store` is the one when the line names none. Raises `MagicError` for a flag that is none."""
    arguments, rest = Arguments(namespace=namespace), iter(words(line))
    if store:
        arguments.flags["--store"] = store
    for word in rest:
        if not word.startswith("-") or word[1:2].isdigit():
            arguments.words.append(_filled(word, namespace))
            continue
        name, sign, value = word.partition("=") if word.startswith("--") else (word, "", "")
        if name not in FLAGS:
            raise MagicError("magic.option", f"unknown option {word}", did_you_mean(name, FLAGS))
        if FLAGS[name] and not sign:
            following = next(rest, None)
            if following is None:
                raise MagicError("magic.option", f"{name} needs a value", f"{name} {FLAGS[name]}")
            value = following
        arguments.take(name, _filled(value, namespace) if name != "-i" else value)
    return arguments
