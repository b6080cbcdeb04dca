"""The one door: an outcome comes in, facts are decided and folded, and what they ask of the world goes out."""

from __future__ import annotations

from nbflow.execution import effects as f
from nbflow.execution import events as e
from nbflow.execution.bodies import forgotten
from nbflow.execution.decide import decide
from nbflow.execution.evolve import evolve
from nbflow.execution.outcomes import Outcome
from nbflow.execution.state import ExecutionState, Frame, NodeState

PERSON = ("in_doubt", "approval", "effect")  # waits that only a person's word ends
TIMED = ("ask", "listen", "wait", "machine")  # waits of a node's own, which its timeout and deadline end


def advance(state: ExecutionState, outcome: Outcome, at: float) -> tuple[list[e.Record], list[f.Effect]]:
    """Decide, fold and say what is to be done. The state changes in place; the records are new and in order."""
    records: list[e.Record] = []
    effects: list[f.Effect] = []
    for fact in decide(state, outcome, at):
        record = e.Record(state.sequence + 1, at, fact)
        evolve(state, record)
        records.append(record)
        _effects(state, record, effects)
    return records, effects


def _effects(state: ExecutionState, record: e.Record, effects: list[f.Effect]) -> None:  # noqa: C901 - one flat match
    event = record.event
    match event:
        case e.NodeStarted():
            effects.append(f.Run(event.node, event.attempt, record.sequence))
        case e.NodeCompleted():
            effects.extend(f.Stop(path) for path in event.cancelled)
            _spread(state, event, effects)
        case e.NodeFailed():
            if event.handled:
                _spread(state, event, effects)
        case e.NodeSkipped():
            _spread(state, event, effects)
        case e.NodeCancelled():
            effects.append(f.Stop(event.node))
            _spread(state, event, effects)
        case e.AttemptFailed():
            effects.append(f.Wake(event.node, event.retry_at))
        case e.NodeWaiting():
            if event.reason not in PERSON:
                effects.append(f.Hear(event.node))
            _limit(state.nodes[event.node], effects)
        case e.ExecutionPaused():
            effects.append(f.Hold())
        case e.ExecutionResumed():
            effects.append(f.Release())
        case e.ExecutionStarted():
            effects.extend(map(f.Activate, event.activated))
            _close(state, state.root, effects)
        case e.NodeExpanded():
            effects.extend(map(f.Activate, event.activated))
            if event.inputs is not None:
                _limit(state.nodes[event.node], effects)
            for path, _ in event.frames:
                _close(state, state.frames[path], effects)
        case e.BodyEnded():
            frame = state.frames[event.frame]
            if frame.cleanup:
                effects.append(f.Undo())
            elif frame.owner is not None and frame.owner.snapshot is not None:
                effects.append(f.Hear(event.node))
        case e.ExecutionEnding():
            effects.extend(map(f.Stop, event.cancelled))
            effects.append(f.Undo())
        case e.ExecutionSuspended():
            effects.extend(f.Stop(path) for path in state.nodes)
        case e.ExecutionRecovered():
            if state.paused and state.ending != "cancelled":
                effects.append(f.Hold())
            effects.extend(outstanding(state))
        case e.SignalReceived():
            effects.append(f.Deliver(len(state.signals) - 1))
        case e.Transitioned():
            effects.append(f.Step(event.node))
        case _:
            pass


def _spread(
    state: ExecutionState,
    event: e.NodeCompleted | e.NodeFailed | e.NodeSkipped | e.NodeCancelled,
    effects: list[f.Effect],
) -> None:
    if event.activated:
        effects.extend(map(f.Activate, event.activated))
    frame = state.nodes[event.node].frame
    if not frame.open:
        _close(state, frame, effects)


def _limit(node: NodeState, effects: list[f.Effect]) -> None:
    """What an attempt may take is watched by its performer; waiting and bodies are watched here."""
    limited = node.node.policies.timeout is not None or node.node.policies.deadline is not None
    if limited and (node.opened is not None or (node.phase == "waiting" and node.reason in TIMED)):
        effects.append(f.Limit(node.path))


def _close(state: ExecutionState, frame: Frame, effects: list[f.Effect]) -> None:
    if frame.open or frame.closed:
        return
    effects.append(f.CloseFrame(frame.path) if frame.path else f.Finish())


def outstanding(state: ExecutionState) -> list[f.Effect]:
    """Every effect that no fact has answered yet. It looks at every node: for recovery only."""
    if state.suspended or state.phase in ("pending", "completed", "failed", "cancelled"):
        return []
    effects: list[f.Effect] = []
    for node in state.nodes.values():
        if not node.frame.closed:
            effects += _unanswered(state, node)
            if node.phase in ("running", "waiting"):
                _limit(node, effects)
    for frame in state.frames.values():
        _close(state, frame, effects)
        if frame.closed and forgotten(frame):
            effects.append(f.CloseFrame(frame.path))
    if state.ending:  # what was stopped may have left something behind, as a child execution
        effects.extend(f.Stop(node.path) for node in state.nodes.values() if node.phase == "cancelled")
        effects.append(f.Undo())
    return effects


def _unanswered(state: ExecutionState, node: NodeState) -> list[f.Effect]:
    match node.phase, node.reason:
        case ("scheduled", _) | ("waiting", "answered"):
            return [f.Activate(node.path)]
        case "running", _ if node.opened is None:
            return [f.Run(node.path, node.attempt, state.sequence)]
        case "waiting", "retry" if node.until is not None:
            return [f.Wake(node.path, node.until)]
        case "waiting", reason if reason not in PERSON:
            return [f.Hear(node.path)]
        case _:
            return []
