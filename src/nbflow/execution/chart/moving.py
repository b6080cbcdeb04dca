"""Which transitions are taken, what is left and what is entered: the sets of W3C SCXML, appendix D.

Everything here only answers; nothing is changed. A configuration is a list of state numbers in document order.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from nbflow.spec.chart import ROOT, UNKNOWN, Chart, State, Transition

Holds = Callable[[Transition], bool]
History = Mapping[str, Sequence[str]]
TIMER = "timer"


def hears(transition: Transition, event: Mapping[str, Any]) -> bool:
    """Whether a transition is about this event. A timer is heard by its own transitions alone."""
    name = str(event["name"])
    if event.get("type") == TIMER:
        return transition.timer == name
    if name in transition.events:
        return True
    for descriptor in transition.events:  # noqa: SIM110 - this is asked of every transition there is: no generator
        if matches(descriptor, name):
            return True
    return False


def matches(descriptor: str, name: str) -> bool:
    """``order.paid`` is matched by itself, ``order.*`` (as is ``order``) and ``*``."""
    if descriptor == name or descriptor == "*":
        return True
    return descriptor.endswith(".*") and (name == descriptor[:-2] or name.startswith(descriptor[:-1]))


def select(
    chart: Chart, configuration: Sequence[int], event: Mapping[str, Any] | None, holds: Holds, history: History
) -> list[Transition]:
    """What an event (None: nothing) enables: at most one transition for each innermost state, without conflict."""
    states = chart.states
    found: dict[int, Transition] = {}
    for number in configuration:
        state = states[number]
        if state.children:
            continue
        chosen = _first(state, event, holds)
        if chosen is None:
            for ancestor in state.ancestors:
                chosen = _first(states[ancestor], event, holds)
                if chosen is not None:
                    break
        if chosen is not None:
            found.setdefault(chosen.number, chosen)
    enabled = list(found.values())
    return enabled if len(enabled) < 2 else _without_conflict(chart, configuration, enabled, history)


def _first(state: State, event: Mapping[str, Any] | None, holds: Holds) -> Transition | None:
    if event is None:
        for transition in state.always:
            if transition.condition is None or holds(transition):
                return transition
        return None
    for transition in state.transitions:
        if hears(transition, event) and (transition.condition is None or holds(transition)):
            return transition
    return None


def _without_conflict(
    chart: Chart, configuration: Sequence[int], enabled: Iterable[Transition], history: History
) -> list[Transition]:
    """Of two that leave the same state the one from further inside is taken, else the one that stands first."""
    kept: list[Transition] = []
    for one in enabled:
        leaves = set(leaving(chart, configuration, [one], history))
        rivals = [other for other in kept if not leaves.isdisjoint(leaving(chart, configuration, [other], history))]
        if all(chart.inside(one.source, other.source) for other in rivals):
            kept = [other for other in kept if other not in rivals]
            kept.append(one)
    return kept


def leaving(
    chart: Chart, configuration: Sequence[int], transitions: Iterable[Transition], history: History
) -> list[int]:
    """The active states that these transitions leave, in document order."""
    transitions = list(transitions)
    if len(transitions) == 1 and transitions[0].targets:
        top = domain(chart, transitions[0], history)
        last = chart.states[top].last
        return [number for number in configuration if top < number <= last]
    found: dict[int, None] = {}
    for transition in transitions:
        if transition.targets:
            top = domain(chart, transition, history)
            last = chart.states[top].last
            found.update((number, None) for number in configuration if top < number <= last)
    return sorted(found)


def domain(chart: Chart, transition: Transition, history: History) -> int:
    if transition.domain != UNKNOWN:
        return transition.domain
    return chart.domain(transition.source, real_targets(chart, transition.targets, history), transition.internal)


def real_targets(chart: Chart, targets: Iterable[int], history: History) -> tuple[int, ...]:
    """The targets with every history replaced by what it remembers, or by its default."""
    found: dict[int, None] = {}
    for target in targets:
        state = chart.states[target]
        if state.kind not in ("shallow", "deep"):
            found[target] = None
        elif state.id in history:
            found.update((chart.index[id], None) for id in history[state.id])
        else:
            found.update((number, None) for number in real_targets(chart, state.initial, history))
    return tuple(found)


@dataclass(slots=True)
class Entering:
    """States to enter; those entered by default; and the histories whose default is taken, by parent."""

    chart: Chart
    history: History
    states: dict[int, None] = field(default_factory=dict)
    by_default: dict[int, None] = field(default_factory=dict)
    defaults: dict[int, int] = field(default_factory=dict)  # parent → history

    @classmethod
    def of(cls, chart: Chart, transitions: Iterable[Transition], history: History) -> Entering:
        entering = cls(chart, history)
        transitions = list(transitions)
        if len(transitions) == 1 and len(transitions[0].targets) == 1:
            only = chart.states[transitions[0].targets[0]]
            if only.kind in ("atomic", "final") and only.parent == transitions[0].domain:
                entering.states[only.index] = None  # nothing between, nothing inside
                return entering
        for transition in transitions:
            for target in transition.targets:
                entering.descend(target)
            top = domain(chart, transition, history) if transition.targets else ROOT
            for target in real_targets(chart, transition.targets, history):
                entering.ascend(target, top)
        return entering

    def order(self) -> list[int]:
        return sorted(self.states)

    def descend(self, number: int) -> None:
        """A state and what is entered in it."""
        state = self.chart.states[number]
        if state.kind in ("shallow", "deep"):
            self._remembered(state)
            return
        self.states[number] = None
        if state.kind == "compound":
            self.by_default[number] = None
            self._reach(state.initial, number)
        elif state.kind == "parallel":
            self._regions(state)

    def ascend(self, number: int, top: int) -> None:
        """The ancestors of a state below `top`, and the other regions of those that are parallel."""
        for ancestor in self.chart.states[number].ancestors:
            if ancestor == top:
                return
            self.states[ancestor] = None
            if self.chart.states[ancestor].kind == "parallel":
                self._regions(self.chart.states[ancestor])

    def _regions(self, state: State) -> None:
        for child in state.children:
            if child not in self.states and not any(self.chart.inside(number, child) for number in self.states):
                self.descend(child)

    def _remembered(self, history: State) -> None:
        remembered = self.history.get(history.id)
        if remembered is None:
            self.defaults[history.parent] = history.index
            self._reach(history.initial, history.parent)
        else:
            self._reach(tuple(self.chart.index[id] for id in remembered), history.parent)

    def _reach(self, targets: tuple[int, ...], top: int) -> None:
        for target in targets:
            self.descend(target)
        for target in targets:
            self.ascend(target, top)
