"""`nbflow executions`: what ran, what it did, and going on with what was interrupted.

A verb on an execution takes it over, acts, and drives it on until it ends or only waits.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Annotated, Any

import typer
from rich.text import Text

from nbflow.access import documents
from nbflow.access.cli.answering import Answer, engine
from nbflow.access.cli.options import Id, Inputs, Json, Store, Tools
from nbflow.access.cli.printing import DONE, FAILED, mark, out, phase_text, say, short, spell, table
from nbflow.access.cli.progress import settled
from nbflow.access.cli.reading import read_inputs, read_value
from nbflow.access.cli.running import exit_code, finish, show_outputs, tell
from nbflow.access.cli.tooling import register
from nbflow.errors import NotFound
from nbflow.history import forking as history
from nbflow.ports.journal import Summary
from nbflow.runtime.engine import Engine
from nbflow.runtime.execution import Execution, failure_line

group = typer.Typer(no_args_is_help=True, help="What ran, and going on with what was interrupted.")
Follow = Callable[[Engine, Execution], Awaitable[Execution]]
Ids = Annotated[list[str] | None, typer.Argument(metavar="[ID]...", help="all that were interrupted, if none")]
Detach = Annotated[bool, typer.Option("--detach", help="leave what only waits")]
Node = Annotated[str, typer.Argument(metavar="NODE", help="a node's path, as refine[1].rewrite")]


@group.command("list")
def list_(
    workflow: Annotated[str | None, typer.Argument(metavar="WORKFLOW", help="only of this workflow")] = None,
    phase: Annotated[str | None, typer.Option("--phase", metavar="PHASE", help="only in this phase")] = None,
    limit: Annotated[int, typer.Option("-n", "--limit", min=1, help="at most that many, the latest first")] = 50,
    json: Json = False,
    store: Store = None,
) -> None:
    """List executions, the latest first."""
    with Answer(json) as answer:
        found = [
            entry
            for entry in asyncio.run(_summaries(store))
            if (workflow is None or entry.workflow == workflow) and (phase is None or entry.phase == phase)
        ]
        shown = found[:limit]
        answer.give([documents.summary(entry) for entry in shown], lambda: _list(shown, len(found)))


async def _summaries(store: str | None) -> Sequence[Summary]:
    async with engine(store) as made:
        for gap in await made.journal.gaps():
            say(f"loss: {gap.message}", "red")
        return await made.journal.executions()


def _list(entries: Sequence[Summary], total: int) -> None:
    rows = [
        (
            mark(entry.phase),
            entry.execution,
            entry.workflow,
            phase_text(entry.phase),
            _when(entry.started),
            _took(entry),
        )
        for entry in entries
    ]
    out.print(table(["", "execution", "workflow", "phase", "started (UTC)", "took"], rows))
    if total > len(entries):
        say(f"and {total - len(entries)} more; --limit shows them", "dim")


def _when(seconds: float) -> str:
    return (documents.moment(seconds) or "")[:19].replace("T", " ")


def _took(entry: Summary) -> str:
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
        execution = asyncio.run(_open(id, store))
        records = execution.events if events else None
        document = documents.execution(execution.id, execution.state, records, phase=execution.phase)
        answer.give(document, lambda: _show(execution, events))


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


def _show(execution: Execution, events: bool) -> None:
    state = execution.state
    head = f"{state.workflow} {state.version} · {execution.id} · "
    out.print(Text.assemble((head, "bold"), phase_text(execution.phase)))
    if state.inputs:
        out.print(Text(f"inputs  {short(documents.plain(state.inputs))}", "dim"))
    for path in documents.paths(state):
        node = state.nodes.get(path)
        out.print(settled(node) if node is not None else Text(f"· {path}", "dim"))
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
            short({k: v for k, v in entry.items() if k not in fields and v not in (None, [], {}, "")}, 100),
        )
        for entry in listed
    ]
    out.print(table(["", "at (UTC)", "event", "node", ""], rows))


# --- going on ---------------------------------------------------------------------------------------


@group.command()
def recover(
    ids: Annotated[
        list[str] | None, typer.Argument(metavar="[ID]...", help="all that were interrupted, if none")
    ] = None,
    tools: Tools = None,
    detach: Annotated[bool, typer.Option("--detach", help="leave what only waits")] = False,
    json: Json = False,
    store: Store = None,
) -> None:
    """Go on with interrupted executions, to their end. Nothing recorded is run again."""
    with Answer(json) as answer:
        register(tools)
        done = asyncio.run(_recover(ids or [], store, detach=detach, quiet=json))
        code = next((FAILED for execution, _ in done if exit_code(execution) != DONE), DONE)
        answer.give([document for _, document in done], lambda: _recovered(done), code)


async def _recover(
    ids: Sequence[str], store: str | None, *, detach: bool, quiet: bool
) -> list[tuple[Execution, documents.Document]]:
    done = []
    async with engine(store) as made:
        wanted = [await resolve(made, id) for id in ids] if ids else await made.interrupted()
        for id in wanted:
            execution = await made.recover(id, "shell")
            await finish(execution, now=made.clock.now, detach=detach, quiet=quiet)
            done.append((execution, _document(execution)))
    return done


def _document(execution: Execution) -> documents.Document:
    return documents.execution(execution.id, execution.state, phase=execution.phase)


def _recovered(done: Sequence[tuple[Execution, documents.Document]]) -> None:
    if not done:
        say("nothing was interrupted", "dim")
    for execution, _ in done:
        say(f"{execution.plan.name} · {execution.id}", "bold")
        tell(execution)


def _act(
    id: str,
    act: Callable[[Execution], None],
    *,
    json: bool,
    store: str | None,
    tools: list[str] | None = None,
    drive: bool = True,
) -> None:
    """Take an execution over, act, and (unless told not to) drive it until it ends or only waits."""
    with Answer(json) as answer:
        register(tools)
        execution, document = asyncio.run(_acted(id, act, store, drive=drive, quiet=json))
        answer.give(document, lambda: tell(execution), exit_code(execution))


async def _acted(
    id: str, act: Callable[[Execution], None], store: str | None, *, drive: bool, quiet: bool
) -> tuple[Execution, documents.Document]:
    async with engine(store) as made:
        execution = await made.recover(await resolve(made, id), "shell")
        act(execution)
        if drive:
            await finish(execution, now=made.clock.now, detach=True, quiet=quiet)
        return execution, _document(execution)


@group.command()
def cancel(id: Id, tools: Tools = None, json: Json = False, store: Store = None) -> None:
    """Cancel for good: what runs is stopped, compensations run."""
    with Answer(json) as answer:
        register(tools)
        execution, document = asyncio.run(_acted(id, Execution.cancel, store, drive=True, quiet=json))
        answer.give(document, lambda: tell(execution))


@group.command()
def resume(id: Id, tools: Tools = None, json: Json = False, store: Store = None) -> None:
    """Go on with a paused, suspended or waiting execution until it ends or only waits."""
    _act(id, _resume, json=json, store=store, tools=tools)


def _resume(execution: Execution) -> None:
    if execution.phase == "paused":
        execution.resume()


@group.command("signal")
def signal_(
    id: Id,
    name: Annotated[str, typer.Argument(metavar="NAME", help="the event")],
    inputs: Inputs = None,
    tools: Tools = None,
    json: Json = False,
    store: Store = None,
) -> None:
    """Send an event to the nodes that listen for it; -i gives its data."""
    value = read_inputs(inputs or ())
    _act(id, lambda execution: execution.signal(name, value), json=json, store=store, tools=tools)


@group.command()
def answer(
    id: Id,
    node: Node,
    value: Annotated[str, typer.Argument(metavar="VALUE", help="JSON when it is JSON, else text")],
    tools: Tools = None,
    json: Json = False,
    store: Store = None,
) -> None:
    """Answer a question that a node asked."""
    _act(id, lambda execution: execution.answer(node, read_value(value)), json=json, store=store, tools=tools)


@group.command()
def retry(
    id: Id,
    node: Annotated[str | None, typer.Argument(metavar="[NODE]", help="a node in doubt; none: all that failed")] = None,
    tools: Tools = None,
    json: Json = False,
    store: Store = None,
) -> None:
    """Run a node again that is in doubt; or an ended execution, anew, keeping what was completed."""
    if node is not None:
        _act(id, lambda execution: execution.retry(node), json=json, store=store, tools=tools)
        return
    _follow(id, history.rerun, json=json, store=store, tools=tools)


@group.command("fork")
def fork_(
    id: Id,
    at: Annotated[str, typer.Option("--at", metavar="NODE|N", help="before this node began, or after event N")],
    inputs: Inputs = None,
    tools: Tools = None,
    json: Json = False,
    store: Store = None,
) -> None:
    """Go on with a copy of the first part of an execution; -i gives the node new inputs."""
    given = read_inputs(inputs) if inputs else None
    place: str | int = int(at) if at.isdecimal() else at

    async def forked(made: Engine, execution: Execution) -> Execution:
        return await history.fork(made, execution, place, inputs=given)

    _follow(id, forked, json=json, store=store, tools=tools)


def _follow(id: str, follow: Follow, *, json: bool, store: str | None, tools: list[str] | None) -> None:
    """Start a new execution from an old one, and drive it to its end."""
    with Answer(json) as answer:
        register(tools)
        execution, document = asyncio.run(_followed(id, follow, store, quiet=json))
        answer.give(document, lambda: tell(execution), exit_code(execution))


async def _followed(id: str, follow: Follow, store: str | None, *, quiet: bool) -> tuple[Execution, documents.Document]:
    async with engine(store) as made:
        execution = await follow(made, await made.open(await resolve(made, id)))
        if not quiet:
            say(f"{execution.plan.name} {execution.plan.version} · {execution.id}", "dim")
        await finish(execution, now=made.clock.now, quiet=quiet)
        return execution, _document(execution)


@group.command()
def skip(
    id: Id,
    node: Node,
    value: Annotated[str, typer.Option("--value", metavar="V", help="its output: JSON when it is JSON, else text")],
    tools: Tools = None,
    json: Json = False,
    store: Store = None,
) -> None:
    """Settle a node that waits or is in doubt with this output."""
    given: Any = read_value(value)
    _act(id, lambda execution: execution.skip(node, given), json=json, store=store, tools=tools)


@group.command()
def fail(id: Id, node: Node, tools: Tools = None, json: Json = False, store: Store = None) -> None:
    """Settle a node that waits or is in doubt as failed."""
    _act(id, lambda execution: execution.fail(node), json=json, store=store, tools=tools)
