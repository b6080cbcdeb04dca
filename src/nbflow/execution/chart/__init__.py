"""A statechart's pure step: chart and snapshot and event in, snapshot and effects out (W3C SCXML, appendix D).

No clock, no ids, no world: `now` is an argument, and what shall be done is said as data. The effects are mappings:

- ``{"do": "start", "id", "number", "work", "roots"}``: begin the chart's `works[work]`, its `number`-th time, with
  `roots` for its expressions; its end comes back as the event ``done.ID`` or ``error.ID`` with `invoke` and `number`;
- ``{"do": "stop", "id", "number"}``: end it;
- ``{"do": "emit", "event": {"name", "data", "key"?, "to"?, "id"?}}``: an event to the bus, `to` the parent or a work;
- ``{"do": "warn", "event"}``: an `error.*` event that no transition heard;
- ``{"do": "done", "output"}``: the machine is over and nothing it began runs any more.

Timers are no effects: `due` says when a step without event has something to do.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from nbflow.errors import NbflowError
from nbflow.execution.chart.interpreter import enter_first, settle, take
from nbflow.execution.chart.live import DONE, RUNNING, Event, Live, Snapshot, invocation
from nbflow.spec.chart import Chart

__all__ = ["Step", "begin", "due", "finished", "invocation", "step"]

_NOTHING: Mapping[str, Any] = {}


@dataclass(frozen=True, slots=True)
class Step:
    """What follows. `event` is what was heard (a timer's too); `ignored`: nothing was about it, or it came too late."""

    snapshot: Snapshot
    effects: tuple[dict[str, Any], ...] = ()
    event: Event | None = None
    ignored: bool = False


def begin(
    chart: Chart, given: Mapping[str, Any] = _NOTHING, now: float = 0.0, scope: Mapping[str, Any] = _NOTHING
) -> Step:
    """The machine enters its first states. `given` are values of the context from outside; `scope` are further roots.

    Raises `NodeError` with code ``machine.livelock`` when it never comes to rest.
    """
    first: Snapshot = {
        "phase": RUNNING, "configuration": [], "context": {}, "history": {}, "timers": [], "invocations": {},
        "started": {}, "numbers": 0,
    }  # fmt: skip
    live = Live(chart, first, now, scope)
    _first_context(live, given)
    enter_first(live)
    settle(live)
    return _stepped(live, None, ignored=False)


def step(
    chart: Chart, snapshot: Snapshot, event: Event | None, now: float, scope: Mapping[str, Any] = _NOTHING
) -> Step:
    """One event from outside and all that follows from it; without event, the timer that is due first.

    An event is ``{"name", "data"}``; of a work it has `invoke` and `number` as the effect that started it. What is
    late (an invocation that was ended, a machine that is over, a timer that is not due) is ignored.
    Raises `NodeError` with code ``machine.livelock`` when the machine never comes to rest: the step did not happen.
    """
    live = Live(chart, snapshot, now, scope)
    if event is None:
        return _tick(live)
    if not _is_current(live, event):
        return Step(snapshot, event=event, ignored=True)
    return _heard(live, event)


def due(snapshot: Snapshot) -> float | None:
    """When the next timer is due, in seconds; None when there is none."""
    return min((timer["due"] for timer in snapshot["timers"]), default=None)


def finished(snapshot: Snapshot) -> bool:
    """Whether the machine is over and nothing it began runs any more."""
    return snapshot["phase"] == DONE and not snapshot["invocations"]


def _first_context(live: Live, given: Mapping[str, Any]) -> None:
    for name, value in live.chart.context:
        if name in given:
            continue
        try:
            live.assign([((name,), value.evaluate(live.scope))])
        except NbflowError as error:
            live.assign([((name,), None)])
            live.fail(error)
    if given:
        live.assign([((name,), value) for name, value in given.items()])


def _heard(live: Live, event: Event) -> Step:
    event = event if "type" in event else {**event, "type": "external"}
    work = _from_work(live, event)
    if live.phase == DONE:
        return _stepped(live, event, ignored=True)
    heard = take(live, event, work)
    settle(live)
    return _stepped(live, event, ignored=not heard)


def _tick(live: Live) -> Step:
    timer = min(live.timers, key=lambda timer: (timer["due"], timer["number"]), default=None)
    if timer is None or timer["due"] > live.now or live.phase == DONE:
        return Step(live.plain(), ignored=True)
    live.timers = [other for other in live.timers if other is not timer]
    if not timer.get("emit"):
        return _heard(live, timer["event"])
    live.effects.append({"do": "emit", "event": timer["event"]})
    return _stepped(live, timer["event"], ignored=False)


def _is_current(live: Live, event: Event) -> bool:
    """News of a work that was ended, or is over, are old."""
    if event.get("invoke") is None:
        return live.phase != DONE
    return invocation(event["invoke"], event.get("number", 0)) in live.invocations


def _from_work(live: Live, event: Event) -> int | None:
    """Which work speaks, if one does. Its end takes it out of the running."""
    id = event.get("invoke")
    if id is None:
        return None
    key = invocation(id, event.get("number", 0))
    work: int = live.invocations[key]["work"]
    if event["name"] in (f"done.{id}", f"error.{id}"):
        live.invocations = {name: each for name, each in live.invocations.items() if name != key}
    return work


def _stepped(live: Live, event: Event | None, *, ignored: bool) -> Step:
    if live.phase == DONE and not live.invocations:
        live.effects.append({"do": "done", "output": live.output})
    return Step(live.plain(), tuple(live.effects), event, ignored)
