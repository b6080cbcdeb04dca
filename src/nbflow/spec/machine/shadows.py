"""Transitions that are never taken because another one always is: one before it, or one of every state inside.

What a state hears without a condition covers its leaves (the innermost states in it), as bits of one number. A
transition is never taken when those of the states inside cover every leaf of its source.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass, field

from nbflow.spec.machine.drafts import StateDraft, TransitionDraft

Found = Iterator[tuple[TransitionDraft, str]]
Covers = dict[str, int]  # leaves by descriptor


def covering(name: str) -> Iterator[str]:
    """The descriptors that hear all that this one hears."""
    yield name
    parts = name.removesuffix(".*").split(".")
    for length in range(len(parts), 0, -1):
        yield ".".join(parts[:length]) + ".*"
    yield "*"


def shadowed_before(state: StateDraft) -> Found:
    """Transitions of a state after one of its own that always is taken."""
    first: TransitionDraft | None = None
    for transition in state.always:
        if first is not None:
            yield transition, f"the one before it {_holding(first)}"
        elif transition.holds:
            first = transition
    yield from _too_late(state)
    sure: dict[str, TransitionDraft] = {}
    for transition in state.transitions:
        names = transition.events or ((transition.timer or ""),)
        by = [next((known for known in covering(name) if known in sure), None) for name in names]
        if by and None not in by:
            before = f"'{by[0]}' before it" if transition.events else "the one before it"
            yield transition, f"{before} {_holding(sure[str(by[0])])}"
        if transition.holds:
            sure.update((name, transition) for name in names if name not in sure)


def _too_late(state: StateDraft) -> Found:
    """Timers that are due after one that is sure to leave the state."""
    seconds = dict(state.timers)
    leaving = [way for way in state.transitions if way.timer and way.holds and way.to and not way.internal]
    if state.parent is None or not leaving:
        return  # the machine itself is never left
    first = min(leaving, key=lambda way: seconds[str(way.timer)])
    for way in state.transitions:
        if way.timer and seconds[way.timer] > seconds[str(first.timer)]:
            yield way, f"'{str(first.timer)[6:].rpartition('.')[0]}' comes first and leaves"


def _holding(transition: TransitionDraft) -> str:
    return "has no condition" if transition.condition is None else "always holds"


@dataclass(slots=True)
class _Seen:
    """What a state and those inside hear without condition.

    `firm` is for transitions that leave all that is inside: where one region of a parallel state always goes its way,
    these are given up for every region. `calm`: something in it hears an event without going anywhere.
    """

    leaves: int = 0
    restless: int = 0  # leaves that an `always` leaves at once, so that they hear nothing
    covers: Covers = field(default_factory=dict)
    firm: Covers = field(default_factory=dict)
    calm: bool = False

    def add(self, other: _Seen) -> None:
        if len(other.covers) + len(other.firm) > len(self.covers) + len(self.firm):
            self.covers, other.covers, self.firm, other.firm = other.covers, self.covers, other.firm, self.firm
        for mine, theirs in ((self.covers, other.covers), (self.firm, other.firm)):
            for name, leaves in theirs.items():
                mine[name] = mine.get(name, 0) | leaves
        self.leaves |= other.leaves
        self.restless |= other.restless
        self.calm = self.calm or other.calm

    def cover(self, name: str) -> None:
        self.covers[name] = self.leaves
        self.firm[name] = self.leaves

    def all_by(self, covers: Covers, name: str) -> bool:
        heard = self.restless
        for known in covering(name):
            heard |= covers.get(known, 0)
        return self.leaves & ~heard == 0


class Inner:
    """Looks through the states that are `reached`, from inside out; `known` are transitions not to be looked at."""

    def __init__(self, reached: Collection[int], known: Collection[int]) -> None:
        self._reached, self._known = reached, known
        self._count = 0
        self._found: list[tuple[TransitionDraft, str]] = []

    def look(self, root: StateDraft) -> list[tuple[TransitionDraft, str]]:
        """The transitions that are never taken, each with the reason."""
        self._state(root, restless=False)
        return self._found

    def _state(self, state: StateDraft, *, restless: bool) -> _Seen:
        """`restless`: a state around it is left at once, so that nothing in it hears anything."""
        sure = any(transition.holds for transition in state.always)
        seen = self._inside(state, restless=restless or sure)
        if not seen.leaves:
            return seen
        if seen.restless == seen.leaves:
            self._report(state.always, "all states inside move on by themselves")
        if sure:
            seen.restless = seen.leaves
        if restless or seen.restless == seen.leaves:
            self._report(state.transitions, "an 'always' leads on before anything is heard here")
        else:
            self._hear(state, seen)
        seen.calm = seen.calm or not all(transition.to for transition in state.transitions)
        return seen

    def _inside(self, state: StateDraft, *, restless: bool) -> _Seen:
        seen = _Seen()
        if id(state) not in self._reached or state.history:
            return seen
        if not state.children:
            if state.kind != "final" or (state.parent is not None and state.parent.parent is not None):
                seen.leaves = 1 << self._count  # a final state of the machine hears nothing
                self._count += 1
            return seen
        regions = [self._state(child, restless=restless) for child in state.children]
        gives_way: dict[str, None] = {}
        if state.kind == "parallel":
            busy = [region for region in regions if not region.calm and region.leaves]
            gives_way = {name: None for region in busy for name in region.firm if region.all_by(region.firm, name)}
        for region in regions:
            seen.add(region)
        seen.firm.update(dict.fromkeys(gives_way, seen.leaves))
        return seen

    def _hear(self, state: StateDraft, seen: _Seen) -> None:
        for transition in state.transitions:
            covers = seen.firm if transition.to else seen.covers
            if transition.events and all(seen.all_by(covers, name) for name in transition.events):
                self._report([transition], f"'{transition.events[0]}' always moves a state inside")
        for transition in state.transitions:
            if transition.holds:
                for name in transition.events:
                    seen.cover(name)

    def _report(self, transitions: list[TransitionDraft], why: str) -> None:
        self._found += [(each, why) for each in transitions if id(each) not in self._known and each.holds is not False]
