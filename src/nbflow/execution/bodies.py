"""Loops, parallels and branches: which body opens next and when the node that owns them is done."""

from __future__ import annotations

from typing import Any

from nbflow.execution import events as e
from nbflow.execution import outcomes as o
from nbflow.execution.evolve import body_of
from nbflow.execution.joins import follow
from nbflow.execution.state import ExecutionState, Frame, NodeState
from nbflow.plan.plan import Branches, ForEach, Loop, Machine

Frames = tuple[tuple[str, dict[str, Any]], ...]


def opened(state: ExecutionState, outcome: o.Opened) -> list[e.Event]:
    """The first bodies of a node; one that has none is done at once."""
    node = state.nodes[outcome.path]
    if not ready(node):
        return []
    first = e.NodeExpanded(
        outcome.path, outcome.frames, roots_of(state, node, outcome.frames), outcome.inputs, outcome.total
    )
    return [first]


def ready(node: NodeState) -> bool:
    """Whether the node waits to be answered, opened or admitted: activated, a retry is due, a person has answered."""
    return node.phase == "scheduled" or (node.phase == "waiting" and node.reason in ("retry", "answered"))


def roots_of(state: ExecutionState, owner: NodeState | None, frames: Frames) -> tuple[str, ...]:
    """Paths that are active as soon as these frames are open."""
    paths: list[str] = []
    for path, roots in frames:
        body, _ = body_of(state.plan, owner, path, roots)
        paths += [f"{path}.{id}" for id in sorted(body.nodes[index].id for index in body.roots)]
    return tuple(paths)


def body_done(state: ExecutionState, outcome: o.BodyDone) -> list[e.Event]:
    frame = state.frames.get(outcome.frame)
    if frame is None or (frame.closed and not forgotten(frame)):
        return []
    owner = frame.owner
    ended = e.BodyEnded(owner.path if owner else "", frame.path, outcome.output, None, outcome.outputs)
    if owner is None or frame.cleanup or isinstance(owner.node.work, Machine):
        return [ended]
    if isinstance(owner.node.work, Loop):
        facts: list[e.Event] = [] if frame.closed else [ended]
        if outcome.again:
            return [*facts, e.NodeExpanded(owner.path, outcome.again, roots_of(state, owner, outcome.again))]
        return [*facts, completed(owner, gathered(owner, frame.path, outcome.output))]
    return [ended, *next_bodies(state, owner, frame, outcome.output, None)]


def forgotten(frame: Frame) -> bool:
    """A round that ended, of a loop that was told neither to go on nor to be done: the journal was cut there."""
    owner = frame.owner
    return (
        owner is not None
        and isinstance(owner.node.work, Loop)
        and owner.phase == "running"
        and owner.open == 0
        and not owner.broken
        and not owner.frame.closed
        and next(reversed(owner.opened or {"": None})) == frame.path
    )


def next_bodies(
    state: ExecutionState, owner: NodeState, frame: Frame, output: Any, error: dict[str, Any] | None
) -> list[e.Event]:
    """After a body of a parallel: open the next one, or give the whole when it was the last."""
    if len(owner.opened or ()) < (owner.total or 0):
        return [open_next(state, owner)]
    if owner.open > 1:
        return []
    return [completed(owner, gathered(owner, frame.path, output, error))]


def open_next(state: ExecutionState, owner: NodeState) -> e.NodeExpanded:
    frames = frames_from(owner, len(owner.opened or ()), 1)
    return e.NodeExpanded(owner.path, frames, roots_of(state, owner, frames))


def frames_from(owner: NodeState, first: int, count: int) -> Frames:
    """The frames of items or branches number `first` to `first + count - 1`."""
    work = owner.node.work
    if isinstance(work, Branches):
        return tuple((f"{owner.path}.{name}", {}) for name, _ in work.bodies[first : first + count])
    return tuple((f"{owner.path}[{index}]", {"index": index}) for index in range(first, first + count))


def gathered(owner: NodeState, last: str = "", output: Any = None, error: dict[str, Any] | None = None) -> Any:
    """What the bodies of a node come to: results in the order of the items or rounds, or by branch.

    The one that ends now, `last`, may not be recorded yet. A loop without `collect` gives its last round's.
    """
    work = owner.node.work
    collect = isinstance(work, ForEach | Branches) and work.on_fail == "collect"
    results: dict[str, Any] = {}
    for path, ended in (owner.opened or {}).items():
        if path == last:
            value, failure = output, error
        else:
            value, failure = (ended.output, ended.error) if ended is not None else (None, None)
        results[path] = value if failure is None else {"error": failure} if collect else None
    if isinstance(work, Branches):
        return {name: results[f"{owner.path}.{name}"] for name, _ in work.bodies}
    if isinstance(work, Loop) and work.collect is None:
        return results[last]
    return [results[f"{owner.path}[{index}]"] for index in range(len(results))]


def completed(owner: NodeState, output: Any) -> e.NodeCompleted:
    return e.NodeCompleted(owner.path, owner.attempt, output, *follow(owner.frame, owner.node.index, True))
