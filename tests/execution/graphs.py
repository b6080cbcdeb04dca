"""Plans made by hand, and a world that answers effects: the core's tests are records in, records out."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from nbflow.execution import effects as f
from nbflow.execution import outcomes as o
from nbflow.execution.advance import advance, outstanding
from nbflow.execution.events import Record
from nbflow.execution.evolve import fold
from nbflow.execution.state import SETTLED, ExecutionState, Frame
from nbflow.plan.plan import Assign, Body, Case, Edge, Join, NodePlan, OnError, Plan, Policies, Retry, Switch, ToolCall
from nbflow.spec.expressions import literal

NOTHING = literal({})


@dataclass
class Node:
    """A node to be: `needs` activate, `reads` only delay (unless there is nothing else)."""

    id: str
    kind: str = "tool"
    needs: tuple[str, ...] = ()
    reads: tuple[str, ...] = ()
    gates: tuple[str, ...] = ()  # switches that may choose it
    join: Join = field(default_factory=Join)
    policies: Policies = field(default_factory=Policies)
    effects: str = "none"


def body(nodes: list[Node]) -> Body:
    """The body of these nodes, in this order, as the compiler would make it."""
    index = {node.id: place for place, node in enumerate(nodes)}
    out: list[list[Edge]] = [[] for _ in nodes]
    activating, delaying = [0] * len(nodes), [0] * len(nodes)
    sources: list[list[int]] = [[] for _ in nodes]
    for node in nodes:
        target = index[node.id]
        active = dict.fromkeys((*node.gates, *node.needs))
        data = [source for source in dict.fromkeys(node.reads) if source not in active]
        for source in active:
            out[index[source]].append(
                Edge(target, True, source in node.gates, ("gate" if source in node.gates else "order",))
            )
        for source in data:
            out[index[source]].append(Edge(target, not active))
        sources[target] = [index[source] for source in (*active, *data)]
        activating[target] = len(active) or len(data)
        delaying[target] = len(data) if active else 0
    made = tuple(
        NodePlan(
            place,
            node.id,
            node.kind,
            _work(node, nodes),
            tuple(out[place]),
            activating[place],
            delaying[place],
            node.join,
            policies=node.policies,
            effects=node.effects,  # type: ignore[arg-type]
        )
        for place, node in enumerate(nodes)
    )
    roots = tuple(place for place in range(len(nodes)) if not sources[place])
    return Body(made, index, roots, None, tuple(tuple(one) for one in sources))


def _work(node: Node, nodes: list[Node]) -> Any:
    if node.kind == "switch":
        targets = tuple(other.id for other in nodes if node.id in other.gates)
        return Switch((Case(None, targets),))
    return ToolCall(node.id, NOTHING) if node.kind == "tool" else Assign(NOTHING)


def plan(nodes: list[Node], **more: Any) -> Plan:
    return Plan("p", "1", "h", "", body(nodes), {"type": "object"}, None, **more)


@dataclass
class World:
    """Answers effects in any order the seed says. `answers` gives a node's outcome: (ok, output or kind, chosen)."""

    plan: Plan
    seed: int
    answers: Callable[[str, int], tuple[bool, Any, tuple[str, ...] | None]]
    twice: bool = False
    check: Callable[[ExecutionState, list[Record]], None] | None = None
    state: ExecutionState = field(init=False)
    records: list[Record] = field(default_factory=list)
    open: list[f.Effect] = field(default_factory=list)
    ran: list[tuple[str, int]] = field(default_factory=list)
    now: float = 0.0

    def __post_init__(self) -> None:
        self.state = ExecutionState(self.plan)
        self.rng = random.Random(self.seed)

    def tell(self, outcome: o.Outcome) -> None:
        self.now += 1.0
        records, effects = advance(self.state, outcome, self.now)
        self.records += records
        self.open += effects
        if self.twice:
            again, _ = advance(self.state, outcome, self.now)
            assert not again or isinstance(outcome, o.Signalled | o.Called | o.Edited), (outcome, again)
        if self.check is not None:
            self.check(self.state, self.records)

    def begin(self) -> World:
        self.tell(o.Begun({}))
        return self

    def recover(self, cut: int) -> World:
        """A new world that knows the first `cut` records only."""
        other = World(self.plan, self.seed + 1, self.answers, self.twice, self.check)
        other.records = self.records[:cut]
        other.now = self.now
        other.state = fold(self.plan, other.records)
        if cut == 0:
            return other.begin()
        other.tell(o.Recovered("test"))
        return other

    def run(self, limit: int = 100_000) -> World:
        while self.open and limit:
            limit -= 1
            place = self.rng.randrange(len(self.open))
            self.open[place], self.open[-1] = self.open[-1], self.open[place]
            self._answer(self.open.pop())
        assert limit, "it goes on for ever"
        return self

    def _answer(self, effect: f.Effect) -> None:
        match effect:
            case f.Activate(path):
                self._activate(path)
            case f.Run(path, attempt):
                node = self.state.nodes[path]
                if node.phase != "running" or node.attempt != attempt:
                    return
                self.ran.append((path, attempt))
                ok, value, chosen = self.answers(path, attempt)
                if ok:
                    self.tell(o.Succeeded(path, attempt, value, chosen))
                else:
                    self.tell(o.Failed(path, attempt, {"kind": value, "message": value}))
            case f.Wake(path):
                self.open.append(f.Activate(path))
            case f.CloseFrame(frame):
                self.tell(o.BodyDone(frame, None, self.state.frames[frame].outputs()))
            case f.Finish():
                root: Frame = self.state.root
                self.tell(o.Finished(root.outputs()))
            case f.Undo():
                self.tell(o.CleanupWished())
            case _:
                pass

    def _activate(self, path: str) -> None:
        node = self.state.nodes[path]
        if node.phase in SETTLED or node.frame.closed:
            return
        if node.node.kind == "switch":
            _, value, chosen = self.answers(path, 0)
            self.tell(o.Succeeded(path, 0, value, chosen))
        else:
            self.tell(o.Admitted(path, {}, node.node.effects or "none"))


def dump(state: ExecutionState) -> dict[str, Any]:
    """All a state knows, to compare two."""
    return {
        "execution": [
            state.phase,
            state.sequence,
            state.inputs,
            state.outputs,
            state.error,
            state.ending,
            state.paused,
        ],
        "running": sorted(state.running),
        "frames": {
            path: [frame.waiting, frame.live, frame.delaying, bytes(frame.decided), frame.open, frame.closed]
            for path, frame in state.frames.items()
        },
        "nodes": {
            path: [
                getattr(node, name)
                for name in (
                    "phase",
                    "attempt",
                    "failures",
                    "inputs",
                    "output",
                    "error",
                    "reason",
                    "until",
                    "settled",
                    "started",
                    "ended",
                    "handled",
                    "open",
                    "broken",
                    "total",
                )
            ]
            for path, node in state.nodes.items()
        },
        "outstanding": [repr(effect) for effect in outstanding(state)],
    }


def phases(state: ExecutionState) -> dict[str, str]:
    return {path: node.phase for path, node in sorted(state.nodes.items())}


def random_nodes(rng: random.Random, size: int) -> list[Node]:
    """A random graph with switches, joins, data edges and retries; edges go from earlier to later nodes."""
    nodes: list[Node] = []
    switches: list[str] = []
    for place in range(size):
        before = [node.id for node in nodes]
        plain = [id for id in before if id not in switches]
        needs = tuple(rng.sample(plain, min(len(plain), rng.choice((0, 0, 1, 1, 2, 3)))))
        reads = tuple(rng.sample(plain, min(len(plain), rng.choice((0, 0, 1, 2)))))
        gates = tuple(rng.sample(switches, min(len(switches), rng.choice((0, 0, 1, 1, 2)))))
        needs = tuple(id for id in needs if id not in gates)
        wide = len(set(needs) | set(gates)) or len(set(reads))
        join = rng.choice((Join(), Join(), Join("active"), Join("count", rng.randint(1, max(1, wide)))))
        kind = rng.choice(("tool", "tool", "tool", "switch"))
        id = f"n{place}"
        policies = Policies(
            retry=Retry(max=rng.choice((0, 0, 1, 2))),
            on_error=rng.choice(((), (), (OnError("continue"),), (OnError("value"),))),
        )
        nodes.append(Node(id, kind, needs, reads, gates, join, policies if kind == "tool" else Policies()))
        if kind == "switch":
            switches.append(id)
    return nodes
