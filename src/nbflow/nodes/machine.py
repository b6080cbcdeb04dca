"""`machine:`: a statechart that steps with every event; its snapshot is part of the recorded state.

What its states run are bodies of one node; their ends come back as events. `following` says what the machine has
to do next, from its recorded state alone, so that it goes on after a crash as if nothing had been.
"""

from __future__ import annotations

from typing import Any

from nbflow.execution import chart
from nbflow.execution.hearing import first, hears
from nbflow.execution.outcomes import BodyDone, Moved, Outcome, Waits
from nbflow.execution.state import ExecutionState, Frame, NodeState
from nbflow.plan.plan import Machine
from nbflow.ports.executors import Scope


class MachineKind:
    def activate(self, node: NodeState, scope: Scope, now: float) -> Outcome:
        return Waits(node.path, 0, "machine")

    def close(self, frame: Frame, scope: Scope) -> BodyDone:
        outputs = frame.outputs()
        return BodyDone(frame.path, next(iter(outputs.values()), None), outputs)

    def following(self, state: ExecutionState, node: NodeState, scope: Scope, now: float) -> Moved | None:
        """The next macrostep: the first, of a work that ended, a signal not heard yet, a timer that is due; or None."""
        snapshot = node.snapshot
        if snapshot is None:
            return _begun(node, scope, now)
        if chart.finished(snapshot):
            return None
        event, heard = _ended_work(node, snapshot), node.heard
        if event is None or _has_said(state, node, event):
            event, heard = _next_signal(state, node)
        if event is not None:
            step = chart.step(_work(node).chart, snapshot, event, now, scope)
        else:
            due = chart.due(snapshot)
            if due is None or due > now:
                return None
            step = chart.step(_work(node).chart, snapshot, None, now, scope)
        return Moved(node.path, step.event or event, step.snapshot, step.effects, step.ignored, heard)

    def due(self, node: NodeState) -> float | None:
        """When its next timer is due."""
        return chart.due(node.snapshot) if node.snapshot is not None else None


def _begun(node: NodeState, scope: Scope, now: float) -> Moved:
    work = _work(node)
    given = work.arguments.evaluate(scope) if work.arguments is not None else {}
    step = chart.begin(work.chart, given, now, scope)
    return Moved(node.path, None, step.snapshot, step.effects)


def _next_signal(state: ExecutionState, node: NodeState) -> tuple[dict[str, Any] | None, int]:
    """The next signal that is for this machine, which does not hear itself; and how many it has then heard."""
    for heard in range(first(node), len(state.signals)):
        signal = state.signals[heard]
        if not hears(node, heard, signal):
            continue
        event: dict[str, Any] = {"name": signal.name, "data": signal.value}
        if signal.key is not None:
            event["key"] = signal.key
        event.update(_sender(node, signal.node))
        return event, heard + 1
    return None, node.heard


def _has_said(state: ExecutionState, node: NodeState, end: dict[str, Any]) -> bool:
    """Whether a work that ended has said something before that was not heard yet."""
    place = f"{node.path}.{chart.invocation(end['invoke'], end['number'])}."
    return any(
        signal.node is not None and signal.node.startswith(place) and signal.is_for(node.path)
        for signal in state.signals[node.heard :]
    )


def _sender(node: NodeState, path: str | None) -> dict[str, Any]:
    """The work that says it, when it is one of this machine's own."""
    if path is None or not path.startswith(f"{node.path}."):
        return {}
    work = (node.snapshot or {}).get("invocations", {}).get(path[len(node.path) + 1 :].partition(".")[0])
    return {} if work is None else {"invoke": work["id"], "number": work["number"]}


def _work(node: NodeState) -> Machine:
    assert isinstance(node.node.work, Machine)
    return node.node.work


def _ended_work(node: NodeState, snapshot: dict[str, Any]) -> dict[str, Any] | None:
    """The end of a work that the machine was not told of yet."""
    for path, ended in (node.opened or {}).items():
        if ended is None:
            continue
        running = snapshot["invocations"].get(path[len(node.path) + 1 :])
        if running is None:
            continue
        id = running["id"]
        name, data = (f"done.{id}", ended.output) if ended.error is None else (f"error.{id}", ended.error)
        return {"name": name, "data": data, "invoke": id, "number": running["number"]}
    return None
