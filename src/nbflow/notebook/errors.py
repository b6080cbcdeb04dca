"""What a cell says when it cannot go on: one red line that says what, why, and what to do."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches

from nbflow.errors import NbflowError
from nbflow.runtime.execution import Execution

UNATTENDED = "warning: nobody is here to continue, so breakpoints are passed"
LATE = "buttons answer when the cell ends: ipykernel {} is older than 7.4; with --background they answer at once"
MOCKED = (
    "effects that may happen only once are mocked: recorded results stand in, else the node waits for "
    "%workflow skip {0} NODE VALUE, or retry to let it happen; --effects real lets all happen"
)


class MagicError(NbflowError):
    """A magic that cannot be taken as it is written; nothing ran. `code` is ``magic.option``, ``magic.form`` …"""

    def __init__(self, code: str, message: str, hint: str | None = None) -> None:
        self.code, self.message, self.hint = code, message, hint
        super().__init__(f"{message} [{code}]" + (f"\n  hint: {hint}" if hint else ""))


class Suspended(NbflowError):
    """The awaited execution was interrupted and can go on; the cell fails so that Run All stops here."""

    code = "execution.suspended"


def suspended(execution: Execution) -> Suspended:
    """What a cell says when the execution that it waits for was suspended."""
    name, id = execution.plan.name, execution.id
    return Suspended(f"{name} {id} is suspended, nothing is lost; %workflow resume {id} goes on")


class Cancelled(NbflowError):
    """The awaited execution was cancelled; the cell fails so that Run All stops here."""

    code = "execution.cancelled"


def nearest(word: str, known: Iterable[str]) -> str | None:
    """The known word that was probably meant."""
    found = get_close_matches(word, tuple(known), n=1, cutoff=0.55)
    return found[0] if found else None


def did_you_mean(word: str, known: Iterable[str]) -> str | None:
    """A hint for a mistyped word; all that is known when nothing is near."""
    names = tuple(known)
    near = nearest(word, names)
    if near:
        return f"did you mean {near}?"
    return f"there is {', '.join(names[:12])}" if names else None
