"""Executable content: what a block of actions does to the machine and asks of the world.

An action that fails puts `error.execution` into the internal queue and ends its block, and no other block.
"""

from __future__ import annotations

from typing import Any, assert_never

from nbflow.errors import NbflowError
from nbflow.execution.chart.live import ActionError, Live
from nbflow.spec import chart as c
from nbflow.spec.durations import parse_duration
from nbflow.spec.expressions import Value
from nbflow.spec.names import wrong_signal


def perform(live: Live, block: c.Block) -> None:
    """The actions of one block, in order."""
    try:
        for action in block:
            _act(live, action)
    except NbflowError as error:
        live.fail(error)
        live.sending = None


def _act(live: Live, action: c.Action) -> None:
    match action:
        case c.Assign():
            live.assign([(path, value.evaluate(live.scope)) for path, value in action.values])
        case c.Raise():
            _raise(live, action)
        case c.Emit():
            _emit(live, action)
        case c.Cancel():
            _cancel(live, action)
        case c.Run():
            live.begin_work(action.work, None)
        case c.When():
            _when(live, action)
        case c.Each():
            _each(live, action)
        case _:
            assert_never(action)


def _raise(live: Live, action: c.Raise) -> None:
    id = live.sending = _id(live, action.id)
    event = {"name": _name(live, action.event), "data": live.value(action.payload), "type": "internal"}
    if id is not None:
        event["id"] = id
    if action.delay is None:
        live.internal.append(event)
    else:
        live.set_timer(_seconds(live, action.delay), {**event, "type": "external"}, id=id)
    live.sending = None


def _emit(live: Live, action: c.Emit) -> None:
    id = live.sending = _id(live, action.id)
    event = {"name": _name(live, action.event), "data": live.value(action.payload), "type": "external"}
    facts = {"key": live.value(action.key), "to": live.value(action.to), "id": id}
    event.update((name, fact) for name, fact in facts.items() if fact is not None)
    if action.delay is None:
        live.effects.append({"do": "emit", "event": event})
    else:
        live.set_timer(_seconds(live, action.delay), event, id=id, emit=True)
    live.sending = None


def _cancel(live: Live, action: c.Cancel) -> None:
    id = live.value(action.id)
    live.drop_timers("id", id)
    live.end_works("id", id, state=False)


def _when(live: Live, action: c.When) -> None:
    for condition, block in action.branches:
        if condition is None or condition.evaluate(live.scope):
            for inner in block:
                _act(live, inner)
            return


def _each(live: Live, action: c.Each) -> None:
    items = action.items.evaluate(live.scope)
    if not isinstance(items, list):
        raise ActionError(f"'{action.items.text}' gives no list to go through")
    outside = {root: live.scope[root] for root in ("item", "index") if root in live.scope}
    for index, item in enumerate(items):
        live.scope["item"], live.scope["index"] = item, index
        for inner in action.actions:
            _act(live, inner)
    live.scope.pop("item", None)
    live.scope.pop("index", None)
    live.scope.update(outside)


def _name(live: Live, name: str | Value) -> str:
    if isinstance(name, str):
        return name
    found = name.evaluate(live.scope)
    if (why := wrong_signal(found)) is not None:
        raise ActionError(why)
    return str(found)


def _id(live: Live, id: str | Value | None) -> str | None:
    found = live.value(id)
    if found is not None and not isinstance(found, str):
        raise ActionError(f"an id is text, not {found!r}")
    return found


def _seconds(live: Live, delay: float | Value) -> float:
    if not isinstance(delay, Value):
        return delay
    found: Any = delay.evaluate(live.scope)
    if not isinstance(found, str):
        raise ActionError(f"a delay is a duration as '20s', not {found!r}")
    try:
        return parse_duration(found)
    except ValueError as error:
        raise ActionError(f"a delay is a duration as '20s', not {found!r}") from error
