"""Folding facts into the state. No policy lives here: an old journal must always fold.

Each function establishes one fact. A record costs the edges it touches; only `ExecutionRecovered`,
`ExecutionSuspended` and `ExecutionEnding` look at more than what they name.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from nbflow.errors import InvariantBroken
from nbflow.execution import events as e
from nbflow.execution.hearing import begun, unheard
from nbflow.execution.state import SETTLED, Ended, ExecutionState, Frame, NodeState
from nbflow.execution.usage import tokens_of
from nbflow.plan.plan import Body, Branches, ForEach, Loop, Machine, Plan

WORK = " work"  # in the roots of a frame: which of a machine's works it is; no name of the language


def fold(plan: Plan, records: Iterable[e.Record]) -> ExecutionState:
    """The state after these records, from nothing."""
    state = ExecutionState(plan)
    for record in records:
        evolve(state, record)
    return state


def evolve(state: ExecutionState, record: e.Record) -> None:
    """Fold one record in place. Raises `InvariantBroken` when it is not the next one."""
    if record.sequence != state.sequence + 1:
        raise InvariantBroken(f"record {record.sequence} cannot follow record {state.sequence}")
    state.sequence = record.sequence
    _ESTABLISH[type(record.event)](state, record.event, record.at)


# --- the execution ---------------------------------------------------------------------------------------


def _execution_started(state: ExecutionState, event: e.ExecutionStarted, at: float) -> None:
    state.phase, state.started = "running", at
    state.workflow, state.version, state.hash = event.workflow, event.version, event.hash
    state.inputs, state.labels, state.origin, state.mock = event.inputs, event.labels, event.origin, event.mock
    state.sources, state.effects, state.stand_ins = event.sources, event.effects, event.stand_ins
    state.concealed = event.concealed
    state.frames[""] = Frame("", state.plan.body, None, {}, cleanup=False)
    _activate(state, event.activated)


def _execution_edited(state: ExecutionState, event: e.ExecutionEdited, at: float) -> None:
    state.inputs = event.inputs


def _execution_paused(state: ExecutionState, event: e.ExecutionPaused, at: float) -> None:
    state.paused, state.phase = True, "paused"


def _execution_resumed(state: ExecutionState, event: e.ExecutionResumed, at: float) -> None:
    state.paused, state.phase = False, "running"


def _execution_suspended(state: ExecutionState, event: e.ExecutionSuspended, at: float) -> None:
    state.suspended, state.phase = True, "suspended"
    _unanswer(state, event.in_doubt)


def _execution_recovered(state: ExecutionState, event: e.ExecutionRecovered, at: float) -> None:
    state.suspended = False
    state.phase = "paused" if state.paused else "running"
    _unanswer(state, event.in_doubt)


def _unanswer(state: ExecutionState, in_doubt: e.Paths) -> None:
    """Attempts in flight will never be answered: their nodes stand where they stood before, or are in doubt."""
    for node in state.running.values():
        node.phase = "scheduled"
    for path in in_doubt:
        state.nodes[path].phase, state.nodes[path].reason = "waiting", "in_doubt"
    state.running.clear()


def _execution_ending(state: ExecutionState, event: e.ExecutionEnding, at: float) -> None:
    state.ending, state.error = event.phase, event.error
    for path in event.cancelled:
        node = state.nodes[path]
        node.phase, node.reason, node.ended = "cancelled", f"the execution {_ENDS[event.phase]}", at
        node.settled = state.sequence
        state.running.pop(path, None)
    for frame in state.frames.values():
        frame.closed = frame.closed or not frame.cleanup


_ENDS = {"failed": "failed", "cancelled": "was cancelled"}


def _execution_completed(state: ExecutionState, event: e.ExecutionCompleted, at: float) -> None:
    state.phase, state.outputs, state.ended = "completed", event.outputs, at


def _execution_failed(state: ExecutionState, event: e.ExecutionFailed, at: float) -> None:
    state.phase, state.error, state.ended = "failed", event.error, at


def _execution_cancelled(state: ExecutionState, event: e.ExecutionCancelled, at: float) -> None:
    state.phase, state.ended = "cancelled", at


def _signal_received(state: ExecutionState, event: e.SignalReceived, at: float) -> None:
    state.signals.append(event)
    if event.origin is not None:
        sender, _, sequence = event.origin.rpartition("/")
        state.relayed[sender] = int(sequence)


# --- nodes -----------------------------------------------------------------------------------------------


def _activate(state: ExecutionState, paths: Iterable[str]) -> None:
    for path in paths:
        frame, index = locate(state, path)
        frame.decided[index] = 1
        node = NodeState(path, frame.body.nodes[index], frame)
        frame.nodes[index] = state.nodes[path] = node


def locate(state: ExecutionState, path: str) -> tuple[Frame, int]:
    """The frame and index of a path, whether it was activated or not. Raises KeyError when there is none."""
    frame = state.frames[""]
    index = frame.body.index.get(path)
    if index is None:
        above, _, id = path.rpartition(".")
        frame = state.frames[above]
        index = frame.body.index[id]
    return frame, index


def _settle(
    state: ExecutionState, node: NodeState, phase: str, at: float, alive: bool, chosen: tuple[str, ...] = ()
) -> None:
    node.phase, node.ended, node.settled, node.until = phase, at, state.sequence, None
    if node.opened is not None:
        _give_up(state, node)
    state.running.pop(node.path, None)
    frame = node.frame
    frame.open -= 1
    nodes = frame.body.nodes
    for edge in node.node.out:
        target = edge.target
        if not edge.activating:
            frame.delaying[target] -= 1
            continue
        frame.waiting[target] -= 1
        if nodes[target].id in chosen if edge.gate else alive:
            frame.live[target] += 1


def _give_up(state: ExecutionState, owner: NodeState) -> None:
    for path in owner.opened or ():
        frame = state.frames[path]
        frame.closed = True
        for node in frame.nodes:
            if node is not None and node.opened is not None:
                _give_up(state, node)


def _decided(state: ExecutionState, path: str) -> NodeState:
    """The node of a path, made if it never was activated."""
    node = state.nodes.get(path)
    if node is None:
        _activate(state, (path,))
        node = state.nodes[path]
    return node


def _skip(state: ExecutionState, path: str, reason: str, at: float) -> None:
    node = _decided(state, path)
    node.reason = reason
    _settle(state, node, "skipped", at, alive=False)


def _spread(state: ExecutionState, activated: e.Paths, skipped: e.Skips, at: float) -> None:
    for path, reason in skipped:
        _skip(state, path, reason, at)
    if activated:
        _activate(state, activated)


def _node_skipped(state: ExecutionState, event: e.NodeSkipped, at: float) -> None:
    _skip(state, event.node, event.reason, at)
    _spread(state, event.activated, event.skipped, at)


def _node_started(state: ExecutionState, event: e.NodeStarted, at: float) -> None:
    node = state.nodes[event.node]
    node.phase, node.attempt, node.inputs, node.effects = "running", event.attempt, event.inputs, event.effects
    node.reason = node.until = node.error = None
    if node.started is None:
        node.started = at
    state.running[event.node] = node


def _node_completed(state: ExecutionState, event: e.NodeCompleted, at: float) -> None:
    node = state.nodes[event.node]
    node.output, node.attempt, node.taken, node.reason = event.output, event.attempt, event.taken, None
    node.error = None
    for name in unheard(state, node) if node.snapshot is not None else ():
        _not_heard(node, name)
    if event.inputs is not None:
        node.inputs = event.inputs
    if node.started is None:
        node.started = at
    _settle(state, node, "completed", at, True, event.chosen or ())
    for path in event.cancelled:
        loser = _decided(state, path)
        loser.reason = "lost the race"
        _settle(state, loser, "cancelled", at, alive=False)
    _spread(state, event.activated, event.skipped, at)


def _attempt_failed(state: ExecutionState, event: e.AttemptFailed, at: float) -> None:
    node = state.nodes[event.node]
    node.phase, node.reason, node.until, node.error = "waiting", "retry", event.retry_at, event.error
    node.failures += 1
    node.attempt = event.attempt
    if node.opened is not None:
        _give_up(state, node)
        node.opened, node.open, node.broken = None, 0, 0
    state.running.pop(event.node, None)


def _node_failed(state: ExecutionState, event: e.NodeFailed, at: float) -> None:
    node = state.nodes[event.node]
    node.error, node.handled, node.attempt, node.output = event.error, event.handled, event.attempt, event.output
    node.failures += 1
    alive = event.handled in ("continue", "value")
    _settle(state, node, "completed" if alive else "failed", at, alive, event.chosen or ())
    _spread(state, event.activated, event.skipped, at)


def _node_cancelled(state: ExecutionState, event: e.NodeCancelled, at: float) -> None:
    node = state.nodes[event.node]
    node.reason = event.reason
    _settle(state, node, "cancelled", at, alive=False)
    _spread(state, event.activated, event.skipped, at)


def _node_waiting(state: ExecutionState, event: e.NodeWaiting, at: float) -> None:
    node = state.nodes[event.node]
    node.phase, node.reason, node.until, node.detail = "waiting", event.reason, event.until, event.detail
    node.attempt = event.attempt
    if node.started is None:
        node.started = at
    state.running.pop(event.node, None)


def _node_edited(state: ExecutionState, event: e.NodeEdited, at: float) -> None:
    node = state.nodes[event.node]
    match event.what:
        case "output":
            node.output, node.taken = event.output, {**(node.taken or {}), "edited": event.by or "person"}
        case "context":
            node.snapshot = {**(node.snapshot or {}), "context": event.context}
        case _:
            node.inputs = event.inputs


def _call_recorded(state: ExecutionState, event: e.CallRecorded, at: float) -> None:
    node = state.nodes[event.node]
    if node.calls is None:
        node.calls = []
    node.calls.append(event)
    if event.kind == "answer" and node.phase == "waiting":
        node.reason = "answered"
    if event.usage:
        usage = state.usage
        usage["tokens"] = usage.get("tokens", 0) + tokens_of(event.usage)
        usage["usd"] = usage.get("usd", 0.0) + event.usage.get("usd", 0.0)


def _transitioned(state: ExecutionState, event: e.Transitioned, at: float) -> None:
    node = state.nodes[event.node]
    node.snapshot, node.heard, node.transition = event.snapshot, event.heard, event.effects
    node.signals_before = len(state.signals)
    if event.ignored and event.event is not None:
        _not_heard(node, str(event.event["name"]))
    for effect in event.effects:
        if effect["do"] == "warn" and effect["event"] != event.event:
            _not_heard(node, str(effect["event"]["name"]))
    if node.opened is None:
        node.opened = {}


def _not_heard(node: NodeState, name: str) -> None:
    if node.unheard is None:
        node.unheard = {}
    node.unheard[name] = node.unheard.get(name, 0) + 1


# --- bodies ----------------------------------------------------------------------------------------------


def _node_expanded(state: ExecutionState, event: e.NodeExpanded, at: float) -> None:
    owner = state.nodes[event.node] if event.node else None
    if owner is not None and event.inputs is not None:
        owner.inputs, owner.total = event.inputs, event.total
        owner.opened, owner.open, owner.broken = {}, 0, 0
        owner.phase, owner.attempt = "running", owner.attempt + 1
        owner.reason = owner.until = None
        if owner.started is None:
            owner.started = at
    for path, roots in event.frames:
        body, cleanup = body_of(state.plan, owner, path, roots)
        if cleanup:
            state.undone.add(event.node)
        elif owner is not None and owner.opened is not None:
            owner.opened[path] = None
            owner.open += 1
            roots = _item_roots(owner, roots)
        frame = state.frames[path] = Frame(path, body, owner, roots, cleanup)
        if owner is not None and WORK in roots:
            frame.begun = begun(state, owner, path)
    _activate(state, event.activated)


def _item_roots(owner: NodeState, roots: dict[str, Any]) -> dict[str, Any]:
    if isinstance(owner.node.work, ForEach):
        return {**roots, "item": owner.inputs["items"][roots["index"]]}
    return roots


def body_of(plan: Plan, owner: NodeState | None, path: str, roots: Mapping[str, Any]) -> tuple[Body, bool]:
    """The body of a frame path, and whether it belongs to the cleaning up."""
    if owner is None:
        body = plan.on_error
        cleanup = True
    elif path == f"{owner.path}.compensate":
        body, cleanup = owner.node.compensate, True
    else:
        work, cleanup = owner.node.work, False
        if isinstance(work, Loop | ForEach):
            body = work.body
        elif isinstance(work, Branches):
            body = dict(work.bodies)[path.rpartition(".")[2]]
        elif isinstance(work, Machine):
            body = work.works[roots[WORK]]
        else:
            body = None
    if body is None:
        raise InvariantBroken(f"there is no body for {path}")
    return body, cleanup


def _body_ended(state: ExecutionState, event: e.BodyEnded, at: float) -> None:
    frame = state.frames[event.frame]
    frame.closed = True
    owner = frame.owner
    if owner is None or frame.cleanup or owner.opened is None:
        return
    owner.opened[event.frame] = Ended(event.output, event.error, event.outputs)
    owner.open -= 1
    owner.broken += event.error is not None


_ESTABLISH: dict[type, Callable[[ExecutionState, Any, float], None]] = {
    e.ExecutionStarted: _execution_started,
    e.ExecutionEdited: _execution_edited,
    e.ExecutionPaused: _execution_paused,
    e.ExecutionResumed: _execution_resumed,
    e.ExecutionSuspended: _execution_suspended,
    e.ExecutionRecovered: _execution_recovered,
    e.ExecutionEnding: _execution_ending,
    e.ExecutionCompleted: _execution_completed,
    e.ExecutionFailed: _execution_failed,
    e.ExecutionCancelled: _execution_cancelled,
    e.SignalReceived: _signal_received,
    e.NodeSkipped: _node_skipped,
    e.NodeStarted: _node_started,
    e.NodeCompleted: _node_completed,
    e.AttemptFailed: _attempt_failed,
    e.NodeFailed: _node_failed,
    e.NodeCancelled: _node_cancelled,
    e.NodeWaiting: _node_waiting,
    e.NodeEdited: _node_edited,
    e.CallRecorded: _call_recorded,
    e.Transitioned: _transitioned,
    e.NodeExpanded: _node_expanded,
    e.BodyEnded: _body_ended,
}


def settled(node: NodeState | None) -> bool:
    return node is not None and node.phase in SETTLED
