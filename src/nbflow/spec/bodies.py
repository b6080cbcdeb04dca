"""Verbs that hold nodes of their own: `loop`, `parallel`, an inline `workflow`; and `machine`."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from nbflow.spec import forms
from nbflow.spec.document import Located
from nbflow.spec.expressions import Expression, Value, compile_expression
from nbflow.spec.forms import Fields, Form, Reading
from nbflow.spec.machine import read_machine
from nbflow.spec.names import wrong_id
from nbflow.spec.nodes import NodeSpec, check_id, read_node, read_nodes
from nbflow.spec.verbs import read_reference
from nbflow.spec.workflow import WorkflowSpec, read_inline


@dataclass(frozen=True, slots=True)
class BranchSpec:
    """One branch of a parallel; `single` when it was written as one node, whose output is then the branch's."""

    name: str
    at: Located
    nodes: tuple[NodeSpec, ...]
    result: Value | None = None
    single: bool = False


LOOP: Fields = {
    "max": forms.POSITIVE.but("At most so many rounds. Reaching it is no failure: `loop.max_reached` is then true."),
    "until": forms.CONDITION.but(
        "Ends after a round in which this holds, over the body's outputs, `previous` and `loop`."
    ),
    "while": forms.CONDITION.but("Tested before each round, over `previous` and `loop`."),
    "start": forms.ARGUMENTS.but("Values carried as `loop.NAME` in the first round."),
    "next": forms.ARGUMENTS.but("The carried values of the next round."),
    "collect": forms.VALUE.but("Gives the list of this over the rounds."),
}

BRANCH: Fields = {"nodes": Form(lambda at, reading, name: at, {"$ref": "#/$defs/nodes"}), "result": forms.VALUE}


def _items(at: Located, reading: Reading, name: str) -> Expression | None:
    if not isinstance(at.value, list):
        found: Expression | None = forms.CONDITION.read(at, reading, name)
        return found
    text = json.dumps(at.plain(), ensure_ascii=False)
    if any(isinstance(item.value, str) and (forms.is_expression(item) or " for " in item.value) for item in at.value):
        reading.wrong(
            at, "expr.syntax", f"'{name}' is one expression, this is a list", hint='put quotes around it: "[…]"'
        )
        return None
    return compile_expression(text, line=at.line, column=at.column)


def _failures(at: Located, reading: Reading, name: str) -> str | int | None:
    if at.value in ("fail", "collect"):
        return str(at.value)
    if isinstance(at.value, dict):
        found: int | None = forms.read_fields(at, reading, {"allow": forms.NATURAL}, "'on_fail'", ["allow"]).get(
            "allow"
        )
        return found
    forms.wrong_choice(at, reading, name, ("fail", "collect", "{allow: k}"))
    return None


def _branches(at: Located, reading: Reading, name: str) -> tuple[BranchSpec, ...] | None:
    if not isinstance(at.value, dict) or not at.value:
        reading.wrong(
            at, "type.mapping", "'branches' maps names to nodes", hint="branches: {left: {tool: …}, right: {tool: …}}"
        )
        return None
    found = [_branch(key, branch, reading) for key, branch in at.value.items()]
    return tuple(branch for branch in found if branch is not None)


def _branch(name: str, at: Located, reading: Reading) -> BranchSpec | None:
    problem = wrong_id(name)
    if problem is not None:
        reading.wrong(at, problem[0], problem[1].replace("a node's id", "a branch's name"), problem[2], key=True)
    if isinstance(at.value, dict) and "nodes" in at.value and not any(key in reading.kinds for key in at.value):
        found = forms.read_fields(at, reading, BRANCH, f"branch '{name}'")
        nodes = read_nodes(at.value["nodes"], reading, empty="a branch needs at least one node")
        return BranchSpec(name, at, nodes, found.get("result"))
    if problem is None:
        check_id(name, at, reading)
    node = read_node(name, at, reading, f"branch '{name}'")
    return None if node is None else BranchSpec(name, at, (node,), single=True)


PARALLEL: Fields = {
    "for_each": Form(
        _items, {"type": ["string", "array"]},
        "The items: an expression that gives a list. `item` and `index` are read in the body.",
    ),
    "branches": Form(
        _branches, {"type": "object", "additionalProperties": {"$ref": "#/$defs/branch"}},
        "Named branches: a node, or {nodes, result}.",
    ),
    "max": forms.POSITIVE.but("At most so many at once."),
    "collect": forms.VALUE.but("What each item gives; default: the body's outputs by id."),
    "on_fail": Form(
        _failures, {"anyOf": [{"enum": ["fail", "collect"]}, forms.object_schema({"allow": forms.NATURAL}, ["allow"])]},
        "fail (usual), collect the errors, or {allow: k} failures.",
    ),
}  # fmt: skip


def read_loop(at: Located, reading: Reading, name: str) -> dict[str, Any] | None:
    """`loop: {max, until, while, start, next, collect}`."""
    found = forms.read_fields(at, reading, LOOP, "'loop'")
    for part in ("start", "next"):
        carried = at.value.get(part) if isinstance(at.value, dict) else None
        for key, value in carried.value.items() if carried is not None and isinstance(carried.value, dict) else ():
            if key in ("index", "max_reached"):
                reading.wrong(
                    value, "schema.reserved", f"'loop.{key}' is set by the loop and cannot be carried", key=True
                )
    return found


def read_parallel(at: Located, reading: Reading, name: str) -> dict[str, Any] | None:
    """`parallel: {for_each: …}` or `parallel: {branches: …}`."""
    found = forms.read_fields(at, reading, PARALLEL, "'parallel'")
    if not isinstance(at.value, dict):
        return None
    given = at.value
    if "for_each" in given and "branches" in given:
        reading.wrong(
            given["branches"], "schema.conflict", "'parallel' takes 'for_each' or 'branches', not both", key=True
        )
    elif "for_each" not in given and "branches" not in given:
        reading.wrong(
            at, "schema.missing", "'parallel' needs 'for_each' or 'branches'", hint="parallel: {for_each: inputs.items}"
        )
    elif "branches" in given and "collect" in given:
        reading.wrong(
            given["collect"], "schema.conflict", "'collect' belongs to 'for_each'; a branch has 'result'", key=True
        )
    return found


def read_workflow(at: Located, reading: Reading, name: str) -> dict[str, Any] | None:
    """`workflow: NAME[@version]` or an inline mapping."""
    if not isinstance(at.value, dict):
        return read_reference(at, reading)
    inline: WorkflowSpec | None = read_inline(at, reading)
    return None if inline is None else {"name": inline.name or "", "version": inline.version, "inline": inline}


def read_chart(at: Located, reading: Reading, name: str) -> dict[str, Any] | None:
    """`machine:`; what it means is read by `spec.machine`."""
    chart = read_machine(at, reading.report, kinds=reading.kinds)
    return None if chart is None else {"chart": chart}
