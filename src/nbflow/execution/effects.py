"""What the world must do next. Effects are answered by outcomes; those not answered yet are `outstanding`."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Activate:
    """Evaluate the node's condition and inputs, then answer, open bodies or ask to be admitted."""

    path: str


@dataclass(frozen=True, slots=True)
class Run:
    """Perform an attempt, once the record that started it is committed (if its effects want that)."""

    path: str
    attempt: int
    sequence: int


@dataclass(frozen=True, slots=True)
class Stop:
    """Cancel what runs or waits for this node."""

    path: str


@dataclass(frozen=True, slots=True)
class Wake:
    """Say `Woken` (a retry) or end a wait at a time."""

    path: str
    at: float


@dataclass(frozen=True, slots=True)
class Hear:
    """A node waits for an event, an answer or a time."""

    path: str


@dataclass(frozen=True, slots=True)
class CloseFrame:
    """All nodes of a body are settled: evaluate what it gives."""

    frame: str


@dataclass(frozen=True, slots=True)
class Finish:
    """The graph is settled: evaluate the outputs."""


@dataclass(frozen=True, slots=True)
class Undo:
    """The execution ends early and nothing runs any more: take the next step of cleaning up."""


@dataclass(frozen=True, slots=True)
class Deliver:
    """A signal arrived: offer it to those who listen."""

    index: int


@dataclass(frozen=True, slots=True)
class Step:
    """A statechart moved: see what it has to do next."""

    path: str


@dataclass(frozen=True, slots=True)
class Hold:
    """Nothing new starts until it goes on: take back what has not begun."""


Effect = Activate | Run | Stop | Wake | Hear | CloseFrame | Finish | Undo | Deliver | Step | Hold
