"""Inputs that are given in the text: by triggers, and to workflows inside a node; and what triggers may read."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from nbflow.errors import Severity
from nbflow.plan.checks.findings import Checking
from nbflow.plan.checks.shapes import literal_shape
from nbflow.spec.document import Located
from nbflow.spec.expressions import Expression, Reference, Value
from nbflow.spec.forms import is_expression, kind_of
from nbflow.spec.names import listed
from nbflow.spec.nodes import NodeSpec
from nbflow.spec.triggers import TriggerSpec
from nbflow.spec.workflow import WorkflowSpec

_ROOTS = ("event", "env")


def check_triggers(checking: Checking) -> None:
    """Every trigger gives inputs that the workflow takes, and reads `event` only."""
    for trigger in checking.spec.triggers:
        _inputs(checking, trigger)
        for name, template in trigger.fields.items():
            if isinstance(template, Expression | Value):
                for reference in template.references:
                    _reference(checking, trigger, name, reference)


def check_inputs_of(checking: Checking, node: NodeSpec, inline: WorkflowSpec) -> None:
    """What a node gives to the workflow inside it."""
    at = node.place("with") if "with" in node.fields else None
    _given(checking, inline, node.place("workflow"), at, "'with'", "error")


def _inputs(checking: Checking, trigger: TriggerSpec) -> None:
    at = trigger.at.value.get("inputs") if isinstance(trigger.at.value, dict) else None
    _given(checking, checking.spec, trigger.at, at, "this trigger", "warning")


def _given(
    checking: Checking, spec: WorkflowSpec, whole: Located, at: Located | None, who: str, severity: Severity
) -> None:
    """Inputs against what a workflow takes: unknown ones, ones of another type, and missing ones."""
    known: Mapping[str, Any] = spec.inputs.get("properties", {}) if spec.inputs else {}
    if at is not None and is_expression(at):
        return
    given: Mapping[str, Located] = at.value if at is not None and isinstance(at.value, dict) else {}
    for key, value in given.items():
        if key in known:
            _fits(checking, value, known[key], key)
        else:
            hint = checking.guess(key, known) or (f"inputs: {listed(known)}" if known else None)
            checking.wrong(value, "schema.unknown_input", f"the workflow has no input '{key}'", hint, key=True)
    missing = [name for name in spec.inputs.get("required", ()) if name not in given] if spec.inputs else []
    if missing:
        checking.wrong(
            at or whole, "schema.missing_input", f"{who} gives no value for {listed(map(repr, missing))}",
            f"{{{missing[0]}: …}}, or give it a default", severity=severity, key=at is not None,
        )  # fmt: skip


def _fits(checking: Checking, at: Located, schema: Mapping[str, Any], key: str) -> None:
    have, wanted = literal_shape(at).get("type"), schema.get("type")
    if (
        not isinstance(have, str)
        or not isinstance(wanted, str)
        or have == wanted
        or (have, wanted) == ("integer", "number")
    ):
        return
    checking.wrong(at, "input.type", f"the input '{key}' is of type {wanted}, not {kind_of(at)}")


def _reference(checking: Checking, trigger: TriggerSpec, name: str, reference: Reference) -> None:
    root = reference.root
    if root in _ROOTS or (root == "secrets" and name == "secret"):
        return
    at = trigger.at.value.get(name, trigger.at) if isinstance(trigger.at.value, dict) else trigger.at
    if root == "secrets":
        checking.wrong(
            at, "secret.exposed", "a secret would be exposed here", "secrets stand under 'secret' of a webhook"
        )
    else:
        checking.wrong(at, "expr.scope", f"'{root}' cannot be read in a trigger: nothing has run", "read 'event'")
