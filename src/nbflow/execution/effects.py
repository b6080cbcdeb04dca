"""What the world must do next. Effects are answered by outcomes; those not answered yet are `outstanding`."""

from __future__ import annotations

from nbflow.execution.message import message


@message
class Activate:
    """Evaluate the node's condition and inputs, then answer, open bodies or ask to be admitted."""

    path: str


@message
class Run:
    """Perform an attempt, once the record that started it is committed (if its effects want that)."""

    path: str
    attempt: int
    sequence: int


@message
class Stop:
    """Cancel what runs or waits for this node."""

    path: str


@message
class Wake:
    """Say `Woken` (a retry) or end a wait at a time."""

    path: str
    at: float


@message
class Hear:
    """A node waits for an event, an answer or a time."""

    path: str


@message
class CloseFrame:
    """All nodes of a body are settled: evaluate what it gives."""

    frame: str


@message
class Finish:
    """The graph is settled: evaluate the outputs."""


@message
class Undo:
    """The execution ends early and nothing runs any more: take the next step of cleaning up."""


@message
class Deliver:
    """A signal arrived: offer it to those who listen."""

    index: int


@message
class Step:
    """A statechart moved: see what it has to do next."""

    path: str


@message
class Hold:
    """Nothing new starts until it goes on: take back what has not begun."""


@message
class Limit:
    """A node began to wait or opened bodies, and has a timeout or a deadline."""

    path: str


@message
class Release:
    """It goes on: what was held begins."""


Effect = Activate | Run | Stop | Wake | Hear | CloseFrame | Finish | Undo | Deliver | Step | Hold | Limit | Release
