"""Triggers against the workflow they start: the inputs they give, and what they may read."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from nbflow.plan.checks.findings import Checking
from nbflow.plan.checks.shapes import literal_shape
from nbflow.spec.document import Located
from nbflow.spec.expressions import Expression, Reference, Value
from nbflow.spec.forms import is_expression, kind_of
from nbflow.spec.names import listed
from nbflow.spec.triggers import TriggerSpec

_ROOTS = ("event", "env")


def check_triggers(checking: Checking) -> None:
    """Every trigger gives inputs that the workflow takes, and reads `event` only."""
    for trigger in checking.spec.triggers:
        _inputs(checking, trigger)
        for name, template in trigger.fields.items():
            if isinstance(template, Expression | Value):
                for reference in template.references:
                    _reference(checking, trigger, name, reference)


def _inputs(checking: Checking, trigger: TriggerSpec) -> None:
    spec = checking.spec
    known: Mapping[str, Any] = spec.inputs.get("properties", {}) if spec.inputs else {}
    at = trigger.at.value.get("inputs") if isinstance(trigger.at.value, dict) else None
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
            at or trigger.at, "schema.missing_input", f"this trigger gives no value for {listed(map(repr, missing))}",
            f"inputs: {{{missing[0]}: …}}, or give it a default", severity="warning", key=at is not None,
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
