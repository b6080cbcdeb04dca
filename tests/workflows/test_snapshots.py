"""Each workflow under cases/ has the plan and the findings that stand beside it.

`python -m tests.workflows.test_snapshots` writes them anew; read the difference before you keep it.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from nbflow.errors import SpecError, render
from nbflow.plan.digraph import bodies_of
from nbflow.plan.plan import Body, Machine, NodePlan, Plan
from nbflow.plan.workflow import diagnose, parse

CASES = sorted((Path(__file__).parent / "cases").glob("*.yaml"))


def told(text: str) -> str:
    """The plan and the findings as lines to read."""
    lines = [render(finding) for finding in diagnose(text)]
    try:
        plan = parse(text).plan
    except SpecError:
        return "\n".join(["no plan", "", *lines]) + "\n"
    return "\n".join([*_plan(plan), "", *lines]).rstrip() + "\n"


def _plan(plan: Plan) -> Iterator[str]:
    yield f"{plan.name} {plan.version}"
    yield from _body(plan.body, "")
    if plan.on_error is not None:
        yield "on_error"
        yield from _body(plan.on_error, "  ")
    if plan.outputs is None:
        yield f"outputs of {', '.join(plan.body.nodes[index].id for index in plan.final)}"
    else:
        yield f"outputs {', '.join(name for name, _ in plan.outputs)}"


def _body(body: Body, indent: str) -> Iterator[str]:
    for node in body.nodes:
        yield f"{indent}{node.id}: {node.kind}, join {_join(node)}, rank {node.rank}{_sources(body, node, indent)}"
        for name, inner in bodies_of(node):
            yield f"{indent}  body {name}".rstrip()
            yield from _body(inner, indent + "    ")
        if node.compensate is not None:
            yield f"{indent}  compensate"
            yield from _body(node.compensate, indent + "    ")
        if isinstance(node.work, Machine):
            yield from _machine(node.work, indent + "  ")


def _join(node: NodePlan) -> str:
    return node.join.mode if node.join.mode != "count" else str(node.join.count)


def _sources(body: Body, node: NodePlan, indent: str) -> str:
    lines = []
    for source in body.sources[node.index]:
        edge = next(each for each in body.nodes[source].out if each.target == node.index)
        label = f" [{edge.label}]" if edge.label else ""
        how = "" if edge.activating else ", delays only"
        lines.append(f"\n{indent}  <- {body.nodes[source].id}: {' '.join(edge.kinds)}{label}{how}")
    return "".join(lines)


def _machine(machine: Machine, indent: str) -> Iterator[str]:
    for state in machine.chart.states:
        yield f"{indent}state {state.id or '(root)'}: {state.kind}"


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_a_workflow_has_the_plan_and_findings_beside_it(path: Path) -> None:
    expected = path.with_suffix(".txt").read_text(encoding="utf-8")
    assert told(path.read_text(encoding="utf-8")) == expected


def test_there_are_cases() -> None:
    assert len(CASES) >= 7


if __name__ == "__main__":
    for case in CASES:
        case.with_suffix(".txt").write_text(told(case.read_text(encoding="utf-8")), encoding="utf-8")
