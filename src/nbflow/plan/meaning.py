"""What a node means: a hash of what it does, without positions, docs, tags or how often it is tried.

Two nodes of one meaning give the same output for the same inputs, so `--reuse`, `cache` and the diff of two
versions all ask here. The hash of a workflow is that of all its nodes, edges and policies.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import fields, replace
from typing import Any

from nbflow.plan.plan import Body, NodePlan, OnError, Plan, Work
from nbflow.plan.templates import written
from nbflow.spec.expressions import Expression, Value

_UNSAID = frozenset({"index", "line", "column", "doc", "tags", "rank", "meaning", "sources", "source", "roots"})
_PLACES = frozenset({"line", "column", "doc", "node", "reads"})
_DOES = ("kind", "work", "schema", "transform")


def of_node(
    kind: str, work: Work, schema: Mapping[str, Any] | None, transform: Expression | None, rules: tuple[OnError, ...]
) -> str:
    """The hash of what a node does with its inputs; `rules` are those of `on_error`, which may give its output."""
    return digest([kind, canonical(work), canonical(schema), canonical(transform), canonical(rules)])


def digest(value: Any) -> str:
    """A short, stable name for JSON data."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return hashlib.blake2b(text.encode(), digest_size=12).hexdigest()


def canonical(value: Any) -> Any:  # noqa: C901 - one flat match
    """Plan data as JSON in one form, however it was written."""
    if value is None or isinstance(value, bool | int | float | str):
        return value
    match value:
        case Expression():
            return {"=": value.text.strip()}
        case Value():
            return {"value": written(value)}
        case NodePlan():
            return _said(value)
        case Body():
            return {"nodes": _by_id(value), "result": canonical(value.result)}
        case frozenset():
            return sorted(value)
        case Mapping():
            return {str(key): canonical(inner) for key, inner in value.items()}
        case tuple() | list():
            return [canonical(item) for item in value]
        case _:
            return {
                each.name: canonical(getattr(value, each.name)) for each in fields(value) if each.name not in _PLACES
            }


def _by_id(body: Body) -> dict[str, Any]:
    """Nodes by id, so that the order in which they were written means nothing."""
    return {node.id: _in_body(node, body) for node in sorted(body.nodes, key=lambda node: node.id)}


def _in_body(node: NodePlan, body: Body) -> Any:
    said = _said(node)
    said["out"] = sorted([body.nodes[edge.target].id, edge.activating, edge.gate] for edge in node.out)
    return said


def _said(node: NodePlan) -> dict[str, Any]:
    """Its meaning, and all else that a node says and that is not left at its default."""
    said: dict[str, Any] = {"meaning": node.meaning}
    for name, usual in _USUAL.items():
        value = getattr(node, name)
        if value != usual:
            said[name] = canonical(value)
    return said


_USUAL: dict[str, Any] = {
    each.name: each.default
    for each in fields(NodePlan)
    if each.name not in _UNSAID and each.name not in _DOES and each.name not in ("id", "out")
}


def content(plan: Plan) -> dict[str, Any]:
    """All of a workflow that makes a difference when it runs."""
    return {
        "body": canonical(plan.body),
        "inputs": canonical(plan.inputs),
        "outputs": canonical(plan.outputs),
        "on_error": canonical(plan.on_error),
        "timeout": plan.timeout,
        "priority": plan.priority,
        "pools": canonical(plan.pools),
        "rates": canonical(plan.rates),
        "budget": canonical(plan.budget),
        "machine": canonical(plan.machine),
    }


def pinned(plan: Plan, version: str | None) -> Plan:
    """The plan with its content hash; without a version, the hash is the version."""
    found = digest(content(plan))
    return replace(plan, hash=found, version=version or found[:12])
