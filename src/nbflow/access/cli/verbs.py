"""Verbs on executions: going on with what was interrupted, answering, forking.

A verb takes the execution over, acts, and drives it on until it ends or only waits. When another process drives
it, that one is asked to act.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import nullcontext
from typing import Annotated, Any

import typer

from nbflow import assembly
from nbflow.access.cli.answering import Answer, engine
from nbflow.access.cli.executions import group, resolve
from nbflow.access.cli.options import Id, Inputs, Json, Store, Tools
from nbflow.access.cli.printing import DONE, FAILED, complain, out, say
from nbflow.access.cli.reading import read_inputs, read_source, read_value
from nbflow.access.cli.running import Left, finish, news, tell
from nbflow.access.cli.tooling import register
from nbflow.errors import IllegalMove, JournalConflict
from nbflow.execution.events import ExecutionRecovered
from nbflow.history import forking as history
from nbflow.runtime import readiness, serving
from nbflow.runtime.editing import edit_of
from nbflow.runtime.engine import Engine
from nbflow.runtime.execution import Execution
from nbflow.runtime.readiness import Unready

__all__ = ["group"]  # the same group, with these verbs in it

DEFINE = "name the file or module that has it with --tools"
PATIENCE = 300  # tenths of a second that a cancelled execution of another process is waited for
Follow = Callable[[Engine, Execution], Awaitable[Execution]]
Ids = Annotated[list[str] | None, typer.Argument(metavar="[ID]...", help="all that were interrupted, if none")]
Detach = Annotated[bool, typer.Option("--detach", help="leave what only waits")]
Node = Annotated[str, typer.Argument(metavar="NODE", help="a node's path, as refine[1].rewrite")]


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
        done, unready = asyncio.run(_recover(ids or [], store, detach=detach, quiet=json))
        code = max((left.code for left in done), default=DONE)
        code = max(code, FAILED) if unready else code
        answer.give([left.document for left in done], lambda: _recovered(done, unready), code)


async def _recover(ids: Sequence[str], store: str | None, *, detach: bool, quiet: bool) -> tuple[list[Left], list[str]]:
    """What was driven, and the ids of those that could not go on here."""
    done: list[Left] = []
    unready: list[str] = []
    async with engine(store) as made:
        wanted = [await resolve(made, id) for id in ids] if ids else await made.interrupted()
        for id in wanted:
            try:
                execution = await readiness.recover(made, id, DEFINE, "shell")
                await _taken_over(execution)
                await finish(execution, now=made.clock.now, detach=detach, quiet=quiet)
            except JournalConflict as elsewhere:
                if ids:
                    raise
                say(f"{id} is left alone: {elsewhere}", "dim")
                continue
            except Unready as missing:
                if ids:
                    raise
                complain(missing.message, missing.hint)
                unready.append(id)
                continue
            done.append(Left.of(execution))
    return done, unready


def _recovered(done: Sequence[Left], unready: Sequence[str]) -> None:
    if not done and not unready:
        say("nothing was interrupted", "dim")
    for left in done:
        say(f"{left.execution.plan.name} · {left.execution.id}", "bold")
        tell(left)


def _act(
    id: str,
    verb: str,
    arguments: Mapping[str, Any],
    *,
    json: bool,
    store: str | None,
    tools: list[str] | None = None,
    settled: str = "",
) -> None:
    """Take an execution over, act, and drive it until it ends or only waits. `settled`: a node settled by that.

    The process that drives it, if one does, is asked instead.
    """
    with Answer(json) as answer:
        register(tools)
        left = asyncio.run(_acted(id, verb, arguments, store, quiet=json, settled=settled))
        code = DONE if verb == "suspend" else left.code  # stopped, as it was asked
        answer.give(left.document, lambda: tell(left), code)


async def _acted(
    id: str, verb: str, arguments: Mapping[str, Any], store: str | None, *, quiet: bool, settled: str
) -> Left:
    async with engine(store) as made:
        id = await resolve(made, id)
        if owner := serving.elsewhere(made, id):
            await serving.ask(made, id, verb, arguments)
            return Left.of(await made.open(id), owner)
        if verb in ("pause", "suspend"):
            execution = await made.hold(id, verb, "shell")
            await execution.until("paused", "suspended")
            return Left.of(execution)
        execution = await readiness.recover(made, id, DEFINE, "shell", settled=settled)
        await _taken_over(execution)
        if verb != "resume" or execution.phase == "paused" or execution.ended:
            seen = len(execution.events)
            serving.VERBS[verb](execution, **arguments)
            await news(execution, lambda record: record.sequence > seen)
        await finish(execution, now=made.clock.now, detach=True, quiet=quiet)
        return Left.of(execution)


async def _taken_over(execution: Execution) -> None:
    """Wait until it is this process's, on disk. Raises `JournalConflict` when another one has it."""
    seen = len(execution.events)
    await news(execution, lambda record: record.sequence > seen and isinstance(record.event, ExecutionRecovered))


async def _cancelled(id: str, store: str | None, *, quiet: bool) -> Left:
    """Take an execution over and cancel it before anything can begin again; only what undoes must be here."""
    async with engine(store) as made:
        id = await resolve(made, id)
        if owner := serving.elsewhere(made, id):
            await serving.ask(made, id, "cancel")
            return Left.of(await _ended(made, id), owner)
        execution = await readiness.cancel(made, id, DEFINE, "shell")
        seen = len(execution.events)
        await news(execution, lambda record: record.sequence > seen)
        await finish(execution, now=made.clock.now, quiet=quiet)
        return Left.of(execution)


async def _ended(made: Engine, id: str) -> Execution:
    """An execution that another process drives, once it has ended or patience is over."""
    execution = await made.open(id)
    for _ in range(PATIENCE):
        if execution.ended:
            break
        await asyncio.sleep(0.1)
        execution = await made.open(id)
    return execution


@group.command()
def cancel(id: Id, tools: Tools = None, json: Json = False, store: Store = None) -> None:
    """Cancel for good: what runs is stopped, compensations run."""
    with Answer(json) as answer:
        register(tools)
        left = asyncio.run(_cancelled(id, store, quiet=json))
        answer.give(left.document, lambda: tell(left))


@group.command()
def resume(id: Id, tools: Tools = None, json: Json = False, store: Store = None) -> None:
    """Go on with a paused, suspended or waiting execution until it ends or only waits."""
    _act(id, "resume", {}, json=json, store=store, tools=tools)


@group.command()
def pause(id: Id, tools: Tools = None, json: Json = False, store: Store = None) -> None:
    """Let nothing new start until `resume`, not even by `recover`."""
    _act(id, "pause", {}, json=json, store=store, tools=tools)


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
    _act(id, "signal", {"name": name, "value": value}, json=json, store=store, tools=tools)


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
    _act(id, "answer", {"node": node, "value": read_value(value)}, json=json, store=store, tools=tools)


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
        _act(id, "retry", {"node": node}, json=json, store=store, tools=tools)
        return
    _follow(id, history.rerun, json=json, store=store, tools=tools)


@group.command()
def suspend(id: Id, tools: Tools = None, json: Json = False, store: Store = None) -> None:
    """Stop what runs and undo nothing; `resume` and `recover` go on."""
    _act(id, "suspend", {}, json=json, store=store, tools=tools)


@group.command()
def explain(id: Id, node: Node, json: Json = False, store: Store = None) -> None:
    """Say why a node stands where it stands; the process that drives it knows best."""
    with Answer(json) as answer:
        said = asyncio.run(_explained(id, node, store))
        answer.give({"node": node, "explanation": said}, lambda: out.print(said, markup=False))


async def _explained(id: str, node: str, store: str | None) -> str:
    async with engine(store) as made:
        id = await resolve(made, id)
        if serving.elsewhere(made, id):
            return str(await serving.ask(made, id, "explain", {"node": node}))
        return (await made.open(id)).explain(node)


@group.command()
def rerun(
    id: Id,
    file: Annotated[str | None, typer.Argument(metavar="[FILE]", help="the changed workflow; none: as it was")] = None,
    start: Annotated[
        str | None, typer.Option("--from", metavar="NODE", help="run this node and all that follows in any case")
    ] = None,
    inputs: Inputs = None,
    tools: Tools = None,
    json: Json = False,
    store: Store = None,
) -> None:
    """Run again, changed or not, and keep what did not change; -i gives other inputs."""
    given = read_inputs(inputs) if inputs else None

    async def again(made: Engine, execution: Execution) -> Execution:
        plan = None
        if file is not None:
            source = read_source(file)
            plan = assembly.parse(source.text, folder=source.folder).plan
        return await history.rerun(made, execution, plan, inputs=given, from_node=start)

    _follow(id, again, json=json, store=store, tools=tools)


@group.command("fork")
def fork_(
    id: Id,
    at: Annotated[
        str | None,
        typer.Option("--at", metavar="NODE|N", help="before this node began, or after event N; else where it failed"),
    ] = None,
    inputs: Inputs = None,
    effects: Annotated[
        str | None,
        typer.Option("--effects", metavar="mock|real", help="what may happen only once; mock in another store"),
    ] = None,
    into: Annotated[str | None, typer.Option("--into", metavar="URL", help="the store of the new one")] = None,
    tools: Tools = None,
    json: Json = False,
    store: Store = None,
) -> None:
    """Go on with a copy of the first part of an execution; -i gives the node new inputs."""
    given = read_inputs(inputs) if inputs else None
    place = int(at) if at is not None and at.isdecimal() else at

    async def forked(made: Engine, execution: Execution) -> Execution:
        return await history.fork(made, execution, place, inputs=given, effects=effects)

    _follow(id, forked, json=json, store=store, tools=tools, into=into)


def _follow(
    id: str, follow: Follow, *, json: bool, store: str | None, tools: list[str] | None, into: str | None = None
) -> None:
    """Start a new execution from an old one, and drive it to its end."""
    with Answer(json) as answer:
        register(tools)
        left = asyncio.run(_followed(id, follow, store, into, quiet=json))
        answer.give(left.document, lambda: tell(left), left.code)


async def _followed(id: str, follow: Follow, store: str | None, into: str | None, *, quiet: bool) -> Left:
    async with engine(store) as there, engine(into) if into is not None else nullcontext(there) as made:
        execution = await follow(made, await there.open(await resolve(there, id)))
        if not quiet:
            say(f"{execution.plan.name} {execution.plan.version} · {execution.id}", "dim")
        await finish(execution, now=made.clock.now, detach=execution.mocked, quiet=quiet)
        return Left.of(execution)


@group.command()
def edit(
    id: Id,
    node: Annotated[str | None, typer.Argument(metavar="[NODE]", help="none: the execution itself")] = None,
    inputs: Inputs = None,
    output: Annotated[
        str | None, typer.Option("--output", metavar="V", help="another output of a completed node: JSON, else text")
    ] = None,
    context: Annotated[
        str | None, typer.Option("--context", metavar="JSON", help="names of a machine's context with new values")
    ] = None,
    tools: Tools = None,
    json: Json = False,
    store: Store = None,
) -> None:
    """Change what a paused or interrupted execution reads next; -i gives inputs. One that is paused stays paused."""
    given = {"inputs": read_inputs(inputs) if inputs else None, "output": output, "context": context}
    change: dict[str, Any] = {what: value for what, value in given.items() if value is not None}
    for what in change.keys() & {"output", "context"}:
        change[what] = read_value(change[what])
    with Answer(json) as answer:
        register(tools)
        left = asyncio.run(_edited(id, node, change, store, quiet=json))
        answer.give(left.document, lambda: tell(left), left.code)


async def _edited(id: str, node: str | None, change: Mapping[str, Any], store: str | None, *, quiet: bool) -> Left:
    """Change before anything begins again; the process that drives it, if one does, is asked instead."""
    async with engine(store) as made:
        id = await resolve(made, id)
        if owner := serving.elsewhere(made, id):
            await serving.ask(made, id, "edit", {"node": node, **change})
            return Left.of(await made.open(id), owner)
        execution = await readiness.recover(made, id, DEFINE, "shell", edits=[edit_of(node, change, "person")])
        if execution.ended:
            raise IllegalMove(f"execution {id} is {execution.phase}; fork it to go on with other values")
        await _taken_over(execution)
        await finish(execution, now=made.clock.now, detach=True, quiet=quiet)
        return Left.of(execution)


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
    _act(id, "skip", {"node": node, "value": given}, json=json, store=store, tools=tools, settled=node)


@group.command()
def fail(id: Id, node: Node, tools: Tools = None, json: Json = False, store: Store = None) -> None:
    """Settle a node that waits or is in doubt as failed."""
    _act(id, "fail", {"node": node}, json=json, store=store, tools=tools, settled=node)
