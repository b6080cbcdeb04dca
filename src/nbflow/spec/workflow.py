"""A whole workflow as written: the top-level fields, and the nodes or the machine under them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from nbflow.spec import forms, policies, schema
from nbflow.spec.document import Located
from nbflow.spec.expressions import Value, compile_value
from nbflow.spec.forms import Fields, Form, Reading, Report
from nbflow.spec.machine import read_machine
from nbflow.spec.names import did_you_mean, wrong_workflow_name
from nbflow.spec.nodes import NodeSpec, read_defaults, read_node, read_nodes
from nbflow.spec.triggers import TRIGGERS, TriggerSpec


@dataclass(slots=True)
class WorkflowSpec:
    """What an author wrote. `inputs` is a JSON Schema object; `machine` is the located mapping, if it is one."""

    at: Located
    name: str | None = None
    version: str | None = None
    doc: str | None = None
    inputs: Mapping[str, Any] = field(default_factory=dict)
    nodes: tuple[NodeSpec, ...] = ()
    machine: Located | None = None
    chart: Any = None
    outputs: Mapping[str, tuple[Located, Value]] | None = None
    on_error: tuple[NodeSpec, ...] = ()
    triggers: tuple[TriggerSpec, ...] = ()
    timeout: float | None = None
    priority: int = 0
    tags: tuple[str, ...] = ()
    pools: Mapping[str, int] = field(default_factory=dict)
    rates: Mapping[str, float] = field(default_factory=dict)
    budget: Mapping[str, float] = field(default_factory=dict)
    keep: float | None = None

    def place(self, *path: str) -> Located:
        """Where a field stands, or the nearest place known."""
        at = self.at
        for name in path:
            inner = at.value.get(name) if isinstance(at.value, dict) else None
            if inner is None:
                break
            at = inner
        return at


def _name(at: Located, reading: Reading, name: str) -> str | None:
    text: str | None = forms.TEXT.read(at, reading, name)
    wrong = None if text is None else wrong_workflow_name(text)
    if text is None or wrong is None:
        return text
    odd = next((letter for letter in text if not letter.isprintable()), None)
    if odd is not None:
        message = f"the name has a character that cannot be seen (U+{ord(odd):04X})"
        reading.wrong(at, "schema.odd_character", message, hint="type the name anew")
        return None
    message, hint = wrong
    reading.wrong(at, "schema.name", message, hint=hint)
    return None


def _version(at: Located, reading: Reading, name: str) -> str | None:
    value = at.value
    if isinstance(value, int | float) and not isinstance(value, bool):
        written = _as_written(at)
        message = (
            f"'version' is text, not a number: {written} would lose its form"
            if "." in written
            else "'version' is text, not a number"
        )
        reading.wrong(at, "type.version", message, hint=f'quote it: "{written}"')
        return None
    if isinstance(value, str) and value and len(value) <= 64 and not re.search(r"\s", value):
        return value
    reading.wrong(
        at,
        "type.version",
        f"'version' is a text without spaces of at most 64 characters, not {forms.shown(at)}",
        hint='version: "1.2.0"',
    )
    return None


def _as_written(at: Located) -> str:
    """A number with the digits the author typed (1.10, not 1.1)."""
    line = at.source.line(at.line)[at.column - 1 :]
    match = re.match(r"[0-9.+-]+(e[0-9+-]+)?", line)
    return match.group() if match else str(at.value)


def _on_error(at: Located, reading: Reading, name: str) -> tuple[NodeSpec, ...] | None:
    if isinstance(at.value, dict) and set(at.value) == {"nodes"}:
        return read_nodes(at.value["nodes"], reading, empty="'on_error' needs at least one node")
    node = read_node("", at, reading, "'on_error' of the workflow")
    return None if node is None else (node,)


def _outputs(at: Located, reading: Reading, name: str) -> Mapping[str, tuple[Located, Value]] | None:
    if not isinstance(at.value, dict):
        reading.wrong(
            at,
            "type.mapping",
            f"'outputs' maps names to values, not {forms.kind_of(at)}",
            hint="outputs: {text: =merge.text}",
        )
        return None
    return {key: (value, compile_value(value, reading.report)) for key, value in at.value.items()}


def _inputs(at: Located, reading: Reading, name: str) -> Mapping[str, Any]:
    return schema.read_inputs(at, reading.report)


def _late(at: Located, reading: Reading, name: str) -> Located:
    return at


_NODES = {"$ref": "#/$defs/nodes"}

FIELDS: Fields = {
    "name": Form(_name, {"type": "string", "pattern": "^[a-z][a-z0-9_-]*$"}, "The workflow's name."),
    "version": Form(
        _version, {"type": "string", "maxLength": 64}, 'Text, as "1.2.0". Without it the content is the version.'
    ),
    "doc": forms.TEXT.but("What it is for."),
    "inputs": Form(
        _inputs, {"anyOf": [{"type": "array", "items": {"type": "string"}}, {"type": "object"}]},
        "What it takes: [a, b], `name: type`, or JSON Schema.", nullable=True,
    ),
    "defaults": Form(_late, {"type": "object"}, "Fields for all nodes of a verb."),
    "triggers": TRIGGERS.but("What starts it by itself."),
    "nodes": Form(_late, _NODES, "The steps, by id.", nullable=True),
    "machine": Form(_late, {"$ref": "#/$defs/machine"}, "A statechart, instead of nodes."),
    "on_error": Form(
        _on_error, {"anyOf": [{"$ref": "#/$defs/node"}, forms.object_schema({"nodes": Form(_late, _NODES)})]},
        "Runs when the execution has failed; `error` can be read.",
    ),
    "outputs": Form(_outputs, {"type": "object"}, "What it gives; default: the outputs nothing else reads."),
    "timeout": forms.SPAN.but("The most an execution may take."),
    "priority": forms.WHOLE.but("Larger goes first; 0 is usual."),
    "tags": forms.TEXTS.but("Words to find it by."),
    "pools": policies.by_name(forms.POSITIVE, "units").but("Capacities by name."),
    "rates": policies.by_name(policies.LIMIT, "limits").but("Shared limits by name, as `60/min`."),
    "budget": policies.BUDGET.but("The most all its agents may use: tokens, usd."),
    "keep": forms.SPAN.but("How long its executions stay in the store after they ended; default: the setting."),
}  # fmt: skip

_FOREIGN = {
    "on": "did you mean 'triggers'?",
    "start": "there is no start node: a node that needs nothing starts; order comes from 'needs' and what is read",
    "steps": "did you mean 'nodes'?",
    "tasks": "did you mean 'nodes'?",
    "jobs": "did you mean 'nodes'?",
    "edges": "edges come from what is read, 'needs' and 'then'",
    "input": "did you mean 'inputs'?",
    "nbflow": "the language has no version field; 'version' is the workflow's",
}


def read_workflow(at: Located, report: Report, kinds: Mapping[str, Any]) -> WorkflowSpec | None:
    """The whole text, or None when it is no mapping. All findings are reported."""
    if not isinstance(at.value, dict):
        Reading(report, kinds).wrong(
            at,
            "schema.top_level",
            f"a workflow is a mapping, not {forms.kind_of(at)}",
            hint="it begins with 'name:' and 'nodes:'",
        )
        return None
    return _read(at, Reading(report, kinds))


def read_inline(at: Located, reading: Reading) -> WorkflowSpec | None:
    """A workflow inside a node: it has its own inputs, ids and defaults."""
    return _read(at, Reading(reading.report, reading.kinds))


def _read(at: Located, reading: Reading) -> WorkflowSpec:
    assert isinstance(at.value, dict)
    given = at.value
    if "defaults" in given and given["defaults"].value is not None:
        read_defaults(given["defaults"], reading)
    found: dict[str, Any] = {}
    for key, value in given.items():
        form = FIELDS.get(key)
        if form is None:
            hint = _FOREIGN.get(key) or did_you_mean(key, FIELDS)
            hint = hint or ("nodes stand under 'nodes:'" if _looks_like_node(value, reading) else None)
            reading.wrong(value, "schema.unknown_key", f"a workflow has no field '{key}'", hint=hint, key=True)
        elif value.value is None and not form.nullable:
            reading.wrong(value, "schema.missing_value", f"'{key}' has no value", key=True)
        elif key not in ("nodes", "machine", "defaults"):
            result = form.read(value, reading, key)
            if result is not None:
                found[key] = result
    return WorkflowSpec(at, **found, **_content(at, reading))


def _content(at: Located, reading: Reading) -> dict[str, Any]:
    """The nodes or the machine."""
    assert isinstance(at.value, dict)
    given = at.value
    if "nodes" in given and "machine" in given:
        reading.wrong(given["machine"], "schema.conflict", "a workflow has 'nodes' or 'machine', not both", key=True)
    if "nodes" in given:
        return {"nodes": read_nodes(given["nodes"], reading)}
    if "machine" in given:
        chart = read_machine(given["machine"], reading.report, kinds=reading.kinds)
        return {"machine": given["machine"], "chart": chart}
    reading.wrong(at, "schema.missing", "a workflow needs 'nodes'", hint="nodes:\n  greet: {tool: my_function}")
    return {}


def _looks_like_node(at: Located, reading: Reading) -> bool:
    return isinstance(at.value, dict) and any(key in reading.kinds for key in at.value)
