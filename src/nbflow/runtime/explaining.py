"""Why a node stands where it stands, in a sentence for people."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from nbflow.errors import NotFound
from nbflow.execution.bodies import ready
from nbflow.execution.state import ExecutionState, Frame, NodeState
from nbflow.plan.plan import Machine
from nbflow.runtime.following import orphaned

if TYPE_CHECKING:
    from nbflow.runtime.driver import Driver
    from nbflow.runtime.engine import Engine
    from nbflow.runtime.execution import Execution


def explain(execution: Execution, path: str, engine: Engine | None) -> str:
    """One sentence. Raises `NotFound` for a path that is in no body."""
    node = execution.state.nodes.get(path)
    if node is None:
        return f"{path} is pending: {_pending(execution, path)}"
    text = _active(execution, node, engine)
    if node.taken:
        text += f" (result {source_of(node.taken)})"
    return f"{path} is {node.phase}: {text}"


def source_of(taken: Mapping[str, Any]) -> str:
    """Where a result came from that the node did not make, in words."""
    execution = taken.get("execution")
    if "edited" in taken:
        return "changed by a person"
    if taken.get("pinned"):
        return f"pinned at {execution}"
    if taken.get("mock"):
        return f"mocked by that of {execution}" if execution else "mocked"
    return f"taken from {execution}" if execution else "given by a person"


def _active(execution: Execution, node: NodeState, engine: Engine | None) -> str:
    match node.phase:
        case "scheduled" | "running" if orphaned(engine, execution.id):
            return _orphan(node)
        case "scheduled":
            if node.path in execution.held:
                return "it is held by the debugger or a pause"
            return (
                engine.dispatcher.verdict(execution.id, node.path) if engine is not None else "it has not started yet"
            )
        case "running":
            children = engine.children(execution.id, node) if engine is not None else []
            return _child(children[-1], engine) if children else f"attempt {node.attempt} is at work"
        case "waiting":
            return _waiting(execution, node, engine)
        case "failed":
            handled = " and its on_error took it" if node.handled else ""
            return f"{(node.error or {}).get('kind')}: {(node.error or {}).get('message')}{handled}"
        case "completed":
            return f"after {node.attempt} attempt{'s' if node.attempt != 1 else ''}"
        case _:
            return node.reason or "as decided"


def _waiting(execution: Execution, node: NodeState, engine: Engine | None) -> str:
    if node.reason == "machine":
        return _machine(node)
    if engine is not None and engine.dispatcher.queued(execution.id, node.path):
        return f"its next attempt is {engine.dispatcher.verdict(execution.id, node.path)}"
    return _WAITS.get(node.reason or "", f"it waits ({node.reason})")


def _orphan(node: NodeState) -> str:
    if node.phase == "scheduled":
        return "its process is gone before it began; recover goes on"
    if node.effects == "once":
        return "its process is gone, and its effect may have happened: recover, then answer with retry, skip or fail"
    return f"its process is gone while attempt {node.attempt} was at work; recover goes on"


def _child(child: Driver, engine: Engine | None) -> str:
    waits = [f"{path} waits" for id, path, _ in awaited(child.id, child.state, engine) if id == child.id]
    return f"its execution {child.id} is " + (f"waiting: {', '.join(waits)}" if waits else child.state.phase)


def awaited(id: str, state: ExecutionState, engine: Engine | None) -> Iterator[tuple[str, str, str]]:
    """What is waited for: (execution, node, reason) of its waiting nodes, and of those of the children it waits for."""
    for path, node in state.nodes.items():
        if node.phase == "waiting" and not ready(node):
            yield id, path, node.reason or ""
        elif node.phase == "running" and node.node.kind == "workflow" and engine is not None:
            for child in engine.children(id, node):
                yield from awaited(child.id, child.state, engine)


_WAITS = {
    "ask": "it waits for a person's answer",
    "listen": "it waits for an event",
    "wait": "it waits for a time",
    "retry": "it waits for its next attempt",
    "effect": "its effect is mocked and no result is recorded: give one with skip, or let it happen with retry",
    "in_doubt": "its effect may have happened; answer with retry, skip or fail",
}


def _machine(node: NodeState) -> str:
    """Where a machine is, and what would move it."""
    assert isinstance(node.node.work, Machine)
    chart, active = node.node.work.chart, (node.snapshot or {}).get("configuration", [])
    states = [chart.states[0], *(chart.states[chart.index[id]] for id in active)]
    heard = dict.fromkeys(name for state in states for transition in state.transitions for name in transition.events)
    timers = [text for state in states for text, _ in state.timers]
    where = f"it is in {' and '.join(active) or 'no state yet'}"
    said = f"{where}; it hears {', '.join(heard) or 'no events'}" + (f"; timers: {', '.join(timers)}" if timers else "")
    return f"{said}; ignored so far: {ignored(node)}" if node.unheard else said


def ignored(node: NodeState) -> str:
    """What a machine did not hear, with how often: ``nonsense ×2, error.execution``."""
    return ", ".join(f"{name} ×{times}" if times > 1 else name for name, times in (node.unheard or {}).items())


def move(event: Mapping[str, Any] | None, active: Sequence[str], *, ignored: bool) -> str:
    """What a machine heard and where it is now: ``begin → working``, ``nonsense ignored in working``."""
    heard = f"{event['name']} " if event else ""
    return f"{heard}{'ignored in' if ignored else '→'} {' '.join(active)}"


def _pending(execution: Execution, path: str) -> str:
    above, _, id = path.rpartition(".")
    frame: Frame | None = execution.state.frames.get(above)
    index = frame.body.index.get(id) if frame is not None else None
    if frame is None or index is None:
        ids = ", ".join(execution.plan.body.index)
        raise NotFound(f"{execution.plan.name} has no node {path!r} that was reached; it has {ids}")
    open_ = [frame.body.nodes[source].id for source in frame.body.sources[index] if not _settled(frame, source)]
    return f"it waits for {', '.join(open_)}" if open_ else "it was not reached"


def _settled(frame: Frame, index: int) -> bool:
    node = frame.nodes[index]
    return node is not None and node.phase in ("completed", "failed", "skipped", "cancelled")
