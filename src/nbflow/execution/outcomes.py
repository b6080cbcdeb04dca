"""What the outside tells the core: answers of executors, verdicts, wishes of people, the passing of time.

An outcome is a claim, not yet a fact: `decide` refuses what is late or repeated.
"""

from __future__ import annotations

from dataclasses import field
from typing import Any

from nbflow.execution.message import message


@message
class Begun:
    """The execution starts; inputs are checked and filled with defaults."""

    inputs: dict[str, Any]
    labels: dict[str, str] = field(default_factory=dict)
    origin: dict[str, Any] | None = None
    mock: bool = False
    sources: dict[str, str] = field(default_factory=dict)
    effects: str = "real"
    stand_ins: dict[str, Any] = field(default_factory=dict)
    concealed: tuple[str, ...] = ()


@message
class Declined:
    """The node's `if` does not hold, or a person skips it."""

    path: str
    reason: str


@message
class Admitted:
    """An attempt may start now."""

    path: str
    inputs: Any
    effects: str


@message
class Succeeded:
    """The attempt's result. `attempt` 0 is the answer of a kind that needs no attempt."""

    path: str
    attempt: int
    output: Any
    chosen: tuple[str, ...] | None = None
    inputs: Any = None
    taken: dict[str, Any] | None = None
    key: str | None = None


@message
class Failed:
    """The attempt's error. `value` is the evaluated `on_error` value; `luck` in [0, 1) is for jitter.

    `again`: a person wants another attempt now, whatever the policy says.
    """

    path: str
    attempt: int
    error: dict[str, Any]
    value: Any = None
    luck: float = 0.0
    retryable: bool = True
    retry_after: float | None = None
    again: bool = False


@message
class Waits:
    """The node waits for a person, an event or a time."""

    path: str
    attempt: int
    reason: str
    until: float | None = None
    detail: Any = None


@message
class Woken:
    """A retry's time has come."""

    path: str


@message
class Opened:
    """A node with bodies is ready: `frames` are (path, roots) to open now, of `total` in all."""

    path: str
    frames: tuple[tuple[str, dict[str, Any]], ...]
    inputs: Any = None
    total: int | None = None


@message
class BodyDone:
    """All nodes of a frame are settled; `again` are the frames that follow, of a loop that goes on."""

    frame: str
    output: Any
    outputs: dict[str, Any]
    again: tuple[tuple[str, dict[str, Any]], ...] = ()


@message
class BodyBroken:
    """A frame's own expressions failed (`result`, `until`, `collect`)."""

    frame: str
    error: dict[str, Any]


@message
class Finished:
    """The root frame is settled and its outputs are evaluated."""

    outputs: Any


@message
class Broken:
    """The execution as a whole fails: an output's expression, its timeout, a limit."""

    error: dict[str, Any]


@message
class CancelWished:
    reason: str = ""


@message
class CleanupWished:
    """Everything that was told to stop has stopped: take the next step of cleaning up."""


@message
class PauseWished:
    reason: str = ""


@message
class ResumeWished:
    reason: str = ""


@message
class SuspendWished:
    reason: str = ""


@message
class Recovered:
    owner: str = ""


@message
class Signalled:
    """An event for what listens; `to` is the only one that hears it, `origin` the record of another execution."""

    name: str
    value: Any = None
    key: str | None = None
    node: str | None = None
    to: str | None = None
    origin: str | None = None


@message
class Edited:
    """A person's change while things are held: a node's inputs or output, a chart's context.

    Path "" is the execution itself, whose inputs can be changed. `edits.refused` says what is not taken.
    """

    path: str
    value: Any
    what: str = "inputs"
    by: str = ""


@message
class Called:
    """A model or tool call inside an attempt ended."""

    path: str
    attempt: int
    call: int
    kind: str
    name: str
    request: Any = None
    response: Any = None
    error: dict[str, Any] | None = None
    seconds: float = 0.0
    usage: dict[str, Any] = field(default_factory=dict)


@message
class Moved:
    """A statechart took a macrostep."""

    path: str
    event: dict[str, Any] | None
    snapshot: dict[str, Any]
    effects: tuple[dict[str, Any], ...] = ()
    ignored: bool = False
    heard: int = 0


Outcome = (
    Begun
    | Declined
    | Admitted
    | Succeeded
    | Failed
    | Waits
    | Woken
    | Opened
    | BodyDone
    | BodyBroken
    | Finished
    | Broken
    | CancelWished
    | CleanupWished
    | PauseWished
    | ResumeWished
    | SuspendWished
    | Recovered
    | Signalled
    | Edited
    | Called
    | Moved
)
