"""A ``%%workflow`` cell: options, text, checks, start, picture, result. Errors point at the cell's own lines."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from nbflow import assembly
from nbflow.errors import Diagnostic, NotFound, SpecError, render
from nbflow.notebook import shelf
from nbflow.notebook.errors import MagicError, did_you_mean
from nbflow.notebook.finding import find_execution
from nbflow.notebook.options import Options
from nbflow.notebook.session import Session
from nbflow.plan.plan import Plan
from nbflow.plan.workflow import Workflow
from nbflow.runtime.execution import Execution
from nbflow.runtime.gate import read_point
from nbflow.spec.document import find_secret

SHIFT = 1  # the magic line is the cell's first


async def run_cell(session: Session, options: Options, text: str) -> Execution | Workflow:
    """Check the text and do what the line asks. `SpecError`, `InputError`, `MagicError` come before anything runs."""
    workflow = read(session, options, text)
    return await run_workflow(session, options, workflow)


def read(session: Session, options: Options, text: str) -> Workflow:
    """The workflow of a cell, known from now on by its name; warnings are printed."""
    try:
        workflow = assembly.parse(text, name=options.name)
    except SpecError as problem:
        raise in_cell(problem, options.name) from None
    for finding in workflow.diagnostics:
        session.write(render(finding, line_offset=SHIFT, source="cell line"))
    session.workflows[workflow.name] = workflow
    return workflow


def in_cell(problem: SpecError, name: str | None) -> SpecError:
    """The findings with the lines of the cell."""
    findings = tuple(_named(finding, name) for finding in problem.diagnostics)
    return SpecError(findings, line_offset=SHIFT, source="cell line")


def _named(finding: Diagnostic, name: str | None) -> Diagnostic:
    if finding.code != "schema.name" or name is None or "outside" not in finding.message:
        return finding
    message = finding.message.replace(f"called '{name}' outside its text", f"called '{name}' on the cell's first line")
    column = (finding.excerpt or "").find("name") + 1
    return replace(finding, code="magic.name", message=message, column=max(column, 1), length=4)


async def run_workflow(session: Session, options: Options, workflow: Workflow) -> Execution | Workflow:
    """Run a workflow as the options say: waited for, in the background, or only drawn."""
    options.store = options.store or session.store
    check_breaks(workflow.plan, options.breaks)
    warn_of_surroundings(session, options.inputs)
    if options.save:
        session.write(await shelf.keep(session, workflow, options.store))
    if not options.run:
        draw_workflow(session, workflow)
        return workflow
    execution = await start(session, options, workflow)
    if options.variable:
        session.namespace[options.variable] = execution
    if options.background or options.debug or session.preferences.background:
        return await session.follow(execution, debug=options.debug)
    return await session.wait_for(execution)


async def start(session: Session, options: Options, workflow: Workflow) -> Execution:
    """Begin, with breakpoints set before the first node."""
    execution = await _begin(session, options, workflow)
    session.earlier.latest[workflow.name] = execution.id, assembly.engine(options.store)
    stops = session.stops_of(workflow.name)
    for node in options.breaks:
        stops.add(node)
    returns = options.debug or options.background or session.preferences.background
    if session.looked_at or (session.attended() and (options.debug or (options.breaks and returns))):
        stops.apply(execution, on_error=options.debug)
    elif options.breaks or options.debug:
        session.pass_by(options.breaks)
    return execution


async def _begin(session: Session, options: Options, workflow: Workflow) -> Execution:
    """A new execution, with finished work kept when that is asked for; while debugging it always is."""
    before = await _earlier(session, options, workflow.name)
    if before is None:
        return assembly.engine(options.store).start(workflow.plan, options.inputs, mock=options.mock)
    return await session.earlier.rerun(
        before, workflow.plan, options.inputs, engine=assembly.engine(options.store), mock=options.mock, effects="real"
    )


async def _earlier(session: Session, options: Options, name: str) -> Execution | None:
    """The execution whose results are kept: the one that is named, else this notebook's last where that is wanted."""
    again, session.earlier.again = session.earlier.again, False
    latest = session.earlier.latest.get(name)
    if options.reuse:
        return await find_execution(options.reuse, options.store)
    if options.reuse is not None:
        try:
            return await find_execution(name, options.store)
        except NotFound:
            session.write(f"{name} has not run yet: there is nothing to reuse")
            return None
    if latest is None or not (options.debug or again):
        return None
    id, engine = latest
    earlier = await engine.open(id)
    if again and earlier.driven and not earlier.ended:
        earlier.suspend()  # it would do the same work beside its successor
        await earlier.until("suspended")
        session.put_away(earlier)
    return earlier


def check_breaks(plan: Plan, nodes: list[str]) -> None:
    """A breakpoint that never stops is worse than none."""
    known = dict.fromkeys(inner.id for inner in plan.body.nodes_within())
    for place in nodes:
        try:
            node, _ = read_point(place)
        except NotFound as problem:
            raise MagicError("magic.breakpoint", str(problem)) from None
        if node.rpartition(".")[2].partition("[")[0] not in known:
            hint = did_you_mean(node, known)
            raise MagicError("magic.breakpoint", f"there is no node {node!r} to stop at", hint)


def warn_of_surroundings(session: Session, inputs: Mapping[str, Any]) -> None:
    """Say what works against the person: a patched loop, a key in the cell."""
    if getattr(asyncio, "_nest_patched", False):
        session.write(
            "warning: nest_asyncio is active, which nbflow does not need and does not support [env.nest_asyncio]"
        )
    for name, value in inputs.items():
        if isinstance(value, str) and find_secret(value):
            session.write(
                f"warning: the value of -i {name} looks like a key; a cell is saved in the notebook and in IPython's "
                f"history [secret.literal]\n  hint: set it in the environment and write secrets.{name.upper()}"
            )


def draw_workflow(session: Session, workflow: Workflow) -> None:
    session.drawn.add(workflow.plan.hash)
    session.put(session.workflow_bundle(workflow))
