"""Where a machine can get: the states that something leads to, and the transitions that can ever be taken.

A transition that waits for the end of a state counts once that state can come to its end.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator

from nbflow.spec.machine.drafts import StateDraft, TransitionDraft

_DONE = "done.state."


def awaited(descriptor: str) -> str | None:
    """The state whose end alone this descriptor hears."""
    return (
        descriptor.removesuffix(".*")[len(_DONE) :] if descriptor.startswith(_DONE) and descriptor[-1] != "." else None
    )


class Reach:
    """What can be reached when some transitions are `never` taken. `said` are events that the machine raises itself."""

    def __init__(self, root: StateDraft, never: Collection[int] = (), said: Collection[str] = ()) -> None:
        self.states: dict[int, StateDraft] = {id(root): root}
        self.ended: dict[str, None] = {}  # states that can come to their end
        self._never, self._said = never, said
        self._pending: dict[str, list[TransitionDraft]] = {}  # by the state whose end they wait for
        self._begun: dict[int, None] = {}  # states that were entered without a target inside
        self._waiting = [root]
        self._land(root.regions if root.kind == "parallel" else root.initial.to if root.initial is not None else [])
        while self._waiting:
            self._leave(self._waiting.pop())

    def takes(self, transition: TransitionDraft) -> bool:
        """Whether a transition can ever be taken, once its source is active."""
        if id(transition) in self._never or transition.holds is False:
            return False
        return not transition.events or any(self._comes(descriptor) for descriptor in transition.events)

    def _comes(self, descriptor: str) -> bool:
        state = awaited(descriptor)
        return state is None or state in self.ended or descriptor in self._said

    def _leave(self, state: StateDraft) -> None:
        if state.kind == "final" and state.parent is not None:
            self._end(state.parent)
        for transition in (*state.transitions, *state.always):
            if self.takes(transition):
                self._land(transition.to)
            elif id(transition) not in self._never and transition.holds is not False:
                for descriptor in transition.events:
                    self._pending.setdefault(awaited(descriptor) or "", []).append(transition)

    def _land(self, targets: Iterable[StateDraft]) -> None:
        """Targets are entered with what they begin in, and what is around them with its regions."""
        begun = list(targets)
        while begun:
            state = begun.pop()
            above = state.parent
            while above is not None and above.parent is not None and self._enter(above):
                begun += above.regions if above.kind == "parallel" else []
                above = above.parent
            if id(state) not in self._begun:
                self._begun[id(state)] = None
                self._enter(state)
                begun += state.regions if state.kind == "parallel" else state.initial.to if state.initial else []

    def _enter(self, state: StateDraft) -> bool:
        """Whether it is the first time."""
        if id(state) in self.states:
            return False
        self.states[id(state)] = state
        self._waiting.append(state)
        return True

    def _end(self, state: StateDraft) -> None:
        """A state that has come to its end, and a parallel around it all of whose regions have."""
        if state.id in self.ended:
            return
        self.ended[state.id] = None
        for transition in self._pending.pop(state.id, ()):
            self._land(transition.to)
        above = state.parent
        if above is not None and above.kind == "parallel" and all(region.id in self.ended for region in above.regions):
            self._end(above)


def beginning(state: StateDraft) -> StateDraft:
    """An innermost state that is active when this one is entered the first time: of parallel regions, of the first."""
    while True:
        if state.kind == "parallel" and state.regions:
            state = state.regions[0]
        elif state.initial is not None and state.initial.to:
            state = state.initial.to[0]
        else:
            return state


# ---- where one gets stuck ----


def _whole(state: StateDraft) -> StateDraft:
    """What is active as a whole while a state is: the outermost parallel state it is part of, or itself."""
    return next((above for above in reversed([state, *state.ancestors()]) if above.kind == "parallel"), state)


def stuck_together(parallel: StateDraft, reach: Reach) -> list[StateDraft]:
    """States of all regions, one each, from which nothing leads on while the others are there too; else none.

    What leads on from one region alone is no way out for the others, so each is looked at for itself. Where a whole
    region leads nowhere from the start, its states have been spoken of already.
    """
    if id(parallel) not in reach.states or any(_leads(each, reach) for each in (parallel, *parallel.ancestors())):
        return []
    stuck = [next(_stuck(region, reach), None) for region in parallel.regions]
    found = [state for state in stuck if state is not None]
    moves = any(_leads(state, reach) for region in parallel.regions for state in _reached(region, reach))
    return found if moves and len(found) == len(stuck) else []


def _leads(state: StateDraft, reach: Reach) -> bool:
    return any(way.to and reach.takes(way) for way in (*state.transitions, *state.always))


def _reached(state: StateDraft, reach: Reach) -> Iterator[StateDraft]:
    if id(state) in reach.states:
        yield state
        for child in state.regions:
            yield from _reached(child, reach)


def _stuck(state: StateDraft, reach: Reach) -> Iterator[StateDraft]:
    """Innermost states in here from which nothing in here leads on; regions inside a region are left out."""
    if id(state) not in reach.states or _leads(state, reach) or state.kind == "parallel":
        return
    if not state.regions:
        yield state
    for child in state.regions:
        yield from _stuck(child, reach)


class Ways:
    """Which transitions lead on, and from where: each from all that may be active with its source.

    Regions of a parallel state are active together, so that one of them that gets to an end gets all there. So one
    innermost state says where a way lands; one to a history may land anywhere inside that is remembered.
    """

    def __init__(self, reach: Reach) -> None:
        self._back: dict[int, list[StateDraft]] = {}  # by where a way lands
        self._recalled: dict[int, list[StateDraft]] = {}  # by the state whose history it goes to
        self._left: dict[int, None] = {}  # states with a way that leads on from anywhere inside them
        for state in reach.states.values():
            for way in (*state.transitions, *state.always):
                if way.to and reach.takes(way):
                    self._add(_whole(state), way.to[0])

    def _add(self, whole: StateDraft, target: StateDraft) -> None:
        self._left[id(whole)] = None
        if target.history and target.parent is not None:
            self._recalled.setdefault(id(target.parent), []).append(whole)
        self._back.setdefault(id(beginning(target)), []).append(whole)

    def lead_on(self, state: StateDraft) -> bool:
        """Whether anything leads on while a state is active."""
        return any(id(each) in self._left for each in (state, *state.ancestors()))

    def back_from(self, ends: list[StateDraft]) -> dict[int, None]:
        """The states from which one of these can be reached."""
        found: dict[int, None] = {}
        recalled: dict[int, None] = {}
        waiting = list(ends)
        while waiting:
            state = waiting.pop()
            if id(state) in found:
                continue
            found[id(state)] = None
            waiting += self._back.get(id(state), ())
            waiting += state.regions
            for above in state.ancestors():
                if id(above) in recalled:
                    break
                recalled[id(above)] = None
                waiting += self._recalled.get(id(above), ())
        return found
