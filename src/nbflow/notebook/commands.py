"""``%workflow VERB …``: one function a command; the verbs on an execution come from their own table."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from nbflow import assembly, stores
from nbflow.errors import NotFound, SpecError, render
from nbflow.integrations.tools.describing import page as page_of
from nbflow.integrations.tools.describing import row
from nbflow.notebook import acting, comparing, forks, shelf
from nbflow.notebook.arguments import FIND, SEARCH, Arguments, read_arguments
from nbflow.notebook.cell import draw_workflow, run_workflow
from nbflow.notebook.errors import MagicError, nearest
from nbflow.notebook.finding import find_execution, find_workflow
from nbflow.notebook.options import read_options
from nbflow.notebook.render import dot, mermaid, summary
from nbflow.notebook.render.extract import picture
from nbflow.notebook.session import Session
from nbflow.notebook.verbs import ALIASES, BY_NAME, VERBS
from nbflow.runtime import readiness
from nbflow.runtime.engine import Engine
from nbflow.runtime.readiness import Unready

FORK = "%workflow fork ID [--at NODE|RECORD] [-i KEY=VALUE | --over FILE or $NAME] [--effects mock|real] [--debug]"
Run = Callable[[Session, str], Awaitable[Any]]


@dataclass(frozen=True, slots=True)
class Command:
    run: Run
    takes: str
    does: str


async def run_command(session: Session, line: str) -> Any:
    """Carry a line magic out. Raises `MagicError` for a verb that is none."""
    verb, _, rest = line.strip().partition(" ")
    verb = ALIASES.get(verb, verb)
    if verb in ("", "help", "--help", "-h", "?"):
        session.write(page())
        return None
    if verb in COMMANDS:
        return await COMMANDS[verb].run(session, rest)
    if verb in BY_NAME:
        return await acting.act(session, verb, _read(session, rest))
    raise unknown_verb(session, verb)


def _read(session: Session, line: str) -> Arguments:
    return read_arguments(line, session.namespace, session.store)


def all_verbs() -> list[str]:
    return [*COMMANDS, *BY_NAME, *ALIASES, "help"]


def unknown_verb(session: Session, verb: str) -> MagicError:
    near = None if verb in session.workflows else nearest(verb, all_verbs())
    hint = f"did you mean %workflow {near}?" if near else f"%workflow run {verb}"
    says = f"there is no command {verb!r}; one % takes run, show, step, history, …, and a cell takes two: %%workflow"
    return MagicError("magic.form", says, hint)


def page() -> str:
    """The page of help of the line magic."""
    lines = ["%workflow VERB [ID or NAME] …   (the name of a workflow means its latest execution)", ""]
    lines += [_line(f"{name} {each.takes}", each.does) for name, each in COMMANDS.items()]
    lines += ["", *(_line(f"{verb.name} ID {verb.takes}", verb.does, verb.alias) for verb in VERBS)]
    return "\n".join(lines)


def _line(form: str, does: str, alias: str = "") -> str:
    """A line of help; a form too long for its column has one of its own."""
    form = form.rstrip()
    gap = "\n" + " " * 38 if len(form) > 34 else " " * (36 - len(form))
    return f"  {form}{gap}{does}" + (f"; also: {alias}" if alias else "")


# --- commands --------------------------------------------------------------------------------------------


async def _run(session: Session, line: str) -> Any:
    name, _, rest = line.strip().partition(" ")
    if not name or name.startswith("-"):
        raise MagicError("magic.option", "run takes the name of a workflow or a file", "%workflow run NAME")
    options = read_options(rest, session.namespace)
    return await run_workflow(session, options, await find_workflow(session, name, session.store))


async def _show(session: Session, line: str) -> None:
    arguments = _read(session, line)
    await session.show(await find_execution(arguments.first(), arguments.store))


async def _travel(session: Session, line: str) -> None:
    arguments = _read(session, line)
    await session.travel(await find_execution(arguments.first(), arguments.store))


HISTORY = [
    "execution",
    "workflow",
    "version",
    "phase",
    "started",
    "seconds",
    "nodes",
    "attempts",
    "calls",
    "usd",
    "error",
]


async def _history(session: Session, line: str) -> Any:
    from nbflow.analytics.frames import executions

    arguments = _read(session, line)
    frame = executions(store=arguments.store)
    frame = frame[~frame["execution"].str.contains(".", regex=False)]  # those of nodes are in nbflow.executions()
    name = arguments.first()
    return (frame if name is None else frame[frame["workflow"] == name])[HISTORY].reset_index(drop=True)


async def _list(session: Session, line: str) -> Any:
    arguments = _read(session, line)
    asked: dict[str, Any] = arguments.asked(FIND)
    found = stores.find_executions(
        arguments.first(), labels=arguments.labels, inputs=arguments.inputs, store=arguments.store, **asked
    )
    if found.attrs["next"] is not None:
        session.write(f"there are more: go on with --cursor {found.attrs['next']}")
    return found


async def _graph(session: Session, line: str) -> None:
    arguments = _read(session, line)
    usage = "%workflow graph NAME [--format dot|mermaid]"
    workflow = await find_workflow(session, arguments.word(0, "the workflow", usage), arguments.store)
    form = arguments.flags.get("--format", "svg")
    if form == "svg":
        draw_workflow(session, workflow)
    elif form in ("dot", "mermaid"):
        drawn = picture(workflow.plan)
        session.write(dot.source(drawn) if form == "dot" else mermaid.mermaid(drawn))
    else:
        raise MagicError("magic.option", f"there is no format {form!r}", "--format svg, dot or mermaid")


async def _validate(session: Session, line: str) -> None:
    arguments = _read(session, line)
    name = arguments.word(0, "the workflow", "%workflow validate NAME or FILE")
    try:
        workflow = await find_workflow(session, name, arguments.store)
    except SpecError as problem:
        raise SpecError(problem.diagnostics) from None
    for finding in workflow.diagnostics:
        session.write(render(finding))
    session.write(f"{workflow.name} is valid: {len(workflow.plan.body.nodes)} nodes")


async def _error(session: Session, line: str) -> None:
    arguments = _read(session, line)
    execution = await find_execution(arguments.first(), arguments.store)
    session.write(summary.pretty(execution.error) if execution.error else f"{execution.id} has no error")


async def _recover(session: Session, line: str) -> Any:
    arguments = _read(session, line)
    engine = assembly.engine(arguments.store)
    left = await engine.interrupted()
    ids = [id for word in arguments.words for id in await _interrupted(engine, word, left)] if arguments.words else left
    if not ids:
        session.write("there is nothing to recover")
    found = []
    for id in ids:
        if arguments.inputs and arguments.words:
            engine.give(id, arguments.inputs)
        try:
            execution = await readiness.recover(engine, id, acting.DEFINE)
            debug = session.go_on(execution, debug="--debug" in arguments.flags) if execution.driven else False
            found.append(await session.follow(execution, debug=debug))
        except Unready as missing:
            if arguments.words:
                raise
            session.write(str(missing))
    return found


async def _interrupted(engine: Engine, word: str, left: list[str]) -> list[str]:
    """The interrupted executions of a workflow, or the one with an id or the beginning of one."""
    known = {one.execution: one.workflow for one in await engine.journal.executions()}
    found = [id for id in left if known.get(id) == word]
    if word in known.values() and not found:
        raise NotFound(f"no execution of {word} was interrupted; %workflow history {word} lists them")
    if found or word in known:
        return found or [word]
    return [id for id in left if id.startswith(word)] or [word]


async def _node(session: Session, line: str) -> None:
    arguments = _read(session, line)
    await acting.new_cell(session, arguments)


async def _save(session: Session, line: str) -> None:
    arguments = _read(session, line)
    name = arguments.word(0, "the workflow", "%workflow save NAME")
    workflow = await find_workflow(session, name, arguments.store)
    session.write(await shelf.keep(session, workflow, arguments.store))


async def _workflows(session: Session, line: str) -> Any:
    arguments = _read(session, line)
    asked: dict[str, Any] = arguments.asked(SEARCH)
    if not asked and not arguments.words:
        return await shelf.listed(arguments.store)
    return stores.workflows(" ".join(arguments.words) or None, store=arguments.store, **asked)


async def _tools(session: Session, line: str) -> Any:
    name = _read(session, line).first()
    if name is not None:
        return session.write(page_of(await assembly.look_up_tool(name)))
    import pandas as pd

    found, failures = await assembly.look_up_tools()
    for failure in failures:
        session.write(f"warning: {failure}")
    return pd.DataFrame(map(row, found), columns=["tool", "effects", "what it does"])


async def _diff(session: Session, line: str) -> None:
    arguments = _read(session, line)
    usage = "%workflow diff ID ID"
    left, right = arguments.word(0, "an execution", usage), arguments.word(1, "the other execution", usage)
    sides = [await find_execution(word, arguments.store) for word in (left, right)]
    session.put(comparing.comparison(*sides))


async def _explain(session: Session, line: str) -> None:
    arguments = _read(session, line)
    execution = await find_execution(arguments.word(0, "the execution", "%workflow explain ID NODE"), arguments.store)
    session.write(execution.explain(arguments.word(1, "the node", "%workflow explain ID NODE")))


async def _rerun(session: Session, line: str) -> Any:
    arguments = _read(session, line)
    usage = "%workflow rerun ID [NAME|FILE] [--from NODE] [-i KEY=VALUE] [--effects mock|real]"
    execution = await find_execution(arguments.word(0, "the execution", usage), arguments.store)
    named = arguments.words[1] if len(arguments.words) > 1 else None
    plan = (await find_workflow(session, named, arguments.store)).plan if named else execution.plan
    start = arguments.flags.get("--from")
    if start is not None:
        acting.check_node(plan, start)
    again = await session.earlier.rerun(
        execution, plan, arguments.inputs, from_node=start, effects=acting.effects_of(arguments)
    )
    return await acting.present(session, again, arguments)


async def _again(session: Session, line: str) -> None:
    arguments = _read(session, line)
    word = arguments.first()
    if (view := session.views.get(word or "")) is not None:
        session.earlier.keep(view.execution)
    elif word is not None and word not in dict(session.earlier.latest.values()):
        session.earlier.keep(await find_execution(word, arguments.store))
    session.earlier.again = True


async def _fork(session: Session, line: str) -> Any:
    arguments = _read(session, line)
    execution = await find_execution(arguments.word(0, "the execution", FORK), arguments.store)
    return await forks.fork(session, execution, arguments)


COMMANDS: dict[str, Command] = {
    "run": Command(_run, "NAME|FILE [OPTIONS]", "run a workflow of a cell or a file, with the options of %%workflow"),
    "show": Command(_show, "[ID]", "draw an execution, live or old; without ID the latest"),
    "time": Command(_travel, "[ID]", "a slider over all records of an execution, to look and to fork from"),
    "history": Command(_history, "[NAME]", "executions as a DataFrame"),
    "list": Command(
        _list,
        "[NAME] [--phase --version --since --until --tag --label --error --usd -i --limit --cursor]",
        "find executions, page by page, as a DataFrame",
    ),
    "graph": Command(_graph, "NAME", "draw a workflow, or print it with --format dot or mermaid"),
    "validate": Command(_validate, "NAME|FILE", "check a workflow and run nothing"),
    "explain": Command(_explain, "ID NODE", "why a node stands where it stands"),
    "diff": Command(_diff, "ID ID", "two executions on one graph, with what differs"),
    "fork": Command(
        _fork,
        "ID [--at NODE]",
        "go on from a node, a record, or where it failed, on a copy; with -i or --over variants",
    ),
    "rerun": Command(
        _rerun,
        "ID [NAME|FILE] [--from NODE]",
        "run again, changed or not, with -i other inputs, and keep what did not change",
    ),
    "again": Command(_again, "[ID]", "let the next %%workflow cell keep what did not change, as with --reuse"),
    "save": Command(_save, "NAME", "keep a workflow's version in the catalog"),
    "workflows": Command(
        _workflows,
        "[TEXT] [--tag --kind --tool --model --by --run-by --phase --since --error]",
        "the workflows of the catalog as a DataFrame; also by who ran them, and how it went",
    ),
    "tools": Command(_tools, "[NAME]", "the tools there are as a DataFrame, or one with its arguments"),
    "error": Command(_error, "[ID]", "the whole error of an execution"),
    "recover": Command(
        _recover, "[ID|NAME]… [--debug]", "go on with executions whose kernel is gone; breakpoints hold again"
    ),
    "node": Command(_node, "NODE [ID]", "put a node's inputs into a new cell to play with"),
}
