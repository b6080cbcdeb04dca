"""Which verb an execution takes in which phase: one table, and the reason when it does not."""

from __future__ import annotations

from nbflow.errors import IllegalMove

LIVE = ("pending", "running", "waiting", "paused")  # pending: started, and its first record is on its way
MOVES: dict[str, tuple[str, ...]] = {
    "pause": ("pending", "running", "waiting"),
    "resume": ("paused", "suspended"),
    "suspend": LIVE,
    "cancel": (*LIVE, "suspended"),
    "signal": LIVE,
    "answer": LIVE,
    "skip": LIVE,
    "edit": (*LIVE, "suspended"),
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
