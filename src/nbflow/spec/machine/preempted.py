"""Transitions that always lose to those of an earlier region, which leave all of the parallel state.

Of two transitions that leave the same states and stand beside each other the first in the text is taken (SCXML,
appendix D). So where every state of a region leaves the parallel state on an event, no later region acts on it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator

from nbflow.spec.machine.drafts import StateDraft, TransitionDraft
from nbflow.spec.machine.shadows import covering


def preempted(parallel: StateDraft, reached: Collection[int]) -> Iterator[tuple[TransitionDraft, str]]:
    """Each with the reason."""
    firm: dict[str, str] = {}  # event → the region that leaves on it
    heard: list[str] = []  # by regions before
    for region in parallel.regions:
        inside = list(_within(region, reached))
        for state in inside:
            for way in state.transitions if firm else ():
                by = [next((firm[known] for known in covering(name) if known in firm), None) for name in way.events]
                if way.to and by and None not in by:
                    yield way, f"'{way.events[0]}' makes region '{by[0]}', which stands first, leave '{parallel.id}'"
        for name in _leaves_on(region, parallel, reached):
            if not any(_meet(name, other) for other in heard):
                firm.setdefault(name, region.id)
        heard += [name for state in inside for way in state.transitions for name in way.events]


def _within(state: StateDraft, reached: Collection[int]) -> Iterator[StateDraft]:
    if id(state) in reached:
        yield state
        for child in state.regions:
            yield from _within(child, reached)


def _leaves_on(state: StateDraft, parallel: StateDraft, reached: Collection[int]) -> dict[str, None]:
    """What is sure to make any state in here leave the parallel state, whatever is active."""
    if state.always or state.kind == "final":
        return {}
    inner: dict[str, None] | None = None
    below = [child for child in state.regions if id(child) in reached]
    for child in below:
        names = _leaves_on(child, parallel, reached)
        inner = names if inner is None else {name: None for name in inner if name in names}
    found = dict(inner or {}) if state.kind != "parallel" else {}
    heard = [
        name for child in below for each in _within(child, reached) for way in each.transitions for name in way.events
    ]
    for way in state.transitions:
        if way.holds and any(target is not parallel and not target.inside(parallel) for target in way.to):
            found.update((name, None) for name in way.events if not any(_meet(name, other) for other in heard))
        heard += way.events
    return found


def _meet(one: str, other: str) -> bool:
    """Whether an event may be heard by both."""
    return one in covering(other) or other in covering(one) or _prefix(one).startswith(_prefix(other) + ".")


def _prefix(descriptor: str) -> str:
    return descriptor.removesuffix(".*")
