"""What an execution needs of this process before it can go on: the functions and models its nodes will call.

A kernel that was started anew has not run the cells that define them. Going on without would fail, for good, what
is only missing here; so an execution that lacks something is left as it is, and the person is told what to define.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from nbflow.errors import NbflowError
from nbflow.execution.outcomes import Edited
from nbflow.execution.state import ENDED, SETTLED
from nbflow.plan.plan import NodePlan, bodies_of
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


async def lacking(engine: Engine, id: str, settled: str = "") -> tuple[str, ...]:
    """What nodes that have not ended would miss, in words; those of its child executions too."""
    if id in engine.drivers:
        return ()
    children = [other for other in await engine.interrupted() if other.startswith(f"{id}.")]
    return missing(engine, [await engine.open(one) for one in (id, *children)], settled)


def missing(engine: Engine, executions: Iterable[Execution], settled: str = "") -> tuple[str, ...]:
    """The same for executions as they are recorded."""
    by_hand = settled.rpartition(".")[2].partition("[")[0]
    return tuple(dict.fromkeys(words for execution in executions for words in _missing(engine, execution, by_hand)))


def _missing(engine: Engine, execution: Execution, by_hand: str) -> Iterator[str]:
    state = execution.state
    if state.concealed and execution.id not in engine.given and state.phase not in ENDED:
        yield f"the input {', '.join(state.concealed)} is a secret, which is not kept; give it again"
    for node in _left(execution):
        kind = engine.performed.get(node.kind)
        if kind is not None and node.id != by_hand:
            yield from (message for _, message, _ in kind.executor.validate(node))


def _left(execution: Execution) -> Iterator[NodePlan]:
    """The nodes that may still be performed, those of bodies with the node that owns them."""
    state = execution.state
    if state.phase in ENDED:
        return
    body = execution.plan.body
    over = {node.id for node in body.nodes if node.id in state.nodes and state.nodes[node.id].phase in SETTLED}
    for node in body.nodes:
        if node.id in over:
            continue
        for inner in (node, *(deep for owned in bodies_of(node) for deep in owned.nodes_within())):
            if not (state.mock and inner.mock is not None):
                yield inner
