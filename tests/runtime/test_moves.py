"""The table of moves: every verb in every phase, taken or refused with the reason."""

from __future__ import annotations

import asyncio

import pytest

from nbflow.errors import ExecutionFailed, IllegalMove, NotFound
from nbflow.integrations.tools.registry import ToolRegistry
from nbflow.runtime.execution import Execution
from nbflow.runtime.moves import MOVES
from nbflow.runtime.readiness import Unready
from tests.runtime.conftest import House

ASKS = "nodes: {a: {tool: sleep}, q: {ask: sure?}, b: {needs: [a, q], set: {v: 1}}}"
PHASES = ("pending", "running", "waiting", "paused", "suspended", "completed", "failed", "cancelled")
CALLS = {
    "signal": lambda x: x.signal("go"),
    "answer": lambda x: x.answer("q", "yes"),
    "skip": lambda x: x.skip("q", 1),
    "fail": lambda x: x.fail("q"),
    "retry": lambda x: x.retry("q"),
    "edit": lambda x: x.edit("q", inputs={}),
    "mock": lambda x: x.mock("q", 1),
}


async def in_phase(house: House, phase: str) -> Execution:
    """An execution in this phase."""

    @house.tool
    async def sleep() -> None:
        await asyncio.sleep(60)

    @house.tool
    async def bad() -> None:
        raise ValueError("bad")

    match phase:
        case "pending":
            return house.start(ASKS)
        case "running":
            return await house.start(ASKS).until("q")
        case "waiting":
            return await house.start(ASKS.replace("a: {tool: sleep}", "a: {set: {v: 1}}")).until("waiting")
        case "completed":
            return await house.run("nodes: {q: {set: {v: 1}}}")
        case "failed":
            return await house.run("nodes: {q: {tool: bad}}")
    execution = await house.start(ASKS).until("q")
    getattr(execution, {"paused": "pause", "suspended": "suspend", "cancelled": "cancel"}[phase])()
    return await execution.until(phase)


@pytest.mark.parametrize("phase", PHASES)
@pytest.mark.parametrize("verb", MOVES)
async def test_a_verb_is_taken_or_refused_with_the_reason(house: House, verb: str, phase: str) -> None:
    execution = await in_phase(house, phase)
    assert execution.phase == phase
    act = CALLS.get(verb, lambda x: getattr(x, verb)())
    if phase not in MOVES[verb]:
        over = phase in ("completed", "failed", "cancelled")
        reason = f"is {phase}; there is nothing to {verb}" if over else f"is {phase}; {verb} takes one that is"
        with pytest.raises(IllegalMove, match=reason):
            act(execution)
        return
    try:
        act(execution)
    except IllegalMove as refused:  # the execution is in the right phase, its node is not
        assert verb in CALLS
        assert "q is" in str(refused) or "q does not wait" in str(refused)


async def test_what_cleans_up_is_not_paused_and_says_so(house: House) -> None:
    undoing, go = asyncio.Event(), asyncio.Event()

    @house.tool
    async def undo() -> None:
        undoing.set()
        await go.wait()

    execution = house.start("nodes: {a: {set: {v: 1}, compensate: {tool: undo}}, b: {needs: a, wait: 1h}}")
    await execution.until("b")
    execution.cancel()
    await undoing.wait()
    with pytest.raises(IllegalMove, match=r"is ending \(cancelled\)"):
        execution.pause()
    go.set()
    await execution
    assert execution.phase == "cancelled"


async def test_an_execution_nobody_drives_says_so(house: House) -> None:
    execution = await in_phase(house, "waiting")
    house.engine.drivers[execution.id].break_off(RuntimeError("the process died"))
    seen = await house.new_engine().open(execution.id)
    with pytest.raises(IllegalMove, match="is not driven here; recover it first"):
        seen.pause()


async def test_an_awaited_failure_carries_its_execution(house: House) -> None:
    @house.tool
    def bad() -> None:
        raise ValueError("bad")

    execution = house.start("nodes: {a: {tool: bad}}")
    with pytest.raises(ExecutionFailed, match="node a failed: ValueError: bad") as failed:
        await execution
    assert failed.value.execution is execution


async def test_cancel_takes_over_what_nobody_drives_and_begins_nothing_again(house: House) -> None:
    begun: list[str] = []

    @house.tool
    async def slow() -> None:
        begun.append("slow")
        await asyncio.Event().wait()

    @house.tool
    def undo() -> None:
        begun.append("undo")

    for end in ("crash", "suspend"):
        begun.clear()
        execution = house.start("nodes: {a: {set: {v: 1}, compensate: {tool: undo}}, b: {needs: a, tool: slow}}")
        while not begun:
            await asyncio.sleep(0)
        if end == "crash":
            house.engine.drivers[execution.id].break_off(RuntimeError("the process died"))
        else:
            execution.suspend()
            await execution.until("suspended")
        left = await house.new_engine().open(execution.id)
        left.cancel()
        assert (await left).phase == "cancelled"
        assert begun == ["slow", "undo"]


async def test_cancel_leaves_alone_what_cannot_be_undone_here(house: House) -> None:
    @house.tool
    def undo() -> None: ...

    execution = house.start("nodes: {a: {set: {v: 1}, compensate: {tool: undo}}, b: {needs: a, wait: 1h}}")
    await execution.until("b")
    house.engine.drivers[execution.id].break_off(RuntimeError("the process died"))
    engine = house.new_engine()
    engine.performed["tool"].executor.tools = ToolRegistry()
    left = await engine.open(execution.id)
    with pytest.raises(Unready, match="there is no tool 'undo'"):
        left.cancel()
    assert not left.driven


async def test_a_node_that_no_body_has_is_not_called_pending(house: House) -> None:
    execution = await in_phase(house, "waiting")
    for verb in (lambda: execution.skip("nowhere", 1), lambda: execution.answer("nowhere", 1)):
        with pytest.raises(NotFound, match=r"has no node 'nowhere'; it has a, q, b"):
            verb()
    with pytest.raises(IllegalMove, match="b is pending"):
        execution.skip("b", 1)
    execution.cancel()
    await execution
