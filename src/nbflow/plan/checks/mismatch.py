"""Values whose type is known, used as something else: text compared with a number, a number added to text.

Warnings only: a person may put in another value while the workflow is debugged.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping

from nbflow.plan.checks.findings import Checking
from nbflow.plan.checks.shapes import Shape, Shapes, shape_of_use
from nbflow.plan.link import Linked, Use
from nbflow.spec.document import Located

_ORDER = (ast.Lt, ast.LtE, ast.Gt, ast.GtE)
_EQUAL = (ast.Eq, ast.NotEq)
_CLASSES = {
    "string": "text", "integer": "a number", "number": "a number", "boolean": "true or false", "array": "a list",
    "object": "a mapping",
}  # fmt: skip
_BARE = re.compile(r"\s*(?:=|\$\{\{)?(.*?)(?:\}\})?\s*", re.DOTALL)
_WORTH = re.compile(r"[<>=+!]")


def plain_shapes(checking: Checking, shapes: Shapes) -> Mapping[int, Shape]:
    """Shapes of values that are one reference and nothing else, by the identity of the located value."""
    found: dict[int, Shape] = {}
    for body in checking.root.everything():
        for use in body.uses:
            at = use.reference.at
            if at is not None and _expression(at) == _path(use):
                shape = shape_of_use(shapes, use)
                if shape:
                    found[id(at)] = shape
    return found


def _expression(at: Located) -> str:
    """The text of a value that is one whole expression."""
    found = _BARE.fullmatch(str(at.value))
    return found.group(1).strip() if found else ""


def _path(use: Use) -> str:
    steps = (f"[{step}]" if isinstance(step, int) else f".{step}" for step in use.reference.path)
    return use.reference.root + "".join(steps)


def check_types(checking: Checking, shapes: Shapes) -> None:
    """Comparisons and sums of things that do not go together."""
    for body in checking.root.everything():
        for at, uses in _expressions(body):
            known = {_path(use): shape_of_use(shapes, use) for use in uses}
            if not any(known.values()):
                continue
            for message, hint, offset in _mismatches(_expression(at), known):
                start = max(0, str(at.value).find(_expression(at)))
                checking.wrong(at, "expr.type", message, hint, severity="warning", offset=start + offset)


def _expressions(body: Linked) -> Iterator[tuple[Located, list[Use]]]:
    """Values that are one expression with an operator in it, and what each reads."""
    found: dict[int, tuple[Located, list[Use]]] = {}
    for use in body.uses:
        at = use.reference.at
        if at is None or not isinstance(at.value, str):
            continue
        if id(at) in found:
            found[id(at)][1].append(use)
        elif at.value.count("${{") <= 1 and _WORTH.search(at.value, 1):
            found[id(at)] = (at, [use])
    yield from found.values()


def _mismatches(text: str, known: Mapping[str, Shape]) -> Iterator[tuple[str, str | None, int]]:
    try:
        tree = ast.parse(text, mode="eval")
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return
    for node in ast.walk(tree):
        if isinstance(node, ast.Compare) and len(node.ops) == 1:
            yield from _compared(node, known)
        elif isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
            left, right = _class(node.left, known), _class(node.right, known)
            if {left, right} == {"text", "a number"}:
                yield (
                    "text and a number do not add up",
                    "write str(…) around the number",
                    node.col_offset,
                )


def _compared(node: ast.Compare, known: Mapping[str, Shape]) -> Iterator[tuple[str, str | None, int]]:
    left, right = _class(node.left, known), _class(node.comparators[0], known)
    if left is None or right is None or left == right:
        return
    what = ast.unparse(node.left)
    if isinstance(node.ops[0], _ORDER):
        yield f"'{what}' is {left}, which cannot be compared with {right}", None, node.col_offset
    elif isinstance(node.ops[0], _EQUAL):
        yield f"'{what}' is {left}, which never equals {right}", None, node.col_offset


def _class(node: ast.expr, known: Mapping[str, Shape]) -> str | None:
    """The class of a constant or of a plain reference, in words; None when it is not known."""
    if isinstance(node, ast.Constant):
        value = node.value
        if isinstance(value, bool):
            return "true or false"
        return "text" if isinstance(value, str) else "a number" if isinstance(value, int | float) else None
    if isinstance(node, ast.Name) and node.id in ("true", "false"):
        return "true or false"
    if isinstance(node, ast.Name | ast.Attribute | ast.Subscript):
        shape = known.get(ast.unparse(node))
        kind = shape.get("type") if shape else None
        return _CLASSES.get(kind) if isinstance(kind, str) else None
    return None
