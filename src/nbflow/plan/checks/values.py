"""Expressions whose value is known before anything runs: conditions that decide nothing, and ones that raise."""

from __future__ import annotations

from nbflow.plan.checks.findings import Checking
from nbflow.plan.checks.shapes import Shapes, shape_of
from nbflow.plan.link import Linked
from nbflow.plan.reads import Read
from nbflow.plan.templates import constants_of, is_plain
from nbflow.spec.document import kind_of
from nbflow.spec.expressions import EvaluationError, Expression


def check_values(checking: Checking, shapes: Shapes) -> None:
    """Constants are evaluated once; conditions and items are held against what is known of their types."""
    for body in checking.root.everything():
        for _, read in body.reads:
            for expression in constants_of(read.template):
                _constant(checking, expression, read)
            if read.condition:
                _truth(checking, shapes, body, read)
            elif read.path[-1] == "for_each":
                _items(checking, shapes, body, read)


def _constant(checking: Checking, expression: Expression, read: Read) -> None:
    try:
        value = expression.evaluate({})
    except EvaluationError as error:
        checking.inside(
            expression, error.code, f"this always fails: {error.message}", error.hint
        )  # fmt: skip
        return
    if read.path[-1:] == ("for_each",) and not isinstance(value, list):
        hint = "'for_each' takes a list, as range(5)"
        checking.inside(expression, "type.list", f"this is {kind_of(value)}, not a list", hint)
    if read.condition and not isinstance(value, str) and expression.text.strip().lower() not in ("true", "false"):
        outcome = "always" if value else "never"
        checking.inside(expression, "expr.constant", f"this {outcome} holds: nothing in it can change", None)


def _truth(checking: Checking, shapes: Shapes, body: Linked, read: Read) -> None:
    """A text as a condition: a model that answers "false" would take the branch."""
    template = read.template
    assert isinstance(template, Expression)
    if template.constant or not is_plain(template):
        return
    if shape_of(shapes, body.uses, template).get("type") == "string":
        message = f"'{template.text}' is text: any text that is not empty counts as true, 'false' too"
        checking.inside(template, "expr.truthiness", message, f"compare it: {template.text} == 'yes'")


def _items(checking: Checking, shapes: Shapes, body: Linked, read: Read) -> None:
    template = read.template
    assert isinstance(template, Expression)
    if template.constant or not is_plain(template):
        return
    kind = shape_of(shapes, body.uses, template).get("type")
    if isinstance(kind, str) and kind not in ("array", "any"):
        words = {"string": "text", "object": "a mapping"}.get(kind, f"a {kind}")
        checking.inside(template, "type.list", f"'{template.text}' is {words}, not a list", "'for_each' takes a list")
