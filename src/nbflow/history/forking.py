"""New executions out of old ones: a fork continues a copy of a prefix, a rerun takes what did not change."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from nbflow.errors import IllegalMove, NotFound
from nbflow.execution.events import ExecutionStarted, NodeCompleted, NodeStarted, Record
from nbflow.execution.evolve import fold
from nbflow.history.reuse import Reuse, downstream
from nbflow.plan.plan import Plan
from nbflow.runtime.engine import Engine
from nbflow.runtime.execution import Execution


def sequence_of(execution: Execution, at: str | int) -> int:
    """The record a fork goes on from: a sequence, or the last one before a node began."""
    if isinstance(at, int):
        if not 1 <= at <= len(execution.events):
            raise NotFound(f"{execution.id} has records 1 to {len(execution.events)}, not {at}")
        return at
    for record in execution.events:
        event = record.event
        if isinstance(event, NodeStarted | NodeCompleted) and event.node == at:
            return record.sequence - 1
    raise NotFound(f"node {at} never began in {execution.id}")


async def fork(
    engine: Engine,
    execution: Execution,
    at: str | int,
    *,
    inputs: Mapping[str, Any] | None = None,
    labels: Mapping[str, str] | None = None,
) -> Execution:
    """A new execution that shares the records up to `at` and goes on from there.

    `inputs` are new inputs of the node `at` (a name, not a sequence). Effects of the copied records are not
    repeated; nodes that had not ended run again.
    """
    cut = sequence_of(execution, at)
    if inputs is not None and not isinstance(at, str):
        raise IllegalMove("new inputs need a node: fork(at=NODE, inputs=…)")
    id = engine.clock.new_id()
    first = execution.events[0].event
    assert isinstance(first, ExecutionStarted)
    started = replace(first, origin={"fork": execution.id, "sequence": cut}, labels={**first.labels, **(labels or {})})
    records = [Record(1, execution.events[0].at, started), *execution.events[1:cut]]
    await engine.journal.append(id, records, after=0)
    return await engine.recover(id, "fork", edits={at: inputs} if isinstance(at, str) and inputs is not None else None)


async def rerun(
    engine: Engine,
    execution: Execution,
    plan: Plan | None = None,
    *,
    inputs: Mapping[str, Any] | None = None,
    from_node: str | None = None,
    labels: Mapping[str, str] | None = None,
) -> Execution:
    """A new execution, of a changed workflow if `plan` is given, that keeps what did not change.

    `from_node` runs that node and all that follows from it again in any case.
    """
    plan = plan or execution.plan
    if from_node is not None and from_node not in plan.body.index:
        raise NotFound(f"{plan.name} has no node {from_node}; it has {', '.join(plan.body.index)}")
    again = downstream(plan.body, [from_node]) if from_node is not None else frozenset()
    state = fold(execution.plan, execution.events)
    reuse = Reuse(engine.fingerprint).learn(execution.id, state, state.sources, without=again)
    given = inputs if inputs is not None else execution.inputs
    return engine.start(plan, given, labels=labels, origin={"rerun": execution.id}, reuse=reuse)


def kept_table(reuse: Reuse) -> list[dict[str, str]]:
    """What was taken over and why the rest runs, a row a node."""
    return [{"node": path, "result": why} for path, why in reuse.kept.items()]
