"""All checks of a workflow that could be read. Each is linear in the text, and none raises."""

from __future__ import annotations

from nbflow.plan.checks.findings import Checking
from nbflow.plan.checks.graph import check_graph
from nbflow.plan.checks.mismatch import check_types, plain_shapes
from nbflow.plan.checks.models import Models, check_models
from nbflow.plan.checks.names import check_names
from nbflow.plan.checks.secrets import check_secrets
from nbflow.plan.checks.shapes import Shapes, check_fields
from nbflow.plan.checks.tools import check_tools
from nbflow.plan.checks.triggers import check_inputs_of, check_triggers
from nbflow.plan.checks.usage import check_usage
from nbflow.plan.checks.values import check_values
from nbflow.plan.link import link

__all__ = ["Checking", "Models", "check"]


def check(checking: Checking, *, unbounded: bool = False) -> None:
    """Every check, of inline workflows too, in no particular order: findings are sorted by place afterwards."""
    for body in checking.root.everything():
        for node in body.nodes:
            inline = node.verb.get("inline") if node.kind == "workflow" else None
            if inline is not None:
                check_inputs_of(checking, node, inline)
                inner = Checking(inline, link(inline), checking.tools, checking.found, checking.models)
                check(inner, unbounded=unbounded)
    check_names(checking)
    check_graph(checking)
    shapes = Shapes(checking.spec)
    check_fields(checking, shapes)
    check_values(checking, shapes)
    check_types(checking, shapes)
    check_models(checking)
    check_tools(checking, plain_shapes(checking, shapes))
    check_secrets(checking)
    check_triggers(checking)
    check_usage(checking, unbounded=unbounded)
