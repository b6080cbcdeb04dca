"""What an execution needs of this process before it can go on: the functions and models its nodes will call.

A kernel that was started anew has not run the cells that define them. Going on without would fail, for good, what
is only missing here; so an execution that lacks something is left as it is, and the person is told what to define.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

from nbflow.errors import NbflowError
from nbflow.execution.bodies import ready
from nbflow.execution.decide import in_doubt
from nbflow.execution.outcomes import Edited
from nbflow.execution.state import ENDED, SETTLED, ExecutionState
from nbflow.plan.plan import Body, NodePlan, bodies_of

if TYPE_CHECKING:
    from nbflow.runtime.engine import Engine
    from nbflow.runtime.execution import Execution


class Unready(NbflowError):
    """An execution that cannot go on here yet; nothing was changed."""

    code = "execution.unready"

    def __init__(self, message: str, hint: str) -> None:
        self.message, self.hint = message, hint
        super().__init__(f"{message}\n  hint: {hint}")


async def recover(
    engine: Engine, id: str, hint: str, owner: str = "", *, settled: str = "", edits: Sequence[Edited] = ()
) -> Execution:
    """Go on with an execution whose owner is gone. Raises `Unready`, with the hint, while it lacks something here.

    `settled` is the path of a node that is about to be settled by hand, so that nothing is called for it.
    """
    found = await lacking(engine, id, settled)
    if found:
        raise Unready(f"{id} cannot go on here: {', '.join(found)}", hint)
    return await engine.recover(id, owner, edits)


async def cancel(engine: Engine, id: str, hint: str, owner: str = "") -> Execution:
    """Take an execution over and cancel it before anything begins again. Raises `Unready` as `recover` does, for what
    its compensations call.
    """
    found = await lacking(engine, id, undoing=True)
    if found:
        raise Unready(f"{id} cannot be undone here: {', '.join(found)}", hint)
    execution = await engine.recover(id, owner)
    execution.cancel()
    return execution


async def lacking(engine: Engine, id: str, settled: str = "", *, undoing: bool = False) -> tuple[str, ...]:
    """What nodes that have not ended would miss, in words; those of its child executions too."""
    if id in engine.drivers:
        return ()
    children = [other for other in await engine.interrupted() if other.startswith(f"{id}.")]
    return missing(engine, [await engine.open(one) for one in (id, *children)], settled, undoing=undoing)


def missing(
    engine: Engine, executions: Iterable[Execution], settled: str = "", *, undoing: bool = False
) -> tuple[str, ...]:
    """The same for executions as they are recorded; with `undoing`, for a cancellation."""
    found = (words for execution in executions for words in _missing(engine, execution, settled, undoing))
    return tuple(dict.fromkeys(found))


def _missing(engine: Engine, execution: Execution, settled: str, undoing: bool) -> Iterator[str]:
    state = execution.state
    if state.phase in ENDED:
        return
    nodes = list(_undoing(state) if undoing else _left(state))
    if state.concealed and execution.id not in engine.given and (nodes or not undoing):
        yield f"the input {', '.join(state.concealed)} is a secret, which is not kept; give it again"
    by_hand = _by_hand(state, settled)
    for node in nodes:
        kind = engine.performed.get(node.kind)
        if kind is not None and node.id != by_hand:
            yield from (message for _, message, _ in kind.executor.validate(node))


def _by_hand(state: ExecutionState, path: str) -> str:
    """The id of a node that stays as it is until a person settles it; another one would begin again before that."""
    node = state.nodes.get(path)
    if node is None:
        return ""
    stays = node.phase == "waiting" and not ready(node)
    return node.node.id if stays or path in in_doubt(state) else ""


def _left(state: ExecutionState) -> Iterator[NodePlan]:
    """The nodes that may still be performed, those of bodies with the node that owns them, and what undoes."""
    body = state.plan.body
    over = {node.id for node in body.nodes if node.id in state.nodes and state.nodes[node.id].phase in SETTLED}
    for node in body.nodes:
        if node.id in over:
            continue
        for inner in (node, *(deep for owned in bodies_of(node) for deep in owned.nodes_within())):
            if not (state.mock and inner.mock is not None):
                yield inner
    yield from _undoing(state)


def _undoing(state: ExecutionState) -> Iterator[NodePlan]:
    """The nodes of the compensations that are due when it ends now, and of `on_error` while it ends as failed."""
    due: list[Body] = [
        node.node.compensate
        for path, node in state.nodes.items()
        if node.phase == "completed" and node.node.compensate is not None and _due(state, f"{path}.compensate")
    ]
    if state.ending == "failed" and state.plan.on_error is not None and _due(state, "on_error"):
        due.append(state.plan.on_error)
    for node in (node for body in due for node in body.nodes_within()):
        if not (state.mock and node.mock is not None):
            yield node


def _due(state: ExecutionState, path: str) -> bool:
    frame = state.frames.get(path)
    return frame is None or not frame.closed
