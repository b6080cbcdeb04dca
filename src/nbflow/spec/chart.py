"""A statechart as immutable data: what the text under `machine:` means.

States stand in document order and are named by their number in it; number 0 is the machine itself. Everything
that running needs and the text decides (ancestors, the last descendant, the domain of a transition) is worked out
here once, so that a step costs no more than the states it touches.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from nbflow.spec.expressions import Expression, Value

Kind = Literal["atomic", "compound", "parallel", "final", "shallow", "deep"]

ROOT = 0
UNKNOWN = -1  # a domain that only running can know, since a target is a history


@dataclass(frozen=True, slots=True)
class Assign:
    """Sets names of the context. All values are evaluated before the first is set."""

    values: tuple[tuple[tuple[str, ...], Value], ...]  # (path, value)


@dataclass(frozen=True, slots=True)
class Raise:
    """An event to the machine itself: at once, before any from outside; with `delay` from outside, that much later."""

    event: str | Value
    payload: Value | None = None
    delay: float | Value | None = None
    id: str | Value | None = None  # what `cancel` knows it by


@dataclass(frozen=True, slots=True)
class Emit:
    """An event to the world, or `to` the parent or an invocation by its name."""

    event: str | Value
    payload: Value | None = None
    key: Value | None = None
    to: str | Value | None = None
    delay: float | Value | None = None
    id: str | Value | None = None


@dataclass(frozen=True, slots=True)
class Cancel:
    """Takes back a delayed event, or ends what `run` began."""

    id: str | Value


@dataclass(frozen=True, slots=True)
class Run:
    """Starts a piece of work that outlives the state; its end comes back as an event."""

    work: int


@dataclass(frozen=True, slots=True)
class When:
    """The first branch whose condition holds; None always does."""

    branches: tuple[tuple[Expression | None, Block], ...]


@dataclass(frozen=True, slots=True)
class Each:
    """The actions for every item, with `item` and `index` as roots."""

    items: Expression
    actions: Block


Action = Assign | Raise | Emit | Cancel | Run | When | Each
Block = tuple[Action, ...]  # one that fails ends its block, not the others


@dataclass(frozen=True, slots=True)
class Work:
    """What runs beside the chart: a node, for the compiler. Its end comes back as `done.ID` or `error.ID`."""

    id: str
    node: Any  # NodeSpec
    line: int = 1
    column: int = 1
    finalize: Block = ()


@dataclass(frozen=True, slots=True)
class Read:
    """An expression or template; `roots` it may use besides the usual ones. `condition`: its truth is asked for."""

    template: Expression | Value
    roots: frozenset[str] = frozenset()
    condition: bool = False


@dataclass(frozen=True, slots=True)
class Transition:
    """From its source to its targets (none: it stays). `number` is its place in the text.

    `events` are descriptors (``name``, ``prefix.*``, ``*``), empty for `always`; `timer` names the timer it hears.
    """

    number: int
    source: int
    targets: tuple[int, ...]
    events: tuple[str, ...] = ()
    timer: str | None = None
    condition: Expression | None = None
    actions: Block = ()
    internal: bool = False
    domain: int = UNKNOWN
    label: str | None = None
    line: int = 1
    column: int = 1

    @property
    def eventless(self) -> bool:
        return not self.events and self.timer is None


@dataclass(frozen=True, slots=True)
class State:
    """One state. `children` are without histories; `last` is the number of its last descendant."""

    id: str
    index: int
    kind: Kind
    parent: int
    ancestors: tuple[int, ...] = ()  # from the parent to the root
    children: tuple[int, ...] = ()
    histories: tuple[int, ...] = ()
    last: int = 0
    initial: tuple[int, ...] = ()  # of a compound state; of a history: its default
    initial_actions: Block = ()
    entry: tuple[Block, ...] = ()
    exit: tuple[Block, ...] = ()
    transitions: tuple[Transition, ...] = ()
    always: tuple[Transition, ...] = ()
    timers: tuple[tuple[str, float], ...] = ()  # (name, seconds)
    invokes: tuple[int, ...] = ()  # works
    output: Value | None = None
    label: str | None = None
    doc: str | None = None
    line: int = 1
    column: int = 1


@dataclass(frozen=True, slots=True)
class Chart:
    """The whole machine. `context` are its names with their first values, in order."""

    states: tuple[State, ...]
    index: Mapping[str, int]
    context: tuple[tuple[str, Value], ...] = ()
    works: tuple[Work, ...] = ()
    reads: tuple[Read, ...] = ()  # all that is evaluated, for the checks of names
    reads_states: bool = False  # some expression asks for `execution.states`
    moves_on: bool = False  # there are transitions without event

    def transitions(self) -> Iterator[Transition]:
        """All of them, state by state."""
        for state in self.states:
            yield from state.transitions
            yield from state.always

    def inside(self, state: int, ancestor: int) -> bool:
        """Whether a state is a proper descendant of another."""
        return ancestor < state <= self.states[ancestor].last

    def domain(self, source: int, targets: tuple[int, ...], internal: bool) -> int:
        """The innermost state that a transition leaves nothing of but its inside (W3C SCXML, appendix D)."""
        state = self.states[source]
        if source == ROOT:
            return ROOT
        if internal and state.kind == "compound" and all(self.inside(target, source) for target in targets):
            return source
        for ancestor in state.ancestors:
            kind = self.states[ancestor].kind
            if (kind == "compound" or ancestor == ROOT) and all(self.inside(t, ancestor) for t in targets):
                return ancestor
        return ROOT
