"""What executors know to be wrong with the nodes of a plan before anything runs, each with its place in the text."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from nbflow.errors import Diagnostic
from nbflow.plan.plan import NodePlan, Plan, SubWorkflow, ToolCall
from nbflow.ports.executors import PerformedKind


def faults(kinds: Mapping[str, PerformedKind], plan: Plan, mock: bool = False) -> Iterator[Diagnostic]:
    """Findings about nodes that may be performed: of bodies, of `on_error` and of workflows written inline too."""
    lines = plan.source.splitlines()
    sound: set[str] = set()  # tools that were asked about
    for node in _performed(kinds, plan, mock):
        if type(node.work) is ToolCall and node.work.name in sound:
            continue
        found = kinds[node.kind].executor.validate(node)
        if type(node.work) is ToolCall and not found:
            sound.add(node.work.name)
        for code, message, hint in found:
            excerpt = lines[node.line - 1] if node.line <= len(lines) else None
            yield Diagnostic(code, f"{node.id}: {message}", node.line, node.column, "error", hint, excerpt)


def _performed(kinds: Mapping[str, PerformedKind], plan: Plan, mock: bool) -> Iterator[NodePlan]:
    handler = plan.on_error.nodes_within() if plan.on_error is not None else ()
    for node in (*plan.nodes, *handler):
        if mock and node.mock is not None:
            continue
        if node.kind in kinds:
            yield node
        if isinstance(node.work, SubWorkflow) and node.work.plan is not None:
            yield from _performed(kinds, node.work.plan, mock)
