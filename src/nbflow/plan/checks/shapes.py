"""What is known of a node's output before it runs, as a JSON Schema; and references that do not fit it.

`{}` is anything. Only what is certain is used: an object is closed when its fields are all known.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from nbflow.plan.checks.findings import Checking
from nbflow.plan.link import KNOWN_ROOTS, Linked, Use
from nbflow.spec.document import Located
from nbflow.spec.expressions import METHODS, Expression, Value
from nbflow.spec.forms import is_expression
from nbflow.spec.names import listed
from nbflow.spec.nodes import NodeSpec
from nbflow.spec.workflow import WorkflowSpec

Shape = Mapping[str, Any]

ANY: Shape = {}
TEXT: Shape = {"type": "string"}
NUMBER: Shape = {"type": "number"}
_REPLY: Shape = {
    "type": "object",
    "properties": {"status": {"type": "integer"}, "headers": {"type": "object"}, "body": {}, "url": TEXT},
    "additionalProperties": False,
}
_SCALARS = ("string", "number", "integer", "boolean", "null")


def closed(properties: Mapping[str, Shape]) -> Shape:
    """An object with exactly these fields."""
    return {"type": "object", "properties": properties, "additionalProperties": False}


class Shapes:
    """Shapes of the nodes of a workflow, found when asked for."""

    def __init__(self, spec: WorkflowSpec):
        self.inputs: Shape = {"additionalProperties": False, **spec.inputs} if spec.inputs else closed({})
        self._known: dict[tuple[int, int], Shape] = {}

    def of(self, body: Linked, index: int) -> Shape:
        """The shape of a node's output; `ANY` while it is being found (a cycle) or when it cannot be known."""
        key = (id(body), index)
        if key not in self._known:
            self._known[key] = ANY
            self._known[key] = self._node(body, index)
        return self._known[key]

    def _node(self, body: Linked, index: int) -> Shape:
        node = body.nodes[index]
        fields = node.fields
        if "transform" in fields or any(rule.action in ("value", "continue") for rule in fields.get("on_error", ())):
            return ANY
        if "output" in fields:
            schema: Shape = fields["output"]
            return schema
        finder = _FINDERS.get(node.kind)
        return finder(self, body, index, node) if finder is not None else ANY

    def body(self, inner: Linked | None, result: Value | None, at: Located | None) -> Shape:
        """What a body gives: its result, or its outputs by id."""
        if inner is None:
            return ANY
        if result is None:
            return closed({node.id: self.of(inner, index) for index, node in enumerate(inner.nodes)})
        if at is None or not isinstance(at.value, dict):
            return ANY
        return closed({key: literal_shape(value) for key, value in at.value.items()})


def literal_shape(at: Located) -> Shape:
    """The shape of a value written in the text; expressions in it can be anything."""
    value = at.value
    match value:
        case None:
            return {"type": "null"}
        case bool():
            return {"type": "boolean"}
        case int():
            return {"type": "integer"}
        case float():
            return NUMBER
        case str():
            return ANY if is_expression(at) else TEXT
        case list():
            return {"type": "array"}
        case _:
            return closed({key: literal_shape(inner) for key, inner in value.items()})


def _agent(shapes: Shapes, body: Linked, index: int, node: NodeSpec) -> Shape:
    model = node.verb.get("model", "")
    return TEXT if "prompt" in node.verb and ("/" in model or not model) else ANY


def _tool(shapes: Shapes, body: Linked, index: int, node: NodeSpec) -> Shape:
    return _REPLY if str(node.verb.get("name", "")).startswith("http.") else ANY


def _set(shapes: Shapes, body: Linked, index: int, node: NodeSpec) -> Shape:
    return literal_shape(node.place("set"))


def _aggregate(shapes: Shapes, body: Linked, index: int, node: NodeSpec) -> Shape:
    how = node.verb.get("how")
    if how == "object":
        at = node.place("with")
        return literal_shape(at) if "with" in node.fields and isinstance(at.value, dict) else ANY
    return {"sum": NUMBER, "mean": NUMBER, "count": {"type": "integer"}, "list": {"type": "array"}}.get(str(how), ANY)


def _loop(shapes: Shapes, body: Linked, index: int, node: NodeSpec) -> Shape:
    if "collect" in node.verb:
        return {"type": "array"}
    at = node.place("result") if "result" in node.fields else None
    return shapes.body(body.bodies.get((index, "")), node.fields.get("result"), at)


def _parallel(shapes: Shapes, body: Linked, index: int, node: NodeSpec) -> Shape:
    if "branches" not in node.verb:
        return {"type": "array"}
    found: dict[str, Shape] = {}
    for branch in node.verb["branches"]:
        inner = body.bodies.get((index, branch.name))
        if branch.single and inner is not None:
            found[branch.name] = shapes.of(inner, 0)
        else:
            at = branch.at.value.get("result") if isinstance(branch.at.value, dict) else None
            found[branch.name] = shapes.body(inner, branch.result, at)
    if node.verb.get("on_fail", "fail") != "fail":
        return closed(dict.fromkeys(found, ANY))
    return closed(found)


def _ask(shapes: Shapes, body: Linked, index: int, node: NodeSpec) -> Shape:
    schema: Shape = node.verb.get("output", ANY)
    return schema


def _workflow(shapes: Shapes, body: Linked, index: int, node: NodeSpec) -> Shape:
    inline: WorkflowSpec | None = node.verb.get("inline")
    if inline is None or inline.outputs is None:
        return ANY
    return closed(dict.fromkeys(inline.outputs, ANY))


def _switch(shapes: Shapes, body: Linked, index: int, node: NodeSpec) -> Shape:
    return closed({"chose": ANY})


_FINDERS = {
    "agent": _agent, "tool": _tool, "set": _set, "aggregate": _aggregate, "loop": _loop, "parallel": _parallel,
    "ask": _ask,
    "workflow": _workflow, "switch": _switch,
}  # fmt: skip


# --- references ----------------------------------------------------------------------------------------------


def check_fields(checking: Checking, shapes: Shapes) -> None:
    """References go only to fields that can be there."""
    for body in checking.root.everything():
        for use in body.uses:
            if not use.reference.path:
                continue
            if use.found is not None:
                _walk(checking, use, shapes.of(use.found, use.source), f"'{use.reference.root}'")
            elif use.reference.root == "inputs":
                _input(checking, use, shapes.inputs)
            elif use.reference.root in _ROOTS:
                _walk(checking, use, _ROOTS[use.reference.root], f"'{use.reference.root}'")
            elif use.reference.root in KNOWN_ROOTS:
                _round(checking, shapes, use)


_ROOTS: Mapping[str, Shape] = {
    "error": closed(dict.fromkeys(("node", "kind", "message", "attempt", "code", "detail", "hint"), ANY)),
    "execution": closed(dict.fromkeys(("id", "workflow", "version", "started", "attempt", "labels", "states"), ANY)),
}


def _round(checking: Checking, shapes: Shapes, use: Use) -> None:
    """`loop` has what is carried, `previous` the outputs of the round before, which is null in the first."""
    body = _loop_of(use)
    if body is None or body.around is None:
        return
    if use.reference.root == "previous":
        known = closed({node.id: shapes.of(body, index) for index, node in enumerate(body.nodes)})
        if not use.reference.tested:
            message = "'previous' is null in the first round"
            hint = "test it: '… if previous is not None else …'"
            checking.at(use, "graph.maybe_skipped", message, hint, severity="warning")
    else:
        carried = _carried(body.around.nodes[body.owner])
        if carried is None:
            return
        known = closed(dict.fromkeys(carried, ANY))
    _walk(checking, use, known, f"'{use.reference.root}'")


def _loop_of(use: Use) -> Linked | None:
    """The body of the loop in which something is read."""
    body: Linked | None = use.body
    while body is not None and not (body.around is not None and body.owner >= 0 and not body.detached and not body.name
                                    and body.around.nodes[body.owner].kind == "loop"):  # fmt: skip
        body = body.around
    return body


def _carried(node: NodeSpec) -> list[str] | None:
    """What `loop` has; None when an expression gives it."""
    names = ["index", "max_reached"]
    for part in ("start", "next"):
        if part in node.verb:
            at = node.place("loop", part)
            if not isinstance(at.value, dict):
                return None
            names += at.value
    return names


def _input(checking: Checking, use: Use, inputs: Shape) -> None:
    name, known = use.reference.path[0], inputs.get("properties", {})
    if isinstance(name, str) and name not in known and name not in METHODS:
        hint = checking.guess(name, known)
        hint = hint or (f"inputs: {listed(known)}" if known else f"declare it: 'inputs: {{{name}: any}}'")
        checking.at(use, "expr.unknown_field", f"there is no input '{name}'", hint, part=0)
        return
    _walk(checking, use, inputs, "'inputs'")


def _walk(checking: Checking, use: Use, shape: Shape, what: str) -> None:
    for place, step in enumerate(use.reference.path):
        kind = shape.get("type")
        if isinstance(step, int):
            shape = _item(shape, kind)
        elif kind == "object" or "properties" in shape:
            known = shape.get("properties", {})
            if step in known:
                shape = known[step]
            elif shape.get("additionalProperties") is False and step not in METHODS:
                hint = checking.guess(step, known) or (f"fields: {listed(known)}" if known else None)
                checking.at(use, "expr.unknown_field", f"{what} has no field '{step}'", hint, part=place)
                return
            else:
                return
        elif kind in _SCALARS and step not in METHODS:
            _no_fields(checking, use, what, str(kind), step, place)
            return
        else:
            return
        what = f"'{step}'" if isinstance(step, str) else f"{what}[{step}]"


def _item(shape: Shape, kind: object) -> Shape:
    items = shape.get("items")
    return items if kind == "array" and isinstance(items, Mapping) else ANY


def _no_fields(checking: Checking, use: Use, what: str, kind: str, step: str, place: int) -> None:
    words = "text" if kind == "string" else "null" if kind == "null" else f"a {kind}"
    agent = place == 0 and use.found is not None and use.found.nodes[use.source].kind == "agent"
    hint = f"an agent gives text: add 'output: {{{step}: …}}'" if agent else None
    severity = "warning" if agent or use.reference.tested else "error"
    message = f"{what} is {words}: it has no field '{step}'"
    checking.at(use, "expr.unknown_field", message, hint, severity=severity, part=place)  # type: ignore[arg-type]


def shape_of(shapes: Shapes, uses: Iterable[Use], template: Expression | Value) -> Shape:
    """The shape of an expression that is one plain reference, else anything."""
    found = [use for use in uses if use.read.template is template]
    return shape_of_use(shapes, found[0]) if len(found) == 1 else ANY


def shape_of_use(shapes: Shapes, use: Use) -> Shape:
    """The shape of what a reference reads; anything when it may be null or is not known."""
    shape = shapes.inputs if use.reference.root == "inputs" else ANY
    if use.found is not None:
        shape = shapes.of(use.found, use.source)
    for step in use.reference.path:
        kind = shape.get("type")
        shape = _item(shape, kind) if isinstance(step, int) else shape.get("properties", {}).get(step, ANY)
    return shape
