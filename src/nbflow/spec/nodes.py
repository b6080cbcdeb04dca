"""Nodes as written: one verb, the fields every node may have, and bodies to any depth.

Reading never stops at the first finding: what can be read is read, so that one pass shows all there is.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from nbflow.spec import forms, policies
from nbflow.spec.document import Located, glued_colon
from nbflow.spec.forms import Fields, Form, Reading
from nbflow.spec.names import did_you_mean, listed, nearest, wrong_id


@dataclass(slots=True)
class NodeSpec:
    """One node. `verb` has the parameters of its kind, `fields` the others, both with defaults filled in.

    `given` are the names of the fields that stand at the node itself; `nodes` its body, if it has one.
    """

    id: str
    at: Located
    kind: str
    verb: Mapping[str, Any]
    fields: Mapping[str, Any]
    nodes: tuple[NodeSpec, ...] | None = None

    def place(self, *path: str) -> Located:
        """Where a field (or a parameter inside it) stands, or the nearest place known."""
        at = self.at
        for name in path:
            inner = at.value.get(name) if isinstance(at.value, dict) else None
            if inner is None:
                break
            at = inner
        return at


@dataclass(slots=True)
class Defaults:
    """What `defaults:` gives to the nodes of one verb."""

    verb: dict[str, Any] = field(default_factory=dict)
    fields: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class UndoSpec:
    """`compensate:`: nodes without ids, run in this order."""

    nodes: tuple[NodeSpec, ...]


def _compensate(at: Located, reading: Reading, name: str) -> UndoSpec | None:
    items = at.value if isinstance(at.value, list) else [at]
    found = [read_node("", item, reading, "'compensate'") for item in items]
    return UndoSpec(tuple(node for node in found if node is not None))


POLICIES: Fields = {
    "retry": policies.RETRIES.but(
        "More attempts after a failure: a number, or max, delay, factor, max_delay, jitter, on."
    ),
    "timeout": forms.SPAN.but("The most one attempt may take."),
    "deadline": forms.SPAN.but("The most all attempts of the node may take."),
    "cache": policies.CACHE.but("Keep the result for the same meaning and inputs: true, or for how long."),
    "on_error": policies.ERRORS.but(
        "What a failure means: fail, continue, {value: …}, {then: node}, or a list by kind."
    ),
    "priority": forms.WHOLE.but("Larger goes first; 0 is usual."),
    "pool": policies.POOL.but("Units of named capacities it takes while it runs: `gpu` or `{gpu: 1}`."),
    "rate": policies.RATE.but("Starts over time, as `60/min`, or `{name, limit}` shared by name."),
    "breaker": policies.BREAKER.but("After so many failures refuse calls until `reset` has passed."),
    "effects": policies.EFFECTS.but("What an attempt does to the world: none, idempotent or once."),
    "where": forms.TEXT.but("The label of the workers that may run it, or `dask`."),
    "output": forms.SCHEMA.but("The schema of the result, in short form or as JSON Schema."),
    "tags": forms.TEXTS.but("Words to find it by."),
}

FIELDS: Fields = {
    "needs": forms.NAMES.but("Nodes that come first: one id or a list."),
    "if": forms.CONDITION.but("The node is skipped when this does not hold."),
    "join": policies.JOIN.but("With several sources: all (usual), active, first, race or {n: k}."),
    "with": replace(forms.VALUE, nullable=False).but("Arguments by name; values may be expressions."),
    "transform": forms.CONDITION.but("An expression over `result`; it gives the node's output."),
    "compensate": Form(
        _compensate, {"anyOf": [{"$ref": "#/$defs/node"}, {"type": "array", "items": {"$ref": "#/$defs/node"}}]},
        "Undoes this node when the execution fails later: a node without id, or a list.",
    ),
    "mock": forms.VALUE.but("Stands in for the call when the execution runs with mocks."),
    "breakpoint": policies.BREAKPOINT.but("Hold here when a debugger is attached: true, or when this holds."),
    "doc": forms.TEXT.but("What it is for."),
    "result": forms.VALUE.but("What a body gives; default: its outputs by id."),
    **POLICIES,
}  # fmt: skip

_BODY = ("nodes", "result")


def read_nodes(
    at: Located, reading: Reading, *, empty: str = "a workflow needs at least one node"
) -> tuple[NodeSpec, ...]:
    """A `nodes:` mapping. Findings are reported; what could be read is returned in the order written."""
    if isinstance(at.value, list):
        reading.wrong(
            at, "schema.nodes", "'nodes' is a mapping from ids to nodes, not a list", hint="nodes: {my_id: {tool: …}}"
        )
        return ()
    if not isinstance(at.value, dict):
        reading.wrong(
            at, "schema.nodes", f"'nodes' is a mapping from ids to nodes, not {forms.kind_of(at)}", key=at.value is None
        )
        return ()
    if not at.value:
        reading.wrong(at, "schema.empty", f"'nodes' is empty: {empty}")
        return ()
    ids = frozenset(at.value)
    outer = reading.enclosing
    for id, node in at.value.items():
        check_id(id, node, reading)
    reading.enclosing = (*outer, ids)
    found = [read_node(id, node, reading) for id, node in at.value.items()]
    reading.enclosing = outer
    return tuple(node for node in found if node is not None)


def check_id(id: str, at: Located, reading: Reading) -> None:
    """Reports an id that is none, or that hides one of a body around."""
    problem = wrong_id(id)
    if problem is not None:
        code, message, hint = problem
        reading.wrong(at, code, message, hint, key=True)
    elif any(id in ids for ids in reading.enclosing):
        reading.wrong(
            at,
            "schema.duplicate_id",
            f"'{id}' is already the id of a node around this body",
            hint="ids inside a body must differ from those around it",
            key=True,
        )


def read_node(id: str, at: Located, reading: Reading, what: str | None = None) -> NodeSpec | None:
    """One node, or None when it has no verb; `what` names it in messages when it has no id."""
    what = what or f"node '{id}'"
    if not isinstance(at.value, dict):
        _not_a_node(id, at, reading, what)
        return None
    kind = _verb_of(at, reading, what)
    beside = reading.kinds[kind].beside if kind else {}
    own: dict[str, Any] = {}
    for key, value in at.value.items():
        form = FIELDS.get(key) or beside.get(key)
        if form is None:
            if key not in reading.kinds and key != "nodes":
                _unknown_field(key, value, reading, what, kind)
        elif value.value is None and not form.nullable:
            reading.wrong(value, "schema.missing_value", f"'{key}' of {what} has no value", key=True)
        else:
            result = form.read(value, reading, key)
            if result is not None:
                own[key] = result
    if kind is None:
        return None
    return _built(id, at, kind, own, reading, what)


def _built(id: str, at: Located, kind: str, own: dict[str, Any], reading: Reading, what: str) -> NodeSpec:
    assert isinstance(at.value, dict)
    nodes = None
    if "nodes" in at.value:
        nodes = read_nodes(at.value["nodes"], reading, empty="a body needs at least one node")
    spec = reading.kinds[kind]
    value = at.value[kind]
    verb: Mapping[str, Any] = {}
    if value.value is None and not spec.nullable:
        reading.wrong(value, "schema.missing_value", f"'{kind}' of {what} has no value", hint=spec.example, key=True)
    else:
        verb = spec.read(value, reading, kind) or {}
    defaults = reading.defaults.get(kind)
    if defaults is not None:
        verb = {**defaults.verb, **verb}
        own = {**defaults.fields, **own}
    node = NodeSpec(id, at, kind, verb, own, nodes)
    _check_body(node, reading, what)
    return node


def _verb_of(at: Located, reading: Reading, what: str) -> str | None:
    assert isinstance(at.value, dict)
    verbs = [key for key in at.value if key in reading.kinds]
    if len(verbs) > 1:
        names = " and ".join(f"'{verb}'" for verb in verbs)
        reading.wrong(
            at.value[verbs[1]],
            "schema.two_verbs",
            f"{what} has {names}: a node does one thing",
            hint="make it two nodes",
            key=True,
        )
    elif not verbs and all(key in FIELDS or key == "nodes" for key in at.value):
        reading.wrong(
            at,
            "schema.missing",
            f"{what} has no verb: {listed(reading.kinds)}",
            hint="say what it does, as in 'tool: http.get'",
        )
    return verbs[0] if verbs else None


def _unknown_field(key: str, at: Located, reading: Reading, what: str, kind: str | None) -> None:
    near = did_you_mean(key, [*FIELDS, "nodes"] if kind else [*reading.kinds, *FIELDS, "nodes"])
    if key == "type" and kind is None:
        near = "a node's kind is its verb, as in 'tool: http.get'"
    elif near is None:
        near = next(
            (f"'{key}' belongs under '{name}'" for name, kind in reading.kinds.items() if key in kind.fields), None
        )
    is_verb = kind is None and nearest(key, [*reading.kinds, *FIELDS]) in reading.kinds
    reading.wrong(
        at,
        "schema.unknown_verb" if is_verb else "schema.unknown_key",
        f"{what} has an unknown verb '{key}'" if is_verb else f"{what} has no field '{key}'",
        hint=near or f"fields: {listed(FIELDS, most=40)}",
        key=True,
    )


def _not_a_node(id: str, at: Located, reading: Reading, what: str) -> None:
    value = at.value
    apart = glued_colon(at)
    if apart is not None:
        reading.wrong(
            at,
            "yaml.missing_space",
            f"'{value}' is one word: a space is missing after the colon",
            hint=f"write '{apart}'",
        )
        return
    message = f"{what} must be a mapping with a verb, not {forms.kind_of(at)}"
    hint = f"{id or 'node'}: {{tool: {value}}}" if isinstance(value, str) else "for example {tool: http.get}"
    reading.wrong(at, "schema.node", message, hint=hint, key=value is None)


def _check_body(node: NodeSpec, reading: Reading, what: str) -> None:
    nests = reading.kinds[node.kind].nests
    has = nests and ("branches" not in node.verb)
    given = node.at.value
    assert isinstance(given, dict)
    if has and node.nodes is None and node.verb:
        reading.wrong(
            node.place(node.kind), "schema.missing", f"{what} needs 'nodes': the body that '{node.kind}' runs", key=True
        )
    if not has:
        for key in _BODY:
            if key in given:
                reading.wrong(
                    given[key],
                    "schema.unknown_key",
                    f"'{node.kind}' of {what} has no body: '{key}' does not belong here",
                    key=True,
                )
    if "with" in given and node.kind in _BY_NAME and not _is_named(given["with"]):
        message = f"'with' of {what} gives arguments by name, it is not {forms.kind_of(given['with'])}"
        reading.wrong(given["with"], "type.mapping", message, hint="with: {name: value}")
    if "with" in given and not reading.kinds[node.kind].takes_arguments:
        reading.wrong(
            given["with"],
            "schema.no_effect",
            f"'with' means nothing to '{node.kind}'",
            severity="warning",
            key=True,
            hint="expressions may read nodes directly",
        )


_BY_NAME = frozenset({"tool", "agent", "workflow", "machine"})


def _is_named(at: Located) -> bool:
    return at.value is None or isinstance(at.value, dict) or forms.is_expression(at)


def read_defaults(at: Located, reading: Reading) -> None:
    """`defaults:` by verb: parameters of the verb, and policies. They are read once and shared."""
    if not isinstance(at.value, dict):
        reading.wrong(
            at,
            "type.mapping",
            f"'defaults' maps verbs to fields, not {forms.kind_of(at)}",
            hint="defaults: {agent: {timeout: 60s}}",
        )
        return
    for verb, values in at.value.items():
        kind = reading.kinds.get(verb)
        if kind is None:
            forms.unknown_key(values, reading, verb, "'defaults'", reading.kinds)
            continue
        found = forms.read_fields(values, reading, {**kind.fields, **POLICIES}, f"'defaults' of '{verb}'")
        reading.defaults[verb] = Defaults(
            {key: value for key, value in found.items() if key in kind.fields},
            {key: value for key, value in found.items() if key not in kind.fields},
        )
