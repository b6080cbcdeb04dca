"""Which verb an execution takes in which phase: one table, and the reason when it does not."""

from __future__ import annotations

from nbflow.errors import IllegalMove

LIVE = ("running", "waiting", "paused")
MOVES: dict[str, tuple[str, ...]] = {
    "pause": ("running", "waiting"),
    "resume": ("paused", "suspended"),
    "suspend": LIVE,
    "cancel": (*LIVE, "suspended"),
    "signal": LIVE,
    "answer": LIVE,
    "skip": LIVE,
    "edit": LIVE,
    "mock": LIVE,
    "step": LIVE,
    "fail": LIVE,
    "retry": LIVE,
}


def allow(verb: str, phase: str, id: str) -> None:
    """Raise `IllegalMove` with the reason when the table does not allow it."""
    if phase in MOVES[verb]:
        return
    if phase in ("completed", "failed", "cancelled"):
        raise IllegalMove(f"execution {id} is {phase}; there is nothing to {verb}", "execution.finished")
    raise IllegalMove(f"execution {id} is {phase}; {verb} takes one that is {' or '.join(MOVES[verb])}")
