"""From a text to a `Workflow`: read, check, compile. Nothing is imported, fetched or run on the way."""

from __future__ import annotations

import gc
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from nbflow.errors import Diagnostic, Severity, SpecError
from nbflow.plan.checks import Checking, Models, check
from nbflow.plan.compile import compile_plan
from nbflow.plan.link import Linked, link
from nbflow.plan.plan import Plan
from nbflow.spec.document import Limits, Located, finding, load
from nbflow.spec.kinds import BUILT_IN, KindSpec
from nbflow.spec.workflow import WorkflowSpec, read_workflow

if TYPE_CHECKING:
    import networkx as nx

MOST_LISTED = 100
UNNAMED = "workflow"

Tools = Mapping[str, Mapping[str, Any] | None]


@dataclass(frozen=True)
class Workflow:
    """One version of a workflow, checked and compiled. `diagnostics` are its warnings and notes.

    Example::

        workflow = nbflow.parse("nodes: {hello: {set: {text: hi}}}", name="hello")
        workflow.plan.body.nodes[0].id  # 'hello'
    """

    name: str
    version: str
    text: str
    spec: WorkflowSpec
    plan: Plan
    diagnostics: tuple[Diagnostic, ...] = ()

    @cached_property
    def graph(self) -> nx.DiGraph[str]:
        """The graph as networkx knows it: nodes by id with `kind`, `label`, `doc`; edges with `kinds` and `label`."""
        from nbflow.plan.digraph import digraph

        return digraph(self.plan)


def parse(
    text: str | bytes, *, name: str | None = None, kinds: Mapping[str, KindSpec] = BUILT_IN, tools: Tools | None = None,
    limits: Limits = Limits(), unbounded: bool = False, models: Models | None = None,
) -> Workflow:  # fmt: skip
    """A workflow from YAML or JSON. Raises `SpecError` with all findings when there is an error among them.

    `name` is the one given outside the text (by the magic line or a file). `tools` are the names that can be
    called, with the schemas of their arguments where known, `models` are who may answer agent nodes; None: which
    there are is not known.
    """
    with _uncollected():
        findings, read = _examined(
            text, name=name, kinds=kinds, tools=tools, limits=limits, unbounded=unbounded, models=models
        )
        if read is None or any(each.severity == "error" for each in findings):
            raise SpecError(findings)
        spec, root, title = read
        source = text if isinstance(text, str) else text.decode("utf-8-sig")
        plan = compile_plan(spec, root, name=title, source=source)
    return Workflow(title, plan.version, source, spec, plan, findings)


def diagnose(
    text: str | bytes, *, name: str | None = None, kinds: Mapping[str, KindSpec] = BUILT_IN, tools: Tools | None = None,
    limits: Limits = Limits(), unbounded: bool = False, models: Models | None = None,
) -> tuple[Diagnostic, ...]:  # fmt: skip
    """All findings about a text, sorted by place. Never raises."""
    with _uncollected():
        return _examined(text, name=name, kinds=kinds, tools=tools, limits=limits, unbounded=unbounded, models=models)[
            0
        ]


@contextmanager
def _uncollected() -> Iterator[None]:
    """No garbage collection meanwhile: all that is made is kept, and looking through it makes the cost grow."""
    running = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if running:
            gc.enable()


def _examined(
    text: str | bytes,
    *,
    name: str | None,
    kinds: Mapping[str, KindSpec],
    tools: Tools | None,
    limits: Limits,
    unbounded: bool,
    models: Models | None,
) -> tuple[tuple[Diagnostic, ...], Any]:
    found: list[Diagnostic] = []
    try:
        at = load(text, limits)
    except SpecError as error:
        return listed(error.diagnostics), None
    spec = read_workflow(at, found.append, kinds)
    if spec is None:
        return listed(found), None
    title = _title(spec, name, found)
    root = link(spec)
    _count(root, limits, found)
    checking = Checking(spec, root, tools, found, models)
    check(checking, unbounded=unbounded)
    return listed(found), (spec, root, title)


def _title(spec: WorkflowSpec, given: str | None, found: list[Diagnostic]) -> str:
    """The workflow's name, which must be one name."""
    if given is not None and spec.name is not None and given != spec.name:
        at: Located = spec.place("name")
        message = f"the workflow is called '{given}' outside its text and '{spec.name}' here"
        found.append(finding(at, "schema.name", message, hint="use one name, or leave this line out"))
    return spec.name or given or UNNAMED


def _count(root: Linked, limits: Limits, found: list[Diagnostic]) -> None:
    """Refuses more nodes than the limit, at the first one that is too many."""
    left = limits.nodes
    for body in root.everything():
        if len(body.nodes) > left:
            message = f"the workflow has more than {limits.nodes:,} nodes"
            hint = "run the same body for many items with 'parallel', or raise the limit"
            found.append(finding(body.nodes[left].at, "limit.nodes", message, hint=hint, key=True))
            return
        left -= len(body.nodes)


def listed(found: tuple[Diagnostic, ...] | list[Diagnostic]) -> tuple[Diagnostic, ...]:
    """Findings by place, without repeats, at most `MOST_LISTED` of them and then how many more there are."""
    order = {"error": 0, "warning": 1, "info": 2}
    unique = dict.fromkeys(found)
    ranked = sorted(unique, key=lambda each: (each.line, each.column, order[each.severity], each.code))
    if len(ranked) <= MOST_LISTED:
        return tuple(ranked)
    kept = sorted(ranked, key=lambda each: order[each.severity])[:MOST_LISTED]
    kept.sort(key=lambda each: (each.line, each.column, order[each.severity], each.code))
    left = len(ranked) - MOST_LISTED
    last = kept[-1]
    severity: Severity = "error" if any(each.severity == "error" for each in ranked) else "info"
    kept.append(Diagnostic("limit.findings", f"and {left} more", last.line, last.column, severity))
    return tuple(kept)
