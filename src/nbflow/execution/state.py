"""What is known of an execution: the fold of its records. No policy and no expression lives here.

The driver owns one and changes it in place; everyone else folds committed records into their own.
A node of any body is found by its path; a `Frame` is one instance of a body (the whole graph, a round,
an item, a branch, an undo) with the counters of its edges.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Literal, NamedTuple

from nbflow.execution.events import SignalReceived
from nbflow.plan.plan import Body, NodePlan, Plan

Phase = Literal[
    "pending", "scheduled", "running", "waiting", "paused", "suspended", "completed", "failed", "cancelled", "skipped"
]

SETTLED: frozenset[str] = frozenset({"completed", "failed", "cancelled", "skipped"})
ENDED: frozenset[str] = frozenset({"completed", "failed", "cancelled"})


class NodeState:
    """One node of one frame, from its activation on. Times are seconds since the epoch."""

    __slots__ = (
        "attempt",
        "broken",
        "calls",
        "detail",
        "effects",
        "ended",
        "error",
        "failures",
        "frame",
        "handled",
        "heard",
        "inputs",
        "node",
        "open",
        "opened",
        "output",
        "path",
        "phase",
        "reason",
        "settled",
        "signals_before",
        "snapshot",
        "started",
        "taken",
        "total",
        "transition",
        "unheard",
        "until",
    )

    def __init__(self, path: str, node: NodePlan, frame: Frame) -> None:
        self.path = path
        self.node = node
        self.frame = frame
        self.phase: str = "scheduled"
        self.attempt = 0
        self.failures = 0  # attempts that failed; attempts a crash ended do not count
        self.effects = "none"
        self.inputs: Any = None
        self.output: Any = None
        self.error: dict[str, Any] | None = None
        self.handled: str | None = None
        self.reason: str | None = None  # of a skip, a wait, a cancellation
        self.detail: Any = None
        self.until: float | None = None
        self.started: float | None = None
        self.ended: float | None = None
        self.settled = 0  # sequence of the record that settled it
        self.opened: dict[str, Ended | None] | None = None  # bodies by frame path, None while open
        self.open = 0  # bodies that have not ended
        self.broken = 0  # bodies that failed
        self.total: int | None = None  # bodies in all, of a parallel
        self.heard = 0  # signals a machine has heard
        self.snapshot: dict[str, Any] | None = None  # of a machine
        self.signals_before = 0  # signals there were when a machine moved last
        self.transition: tuple[dict[str, Any], ...] | None = None  # effects of a machine's last move
        self.unheard: dict[str, int] | None = None  # what a machine ignored, events and errors: how often
        self.taken: dict[str, Any] | None = None
        self.calls: list[Any] | None = None

    @property
    def id(self) -> str:
        return self.node.id

    @property
    def attempts(self) -> int:
        return self.attempt


class Ended:
    """How one body of a node ended."""

    __slots__ = ("error", "output", "outputs")

    def __init__(self, output: Any, error: dict[str, Any] | None, outputs: dict[str, Any] | None) -> None:
        self.output, self.error, self.outputs = output, error, outputs


class Begun(NamedTuple):
    """When a machine began a work, in counts of signals: what it had yet to hear then, from `first` on, is for both."""

    place: str  # the work's frame
    owner: str  # the machine
    first: int
    present: int  # signals there were


class Frame:
    """One instance of a body. `waiting`, `live` and `delaying` count edges per node, by index."""

    __slots__ = (
        "begun",
        "body",
        "cleanup",
        "closed",
        "decided",
        "delaying",
        "live",
        "nodes",
        "open",
        "owner",
        "path",
        "roots",
        "waiting",
    )

    def __init__(self, path: str, body: Body, owner: NodeState | None, roots: dict[str, Any], cleanup: bool) -> None:
        self.path = path
        self.body = body
        self.owner = owner
        self.roots = roots  # item, index, loop, previous, error: what expressions of this body see besides nodes
        self.begun: Begun | None = owner.frame.begun if owner is not None else None  # by the nearest machine around
        self.closed = False  # ended, or given up with its owner: nothing here starts any more
        self.cleanup = cleanup  # compensations and on_error run while the execution ends
        self.waiting = [node.activating for node in body.nodes]
        self.delaying = [node.delaying for node in body.nodes]
        self.live = [0] * len(body.nodes)
        self.decided = bytearray(len(body.nodes))
        self.nodes: list[NodeState | None] = [None] * len(body.nodes)
        self.open = len(body.nodes)

    def path_of(self, index: int) -> str:
        node = self.body.nodes[index].id
        return f"{self.path}.{node}" if self.path else node

    def output_of(self, id: str) -> Any:
        """A node's output as an expression reads it: null unless it completed."""
        index = self.body.index.get(id)
        state = self.nodes[index] if index is not None else None
        return state.output if state is not None and state.phase == "completed" else None

    def outputs(self) -> dict[str, Any]:
        """Outputs by id of what completed here, in the order written."""
        return {state.id: state.output for state in self.nodes if state is not None and state.phase == "completed"}


class ExecutionState:
    """One execution. `nodes` holds every node that was activated or decided; others are pending."""

    __slots__ = (
        "concealed",
        "effects",
        "ended",
        "ending",
        "error",
        "frames",
        "hash",
        "id",
        "inputs",
        "labels",
        "mock",
        "nodes",
        "origin",
        "outputs",
        "paused",
        "phase",
        "plan",
        "relayed",
        "running",
        "sequence",
        "signals",
        "sources",
        "stand_ins",
        "started",
        "suspended",
        "undone",
        "usage",
        "version",
        "workflow",
    )

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.id = ""  # of the execution; known to who drives it, not to the records
        self.phase: str = "pending"
        self.sequence = 0
        self.workflow, self.version, self.hash = plan.name, plan.version, plan.hash
        self.inputs: dict[str, Any] = {}
        self.outputs: Any = None
        self.error: dict[str, Any] | None = None
        self.labels: dict[str, str] = {}
        self.origin: dict[str, Any] | None = None
        self.mock = False
        self.sources: dict[str, str] = {}
        self.effects = "real"  # or mock
        self.concealed: tuple[str, ...] = ()  # inputs that are secrets, of which only a mark is known
        self.stand_ins: dict[str, Any] = {}  # results that stand in for mocked effects, by path
        self.started: float | None = None
        self.ended: float | None = None
        self.paused = False
        self.suspended = False
        self.ending: str | None = None  # failed or cancelled, while compensations run
        self.undone: set[str] = set()  # nodes whose compensation was opened; only asked, never iterated
        self.frames: dict[str, Frame] = {}
        self.nodes: dict[str, NodeState] = {}
        self.running: dict[str, NodeState] = {}  # attempts in flight
        self.signals: list[SignalReceived] = []
        self.relayed: dict[str, int] = {}  # by parent or child: its last record that was handed on to here
        self.usage: dict[str, float] = {}  # tokens and usd of all recorded calls

    @property
    def root(self) -> Frame:
        return self.frames[""]

    def node(self, path: str) -> NodeState:
        return self.nodes[path]

    def under(self, prefix: str) -> Iterator[NodeState]:
        """Nodes of the frame `prefix` and of every frame inside it."""
        for path, state in self.nodes.items():
            frame = state.frame.path
            if frame == prefix or (frame.startswith(prefix) and frame[len(prefix) : len(prefix) + 1] in ".["):
                yield self.nodes[path]
