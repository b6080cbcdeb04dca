"""The compiled, immutable workflow: what `execution` decides on and `runtime` performs.

Pure data. Nodes of a body are known by their index there; every edge that touches a node is in its `out`
and its counters, so that no step of running costs more than the edges it touches.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from nbflow.spec.expressions import Expression, Value

Effects = Literal["none", "idempotent", "once"]
JoinMode = Literal["all", "active", "count", "race"]


@dataclass(frozen=True, slots=True)
class Edge:
    """From one node to a later one of the same body. One edge a pair: gate or order outranks data.

    `activating` edges count for the target's join, others only delay it. `gate` edges are live only when
    the source chose the target.
    """

    target: int
    activating: bool
    gate: bool = False
    kinds: tuple[str, ...] = ("data",)  # all of data, order, gate that hold, for drawing
    label: str | None = None  # of a gate, for drawing


@dataclass(frozen=True, slots=True)
class Join:
    """`all`, `active`, `count` (run at the `count`-th live edge; `first` is 1) or `race` (first, rest cancelled)."""

    mode: JoinMode = "all"
    count: int = 1


@dataclass(frozen=True, slots=True)
class Retry:
    """`max` retries after the first attempt; delays in seconds; `on` names error kinds (none: any but InvalidInput)."""

    max: int = 0
    delay: float = 0.0
    factor: float = 1.0
    max_delay: float | None = None
    jitter: bool = False
    on: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class OnError:
    """One form of a node's `on_error`; `on` names the error kinds it takes (empty: all)."""

    action: Literal["fail", "continue", "value", "then"] = "fail"
    value: Value | None = None
    then: str | None = None
    on: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Policies:
    """What a node says about its running. Times are seconds."""

    retry: Retry = Retry()
    timeout: float | None = None
    deadline: float | None = None
    on_error: tuple[OnError, ...] = ()  # tried in order; none takes it: the node fails
    cache: float | bool = False  # True: for ever; a number: that many seconds
    priority: int = 0
    pool: tuple[tuple[str, int], ...] = ()
    rate: tuple[str, float] | None = None  # (name, starts per second)
    breaker: tuple[int, float] | None = None  # (failures, reset seconds)
    where: str | None = None


@dataclass(frozen=True, slots=True)
class Case:
    """One case of a switch; `when` is None for `else`."""

    when: Expression | None
    then: tuple[str, ...]
    label: str | None = None


@dataclass(frozen=True, slots=True)
class ToolCall:
    """`tool: NAME` with arguments by name; `arguments` is a mapping template."""

    name: str
    arguments: Value


@dataclass(frozen=True, slots=True)
class AgentCall:
    """`agent:`; `model` is None when defaults decide. Templates are resolved when the node is activated."""

    prompt: Value | None
    model: str | None = None
    system: Value | None = None
    messages: Value | None = None
    images: Value | None = None
    tools: tuple[str, ...] = ()
    max_turns: int = 10
    repair: int = 1
    fallback: tuple[str, ...] = ()
    memory: str | None = None
    temperature: float | None = None
    max_tokens: int | None = None
    stream: bool = True
    budget: Mapping[str, float] = field(default_factory=dict)  # tokens, usd
    approve: str = "once"
    options: Mapping[str, Any] = field(default_factory=dict)
    arguments: Value | None = None  # `with:`, handed to a custom agent function by name
    headers: Value | None = None  # for the provider, as `auth`; secrets may stand in both
    auth: Value | None = None


@dataclass(frozen=True, slots=True)
class Switch:
    cases: tuple[Case, ...]


@dataclass(frozen=True, slots=True)
class Aggregate:
    """`how` is one of the aggregate kinds; `items` a mapping or list template."""

    how: str
    items: Value
    by: Expression | None = None
    start: Value | None = None
    step: Expression | None = None


@dataclass(frozen=True, slots=True)
class Assign:
    """`set:`"""

    values: Value


@dataclass(frozen=True, slots=True)
class Loop:
    body: Body
    max: int | None
    until: Expression | None = None
    while_: Expression | None = None
    start: Value | None = None
    next: Value | None = None
    collect: Value | None = None


@dataclass(frozen=True, slots=True)
class ForEach:
    """`parallel: {for_each: …}`. `on_fail`: fail, collect, or the number of failures allowed."""

    body: Body
    items: Expression
    max: int | None = None
    collect: Value | None = None
    on_fail: Literal["fail", "collect"] | int = "fail"


@dataclass(frozen=True, slots=True)
class Branches:
    """`parallel: {branches: …}`, by name in the order written."""

    bodies: tuple[tuple[str, Body], ...]
    max: int | None = None
    on_fail: Literal["fail", "collect"] | int = "fail"


@dataclass(frozen=True, slots=True)
class SubWorkflow:
    """`workflow: NAME[@version]` or an inline mapping (then `plan` is set)."""

    name: str
    version: str | None
    arguments: Value
    plan: Plan | None = None


@dataclass(frozen=True, slots=True)
class Ask:
    prompt: Value
    schema: Mapping[str, Any] | None = None
    to: Value | None = None
    timeout: float | None = None
    default: Value | None = None
    has_default: bool = False


@dataclass(frozen=True, slots=True)
class Wait:
    """`wait: 10m` (seconds) or `{until: TIME}`."""

    seconds: float | None = None
    until: Value | None = None


@dataclass(frozen=True, slots=True)
class Emit:
    event: str
    key: Value | None
    payload: Value


@dataclass(frozen=True, slots=True)
class Listen:
    event: str
    condition: Expression | None = None
    timeout: float | None = None


@dataclass(frozen=True, slots=True)
class Machine:
    """A statechart, as `spec.machine` made it. `works` are bodies of one node each, in the order of `chart.works`."""

    chart: Any
    arguments: Value | None = None
    works: tuple[Body, ...] = ()


@dataclass(frozen=True, slots=True)
class PluginCall:
    """A verb that a plug-in added: `model` is the pydantic model's data, with templates kept as values."""

    parameters: Value
    arguments: Value


Work = (
    ToolCall
    | AgentCall
    | Switch
    | Aggregate
    | Assign
    | Loop
    | ForEach
    | Branches
    | SubWorkflow
    | Ask
    | Wait
    | Emit
    | Listen
    | Machine
    | PluginCall
)


@dataclass(frozen=True, slots=True)
class NodePlan:
    """One node. `activating` and `delaying` count its incoming edges; `source` lines are the author's."""

    index: int
    id: str
    kind: str
    work: Work
    out: tuple[Edge, ...] = ()
    activating: int = 0
    delaying: int = 0
    join: Join = Join()
    condition: Expression | None = None
    policies: Policies = Policies()
    effects: Effects | None = None  # None: what the kind or tool declares
    schema: Mapping[str, Any] | None = None  # of `output:`
    transform: Expression | None = None
    compensate: Body | None = None
    mock: Value | None = None
    breakpoint: bool | Expression = False
    rank: int = 0  # critical-path length from here to the end, larger goes first
    line: int = 1
    column: int = 1
    doc: str | None = None
    tags: tuple[str, ...] = ()
    meaning: str = ""  # hash of what the node does, without names of others, positions or docs

    @property
    def function(self) -> str:
        """The name of the tool or agent the node calls; empty for other kinds."""
        work = self.work
        return work.name if isinstance(work, ToolCall) else (work.model or "") if isinstance(work, AgentCall) else ""


@dataclass(frozen=True, slots=True)
class Body:
    """A graph: of the workflow, of a round, of an item, of a branch. `nodes` keep the order written."""

    nodes: tuple[NodePlan, ...]
    index: Mapping[str, int]
    roots: tuple[int, ...]  # nodes that wait for nothing
    result: Value | None = None  # None: outputs of all nodes by id
    sources: tuple[tuple[int, ...], ...] = ()  # per node: the nodes with an edge to it
    races: bool = field(init=False, repr=False, compare=False)  # whether a node has `join: race`

    def __post_init__(self) -> None:
        object.__setattr__(self, "races", any(node.join.mode == "race" for node in self.nodes))

    def nodes_within(self) -> Iterator[NodePlan]:
        """The nodes of this body and of the bodies inside it, outer ones first."""
        bodies = [self]
        while bodies:
            for node in bodies.pop().nodes:
                yield node
                bodies += bodies_of(node)


def bodies_of(node: NodePlan) -> tuple[Body, ...]:
    """The bodies a node owns: of its rounds, items or branches, what its machine runs, and its compensation."""
    work, undo = node.work, (node.compensate,) if node.compensate is not None else ()
    if isinstance(work, Loop | ForEach):
        return (work.body, *undo)
    if isinstance(work, Branches):
        return (*(body for _, body in work.bodies), *undo)
    if isinstance(work, Machine):
        return (*work.works, *undo)
    return undo


@dataclass(frozen=True, slots=True)
class Plan:
    """What a workflow means. `hash` is of its content; `schema` of `inputs` is a JSON Schema object."""

    name: str
    version: str
    hash: str
    source: str
    body: Body
    inputs: Mapping[str, Any]
    outputs: tuple[tuple[str, Value], ...] | None  # None: outputs of nodes nobody reads
    final: tuple[int, ...] = ()  # those nodes, when outputs is None
    on_error: Body | None = None
    timeout: float | None = None
    priority: int = 0
    pools: Mapping[str, int] = field(default_factory=dict)
    rates: Mapping[str, float] = field(default_factory=dict)
    budget: Mapping[str, float] = field(default_factory=dict)
    machine: Machine | None = None
    triggers: tuple[Mapping[str, Any], ...] = ()
    tags: tuple[str, ...] = ()
    doc: str | None = None
    nodes: tuple[NodePlan, ...] = field(init=False, repr=False, compare=False)  # of the body and of those inside it
    functions: Mapping[str, NodePlan] = field(init=False, repr=False, compare=False)  # a node for each name
    works: Mapping[type, tuple[Work, ...]] = field(init=False, repr=False, compare=False)  # by kind
    caches: bool = field(init=False, repr=False, compare=False)  # whether a node has `cache:`

    def __post_init__(self) -> None:
        nodes = tuple(self.body.nodes_within())
        works: dict[type, list[Work]] = {}
        for node in nodes:
            works.setdefault(type(node.work), []).append(node.work)
        functions = {node.function: node for node in reversed(nodes) if node.function}
        object.__setattr__(self, "nodes", nodes)
        object.__setattr__(self, "functions", functions)
        object.__setattr__(self, "works", {kind: tuple(some) for kind, some in works.items()})
        object.__setattr__(self, "caches", any(node.policies.cache for node in nodes))
