"""What a statechart says, state by state and in the author's words: for the comparison of two of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from nbflow.plan.meaning import canonical
from nbflow.spec.chart import ROOT, Block, Chart, State, Transition


def states_of(chart: Chart) -> dict[str, dict[str, Any]]:
    """What each state says, by its name (the machine itself has none), one entry a field or event."""
    return {state.id: _said(chart, state) for state in chart.states}


def _said(chart: Chart, state: State) -> dict[str, Any]:
    said: dict[str, Any] = {
        "type": state.kind if state.kind not in ("atomic", "compound") else None,
        "in": chart.states[state.parent].id or None if state.index != ROOT else None,
        "initial": _names(chart, state.initial) or None,
        "initial.actions": _actions(state.initial_actions),
        "entry": [_actions(block) for block in state.entry] or None,
        "exit": [_actions(block) for block in state.exit] or None,
        "invoke": [chart.works[work].id for work in state.invokes] or None,
        "output": canonical(state.output),
        "label": state.label,
        "context": {name: canonical(value) for name, value in chart.context} or None if state.index == ROOT else None,
    }
    for transition in (*state.transitions, *state.always):
        said.setdefault(_heard(transition, state), []).append(_done(chart, transition))
    return {field: value for field, value in said.items() if value is not None}


def _heard(transition: Transition, state: State) -> str:
    if transition.timer is not None:
        return transition.timer.removesuffix(f".{state.id or 'machine'}")
    return f"events.{' '.join(transition.events)}" if transition.events else "always"


def _done(chart: Chart, transition: Transition) -> Any:
    """A target, or a mapping when there is more to say."""
    said: Mapping[str, Any] = {
        "to": _names(chart, transition.targets),
        "if": transition.condition.text.strip() if transition.condition is not None else None,
        "internal": transition.internal or None,
        "label": transition.label,
        "actions": _actions(transition.actions),
    }
    kept = {name: value for name, value in said.items() if value is not None}
    return kept["to"] if list(kept) == ["to"] else kept


def _names(chart: Chart, states: Iterable[int]) -> str | None:
    return " ".join(chart.states[state].id for state in states) or None


def _actions(block: Block) -> Any:
    return [{type(action).__name__.lower(): canonical(action)} for action in block] or None
