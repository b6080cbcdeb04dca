"""Which facts follow from an outcome. All policy lives here; the state is read, never changed.

Late or repeated news is refused at the door, by the node's phase and attempt: it decides nothing.
"""

from __future__ import annotations

from typing import assert_never

from nbflow.execution import events as e
from nbflow.execution import outcomes as o
from nbflow.execution.bodies import body_done, opened, ready
from nbflow.execution.edits import edited
from nbflow.execution.endings import begin_end, clean_up
from nbflow.execution.failures import body_broken, failed, give_up_bodies
from nbflow.execution.joins import NOTHING, follow, losers
from nbflow.execution.mend import mend
from nbflow.execution.moves import moved
from nbflow.execution.state import ENDED, SETTLED, ExecutionState, NodeState


def decide(state: ExecutionState, outcome: o.Outcome, at: float) -> list[e.Event]:  # noqa: C901 - one flat match  # noqa: C901 - one flat match
    """The facts that follow, in order; none when the outcome is late, repeated or out of place."""
    if state.suspended and not isinstance(outcome, o.Recovered | o.Edited):
        return []
    match outcome:
        case o.Admitted():
            return _admitted(state, outcome)
        case o.Succeeded():
            return _succeeded(state, outcome)
        case o.Failed():
            return _failed(state, outcome, at)
        case o.Declined():
            return _declined(state, outcome)
        case o.Waits():
            return _waits(state, outcome)
        case o.Woken():
            return []
        case o.Opened():
            return opened(state, outcome) if _open(state, outcome.path) else []
        case o.BodyDone():
            return body_done(state, outcome)
        case o.BodyBroken():
            return body_broken(state, outcome, at)
        case o.Begun():
            return _begun(state, outcome)
        case o.Finished():
            return [e.ExecutionCompleted(outcome.outputs)] if _alive(state) else []
        case o.Broken():
            return begin_end(state, "failed", outcome.error) if _alive(state) else []
        case o.CancelWished():
            return begin_end(state, "cancelled", None) if _alive(state) else []
        case o.CleanupWished():
            return clean_up(state)
        case o.PauseWished():
            return [e.ExecutionPaused(outcome.reason)] if state.phase == "running" and not state.ending else []
        case o.ResumeWished():
            return [e.ExecutionResumed(outcome.reason)] if state.phase == "paused" else []
        case o.SuspendWished():
            return [e.ExecutionSuspended(outcome.reason, in_doubt(state))] if _live(state) else []
        case o.Recovered():
            return _recovered(state, outcome, at) if _live(state, suspended=True) else []
        case o.Signalled():
            return _signalled(state, outcome) if _live(state) else []
        case o.Edited():
            return edited(state, outcome)
        case o.Called():
            return _called(state, outcome)
        case o.Moved():
            return moved(state, outcome) if _open(state, outcome.path) else []
        case _:
            assert_never(outcome)


def _alive(state: ExecutionState) -> bool:
    return state.phase not in ENDED and state.phase != "pending" and state.ending is None


def _live(state: ExecutionState, *, suspended: bool = False) -> bool:
    return state.phase not in ENDED and state.phase != "pending" and (suspended or not state.suspended)


def _open(state: ExecutionState, path: str) -> NodeState | None:
    """The node, when it is active and its frame still counts."""
    node = state.nodes.get(path)
    if node is None or node.phase in SETTLED or node.frame.closed or state.suspended or state.phase in ENDED:
        return None
    return node


def _begun(state: ExecutionState, outcome: o.Begun) -> list[e.Event]:
    if state.phase != "pending":
        return []
    plan = state.plan
    roots = tuple(sorted(plan.body.nodes[index].id for index in plan.body.roots))
    return [
        e.ExecutionStarted(
            plan.name,
            plan.version,
            plan.hash,
            plan.source,
            outcome.inputs,
            roots,
            outcome.labels,
            outcome.origin,
            outcome.mock,
            sources=outcome.sources,
            effects=outcome.effects,
            stand_ins=outcome.stand_ins,
            concealed=outcome.concealed,
        )
    ]


def _admitted(state: ExecutionState, outcome: o.Admitted) -> list[e.Event]:
    node = _open(state, outcome.path)
    if node is None or node.phase == "running":
        return []
    return [e.NodeStarted(outcome.path, node.attempt + 1, outcome.inputs, outcome.effects)]


def _succeeded(state: ExecutionState, outcome: o.Succeeded) -> list[e.Event]:
    node = _open(state, outcome.path)
    if node is None or not _expected(node, outcome.attempt):
        return []
    frame = node.frame
    plan = node.node
    if not plan.out:
        activated, skipped = NOTHING
        cancelled: tuple[str, ...] = ()
    else:
        activated, skipped = follow(frame, plan.index, True, outcome.chosen or ())
        cancelled = losers(frame, plan.index, activated) if activated and frame.body.races else ()
    return [
        e.NodeCompleted(
            outcome.path,
            outcome.attempt or node.attempt + 1,
            outcome.output,
            activated,
            skipped,
            outcome.chosen,
            cancelled,
            outcome.inputs,
            outcome.taken,
            outcome.key,
        )
    ]


def _expected(node: NodeState, attempt: int) -> bool:
    """Attempt 0 answers an activation; others answer the attempt that is in flight or waits."""
    if attempt == 0:
        return ready(node)
    answerable = node.phase == "running" or (node.phase == "waiting" and not ready(node))
    return node.attempt == attempt and answerable


def _failed(state: ExecutionState, outcome: o.Failed, at: float) -> list[e.Event]:
    node = _open(state, outcome.path)
    if node is None or not _expected(node, outcome.attempt):
        return []
    if outcome.again:
        return [e.AttemptFailed(node.path, node.attempt, outcome.error, at)]
    stopped = give_up_bodies(state, node)
    return stopped + failed(
        state,
        node,
        outcome.error,
        at,
        over=frozenset(fact.node for fact in stopped),
        value=outcome.value,
        luck=outcome.luck,
        retryable=outcome.retryable,
        retry_after=outcome.retry_after,
    )


def _declined(state: ExecutionState, outcome: o.Declined) -> list[e.Event]:
    node = _open(state, outcome.path)
    if node is None or node.phase == "running":
        return []
    return [e.NodeSkipped(outcome.path, outcome.reason, *follow(node.frame, node.node.index, False))]


def _waits(state: ExecutionState, outcome: o.Waits) -> list[e.Event]:
    node = _open(state, outcome.path)
    if node is None or not _expected(node, outcome.attempt):
        return []
    attempt = outcome.attempt or node.attempt + 1
    return [e.NodeWaiting(outcome.path, attempt, outcome.reason, outcome.until, outcome.detail)]


def _called(state: ExecutionState, outcome: o.Called) -> list[e.Event]:
    node = _open(state, outcome.path)
    if node is None or node.attempt != outcome.attempt:
        return []
    return [
        e.CallRecorded(
            outcome.path,
            outcome.attempt,
            outcome.call,
            outcome.kind,
            outcome.name,
            outcome.request,
            outcome.response,
            outcome.error,
            outcome.seconds,
            outcome.usage,
        )
    ]


def _signalled(state: ExecutionState, outcome: o.Signalled) -> list[e.Event]:
    """What was handed on from another execution is heard once."""
    if outcome.origin is not None:
        sender, _, sequence = outcome.origin.rpartition("/")
        if state.relayed.get(sender, 0) >= int(sequence):
            return []
    return [e.SignalReceived(outcome.name, outcome.value, outcome.node, outcome.key, outcome.to, outcome.origin)]


def _recovered(state: ExecutionState, outcome: o.Recovered, at: float) -> list[e.Event]:
    paused = [e.ExecutionPaused("as before")] if state.paused and not state.ending else []
    doubts = in_doubt(state)
    before = (path for path, node in state.nodes.items() if node.phase == "waiting" and node.reason == "in_doubt")
    waiting = [e.NodeWaiting(path, state.nodes[path].attempt, "in_doubt") for path in (*before, *doubts)]
    return [e.ExecutionRecovered(outcome.owner, doubts), *waiting, *mend(state, at), *paused]


def in_doubt(state: ExecutionState) -> tuple[str, ...]:
    """Attempts that may have had their effect: a person or a policy says what holds."""
    if state.effects == "mock":  # nothing was done that could be in doubt, and nothing will be
        return ()
    return tuple(path for path, node in state.running.items() if node.effects == "once" and not node.frame.closed)
