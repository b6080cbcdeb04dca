"""What follows when a statechart moved: its works begin and end, its events go out, it may be over."""

from __future__ import annotations

from typing import Any

from nbflow.execution import chart
from nbflow.execution import events as e
from nbflow.execution import outcomes as o
from nbflow.execution.bodies import completed, roots_of
from nbflow.execution.evolve import WORK
from nbflow.execution.failures import give_up
from nbflow.execution.state import ExecutionState, NodeState
from nbflow.plan.plan import Machine


def moved(state: ExecutionState, outcome: o.Moved) -> list[e.Event]:
    """The transition, and what its effects come to, in order."""
    node = state.nodes[outcome.path]
    facts: list[e.Event] = [
        e.Transitioned(outcome.path, outcome.event, outcome.snapshot, outcome.effects, outcome.ignored, outcome.heard)
    ]
    for effect in outcome.effects:
        facts += _effect(state, node, effect, outcome.snapshot)
    return facts


def _effect(
    state: ExecutionState, node: NodeState, effect: dict[str, Any], snapshot: dict[str, Any] | None
) -> list[e.Event]:
    match effect["do"]:
        case "start":
            return [_start(state, node, effect)]
        case "stop":
            frame = state.frames.get(_path(node, effect))
            if frame is None or frame.closed:
                return []
            error = {"kind": "Cancelled", "message": "its state was left", "node": frame.path, "attempt": 0}
            return [*give_up(state, frame, why="its state was left"), e.BodyEnded(node.path, frame.path, None, error)]
        case "emit":
            return [_emitted(state, node, effect["event"], snapshot)]
        case "done":
            return [completed(node, effect["output"])]
        case _:
            return []


def _emitted(
    state: ExecutionState, node: NodeState, event: dict[str, Any], snapshot: dict[str, Any] | None
) -> e.SignalReceived:
    """An event for all that listen in this execution, or `to` one: the parent of a machine, or a work by its name.

    A machine that no machine runs here has the parent of its execution as its own.
    """
    to = event.get("to")
    if to is None:
        return e.SignalReceived(event["name"], event.get("data"), node.path, event.get("key"))
    owner = node.frame.owner
    if to == "parent" and owner is not None and isinstance(owner.node.work, Machine):
        return e.SignalReceived(event["name"], event.get("data"), node.path, event.get("key"), owner.path)
    if to == "parent" and owner is None and (state.origin or {}).get("parent"):
        return e.SignalReceived(event["name"], event.get("data"), node.path, event.get("key"), e.PARENT)
    works = [key for key, work in (snapshot or {}).get("invocations", {}).items() if work["id"] == to]
    if works:
        below = f"{node.path}.{works[-1]}.*"
        return e.SignalReceived(event["name"], event.get("data"), node.path, event.get("key"), below)
    return e.SignalReceived("error.communication", {"event": event["name"], "to": to}, None, None, node.path)


def _path(node: NodeState, effect: dict[str, Any]) -> str:
    return f"{node.path}.{chart.invocation(effect['id'], effect['number'])}"


def _start(state: ExecutionState, node: NodeState, effect: dict[str, Any]) -> e.NodeExpanded:
    frames = ((_path(node, effect), {**effect["roots"], WORK: effect["work"]}),)
    return e.NodeExpanded(node.path, frames, roots_of(state, node, frames))


def unfinished(state: ExecutionState, node: NodeState) -> list[e.Event]:
    """What the last transition asked for and the journal does not have."""
    last = node.transition
    if last is None:
        return []
    facts: list[e.Event] = []
    sent = sum(_is_from(node, signal) for signal in state.signals[node.signals_before :])
    for effect in last:
        if effect["do"] == "start" and _path(node, effect) in state.frames:
            continue
        if effect["do"] == "emit" and sent:
            sent -= 1
            continue
        facts += _effect(state, node, effect, node.snapshot)
    return facts


def _is_from(node: NodeState, signal: e.SignalReceived) -> bool:
    """Whether a machine's own move made this signal; one that could not be sent came back to it."""
    return signal.node == node.path or (signal.node is None and signal.to == node.path and signal.origin is None)
