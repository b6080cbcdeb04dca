"""The verbs on an execution, once: what the toolbar, the magic and the page of help all take from one table."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Takes = Literal["", "NODE", "NODE VALUE", "NODE INPUTS", "NAME [VALUE]", "NODE [WHEN]"]


@dataclass(frozen=True, slots=True)
class Verb:
    """`python` is the method of `Execution`, `button` its label in the live view (none: no button)."""

    name: str
    does: str
    python: str
    takes: Takes = ""
    button: str = ""


VERBS = (
    Verb("pause", "running nodes finish, nothing new starts", "pause()", button="Pause"),
    Verb("resume", "go on after a pause, a suspension, a restart or a breakpoint", "resume()", button="Continue"),
    Verb("step", "let the first held node go and hold what follows", "step()", button="Step"),
    Verb("step_over", "as step, but the bodies of that node pass whole", "step_over()", button="Step over"),
    Verb("run_to", "go on and hold at a node", "run_to(NODE)", "NODE", "Run to here"),
    Verb("break", "hold at a node from now on, or no longer", "break_at(NODE, when=…)", "NODE [WHEN]", "Breakpoint"),
    Verb("suspend", "stop running attempts and undo nothing (■ does the same)", "suspend()", button="Stop"),
    Verb("cancel", "stop for good; compensations run", "cancel()", button="Cancel"),
    Verb("detach", "give the waiting cell back; the execution goes on", "", button="Detach"),
    Verb(
        "retry",
        "run a node in doubt, held on its error, or waiting for its retry, again now",
        "retry(NODE)",
        "NODE",
        "Retry",
    ),
    Verb("skip", "settle an active node with this output", "skip(NODE, VALUE)", "NODE VALUE", "Skip"),
    Verb("mock", "let a held node give this value instead of running", "mock(NODE, VALUE)", "NODE VALUE", "Mock"),
    Verb("fail", "settle a node that waits or is in doubt as failed", "fail(NODE)", "NODE", "Fail"),
    Verb("edit", "change the inputs of a held node", "edit(NODE, inputs=…)", "NODE INPUTS", "Apply"),
    Verb("answer", "answer an ask node", "answer(NODE, VALUE)", "NODE VALUE", "Answer"),
    Verb("signal", "send an event to what listens for it", "signal(NAME, VALUE)", "NAME [VALUE]"),
)
BY_NAME = {verb.name: verb for verb in VERBS}


def table() -> str:
    """The verbs as a Markdown table: button, magic, Python."""
    lines = ["| button | magic | Python | |", "|---|---|---|---|"]
    for verb in VERBS:
        magic = f"`%workflow {verb.name} ID{f' {verb.takes}' if verb.takes else ''}`" if verb.name != "detach" else ""
        python = f"`execution.{verb.python}`" if verb.python else ""
        lines.append(f"| {verb.button} | {magic} | {python} | {verb.does} |")
    return "\n".join(lines) + "\n"
