"""The verbs of the line magic on one execution."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from nbflow import assembly
from nbflow.errors import IllegalMove, NotFound
from nbflow.execution.state import ENDED
from nbflow.notebook.arguments import Arguments
from nbflow.notebook.errors import MagicError, did_you_mean
from nbflow.notebook.finding import find_execution
from nbflow.notebook.playing import cell_for
from nbflow.notebook.render.summary import pretty
from nbflow.notebook.session import Session
from nbflow.notebook.verbs import BY_NAME, Verb
from nbflow.plan.plan import Plan
from nbflow.runtime import readiness, serving
from nbflow.runtime.execution import Execution
from nbflow.runtime.gate import read_point

EDITS = {"edit": "inputs", "edit_output": "output", "edit_context": "context", "edit_inputs": "inputs"}
MAPPINGS = ("edit", "edit_context", "edit_inputs")  # given nothing, they change nothing
DEFINE = "run the cell that defines it, then go on"


async def act(session: Session, verb: str, arguments: Arguments) -> Any:
    """Find the execution, do the verb, return what a cell should give."""
    execution = await find_execution(arguments.first(), arguments.store, live=True)
    engine = assembly.engine(arguments.store)
    if (owner := serving.elsewhere(engine, execution.id)) and not (verb == "retry" and len(arguments.words) < 2):
        await serving.ask(engine, execution.id, *_asked(execution, verb, arguments, owner))
        session.write(f"done by {owner}, which drives {execution.id}")
        return None
    if verb in ("pause", "suspend") and not execution.driven:
        await engine.hold(execution.id, verb)
        return None
    if verb == "resume":
        return await _resume(session, execution, arguments)
    if verb == "retry" and len(arguments.words) < 2:
        return await _retry_all(session, execution, arguments)
    if verb == "break":
        return _break(session, execution, arguments)
    if verb == "watch":
        return _watch(session, execution, arguments)
    _do(execution, verb, arguments)
    if verb == "pin":
        pinned = execution.pinned(arguments.word(1, "the node", ""))
        session.write("pinned: later executions take it" if pinned else "no longer pinned")
    return None


async def _resume(session: Session, execution: Execution, arguments: Arguments) -> Any:
    """Go on: with one of this kernel at once, with one whose kernel is gone after taking it over."""
    debug = "--debug" in arguments.flags
    if execution.driven:
        suspended = execution.phase == "suspended"
        execution.resume()
        if debug:
            session.hold(execution)
        if not suspended:
            return None
    elif execution.phase in ENDED:
        ended = datetime.fromtimestamp(execution.state.ended or 0.0, UTC).astimezone().strftime("%Y-%m-%d %H:%M:%S")
        says = f"execution {execution.id} {execution.phase} at {ended}; there is nothing to resume"
        raise IllegalMove(says, "execution.finished")
    else:
        paused = execution.state.paused
        execution = await readiness.recover(assembly.engine(arguments.store), execution.id, DEFINE)
        if paused and execution.driven:
            await execution.until("paused")
            execution.resume()
        debug = session.go_on(execution, debug=debug)
    if arguments.background or debug:
        return await session.follow(execution, debug=debug)
    return await session.wait_for(execution)


async def _retry_all(session: Session, execution: Execution, arguments: Arguments) -> Any:
    """A failed execution again, with all that was finished kept."""
    if execution.phase not in ("failed", "cancelled"):
        raise IllegalMove(
            f"execution {execution.id} is {execution.phase}; retry takes a failed one, or one of its nodes"
        )
    again = await session.earlier.rerun(execution, execution.plan, arguments.inputs, effects=effects_of(arguments))
    return await present(session, again, arguments)


async def present(session: Session, execution: Execution, arguments: Arguments) -> Execution:
    """Show an execution that goes on or begins: held with `--debug`, else in the background, or waited for."""
    if "--debug" in arguments.flags:
        session.hold(execution)
        return await session.follow(execution, debug=True)
    if arguments.background or execution.mocked:  # a person may be asked, who needs the cell
        return await session.follow(execution)
    return await session.wait_for(execution)


def effects_of(arguments: Arguments) -> str | None:
    """What `--effects` says. Raises `MagicError` for what is neither."""
    effects = arguments.flags.get("--effects")
    if effects not in (None, "mock", "real"):
        raise MagicError("magic.option", f"effects are mock or real, not {effects}", "--effects real")
    return effects


def _break(session: Session, execution: Execution, arguments: Arguments) -> None:
    node = arguments.word(1, "the node", "%workflow break ID NODE [WHEN]")
    check_known(execution, read_point(node)[0])
    when = " ".join(arguments.words[2:]) or None
    session.write(session.stops_of(execution.plan.name).toggle(execution, node, when))


def _watch(session: Session, execution: Execution, arguments: Arguments) -> None:
    """The value now; a live view goes on watching it."""
    arguments.word(1, "the expression", "%workflow watch ID EXPRESSION")
    text = " ".join(arguments.words[1:])
    session.write(f"{text} = {pretty(execution.evaluate(text))}")
    if (view := session.views.get(execution.id)) is not None:
        view.watch_out(text)


def _do(execution: Execution, name: str, arguments: Arguments) -> None:
    verb = BY_NAME[name]
    verb.do(execution, _target(execution, verb, arguments), _given(verb, arguments))


def _asked(execution: Execution, name: str, arguments: Arguments, owner: str) -> tuple[str, dict[str, Any]]:
    """A verb and its arguments, for the process that drives the execution. Raises `IllegalMove` for the debugger's."""
    verb, served = BY_NAME[name], "edit" if name in EDITS else name
    if served not in serving.VERBS:
        raise IllegalMove(f"execution {execution.id} is driven by {owner}; {name} works only there")
    target, given = _target(execution, verb, arguments), _given(verb, arguments)
    asked = {"name" if name == "signal" else "node": target} if target else {}
    if name in EDITS:
        asked[EDITS[name]] = given
    elif "VALUE" in verb.takes:
        asked["value"] = given
    return served, asked


def _target(execution: Execution, verb: Verb, arguments: Arguments) -> str:
    """The node, or the name of a signal, that a verb is for; "" for one that is for the whole execution."""
    if verb.takes in ("", "INPUTS"):
        return ""
    what = "the name" if verb.name == "signal" else "the node"
    target = arguments.word(1, what, f"%workflow {verb.name} ID {verb.takes}")
    if verb.name != "signal":
        check_known(execution, target)
    return target


def _given(verb: Verb, arguments: Arguments) -> Any:
    """What a verb is given: one word of any value, or a mapping key by key with -i."""
    place = 1 if verb.takes == "INPUTS" else 2
    if arguments.inputs or (verb.name in MAPPINGS and place >= len(arguments.words)):
        return arguments.inputs
    return arguments.value(place)


def check_known(execution: Execution, node: str) -> None:
    """Raise `NotFound` for a node that an execution neither has reached nor can reach."""
    if node not in execution.state.nodes:
        check_node(execution.plan, node)


def check_node(plan: Plan, node: str) -> None:
    """Raise `NotFound`, with the name that is most like it, when no body of a workflow has this node."""
    known = dict.fromkeys(inner.id for inner in plan.body.nodes_within())
    if node.rpartition(".")[2].partition("[")[0] not in known:
        hint = did_you_mean(node, known)
        raise NotFound(f"{plan.name} has no node {node!r}" + (f"; {hint}" if hint else ""))


async def new_cell(session: Session, arguments: Arguments) -> None:
    """Put a node's inputs and call into a new cell."""
    name = arguments.word(0, "the node", "%workflow node NODE [ID]")
    execution = await find_execution(arguments.words[1] if len(arguments.words) > 1 else None, arguments.store)
    check_known(execution, name)
    if name not in execution.state.nodes:
        raise NotFound(f"{name} did not run in {execution.id}")
    session.next_input(cell_for(execution, name, session.namespace))
