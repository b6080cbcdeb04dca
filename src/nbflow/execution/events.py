"""The facts a journal records. A fact carries its consequences: what became active, what was skipped and why.

A node is named by its path (`fetch`, `refine[1].rewrite`, `both.left.l1`), which is the key everywhere:
in the state, in the journal, in views and in queries. Fields are added with defaults and never renamed:
journals outlive releases. Values are JSON, or opaque values that the storage codec knows.
"""

from __future__ import annotations

from dataclasses import field
from typing import Any

from nbflow.execution.message import message

Skips = tuple[tuple[str, str], ...]  # (path, reason)
Paths = tuple[str, ...]


@message
class ExecutionStarted:
    """The first record. `source` is the pinned text; `origin` names the execution a fork, rerun or child came from."""

    workflow: str
    version: str
    hash: str
    source: str
    inputs: dict[str, Any]
    activated: Paths = ()
    labels: dict[str, str] = field(default_factory=dict)
    origin: dict[str, Any] | None = None
    mock: bool = False
    format: int = 1
    sources: dict[str, str] = field(default_factory=dict)  # fingerprints of functions, by the name nodes use
    effects: str = "real"  # mock: what may happen only once does not happen here
    stand_ins: dict[str, Any] = field(default_factory=dict)  # recorded results for that, by path
    concealed: tuple[str, ...] = ()  # inputs that are secrets, of which only a mark is recorded


@message
class NodeSkipped:
    """An `if` that does not hold, or a person's wish."""

    node: str
    reason: str
    activated: Paths = ()
    skipped: Skips = ()


@message
class NodeStarted:
    """An attempt was admitted; from here an effect may happen. `key` is the same for all attempts."""

    node: str
    attempt: int
    inputs: Any = None
    effects: str = "none"


@message
class NodeCompleted:
    """The node's result. `chosen` are the gates that a switch opened; `taken` says where a reused result is from."""

    node: str
    attempt: int
    output: Any = None
    activated: Paths = ()
    skipped: Skips = ()
    chosen: Paths | None = None
    cancelled: Paths = ()
    inputs: Any = None  # of nodes that need no attempt (switch, set, aggregate)
    taken: dict[str, Any] | None = None
    key: str | None = None  # under which `cache:` finds this result


@message
class AttemptFailed:
    """An attempt failed and another follows at `retry_at` (seconds since the epoch)."""

    node: str
    attempt: int
    error: dict[str, Any]  # kind, message, code, detail?
    retry_at: float


@message
class NodeFailed:
    """The node failed for good. `handled` is None, or the policy that took it: continue, value, then."""

    node: str
    attempt: int
    error: dict[str, Any]
    handled: str | None = None
    output: Any = None
    activated: Paths = ()
    skipped: Skips = ()
    chosen: Paths | None = None


@message
class NodeCancelled:
    """Lost a race, or the execution ended while it ran."""

    node: str
    reason: str
    activated: Paths = ()
    skipped: Skips = ()


@message
class NodeWaiting:
    """Waits for a person, an event or a time (`until`, epoch seconds). `reason`: ask, listen, in_doubt, effect …"""

    node: str
    attempt: int
    reason: str
    until: float | None = None
    detail: Any = None


@message
class NodeExpanded:
    """A loop, parallel or compensation opened bodies. `frames` are (path prefix, extra roots) pairs."""

    node: str
    frames: tuple[tuple[str, dict[str, Any]], ...]
    activated: Paths = ()
    inputs: Any = None
    total: int | None = None  # items of a parallel; None for loops


@message
class BodyEnded:
    """A round, item or branch is over. `error` when it failed; `values` are a loop's carried values for the next."""

    node: str
    frame: str
    output: Any = None
    error: dict[str, Any] | None = None
    outputs: dict[str, Any] | None = None


@message
class NodeEdited:
    """A person changed what is known of a node while debugging; `what` says which of the three fields counts."""

    node: str
    inputs: Any = None
    output: Any = None
    by: str = ""
    what: str = "inputs"  # inputs, output, context
    context: Any = None  # of a statechart, whole


@message
class CallRecorded:
    """A model or tool call inside a node: never repeated once recorded. `usage` counts tokens and cost."""

    node: str
    attempt: int
    call: int
    kind: str  # model, tool
    name: str
    request: Any = None
    response: Any = None
    error: dict[str, Any] | None = None
    seconds: float = 0.0
    usage: dict[str, Any] = field(default_factory=dict)


PARENT = ".."
"""The execution whose node this one is the child of, as the address of a signal."""


@message
class SignalReceived:
    """A named input from outside or from a node; `node` when it is an answer to that node."""

    name: str
    value: Any = None
    node: str | None = None
    key: str | None = None
    to: str | None = None  # the only node that hears it; ``path.*``: all below that path; `PARENT`
    origin: str | None = None  # the record of a parent or child that it was handed on from, as ``ID/SEQUENCE``

    def is_for(self, path: str) -> bool:
        to = self.to
        return to is None or to == path or (to.endswith(".*") and path.startswith(to[:-1]))


@message
class Transitioned:
    """One macrostep of a statechart: its new snapshot. `heard` counts the signals it has heard so far."""

    node: str
    event: dict[str, Any] | None
    snapshot: dict[str, Any]
    effects: tuple[dict[str, Any], ...] = ()
    ignored: bool = False
    heard: int = 0


@message
class ExecutionEdited:
    """A person changed the execution's own inputs while debugging; what has read them keeps what it read."""

    inputs: dict[str, Any]
    by: str = ""


@message
class ExecutionPaused:
    reason: str = ""


@message
class ExecutionResumed:
    reason: str = ""


@message
class ExecutionSuspended:
    """Attempts were stopped, nothing is undone (an interrupt). `in_doubt` may have had their effect."""

    reason: str = ""
    in_doubt: Paths = ()


@message
class ExecutionRecovered:
    """A new owner took over; attempts in flight count as never answered. `in_doubt` may have had their effect."""

    owner: str = ""
    in_doubt: Paths = ()


@message
class ExecutionEnding:
    """Nothing new starts: cancelled or failed; compensations and `on_error` come next."""

    phase: str  # failed, cancelled
    error: dict[str, Any] | None = None
    cancelled: Paths = ()


@message
class ExecutionCompleted:
    outputs: Any = None


@message
class ExecutionFailed:
    error: dict[str, Any]


@message
class ExecutionCancelled:
    reason: str = ""


Event = (
    ExecutionStarted
    | NodeSkipped
    | NodeStarted
    | NodeCompleted
    | AttemptFailed
    | NodeFailed
    | NodeCancelled
    | NodeWaiting
    | NodeExpanded
    | BodyEnded
    | NodeEdited
    | CallRecorded
    | SignalReceived
    | Transitioned
    | ExecutionEdited
    | ExecutionPaused
    | ExecutionResumed
    | ExecutionSuspended
    | ExecutionRecovered
    | ExecutionEnding
    | ExecutionCompleted
    | ExecutionFailed
    | ExecutionCancelled
)


@message
class Record:
    """A fact in its place: `sequence` counts from 1 without gaps, `at` is seconds since the epoch."""

    sequence: int
    at: float
    event: Event
