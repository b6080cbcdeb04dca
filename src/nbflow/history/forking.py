"""New executions out of old ones: a fork continues a copy of a prefix, a rerun takes what did not change."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any

from nbflow.errors import IllegalMove, NotFound
from nbflow.execution.events import (
    ExecutionEnding,
    ExecutionStarted,
    NodeCompleted,
    NodeExpanded,
    NodeFailed,
    NodeStarted,
    NodeWaiting,
    Record,
)
from nbflow.execution.evolve import fold
from nbflow.execution.outcomes import Edited, ResumeWished
from nbflow.history.reuse import Reuse, downstream
from nbflow.plan.plan import Plan
from nbflow.runtime.children import child_ids
from nbflow.runtime.editing import edit_of, settled
from nbflow.runtime.engine import Engine
from nbflow.runtime.execution import Execution

Edits = Mapping[str, Mapping[str, Any]]  # by node ("" is the execution): inputs, output or context, and its value
BEGINNINGS = (NodeStarted, NodeCompleted, NodeFailed, NodeWaiting, NodeExpanded)


def sequence_of(execution: Execution, at: str | int | None) -> int:
    """The record a fork goes on from: a sequence, or the last one before a node began; None is where it failed."""
    if isinstance(at, int):
        if not 1 <= at <= len(execution.events):
            raise NotFound(f"{execution.id} has records 1 to {len(execution.events)}, not {at}")
        return at
    at = at or failed_node(execution)
    for record in execution.events:
        event = record.event
        if isinstance(event, BEGINNINGS) and event.node == at:
            return record.sequence - 1
        if isinstance(event, ExecutionEnding) and (event.error or {}).get("node") == at:
            return record.sequence - 1  # an output that could not be evaluated, or a node before it began
    raise NotFound(f"node {at} never began in {execution.id}")


def failed_node(execution: Execution) -> str:
    """The node an execution failed at. Raises `IllegalMove` when it did not fail at one."""
    node = (execution.error or {}).get("node")
    if node is None:
        raise IllegalMove(f"{execution.id} did not fail at a node; say where: at=NODE or the number of a record")
    return str(node)


async def fork(
    engine: Engine,
    execution: Execution,
    at: str | int | None = None,
    *,
    inputs: Mapping[str, Any] | None = None,
    edits: Edits | None = None,
    labels: Mapping[str, str] | None = None,
    effects: str | None = None,
) -> Execution:
    """A new execution, of this engine, that shares the records of one of any store up to `at` and goes on from there.

    `at` is a node, a record, or None for where it failed. `inputs` are new inputs of the node `at`; `edits` are
    changes of any nodes, as ``{"fetch": {"output": 1}}``. Effects of the copied records are not repeated; nodes that
    had not ended run again. With `effects` ``mock``, the default for an execution of another store, what may happen
    only once does not happen: the recorded result stands in, or a person gives one; ``real`` lets it happen.
    """
    drawn = await draft(engine, execution, at, inputs=inputs, edits=edits, labels=labels, effects=effects)
    return await begin(engine, drawn)


@dataclass(frozen=True, slots=True)
class Draft:
    """A fork that was checked and has not begun: nothing of it is recorded yet."""

    execution: Execution
    records: list[Record]
    changes: list[Edited]


async def draft(
    engine: Engine,
    execution: Execution,
    at: str | int | None = None,
    *,
    inputs: Mapping[str, Any] | None = None,
    edits: Edits | None = None,
    labels: Mapping[str, str] | None = None,
    effects: str | None = None,
) -> Draft:
    """Check a fork, with the arguments of `fork`. Raises as it does."""
    cut = sequence_of(execution, at)
    changes = _changes(at or (failed_node(execution) if inputs is not None else None), inputs, edits or {})
    first = execution.events[0].event
    assert isinstance(first, ExecutionStarted)
    mode = _effects(engine, execution, effects)
    started = replace(
        first, origin={"fork": execution.id, "sequence": cut, **_attempt(execution)}, effects=mode,
        labels={**first.labels, **(labels or {})},
        stand_ins={**first.stand_ins, **await recorded(execution)} if mode == "mock" else {},
    )  # fmt: skip
    records = [Record(1, engine.clock.now(), started), *execution.events[1:cut]]  # it begins now, not when that did
    settled(engine, fold(execution.plan, records), changes)
    return Draft(execution, records, changes)


async def begin(engine: Engine, draft: Draft) -> Execution:
    """Begin a fork that was checked."""
    id, execution, records = engine.clock.new_id(), draft.execution, draft.records
    await engine.journal.append(id, records, after=0)
    if (kept := (execution.engine or engine).given.get(execution.id)) is not None:
        engine.give(id, kept)
    begun = engine.adopt(id, execution.plan, records, owner="fork", edits=draft.changes)
    if (driver := engine.drivers.get(id)) is not None and driver.state.paused:
        driver.tell(ResumeWished("fork"))  # the other one was paused there; this one is to go on
    return begun


def _changes(at: str | int | None, inputs: Mapping[str, Any] | None, edits: Edits) -> list[Edited]:
    if inputs is not None and not isinstance(at, str):
        raise IllegalMove("new inputs need a node: fork(at=NODE, inputs=…)")
    changes = [edit_of(node, change, "fork") for node, change in edits.items()]
    return changes if inputs is None else [*changes, edit_of(str(at), {"inputs": dict(inputs)}, "fork")]


async def recorded(execution: Execution, prefix: str = "") -> dict[str, Any]:
    """Results of effects that happen only once, by path; those of child executions below the path of their node."""
    found: dict[str, Any] = {}
    for path, node in execution.state.nodes.items():
        if node.phase == "completed" and node.effects == "once" and node.error is None:
            found[f"{prefix}{path}"] = node.output
        if node.node.kind == "workflow" and execution.engine is not None:
            for id in child_ids(execution.id, path, node.attempt):
                with suppress(NotFound):
                    found |= await recorded(await execution.engine.open(id), f"{prefix}{path}/")
    return found


async def rerun(
    engine: Engine,
    execution: Execution,
    plan: Plan | None = None,
    *,
    inputs: Mapping[str, Any] | None = None,
    from_node: str | None = None,
    labels: Mapping[str, str] | None = None,
    effects: str | None = None,
) -> Execution:
    """A new execution, of a changed workflow if `plan` is given, that keeps what did not change.

    `from_node` runs that node and all that follows from it again in any case. `effects` is as in `fork`.
    """
    again, _ = await rerun_with(
        engine, execution, plan, inputs=inputs, from_node=from_node, labels=labels, effects=effects
    )
    return again


async def rerun_with(
    engine: Engine,
    execution: Execution,
    plan: Plan | None = None,
    *,
    inputs: Mapping[str, Any] | None = None,
    from_node: str | None = None,
    labels: Mapping[str, str] | None = None,
    effects: str | None = None,
    mock: bool = False,
) -> tuple[Execution, Reuse]:
    """As `rerun`; also what it keeps, which fills while it runs."""
    plan = plan or execution.plan
    if from_node is not None and from_node not in plan.body.index:
        raise NotFound(f"{plan.name} has no node {from_node}; it has {', '.join(plan.body.index)}")
    again = downstream(plan.body, [from_node]) if from_node is not None else frozenset()
    state = fold(execution.plan, execution.events)
    reuse = Reuse(engine.fingerprint).learn(execution.id, state, state.sources, without=again)
    given = inputs if inputs is not None else (execution.engine or engine).inputs_of(execution)
    mode = _effects(engine, execution, effects)
    stand_ins = {**execution.state.stand_ins, **await recorded(execution)} if mode == "mock" else None
    made = engine.start(
        plan, given, labels=labels, origin=next_attempt(execution), mock=mock, reuse=reuse, effects=mode,
        stand_ins=stand_ins,
    )  # fmt: skip
    return made, reuse


def _effects(engine: Engine, execution: Execution, asked: str | None) -> str:
    """Whether what may happen only once happens: as asked, mocked out of another store, else as it was."""
    elsewhere = execution.engine is not None and execution.engine.journal is not engine.journal
    mode = asked or ("mock" if elsewhere else execution.state.effects)
    if mode not in ("mock", "real"):
        raise IllegalMove(f"effects are mock or real, not {mode}")
    return mode


def next_attempt(execution: Execution) -> dict[str, Any]:
    """Where a rerun comes from; `execution.attempt` counts the runs of one thing, from 1."""
    return {"rerun": execution.id, "attempt": _attempt(execution).get("attempt", 1) + 1}


def _attempt(execution: Execution) -> dict[str, int]:
    origin = execution.state.origin or {}
    return {"attempt": origin["attempt"]} if "attempt" in origin else {}
