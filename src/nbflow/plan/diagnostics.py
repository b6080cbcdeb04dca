"""Every code a diagnostic of a text can have: what it means, an example that gives it and one that does not.

The table is `diagnostics.yaml`; `python -m nbflow.plan.diagnostics` writes docs/diagnostics.md from it.
"""

from __future__ import annotations

import json
import shlex
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib import resources
from typing import Any

import yaml


@dataclass(frozen=True, slots=True)
class Code:
    """One code. Examples are workflows; `*_inputs` start them, `*_value` are expressions over `scope`."""

    code: str
    meaning: str
    bad: str | bytes = ""
    good: str = ""
    severity: str = "error"
    bad_inputs: Mapping[str, Any] | None = None
    good_inputs: Mapping[str, Any] | None = None
    bad_value: str | None = None
    good_value: str | None = None
    scope: Mapping[str, Any] = field(default_factory=dict)
    limits: Mapping[str, int] = field(default_factory=dict)
    plugin: bool = False  # the examples use a verb `shout` of a plug-in
    models: bool = False  # the examples are read by someone who knows openai/, and no other model
    opaque: bool = False  # the scope's values stand for ones that JSON cannot hold

    @property
    def family(self) -> str:
        return self.code.partition(".")[0]


FAMILIES = {
    "yaml": "The text as YAML or JSON",
    "schema": "The fields of the language",
    "type": "Types of fields",
    "graph": "The graph",
    "machine": "Statecharts",
    "expr": "Expressions",
    "input": "Inputs",
    "agent": "Agents",
    "tool": "Tools",
    "http": "HTTP tools",
    "sql": "Database tools",
    "email": "Mail",
    "secret": "Secrets",
    "cron": "Cron",
    "trigger": "Triggers",
    "limit": "Limits",
}


@cache
def codes() -> Mapping[str, Code]:
    """All codes, by code, in the order of the table."""
    text = resources.files("nbflow.plan").joinpath("diagnostics.yaml").read_text(encoding="utf-8")
    table: dict[str, dict[str, Any]] = yaml.safe_load(text)
    return {code: Code(code, **entry) for code, entry in table.items()}


def document() -> str:
    """The page of all codes, in Markdown."""
    lines = [
        "# Diagnostics",
        "",
        "Every finding about a workflow has a code, a place, the line with a caret, and nearly always a hint.",
        "An error keeps a workflow from starting; a warning does not; a note (`info`) is for those who ask.",
        "All findings are shown at once, at most 100 of them. This page is made from the table the tests run:",
        "`python -m nbflow.plan.diagnostics > docs/diagnostics.md`.",
        "",
    ]
    for family, title in FAMILIES.items():
        members = [entry for entry in codes().values() if entry.family == family]
        if members:
            lines += [f"## {title}", ""]
        for entry in members:
            lines += _section(entry)
    return "\n".join(lines).rstrip() + "\n"


def _section(entry: Code) -> list[str]:
    usual = "" if entry.severity == "error" else f" ({entry.severity})"
    lines = [f"### `{entry.code}`{usual}", "", entry.meaning, ""]
    if entry.bad_value is not None:
        scope = "".join(f" with `{name}` = `{value}`" for name, value in entry.scope.items())
        return [*lines, f"Not `{entry.bad_value}`{scope}", "", f"but `{entry.good_value}`", ""]
    if entry.bad_inputs is not None:
        lines += ["```yaml", *entry.good.rstrip("\n").split("\n"), "```", ""]
        return [*lines, f"Not {_inputs(entry.bad_inputs)} but {_inputs(entry.good_inputs or {})}", ""]
    if isinstance(entry.bad, bytes):
        return [*lines, f"Not the bytes `{entry.bad[:12].hex(' ')} …`", ""]
    lines += ["```yaml", "# not", *_visible(entry.bad), "```", ""]
    return [*lines, "```yaml", "# but", *_visible(entry.good), "```", ""]


def _visible(text: str) -> list[str]:
    """An example's lines; what cannot be seen or is too long to read is shown as such."""
    shown = "".join(letter if letter == "\n" or letter.isprintable() else _escaped(letter) for letter in text)
    return [line if len(line) <= 160 else line[:150] + " …" for line in shown.rstrip("\n").split("\n")]


def _escaped(letter: str) -> str:
    return f"\\u{ord(letter):04x}" if ord(letter) > 0x7F else f"\\x{ord(letter):02x}"


def _inputs(given: Mapping[str, Any]) -> str:
    if not given:
        return "without inputs"
    given_so = (shlex.join(["-i", f"{name}={_written(value)}"]) for name, value in given.items())
    return f"`{' '.join(given_so)}`"


def _written(value: Any) -> str:
    """A value after `-i NAME=`: text as it is, in quotes when it would be read as JSON."""
    if not isinstance(value, str):
        return json.dumps(value)
    try:
        json.loads(value)
    except ValueError:
        return value
    return json.dumps(value)


if __name__ == "__main__":
    sys.stdout.write(document())
