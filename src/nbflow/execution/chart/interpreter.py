"""Runs a chart from one event to rest: microsteps until nothing is enabled (W3C SCXML, appendix D).

The order is the document's; inner states go first; what the machine raises itself goes before what comes from
outside; invocations of states that were entered and left again in between never start.
"""

from __future__ import annotations

from bisect import insort

from nbflow.errors import NbflowError, NodeError
from nbflow.execution.chart.acting import perform
from nbflow.execution.chart.live import DONE, Event, Live
from nbflow.execution.chart.moving import TIMER, Entering, leaving, matches, select
from nbflow.spec.chart import ROOT, State, Transition

EVENTLESS_LIMIT = 1_000
STEP_LIMIT = 10_000


def enter_first(live: Live) -> None:
    """The machine itself and its initial states."""
    entering = Entering(live.chart, live.history)
    entering.descend(ROOT)
    _enter(live, entering)


def take(live: Live, event: Event, work: int | None = None) -> bool:
    """What an event from outside enables; False when nothing hears it. `work` is what says it, if something does."""
    live.hear(event)
    if work is not None:
        perform(live, live.chart.works[work].finalize)
    enabled = select(live.chart, live.configuration, event, live.holds, live.history)
    if not enabled:
        _unheard(live, event)
    _microstep(live, enabled)
    return bool(enabled)


def settle(live: Live) -> None:
    """Microsteps until nothing moves any more. Raises `NodeError` ``machine.livelock`` when that never happens."""
    eventless = steps = 0
    while live.phase != DONE:
        enabled: list[Transition] = []
        if live.chart.moves_on:
            enabled = select(live.chart, live.configuration, None, live.holds, live.history)
        if enabled:
            eventless += 1
        elif live.internal:
            event = live.internal.popleft()
            live.hear(event)
            enabled = select(live.chart, live.configuration, event, live.holds, live.history)
            if not enabled:
                _unheard(live, event)
            eventless = 0
        elif live.to_invoke:
            _invoke(live)
            continue
        else:
            return
        steps += 1
        if eventless > EVENTLESS_LIMIT or steps > STEP_LIMIT:
            raise _livelock(live, eventless > EVENTLESS_LIMIT)
        _microstep(live, enabled)


def _unheard(live: Live, event: Event) -> None:
    """An error nobody cares for must not be lost in silence."""
    if matches("error.*", event["name"]):
        live.effects.append({"do": "warn", "event": event})


def _livelock(live: Live, eventless: bool) -> NodeError:
    here = ", ".join(
        live.chart.states[number].id for number in live.configuration if not live.chart.states[number].children
    )
    return NodeError(
        "Livelock", f"the machine never comes to rest: it moves on of itself at {here}", code="machine.livelock",
        hint=(
            "give an 'always' transition of this cycle a condition that ends it"
            if eventless
            else f"it took {STEP_LIMIT:,} steps for what it raises itself; its last event is {_name_of(live.event)}"
        ),
    )  # fmt: skip


def _name_of(event: Event | None) -> str:
    return f"'{event['name']}'" if event is not None else "none"


def _microstep(live: Live, enabled: list[Transition]) -> None:
    if not enabled:
        return
    chart = live.chart
    live.taken.extend(transition.number for transition in enabled)
    if not any(transition.targets for transition in enabled):
        for transition in enabled:
            perform(live, transition.actions)
        return
    _leave(live, leaving(chart, live.configuration, enabled, live.history))
    for transition in enabled:
        perform(live, transition.actions)
    _enter(live, Entering.of(chart, enabled, live.history))


def _leave(live: Live, states: list[int]) -> None:
    chart = live.chart
    _remember(live, states)
    for number in reversed(states):
        state = chart.states[number]
        for block in state.exit:
            perform(live, block)
        _put_away(live, state)
        live.configuration.remove(number)
        live.tell_states()


def _put_away(live: Live, state: State) -> None:
    """What belonged to a state that is left: its timers and its invocations."""
    live.to_invoke.pop(state.index, None)
    if state.timers:
        live.drop_timers("state", state.id)
    if state.invokes and live.invocations:
        live.end_works("state", state.id, state=True)


def _remember(live: Live, states: list[int]) -> None:
    chart = live.chart
    for number in states:
        for history in chart.states[number].histories:
            state = chart.states[history]
            deep = state.kind == "deep"
            kept = [
                chart.states[active].id
                for active in live.configuration
                if (not chart.states[active].children and chart.inside(active, number) if deep
                    else chart.states[active].parent == number)
            ]  # fmt: skip
            live.history = {**live.history, state.id: kept}


def _enter(live: Live, entering: Entering) -> None:
    states = live.chart.states
    for number in entering.order():
        state = states[number]
        if number not in live.configuration:
            insort(live.configuration, number)
        live.tell_states()
        _set_up(live, state)
        for block in state.entry:
            perform(live, block)
        if number in entering.by_default:
            perform(live, state.initial_actions)
        if number in entering.defaults:
            perform(live, states[entering.defaults[number]].initial_actions)
        if state.kind == "final":
            _reach_final(live, state)


def _set_up(live: Live, state: State) -> None:
    """What belongs to a state that is entered."""
    if state.invokes:
        live.to_invoke[state.index] = None
    for name, seconds in state.timers:
        live.set_timer(seconds, {"name": name, "data": None, "type": TIMER}, state=state.id)


def _reach_final(live: Live, state: State) -> None:
    chart = live.chart
    parent = chart.states[state.parent]
    if parent.index == ROOT:
        _end(live, state)
        return
    _say_done(live, parent, state)
    while parent.parent >= 0 and chart.states[parent.parent].kind == "parallel":
        parent = chart.states[parent.parent]
        if not _is_done(live, parent):
            return
        if parent.index == ROOT:
            _end(live, None)
            return
        _say_done(live, parent, None)


def _say_done(live: Live, state: State, final: State | None) -> None:
    data = _output(live, final) if final is not None else None
    live.internal.append({"name": f"done.state.{state.id}", "data": data, "type": "platform"})


def _output(live: Live, final: State) -> object:
    if final.output is None:
        return None
    try:
        return final.output.evaluate(live.scope)
    except NbflowError as error:
        live.fail(error)
        return None


def _is_done(live: Live, state: State) -> bool:
    """A compound state is done when a final child is active, a parallel one when all its regions are."""
    states = live.chart.states
    if state.kind == "compound":
        return any(states[child].kind == "final" and child in live.configuration for child in state.children)
    return state.kind == "parallel" and all(_is_done(live, states[child]) for child in state.children)


def _end(live: Live, final: State | None) -> None:
    """The machine is over. Its states stay visible, but all are told that they are left."""
    live.phase = DONE
    if final is not None and final.output is not None:
        live.output = _output(live, final)
    for number in reversed(live.configuration):
        state = live.chart.states[number]
        for block in state.exit:
            perform(live, block)
        _put_away(live, state)
    if final is None or final.output is None:
        live.output = live.context
    for event in live.internal:
        _unheard(live, event)
    live.timers = []
    live.internal.clear()
    live.to_invoke.clear()


def _invoke(live: Live) -> None:
    for number in sorted(live.to_invoke):
        state = live.chart.states[number]
        for work in state.invokes:
            live.begin_work(work, state.id)
    live.to_invoke.clear()
