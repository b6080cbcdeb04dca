"""Every kind of node is cancelled, and suspended, before every step that the loop takes while it runs."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest

from nbflow.errors import IllegalMove
from nbflow.ports.agents import ModelReply, ModelRequest
from nbflow.ports.executors import Call
from nbflow.runtime.execution import Execution
from tests.nodes.scripted import wants
from tests.simulation.house import SimHouse, SlowJournal, attend, ended
from tests.simulation.invariants import broken, rows_of
from tests.simulation.loop import SimLoop, simulate

FRAME = """
nodes:
  before: {{tool: note, with: {{x: before}}, compensate: {{tool: undo, with: {{x: before}}}}}}
  it:
    needs: before
{it}
  after: {{tool: note, needs: it, with: {{x: after}}, compensate: {{tool: undo, with: {{x: after}}}}}}
outputs: {{it: =it, after: =after}}
"""

KINDS: dict[str, str] = {
    "tool": "tool: nap\nwith: {x: it}\ncompensate: {tool: undo, with: {x: it}}",
    "plain": "tool: plain\nwith: {x: it}",
    "once": "tool: pay\nwith: {x: it}\ncompensate: {tool: undo, with: {x: it}}",
    "retried": "tool: flaky\nwith: {x: it}\nretry: {max: 3, delay: 1s, jitter: true}",
    "timed out": "tool: forever\ntimeout: 3s\non_error: {value: late}",
    "pool": "parallel: {for_each: 'range(4)', collect: =one}\nnodes: {one: {tool: nap, with: {x: =index}, pool: gpu}}",
    "rate": "parallel: {for_each: 'range(3)', collect: =one}\nnodes: {one: {tool: nap, with: {x: =index}, rate: 2/s}}",
    "cached": "tool: nap\nwith: {x: it}\ncache: 1h",
    "agent": "agent: {model: scripted/m, prompt: hello, tools: [nap, plain]}\noutput: {n: integer}",
    "approval": "agent: {model: scripted/m, prompt: hello, tools: [pay]}\noutput: {n: integer}",
    "switch": "switch: [{when: 'true', then: after}]",
    "set": "set: {v: 1}",
    "aggregate": "aggregate: sum\nwith: [1, 2]",
    "parallel": "parallel: {for_each: 'range(3)', max: 2, collect: =two}\nnodes:\n"
    "  one: {tool: nap, with: {x: =index}, compensate: {tool: undo, with: {x: '${{ index }}'}}}\n  two: {tool: plain, with: {x: =one}}",
    "branches": "parallel: {branches: {left: {tool: nap, with: {x: l}}, right: {nodes: {r: {wait: 2s}}, result: '=1'}}}",
    "loop": "loop: {max: 3, until: one.n >= 2, start: {n: 0}, next: {n: =one.n}}\nnodes:\n"
    "  zero: {tool: nap, with: {x: =loop.n}}\n  one: {set: {n: =loop.n + 1}, needs: zero}\nresult: =one.n",
    "child": "workflow: child\nwith: {x: it}",
    "child in a child": "workflow: nest\nwith: {x: it}",
    "ask": "ask: {prompt: how many?, output: integer}",
    "listen": "listen: {event: go, if: event > 1}",
    "wait": "wait: 5s",
    "emit": "emit: go\nwith: 3",
    "machine": "machine:\n  initial: idle\n  context: {n: 0}\n  states:\n"
    "    idle: {events: {go: busy}, after: {30s: over}}\n"
    "    busy:\n      invoke: {tool: nap, with: {x: m}, as: work}\n"
    "      events: {done.work: {to: over, assign: {n: =ctx.n + 1}}, error.work: over}\n      after: {20s: over}\n"
    "    over: {type: final}",
    "nested": "parallel: {for_each: 'range(2)', collect: =l}\nnodes:\n  l:\n    loop: {max: 2, collect: =p}\n    nodes:\n"
    "      p: {parallel: {branches: {a: {tool: nap, with: {x: a}}, b: {tool: pay, with: {x: b}}}}}",
    "stubborn": "tool: stubborn",
    "failing": "parallel: {for_each: 'range(2)', on_fail: collect, collect: =one}\nnodes: {one: {tool: bad, with: {x: =index}}}",
    "fails for good": "tool: bad\nwith: {x: it}",
}
CHILD = """
inputs: [x]
nodes:
  c1: {tool: nap, with: {x: "c1"}, compensate: {tool: undo, with: {x: c1}}}
  c2: {tool: plain, with: {x: =c1}}
outputs: {v: =c2}
"""
NEST = "inputs: [x]\nnodes: {inner: {workflow: child, with: {x: =inputs.x}}}\noutputs: {v: =inner.v}"
ANSWERS = {"it": 2}


def text(kind: str) -> str:
    return FRAME.format(it="\n".join(f"    {line}" for line in KINDS[kind].splitlines()))


@dataclass
class Trace:
    """What the world saw of one story."""

    log: list[str] = field(default_factory=list)
    effects: list[dict[str, Any]] = field(default_factory=list)


def furnish(house: SimHouse, trace: Trace) -> SimHouse:
    """Tools of every sort, each of which says what it did."""
    flaky: list[str] = []

    def seen(call: Call, name: str, x: Any, once: bool = False) -> None:
        trace.log.append(f"{name} {x}")
        if call.execution == "x1" and call.node.kind == "tool":
            trace.effects.append({
                "node": call.path, "attempt": call.attempt, "committed": len(house.journal.peek("x1")),
                "strict": True, "once": once,
            })

    @house.tool
    async def note(x: Any, call: Call) -> Any:
        seen(call, "note", x)
        return x

    @house.tool
    async def nap(x: Any, call: Call) -> Any:
        seen(call, "nap", x)
        try:
            for _ in range(3):
                await asyncio.sleep(0.5)
            return x
        finally:
            await asyncio.sleep(0)  # cleaning up takes a step, too

    @house.tool
    def plain(x: Any, call: Call) -> Any:
        seen(call, "plain", x)
        return x

    @house.tools.tool(effects="once")
    async def pay(x: Any, call: Call) -> Any:
        seen(call, "pay", x, once=True)
        await asyncio.sleep(1)
        return x

    @house.tool
    async def flaky_(x: Any) -> Any:
        flaky.append(x)
        await asyncio.sleep(0.1)
        if len(flaky) < 3:
            raise ConnectionError("no")
        return x

    house.tools.register(flaky_, "flaky")

    @house.tool
    async def forever() -> None:
        await asyncio.Event().wait()

    @house.tool
    async def stubborn(call: Call) -> int:
        for _ in range(5):
            try:
                await asyncio.sleep(1)
            except asyncio.CancelledError:
                continue
        return 1

    @house.tool
    async def bad(x: Any) -> None:
        await asyncio.sleep(0.1)
        raise ValueError(f"bad {x}")

    @house.tool
    async def undo(x: Any, call: Call) -> None:
        trace.log.append(f"undo {x}")
        await asyncio.sleep(0.2)
        trace.log.append(f"undone {x}")

    house.agents.add(Model())
    house.workflows.update(child=CHILD, nest=NEST)
    return house


class Model:
    """Asks for every tool it is offered, then answers."""

    provider = "scripted"

    def takes(self, schema: Any) -> bool:
        return True

    async def complete(self, request: ModelRequest, on_text: Callable[[str], None]) -> ModelReply:
        await asyncio.sleep(0.3)
        if request.tools and not any(message.role == "tool" for message in request.messages):
            return wants(*((offer.name, '{"x": 1}') for offer in request.tools))
        return ModelReply('{"n": 2}')

    async def close(self) -> None: ...


def simhouse(loop: SimLoop, trace: Trace, journal: SlowJournal | None = None) -> SimHouse:
    return furnish(SimHouse(loop, journal, pools={"gpu": 2}, grace=20.0), trace)


def steps_of(kind: str, seed: int) -> tuple[int, Any]:
    """How many steps the loop takes for the whole of it, and the outputs."""
    async def main(loop: SimLoop) -> tuple[int, Any]:
        house = simhouse(loop, Trace())
        execution = house.start(text(kind))
        attend(execution, ANSWERS)
        await ended(execution)
        return loop.steps, execution.outputs

    return simulate(seed, main)


async def quiet(house: SimHouse) -> list[str]:
    """What is still there when all that may linger (a thread, a cleaning up) is over."""
    await asyncio.sleep(1)
    return house.leftovers()


def undone(trace: Trace) -> list[str]:
    return [line.removeprefix("undone ") for line in trace.log if line.startswith("undone ")]


def to_undo(execution: Execution) -> list[str]:
    """What has to be undone in which order, by the records alone."""
    done: list[str] = []
    for record in execution.events:
        if type(record.event).__name__ == "ExecutionEnding":
            break
        if type(record.event).__name__ == "NodeCompleted":
            done.append(record.event.node)
    nodes = execution.state.nodes
    with_undo = [path for path in done if nodes[path].node.compensate is not None]
    return [NAMES.get(path, path.partition("[")[2].partition("]")[0] or path) for path in reversed(with_undo)]


NAMES: dict[str, str] = {}


def check_journal(execution: Execution, trace: Trace) -> None:
    found = broken(rows_of(execution.events), trace.effects)
    assert not found, found


def interrupt(kind: str, seed: int, step: int, verb: str) -> tuple[Trace, Execution, bool]:
    """The story with the verb before that step; whether it was taken."""
    trace, taken = Trace(), []

    async def main(loop: SimLoop) -> Execution:
        house = simhouse(loop, trace)
        execution = house.start(text(kind))
        attend(execution, ANSWERS)

        def act() -> None:
            try:
                getattr(execution, verb)()
                taken.append(loop.time())
            except IllegalMove:
                return

        loop.at_step[step] = act
        if verb == "suspend":
            return await _suspended(house, execution, taken, trace)
        await ended(execution)
        if taken and kind != "stubborn":
            assert loop.time() - taken[0] < 3, "it did not end promptly"
        await asyncio.sleep(5 if kind == "stubborn" else 0)
        assert await quiet(house) == []
        return execution

    execution = simulate(seed, main)
    return trace, execution, bool(taken)


async def _suspended(house: SimHouse, execution: Execution, taken: list[float], trace: Trace) -> Execution:
    async with asyncio.timeout(1_000):
        while not (execution.ended or execution.phase == "suspended"):
            await execution.until("suspended")
    await execution.quiet()
    if execution.ended:
        return await ended(execution)
    await asyncio.sleep(2)
    left = [one for one in house.leftovers() if not one.startswith("driver")]
    assert left == []
    recovered = await house.new_engine().recover("x1")
    attend(recovered, ANSWERS)
    await ended(recovered)
    assert await quiet(house) == []
    return recovered


@pytest.mark.parametrize("kind", KINDS)
def test_a_cancel_before_any_step_ends_it_promptly_and_undoes_what_was_done(kind: str) -> None:
    for seed in (1, 2):
        steps, outputs = steps_of(kind, seed)
        for step in range(1, steps + 1):
            trace, execution, taken = interrupt(kind, seed, step, "cancel")
            where = f"seed {seed} step {step} of {steps}"
            check_journal(execution, trace)
            if not taken or execution.phase != "cancelled":
                calm = execution.phase in ("completed", "failed") and execution.outputs == outputs
                assert calm, f"{where}: {execution.phase}"
                continue
            assert undone(trace) == [x for x in to_undo(execution)] or kind.startswith("child"), where


@pytest.mark.parametrize("kind", KINDS)
def test_a_suspension_before_any_step_undoes_nothing_and_recovery_ends_as_if_nothing_had_been(kind: str) -> None:
    for seed in (1, 2):
        steps, outputs = steps_of(kind, seed)
        for step in range(1, steps + 1):
            trace, execution, _ = interrupt(kind, seed, step, "suspend")
            where = f"seed {seed} step {step} of {steps}"
            check_journal(execution, trace)
            assert execution.outputs == outputs, where
            if execution.phase == "completed":
                assert undone(trace) == [], where
