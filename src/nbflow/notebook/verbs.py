"""The verbs on an execution, once: the toolbar, the magic, the page of help and the docs all take them from here."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

from nbflow.runtime.execution import Execution

Takes = Literal[
    "", "NODE", "NODE VALUE", "NODE INPUTS", "NODE OUTPUT", "NODE CONTEXT", "INPUTS", "NAME [VALUE]", "NODE [WHEN]",
    "NODE [VALUE]", "EXPRESSION",
]  # fmt: skip
Do = Callable[[Execution, str, Any], None]


@dataclass(frozen=True, slots=True)
class Verb:
    """`do` carries it out on (execution, node or name, value); `python` is the method; `button` the label."""

    name: str
    does: str
    python: str
    do: Do
    takes: Takes = ""
    button: str = ""
    alias: str = ""  # another name of the magic


@dataclass(frozen=True, slots=True)
class Control:
    """A control of the view that has a command of its own as its magic."""

    name: str
    button: str
    does: str
    magic: str
    python: str


VERBS = (
    Verb("pause", "running nodes finish, nothing new starts", "pause()", lambda x, n, v: x.pause(), button="Pause"),
    Verb(
        "resume", "go on after a pause, a suspension, a restart or a breakpoint", "resume()",
        lambda x, n, v: x.resume(), button="Continue", alias="continue",
    ),
    Verb("step", "let the first held node go and hold what follows", "step()", lambda x, n, v: x.step(), button="Step"),
    Verb(
        "step_over", "as step, but the bodies of that node pass whole", "step_over()", lambda x, n, v: x.step_over(),
        button="Step over",
    ),
    Verb("run_to", "go on and hold at a node", "run_to(NODE)", lambda x, n, v: x.run_to(n), "NODE", "Run to here"),
    Verb(
        "break", "hold at a node (NODE, NODE:after, NODE:error) from now on, or no longer", "break_at(NODE, when=…)",
        lambda x, n, v: x.break_at(n, v), "NODE [WHEN]", "Breakpoint",
    ),
    Verb(
        "suspend", "stop running attempts and undo nothing (■ does the same)", "suspend()", lambda x, n, v: x.suspend(),
        button="Stop", alias="stop",
    ),
    Verb("cancel", "stop for good; compensations run", "cancel()", lambda x, n, v: x.cancel(), button="Cancel"),
    Verb(
        "retry", "run a node that is in doubt, is held on its error, or waits for its retry, again now", "retry(NODE)",
        lambda x, n, v: x.retry(n), "NODE", "Retry now",
    ),
    Verb(
        "skip", "settle an active node with this output", "skip(NODE, VALUE)", lambda x, n, v: x.skip(n, v),
        "NODE VALUE", "Give this output",
    ),
    Verb(
        "mock", "let a held node give this value instead of running", "mock(NODE, VALUE)", lambda x, n, v: x.mock(n, v),
        "NODE VALUE", "Mock",
    ),
    Verb(
        "pin", "let a node give this output (its own, if none is named) in later executions too, or no longer",
        "pin(NODE, VALUE)", lambda x, n, v: None if v is None and x.unpin(n) else x.pin(n, v), "NODE [VALUE]", "Pin",
    ),
    Verb(
        "fail", "settle a node that waits, is in doubt or is held on its error as failed", "fail(NODE)",
        lambda x, n, v: x.fail(n), "NODE", "Fail",
    ),
    Verb(
        "edit", "change the inputs of a node that is held", "edit(NODE, inputs=…)", lambda x, n, v: x.edit(n, inputs=v),
        "NODE INPUTS", "Apply to inputs",
    ),
    Verb(
        "edit_output", "change the output of a completed node for what has not read it", "edit(NODE, output=…)",
        lambda x, n, v: x.edit(n, output=v), "NODE OUTPUT", "Apply to output",
    ),
    Verb(
        "edit_context", "change names in the context of a machine", "edit(NODE, context=…)",
        lambda x, n, v: x.edit(n, context=v), "NODE CONTEXT", "Apply to context",
    ),
    Verb(
        "edit_inputs", "change inputs of the execution itself for what has not read them", "edit(inputs=…)",
        lambda x, n, v: x.edit(inputs=v), "INPUTS", "Apply to the execution",
    ),
    Verb(
        "answer", "answer an ask node", "answer(NODE, VALUE)", lambda x, n, v: x.answer(n, v), "NODE VALUE", "Answer"
    ),
    Verb(
        "signal", "send an event to what listens for it", "signal(NAME, VALUE)", lambda x, n, v: x.signal(n, v),
        "NAME [VALUE]",
    ),
    Verb(
        "detach", "give the cell back; the execution goes on", "detach()", lambda x, n, v: x.detach(), button="Detach"
    ),
    Verb(
        "watch", "an expression's value now; in the picture whenever something moves", "evaluate(EXPRESSION)",
        lambda x, n, v: x.evaluate(n), "EXPRESSION", "Watch",
    ),
)  # fmt: skip
BY_NAME = {verb.name: verb for verb in VERBS}
ALIASES = {verb.alias: verb.name for verb in VERBS if verb.alias}
AGAIN = Control(
    "again", "Again", "run the cell as it is now and keep what did not change (key r, Alt+Shift+Enter in the cell)",
    "%workflow again", "rerun()",
)  # fmt: skip
FORK = Control(
    "fork", "Fork from here", "go on from this record on a copy, with the inputs as they were changed",
    "%workflow fork ID --at RECORD", "fork(RECORD)",
)  # fmt: skip
CONTROLS = (AGAIN, Control("at", "the slider", "as it was after a record", "%workflow time ID", "at(RECORD)"), FORK)


def table() -> str:
    """The verbs as a Markdown table: button, magic, Python."""
    lines = ["| button | magic | Python | what it does |", "|---|---|---|---|"]
    for verb in VERBS:
        magic = f"`%workflow {verb.name} ID {verb.takes}".rstrip() + "`" + (f", `{verb.alias}`" if verb.alias else "")
        lines.append(f"| {verb.button} | {magic} | `execution.{verb.python}` | {verb.does} |")
    lines += [f"| {each.button} | `{each.magic}` | `execution.{each.python}` | {each.does} |" for each in CONTROLS]
    return "\n".join(lines) + "\n"
