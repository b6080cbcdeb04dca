"""What was read, before names of states are known: states and transitions with places of the text."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from nbflow.spec.chart import Block, Kind
from nbflow.spec.document import Located
from nbflow.spec.expressions import Expression, Value


@dataclass(slots=True, eq=False)
class TransitionDraft:
    """A transition whose targets are names. `at` is the place it is known by."""

    source: StateDraft
    at: Located
    targets: list[Located] = field(default_factory=list)
    events: tuple[str, ...] = ()
    timer: str | None = None
    condition: Expression | None = None
    holds: bool | None = True  # without an `if`, or what an `if` that nothing can change says; None: running decides
    actions: Block = ()
    internal: bool = False
    label: str | None = None
    to: list[StateDraft] = field(default_factory=list)  # the targets, found


@dataclass(slots=True, eq=False)
class StateDraft:
    """A state. `initial` is a transition without event, also of a history."""

    id: str
    at: Located
    parent: StateDraft | None
    kind: Kind = "atomic"
    index: int = 0
    children: list[StateDraft] = field(default_factory=list)  # histories too
    initial: TransitionDraft | None = None
    transitions: list[TransitionDraft] = field(default_factory=list)
    always: list[TransitionDraft] = field(default_factory=list)
    timers: list[tuple[str, float]] = field(default_factory=list)
    entry: tuple[Block, ...] = ()
    exit: tuple[Block, ...] = ()
    invokes: list[int] = field(default_factory=list)
    output: Value | None = None
    label: str | None = None
    doc: str | None = None

    @property
    def history(self) -> bool:
        return self.kind in ("shallow", "deep")

    @property
    def regions(self) -> list[StateDraft]:
        """The states inside, without histories."""
        return [child for child in self.children if not child.history]

    def ancestors(self) -> Iterator[StateDraft]:
        """From the parent to the machine."""
        above = self.parent
        while above is not None:
            yield above
            above = above.parent

    def inside(self, other: StateDraft) -> bool:
        """Whether this is a proper descendant."""
        return any(above is other for above in self.ancestors())

    def named(self) -> str:
        return f"state '{self.id}'" if self.parent is not None else "the machine"
