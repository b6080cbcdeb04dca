"""What is written and does nothing, and what is missing for it to do anything."""

from __future__ import annotations

from nbflow.plan.checks.findings import Checking
from nbflow.plan.link import Linked
from nbflow.spec.forms import is_expression, kind_of
from nbflow.spec.nodes import NodeSpec


def check_usage(checking: Checking, *, unbounded: bool = False) -> None:
    """Inputs nobody reads, loops without an end, parts of a verb that need another."""
    _inputs(checking)
    for body in checking.root.everything():
        for node in body.nodes:
            if node.kind == "loop" and node.verb is not None:
                _loop(checking, node, unbounded)
            elif node.kind == "aggregate":
                _aggregate(checking, node)
            elif node.kind == "workflow":
                _recursion(checking, body, node)
            elif node.kind == "agent" and node.verb:
                _agent(checking, node)


def _inputs(checking: Checking) -> None:
    spec = checking.spec
    declared = spec.inputs.get("properties", {}) if spec.inputs else {}
    if not declared:
        return
    uses = [use for body in checking.root.everything() for use in body.uses if use.reference.root == "inputs"]
    read = {use.reference.path[0] if use.reference.path else None for use in uses}
    if None in read:
        return
    given = spec.place("inputs")
    listed = {item.value: item for item in given.value} if isinstance(given.value, list) else {}
    for name in declared:
        if name not in read:
            at = listed.get(name) or spec.place("inputs", name)
            message = f"nothing reads the input '{name}'"
            checking.wrong(at, "graph.unused_input", message, severity="info", key=not listed)


def _loop(checking: Checking, node: NodeSpec, unbounded: bool) -> None:
    at = node.place("loop")
    given = at.value if isinstance(at.value, dict) else {}
    if "max" not in given and "max" not in node.verb and not unbounded and given:
        checking.wrong(
            at,
            "graph.unbounded_loop",
            f"loop '{node.id}' has no 'max': it may never end",
            "loop: {max: 10, …}",
            key=True,
        )


def _aggregate(checking: Checking, node: NodeSpec) -> None:
    how = node.verb.get("how")
    if how is None:
        return
    given = node.place("with") if "with" in node.fields else None
    if given is not None and not isinstance(given.value, dict | list) and not is_expression(given):
        message = f"'{node.id}' aggregates a mapping or a list, not {kind_of(given)}"
        checking.wrong(given, "type.list", message, "with: [=a, =b]")
    if given is None:
        checking.wrong(
            node.place("aggregate"), "schema.missing", f"'{node.id}' needs 'with': what it aggregates", key=True
        )
    if how == "reduce" and "step" not in node.fields:
        checking.wrong(
            node.place("aggregate"),
            "schema.missing",
            f"'reduce' of '{node.id}' needs 'step'",
            "step: acc + item",
            key=True,
        )
    for name, owner in (("by", "best"), ("start", "reduce"), ("step", "reduce")):
        if name in node.fields and how != owner:
            checking.wrong(
                node.place(name), "schema.no_effect", f"'{name}' belongs to '{owner}', it does nothing for '{how}'",
                severity="warning", key=True,
            )  # fmt: skip


def _recursion(checking: Checking, body: Linked, node: NodeSpec) -> None:
    name = node.verb.get("name")
    if name and name == checking.spec.name and "inline" not in node.verb:
        checking.wrong(
            node.place("workflow"), "graph.recursion", f"workflow '{name}' runs itself", severity="warning",
            hint="it must come to an end: the depth of sub-workflows is limited; repetition is a 'loop'",
        )  # fmt: skip


def _agent(checking: Checking, node: NodeSpec) -> None:
    if "prompt" not in node.verb and "messages" not in node.verb and "with" not in node.fields:
        checking.wrong(
            node.place("agent"),
            "schema.missing",
            f"agent '{node.id}' is asked nothing: it needs 'prompt', 'messages' or 'with'",
            key=True,
        )
