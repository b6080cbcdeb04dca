"""`nbflow run`, and what every command does that drives an execution to its end in this process.

The first interrupt cancels (compensations run), the second one suspends: nothing is undone, and `recover` goes on.
"""

from __future__ import annotations

import asyncio
import signal
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, nullcontext, suppress
from dataclasses import dataclass
from typing import Annotated, Any

import typer
import yaml
from rich.text import Text

from nbflow import assembly
from nbflow.access import documents
from nbflow.access.cli.answering import Answer, engine
from nbflow.access.cli.options import File, Inputs, Json, Store, Tools
from nbflow.access.cli.printing import CANCELLED, DONE, FAILED, complain, err, out, say, show_findings, spell
from nbflow.access.cli.progress import Progress, question
from nbflow.access.cli.reading import read_inputs, read_source
from nbflow.access.cli.tooling import register
from nbflow.errors import ExecutionFailed, IllegalMove
from nbflow.execution.events import NodeWaiting, Record
from nbflow.plan.plan import SubWorkflow
from nbflow.plan.workflow import Workflow
from nbflow.runtime.execution import Execution, failure_line

Detach = Annotated[bool, typer.Option("--detach", help="return when only people, events and times are waited for")]
Taping = Annotated[
    str | None, typer.Option("--record", metavar="FILE", help="keep the replies of models and tools in this file")
]
Playing = Annotated[
    str | None, typer.Option("--replay", metavar="FILE", help="take the replies of models and tools from this file")
]
Mock = Annotated[bool, typer.Option("--mock", help="let `mock:` values stand in for calls")]


def run(
    file: File,
    inputs: Inputs = None,
    tools: Tools = None,
    json: Json = False,
    store: Store = None,
    detach: Detach = False,
    mock: Mock = False,
    record: Taping = None,
    replay: Playing = None,
) -> None:
    """Run a workflow to its end. Exit 0 completed, 1 failed, 2 invalid, 130 cancelled."""
    with Answer(json) as answer:
        source = read_source(file)
        answer.source = source.name
        given = read_inputs(inputs or ())
        register(tools)
        if record or replay:
            assembly.tape(record=record, replay=replay)
        workflow = assembly.parse(source.text, folder=source.folder)
        if not json:
            show_findings(workflow.diagnostics, source.name)
        labels = {"folder": str(source.folder.resolve())} if _calls_others(workflow) else {}
        left = asyncio.run(_run(workflow, given, store, labels, mock=mock, detach=detach, quiet=json))
        answer.give(left.document, lambda: tell(left), left.code)


@dataclass(frozen=True, slots=True)
class Left:
    """An execution as a command leaves it; what the engine's closing does to it comes after."""

    execution: Execution
    document: documents.Document
    owner: str | None = None  # another process that drives it, in words
    awaited: tuple[tuple[str, str, str], ...] = ()  # execution, node, reason

    @classmethod
    def of(cls, execution: Execution, owner: str | None = None) -> Left:
        document = documents.execution(execution.id, execution.state, phase=execution.phase)
        return cls(execution, document, owner, execution.awaited)

    @property
    def phase(self) -> str:
        return str(self.document["phase"])

    @property
    def code(self) -> int:
        """Exit 0 unless it failed (1), or was cancelled or stopped (130)."""
        match self.phase:
            case "failed":
                return FAILED
            case "cancelled" | "suspended":
                return CANCELLED
            case _:
                return DONE


def _calls_others(workflow: Workflow) -> bool:
    """Whether it names a workflow, which is looked for beside its own file."""
    works = (node.work for node in workflow.plan.body.nodes_within())
    return any(isinstance(work, SubWorkflow) and work.plan is None for work in works)


async def _run(
    workflow: Workflow,
    inputs: dict[str, Any],
    store: str | None,
    labels: dict[str, str],
    *,
    mock: bool,
    detach: bool,
    quiet: bool,
) -> Left:
    async with engine(store) as made:
        execution = made.start(workflow.plan, inputs, labels=labels, mock=mock)
        if not quiet:
            say(f"{workflow.name} {workflow.version} · {execution.id}", "dim")
        await finish(execution, now=made.clock.now, detach=detach, quiet=quiet)
        return Left.of(execution)


async def finish(execution: Execution, *, now: Any, detach: bool = False, quiet: bool = False) -> None:
    """Wait for the end (or, detached, until only waiting is left), with progress for whoever looks."""
    resting = ("suspended", "waiting", "paused") if detach else ("suspended",)
    leave = execution.subscribe(lambda records: _say_doubts(execution, records))
    try:
        async with nullcontext() if quiet else Progress(execution, err, now), _interrupts(execution):
            await execution.until(*resting)
    finally:
        leave()


def _say_doubts(execution: Execution, records: Sequence[Record]) -> None:
    """What waits for a person's word because its effect may have happened."""
    for event in (record.event for record in records):
        if isinstance(event, NodeWaiting) and event.reason == "in_doubt":
            node = execution.state.nodes[event.node]
            if (node.phase, node.reason) == ("waiting", "in_doubt"):
                say(f"{event.node} waits for {awaited_words('in_doubt', event.node, execution.id)}", "yellow")


async def news(execution: Execution, wanted: Callable[[Record], bool]) -> None:
    """Wait until such a record is on disk, or the end. Raises `JournalConflict` when another process has it."""
    here = asyncio.get_running_loop().create_future()

    def look(records: Sequence[Record]) -> None:
        if not here.done() and any(wanted(record) for record in records):
            here.set_result(None)

    async def end() -> None:
        await execution

    over = asyncio.create_task(end())
    leave = execution.subscribe(look)
    await asyncio.wait({here, over}, return_when=asyncio.FIRST_COMPLETED)
    leave()
    if not over.done():
        over.cancel()
    elif (problem := over.exception()) is not None and not isinstance(problem, ExecutionFailed):
        raise problem


@asynccontextmanager
async def _interrupts(execution: Execution) -> AsyncIterator[None]:
    presses = 0

    def pressed() -> None:
        nonlocal presses
        presses += 1
        with suppress(IllegalMove):
            if presses == 1:
                say("cancelling; interrupt again to stop at once and go on later", "yellow")
                execution.cancel("interrupted")
            else:
                execution.suspend()

    loop = asyncio.get_running_loop()
    watched = (signal.SIGINT, signal.SIGTERM)
    for number in watched:
        loop.add_signal_handler(number, pressed)
    try:
        yield
    finally:
        for number in watched:
            loop.remove_signal_handler(number)


def tell(left: Left) -> None:
    """The end in words: outputs on stdout, everything else on stderr."""
    execution, state = left.execution, left.execution.state
    took = f" in {spell(state.ended - state.started)}" if state.ended and state.started else ""
    match left.phase:
        case "completed":
            say(f"completed{took}", "green")
            show_outputs(state.outputs)
        case "failed":
            complain(failure_line(execution), _failure_hint(execution))
            say(f"  look closer: nbflow executions show {execution.id}", "dim")
        case "cancelled":
            say(f"cancelled{took}", "yellow")
        case phase if left.owner is not None:
            say(f"{phase}, driven by {left.owner}", "yellow")
        case phase:
            say(phase, "yellow")
            for id, path, reason in left.awaited:
                say(f"  {path} waits for {awaited_words(reason, path, id)}")
                if id == execution.id and path in execution.nodes and (words := question(execution.nodes[path])):
                    say(f"    {words}", "cyan")
            verb = "resume" if phase == "paused" else "recover"
            say(f"  go on: nbflow executions {verb} {execution.id}", "dim")


def _failure_hint(execution: Execution) -> str | None:
    """What to do about the node that failed, where its error says it."""
    node = execution.nodes.get(str((execution.error or {}).get("node")))
    return (node.error or {}).get("hint") if node is not None else None


def awaited_words(reason: str | None, path: str, id: str) -> str:
    match reason:
        case "ask" | "approval":
            return f"an answer: nbflow executions answer {id} {path} VALUE"
        case "in_doubt":
            return f"your word, since it may have happened: nbflow executions retry|skip|fail {id} {path}"
        case "effect":
            return f"a result, since its effect is mocked: nbflow executions skip {id} {path} --value V"
        case "listen" | "machine":
            return f"an event: nbflow executions signal {id} NAME"
        case _:
            return reason or "something"


def show_outputs(outputs: Any) -> None:
    """Outputs on stdout, as YAML: a text of several lines stays as it is."""
    shown = documents.plain(outputs)
    if shown is None or shown == {}:
        return
    if not isinstance(shown, dict):
        shown = {"output": shown}
    text = yaml.dump(shown, Dumper=_Dumper, allow_unicode=True, sort_keys=False, width=max(60, out.width))
    out.print(Text(text.rstrip("\n")))


class _Dumper(yaml.SafeDumper):
    """YAML for people: texts of several lines as blocks, nothing by reference."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


def _text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style="|" if "\n" in text else None)


_Dumper.add_representer(str, _text)
