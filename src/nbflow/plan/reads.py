"""What a node reads: each expression and template of it, the field it stands in, and what it may see there."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

from nbflow.spec.expressions import Expression, Value
from nbflow.spec.nodes import NodeSpec

Stage = Literal["before", "after", "body", "aside"]

NOTHING: frozenset[str] = frozenset()
_RESULT = frozenset({"result"})
_ERROR = frozenset({"error"})
_ITEM = frozenset({"item"})
_STEP = frozenset({"acc", "item"})
_EVENT = frozenset({"event"})
LOOP_ROOTS = frozenset({"loop", "previous"})
ITEM_ROOTS = frozenset({"item", "index"})


@dataclass(frozen=True, slots=True)
class Read:
    """A template in the field `path` of a node. `roots` are the special names it may use besides the usual.

    `before`: needed when the node is activated; `after`: over its result; `body`: over the nodes of its
    body; `aside`: evaluated only for people (breakpoints), so it makes no edge.
    """

    template: Expression | Value
    path: tuple[str, ...]
    stage: Stage = "before"
    roots: frozenset[str] = NOTHING
    condition: bool = False  # its truth is asked for


_AGENT = ("prompt", "system", "messages", "images", "headers", "auth")
_ASK = ("prompt", "to", "default")


def reads(node: NodeSpec) -> Iterator[Read]:
    """All that a node reads, its body's own nodes excepted."""
    fields, kind = node.fields, node.kind
    arguments = fields.get("with")
    if arguments is not None:
        yield Read(arguments, ("with",))
    condition = fields.get("if")
    if condition is not None:
        yield Read(condition, ("if",), condition=True)
    if len(fields) > (arguments is not None) + (condition is not None):
        yield from _rare(node)
    verb = _BY_KIND.get(kind)
    if verb is not None:
        yield from verb(node)
    elif "parameters" in node.verb:
        yield Read(node.verb["parameters"], (kind,))


def _rare(node: NodeSpec) -> Iterator[Read]:
    fields = node.fields
    if "transform" in fields:
        yield Read(fields["transform"], ("transform",), "after", _RESULT)
    for rule in fields.get("on_error", ()):
        if rule.value is not None:
            yield Read(rule.value, ("on_error",), "before", _ERROR)
    if "mock" in fields:
        yield Read(fields["mock"], ("mock",))
    hold = fields.get("breakpoint")
    if isinstance(hold, Expression):
        yield Read(hold, ("breakpoint",), "aside", condition=True)
    if "result" in fields and node.nodes is not None:
        yield Read(fields["result"], ("result",), "body")


def _agent(node: NodeSpec) -> Iterator[Read]:
    for name in _AGENT:
        if name in node.verb:
            yield Read(node.verb[name], ("agent", name))


def _switch(node: NodeSpec) -> Iterator[Read]:
    for case in node.verb.get("cases", ()):
        if case.when is not None:
            yield Read(case.when, ("switch",), condition=True)


def _set(node: NodeSpec) -> Iterator[Read]:
    if "values" in node.verb:
        yield Read(node.verb["values"], ("set",))


def _aggregate(node: NodeSpec) -> Iterator[Read]:
    fields = node.fields
    for name, roots in (("by", _ITEM), ("start", NOTHING), ("step", _STEP)):
        if name in fields:
            yield Read(fields[name], (name,), "before", roots)


def _loop(node: NodeSpec) -> Iterator[Read]:
    verb = node.verb
    if "start" in verb:
        yield Read(verb["start"], ("loop", "start"))
    for name in ("while", "until", "next", "collect"):
        if name in verb:
            yield Read(verb[name], ("loop", name), "body", LOOP_ROOTS, name in ("while", "until"))


def _parallel(node: NodeSpec) -> Iterator[Read]:
    verb = node.verb
    if "for_each" in verb:
        yield Read(verb["for_each"], ("parallel", "for_each"))
    if "collect" in verb and node.nodes is not None:
        yield Read(verb["collect"], ("parallel", "collect"), "body", ITEM_ROOTS)


def _ask(node: NodeSpec) -> Iterator[Read]:
    for name in _ASK:
        if name in node.verb:
            yield Read(node.verb[name], ("ask", name))


def _wait(node: NodeSpec) -> Iterator[Read]:
    if "until" in node.verb:
        yield Read(node.verb["until"], ("wait", "until"))


def _emit(node: NodeSpec) -> Iterator[Read]:
    if "key" in node.verb:
        yield Read(node.verb["key"], ("emit", "key"))


def _listen(node: NodeSpec) -> Iterator[Read]:
    if "if" in node.verb:
        yield Read(node.verb["if"], ("listen", "if"), "before", _EVENT, True)


def _machine(node: NodeSpec) -> Iterator[Read]:
    return machine_reads(node.verb.get("chart"))


def machine_reads(chart: Any) -> Iterator[Read]:
    """What a statechart evaluates while it runs."""
    for read in chart.reads if chart is not None else ():
        yield Read(read.template, ("machine",), "before", read.roots, read.condition)


def _nothing(node: NodeSpec) -> Iterator[Read]:
    return iter(())


_BY_KIND = {
    "agent": _agent, "switch": _switch, "set": _set, "aggregate": _aggregate, "loop": _loop, "parallel": _parallel,
    "ask": _ask, "wait": _wait, "emit": _emit, "listen": _listen, "tool": _nothing, "workflow": _nothing,
    "machine": _machine,
}  # fmt: skip
