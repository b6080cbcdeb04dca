"""`nbflow executions`: what ran, and what it did."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from contextlib import suppress
from typing import Annotated

import typer
from rich.text import Text

from nbflow import stores
from nbflow.access import documents
from nbflow.access.cli.answering import Answer, engine
from nbflow.access.cli.options import Id, Json, Store
from nbflow.access.cli.printing import mark, out, phase_text, say, short, spell, table
from nbflow.access.cli.progress import settled
from nbflow.access.cli.reading import asked, read_inputs, read_labels
from nbflow.access.cli.running import awaited_words, show_outputs
from nbflow.errors import IllegalMove, NotFound
from nbflow.history.compare import Change, diff
from nbflow.ports.executions import Listed, Page, Query
from nbflow.runtime import serving
from nbflow.runtime.engine import Engine
from nbflow.runtime.execution import Execution, failure_line
from nbflow.runtime.explaining import move
from nbflow.runtime.following import orphaned
from nbflow.storage.finding import write_cursor

group = typer.Typer(no_args_is_help=True, help="What ran, and going on with what was interrupted.")


@group.command("list")
def list_(
    workflow: Annotated[str | None, typer.Argument(metavar="WORKFLOW", help="only of this workflow")] = None,
    phase: Annotated[str | None, typer.Option("--phase", metavar="PHASE,…", help="only in these phases")] = None,
    version: Annotated[str | None, typer.Option("--version", metavar="VERSION", help="only of this version")] = None,
    since: Annotated[str | None, typer.Option("--since", metavar="TIME", help="begun since: 7d ago, or a date")] = None,
    until: Annotated[str | None, typer.Option("--until", metavar="TIME", help="begun before that")] = None,
    tag: Annotated[str | None, typer.Option("--tag", metavar="TAG", help="a tag of the workflow, or a label")] = None,
    label: Annotated[list[str] | None, typer.Option("--label", metavar="K=V", help="has this label")] = None,
    inputs: Annotated[list[str] | None, typer.Option("-i", "--input", metavar="K=V", help="began with this")] = None,
    error: Annotated[str | None, typer.Option("--error", metavar="TEXT", help="failed with these words")] = None,
    usd: Annotated[float | None, typer.Option("--usd", min=0, help="cost at least that many dollars")] = None,
    limit: Annotated[int, typer.Option("-n", "--limit", min=1, help="at most that many, the latest first")] = 50,
    cursor: Annotated[str | None, typer.Option("--cursor", help="go on after the page, or line, that said it")] = None,
    json: Json = False,
    store: Store = None,
) -> None:
    """List executions, the latest first; all that is given must hold."""
    with Answer(json) as answer:
        query = asked(
            stores.query, workflow, phase=phase, version=version, since=since, until=until, tag=tag,
            labels=read_labels(label or ()), inputs=read_inputs(inputs or ()), error=error, usd=usd, limit=limit,
            cursor=cursor,
        )  # fmt: skip
        page, left = asyncio.run(_page(query, store))
        answer.give([documents.listed(row, write_cursor(row)) for row in page.rows], lambda: _list(page, left))


async def _page(query: Query, store: str | None) -> tuple[Page, set[str]]:
    """What is found, and which of that runs nowhere although it has not ended."""
    async with engine(store) as made:
        for gap in await made.journal.gaps():
            say(f"loss: {gap.message}", "red")
        page = await stores.find(query, store)
        alone = [row.execution for row in page.rows if row.phase == "running" and orphaned(made, row.execution)]
        return page, {id for id in alone if (await made.open(id)).phase == "running"}  # none that ended just now


def _list(page: Page, left: set[str]) -> None:
    rows = [
        (
            mark(row.phase),
            row.execution,
            row.workflow,
            Text("interrupted", "yellow") if row.execution in left else phase_text(row.phase),
            _when(row.started),
            _took(row),
        )
        for row in page.rows
    ]
    out.print(table(["", "execution", "workflow", "phase", "started (UTC)", "took"], rows))
    if page.next is not None:
        say(f"there are more; --limit shows them, or go on with --cursor {page.next}", "dim")


def _when(seconds: float) -> str:
    return (documents.moment(seconds) or "")[:19].replace("T", " ")


def _took(entry: Listed) -> str:
    return spell(entry.ended - entry.started) if entry.ended is not None else ""


@group.command()
def show(
    id: Id,
    events: Annotated[bool, typer.Option("--events", help="with every event")] = False,
    json: Json = False,
    store: Store = None,
) -> None:
    """Show one execution: its nodes, outputs and error."""
    with Answer(json) as answer:
        execution, owner, verdicts, left = asyncio.run(_looked_at(id, store))
        records = execution.events if events else None
        document = documents.execution(execution.id, execution.state, records, phase=execution.phase)
        for path, why in verdicts.items():
            document["nodes"][path]["reason"] = why
        answer.give(document, lambda: _show(execution, owner, {**verdicts, **left}, events))


async def _looked_at(id: str, store: str | None) -> tuple[Execution, str | None, dict[str, str], dict[str, str]]:
    """An execution, who drives it, and why its nodes that could begin have not begun, as far as the owner says so.

    At last what a person can do for nodes whose process is gone or that are in doubt.
    """
    async with engine(store) as made:
        id = await resolve(made, id)
        alone = orphaned(made, id)
        execution = await made.open(id)
        owner = None if execution.ended else serving.elsewhere(made, execution.id)
        verdicts: dict[str, str] = {}
        if owner is not None:
            with suppress(IllegalMove):
                verdicts = await serving.ask(made, execution.id, "verdicts", patience=1.0)
        known = execution.state.nodes
        verdicts = {path: why for path, why in verdicts.items() if path in known}
        return execution, owner, verdicts, dict(_words(execution, alone=alone))


def _words(execution: Execution, *, alone: bool) -> Iterator[tuple[str, str]]:
    if execution.ended:
        return
    for path, node in execution.state.nodes.items():
        if node.phase == "waiting" and node.reason in ("in_doubt", "effect"):
            yield path, f"waits for {awaited_words(node.reason, path, execution.id)}"
        elif alone and node.phase == "running" and node.opened is None:
            yield path, execution.explain(path).partition(": ")[2]
    if alone and execution.phase == "running":
        yield "", f"interrupted: its process is gone; go on: nbflow executions recover {execution.id}"


@group.command("events")
def events_(id: Id, json: Json = False, store: Store = None) -> None:
    """List the events of one execution, as they were recorded."""
    with Answer(json) as answer:
        execution = asyncio.run(_open(id, store))
        listed = [documents.event(record) for record in execution.events]
        answer.give(listed, lambda: _events(listed))


async def _open(id: str, store: str | None) -> Execution:
    async with engine(store) as made:
        return await made.open(await resolve(made, id))


async def resolve(made: Engine, wanted: str) -> str:
    """An execution's id: itself, the only one that begins so, or the latest of a workflow of that name."""
    entries = await made.journal.executions()
    ids = [entry.execution for entry in entries]
    if wanted in ids:
        return wanted
    named = [entry.execution for entry in entries if entry.workflow == wanted]
    begun = [id for id in ids if id.startswith(wanted)]
    if named:
        return named[0]
    if len(begun) == 1:
        return begun[0]
    near = ", ".join((begun or ids)[:3]) or "none"
    raise NotFound(f"no execution {wanted}; {'several begin so' if begun else 'the last ones are'}: {near}")


def _show(execution: Execution, owner: str | None, verdicts: dict[str, str], events: bool) -> None:
    state = execution.state
    head = f"{state.workflow} {state.version} · {execution.id} · "
    driven = (f", driven by {owner}", "dim") if owner is not None else ""
    out.print(Text.assemble((head, "bold"), phase_text(execution.phase), driven))
    if "" in verdicts:
        out.print(Text(verdicts[""], "yellow"))
    if state.inputs:
        out.print(Text(f"inputs  {short(documents.plain(state.inputs))}", "dim"))
    for path in documents.paths(state):
        node = state.nodes.get(path)
        line = settled(node) if node is not None else Text(f"· {path}", "dim")
        out.print(line.append(f"  {verdicts[path]}" if path in verdicts else "", "dim"))
    if events:
        _events([documents.event(record) for record in execution.events])
    if execution.error is not None:
        out.print(Text(failure_line(execution), "red"))
    show_outputs(state.outputs)


def _events(listed: Sequence[documents.Document]) -> None:
    fields = ("sequence", "at", "event", "node")
    rows = [
        (
            str(entry["sequence"]),
            entry["at"][11:23],
            entry["event"],
            entry.get("node") or "",
            _move(entry)
            if entry["event"] == "Transitioned"
            else short({k: v for k, v in entry.items() if k not in fields and v not in (None, [], {}, "")}, 100),
        )
        for entry in listed
    ]
    out.print(table(["", "at (UTC)", "event", "node", ""], rows))


def _move(entry: documents.Document) -> str:
    """What a statechart heard, and where it is now."""
    active = entry["snapshot"].get("configuration", [])
    return move(entry.get("cause"), active, ignored=bool(entry.get("ignored")))


@group.command("diff")
def diff_(old: Id, new: Id, json: Json = False, store: Store = None) -> None:
    """Compare two executions node by node: which way they went, what they gave."""
    with Answer(json) as answer:
        found = asyncio.run(_compared(old, new, store))
        answer.give([_change(change) for change in found], lambda: _show_changes(found))


async def _compared(old: str, new: str, store: str | None) -> Sequence[Change]:
    async with engine(store) as made:
        left, right = await made.open(await resolve(made, old)), await made.open(await resolve(made, new))
        return diff(left, right)


def _change(change: Change) -> documents.Document:
    return {
        "node": change.path,
        "what": list(change.what),
        "before": documents.plain(change.before),
        "after": documents.plain(change.after),
    }


def _show_changes(found: Sequence[Change]) -> None:
    for change in found:
        out.print(Text(change.path, "bold"))
        for name in change.what:
            out.print(Text(f"  {name}: {short(change.before[name], 70)} → {short(change.after[name], 70)}"))
    if not found:
        say("no difference", "dim")
