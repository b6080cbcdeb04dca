"""Every kind of node is cancelled, and suspended, before every step that the loop takes while it runs."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import pytest

from nbflow.errors import IllegalMove
from nbflow.execution.events import Record
from nbflow.integrations.tools.registry import ToolRegistry
from nbflow.ports.agents import ModelReply, ModelRequest
from nbflow.ports.executors import Call
from nbflow.runtime.execution import Execution
from tests.nodes.scripted import wants
from tests.simulation.house import SimHouse, SimThreads, SlowJournal, attend, ended
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
    "    idle: {events: {go: busy}, after: {300s: over}}\n"
    "    busy:\n      invoke: {tool: nap, with: {x: m}, as: work}\n"
    "      events: {done.work: {to: over, assign: {n: =ctx.n + 1}}, error.work: over}\n      after: {200s: over}\n"
    "    over: {type: final}",
    "nested": "parallel: {for_each: 'range(2)', collect: =l}\nnodes:\n  l:\n    loop: {max: 2, collect: =p}\n    nodes:\n"
    "      p: {parallel: {branches: {a: {tool: nap, with: {x: a}}, b: {tool: pay, with: {x: b}}}}}",
    "stubborn": "tool: stubborn",
    "failing": "parallel: {for_each: 'range(2)', on_fail: {allow: 2}, collect: =one}\nnodes: {one: {tool: bad, with: {x: =index}}}",
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


class Stage:
    """What the tools of the story that is being told write to."""

    trace = Trace()
    journal = SlowJournal()
    flaky: list[str] = []
    point: Callable[[], None] = staticmethod(lambda: None)  # a place where the process may end


STAGE, TOOLS = Stage(), ToolRegistry(SimThreads())


def _seen(call: Call, name: str, x: Any, once: bool = False) -> None:
    STAGE.trace.log.append(f"{name} {x}")
    if call.execution == "x1" and call.node.kind == "tool":
        committed = len(STAGE.journal._lines["x1"])
        effect = {"node": call.path, "attempt": call.attempt, "committed": committed, "strict": True, "once": once}
        STAGE.trace.effects.append(effect)
    STAGE.point()


@TOOLS.tool
async def note(x: Any, call: Call) -> Any:
    _seen(call, "note", x)
    return x


@TOOLS.tool
async def nap(x: Any, call: Call) -> Any:
    _seen(call, "nap", x)
    try:
        for _ in range(3):
            await asyncio.sleep(0.5)
        return x
    finally:
        await asyncio.sleep(0)  # cleaning up takes a step, too


@TOOLS.tool
def plain(x: Any, call: Call) -> Any:
    _seen(call, "plain", x)
    return x


@TOOLS.tool(effects="once")
async def pay(x: Any, call: Call) -> Any:
    _seen(call, "pay", x, once=True)
    await asyncio.sleep(1)
    return x


@TOOLS.tool
async def flaky(x: Any) -> Any:
    STAGE.flaky.append(x)
    await asyncio.sleep(0.1)
    if len(STAGE.flaky) < 3:
        raise ConnectionError("no")
    return x


@TOOLS.tool
async def forever() -> None:
    await asyncio.Event().wait()


@TOOLS.tool
async def stubborn() -> int:
    for _ in range(5):
        try:
            await asyncio.sleep(1)
        except asyncio.CancelledError:
            continue
    return 1


@TOOLS.tool
async def bad(x: Any) -> None:
    await asyncio.sleep(0.1)
    raise ValueError(f"bad {x}")


@TOOLS.tool
async def undo(x: Any) -> None:
    STAGE.trace.log.append(f"undo {x}")
    await asyncio.sleep(0.2)
    STAGE.trace.log.append(f"undone {x}")


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


def simhouse(loop: SimLoop, trace: Trace) -> SimHouse:
    house = SimHouse(loop, tools=TOOLS, pools={"gpu": 2}, grace=20.0)
    house.agents.add(Model())
    house.workflows.update(child=CHILD, nest=NEST)
    STAGE.trace, STAGE.journal, STAGE.flaky = trace, house.journal, []
    return house


Story = Callable[[SimHouse, Execution, SimLoop, int], Any]


async def calm(house: SimHouse, execution: Execution, loop: SimLoop, step: int) -> Execution:
    """Nobody interrupts."""
    return await ended(execution)


async def cancelled(house: SimHouse, execution: Execution, loop: SimLoop, step: int) -> Execution:
    begun = act_at(loop, step, execution.cancel)
    await ended(execution)
    promptly(loop, begun, execution)
    return execution


async def recovered(house: SimHouse, execution: Execution, loop: SimLoop, step: int) -> Execution:
    """Suspended, and gone on with by another engine."""
    act_at(loop, step, execution.suspend)
    if not await suspended(house, execution):
        return execution
    again = await house.new_engine().recover("x1")
    attend(again, ANSWERS)
    return await ended(again)


async def resumed(house: SimHouse, execution: Execution, loop: SimLoop, step: int) -> Execution:
    """Suspended, and gone on with at once, while attempts may still be ending."""
    act_at(loop, step, execution.suspend)
    if await reached(execution, "suspended"):
        execution.resume()
        attend(execution, ANSWERS)
    return await ended(execution)


async def paused(house: SimHouse, execution: Execution, loop: SimLoop, step: int) -> Execution:
    """Paused for a while: nothing starts meanwhile."""
    begun = act_at(loop, step, execution.pause)
    if not await reached(execution, "paused"):
        return execution
    await asyncio.sleep(30)
    records = rows_of(execution.events)
    before = next(row["sequence"] for row in records if row["event"] == "ExecutionPaused")
    late = [row for row in records if row["event"] == "NodeStarted" and row["sequence"] > before]
    assert late == [], begun
    if not execution.ended:  # all that was left was running, and finished
        execution.resume()
        attend(execution, ANSWERS)
    return await ended(execution)


async def cancelled_while_paused(house: SimHouse, execution: Execution, loop: SimLoop, step: int) -> Execution:
    act_at(loop, step, execution.pause)
    await reached(execution, "paused")
    return await _then_cancelled(execution, loop)


async def cancelled_while_suspended(house: SimHouse, execution: Execution, loop: SimLoop, step: int) -> Execution:
    act_at(loop, step, execution.suspend)
    await reached(execution, "suspended")
    return await _then_cancelled(execution, loop)


async def suspended_while_cancelled(house: SimHouse, execution: Execution, loop: SimLoop, step: int) -> Execution:
    """Cancelled, suspended while it cleans up, and gone on with by another engine."""
    act_at(loop, step, execution.cancel)
    act_at(loop, step + 5, execution.suspend)
    if not await suspended(house, execution):
        return execution
    again = await house.new_engine().recover("x1")
    attend(again, ANSWERS)
    return await ended(again)


async def _then_cancelled(execution: Execution, loop: SimLoop) -> Execution:
    begun: list[float] = []
    with suppress(IllegalMove):
        execution.cancel()
        begun.append(loop.time())
    await ended(execution)
    promptly(loop, begun, execution)
    return execution


def act_at(loop: SimLoop, step: int, verb: Callable[[], None]) -> list[float]:
    """Do it before that step; when it was done stands in what is returned."""
    done: list[float] = []

    def act() -> None:
        with suppress(IllegalMove):
            verb()
            done.append(loop.time())

    loop.at_step[step] = act
    return done


async def reached(execution: Execution, phase: str) -> bool:
    """Wait for a phase; False when the execution ended instead."""
    async with asyncio.timeout(1_000):
        await execution.until(phase)
    if execution.ended:
        await ended(execution)
    return not execution.ended


def promptly(loop: SimLoop, begun: list[float], execution: Execution) -> None:
    if begun and "stubborn" not in execution.plan.source:
        assert loop.time() - begun[0] < 3, "it did not end promptly"


async def suspended(house: SimHouse, execution: Execution) -> bool:
    """Wait until it is suspended and nothing of it is left; False when it ended before."""
    if not await reached(execution, "suspended"):
        return False
    await execution.quiet()
    await asyncio.sleep(2)
    assert [one for one in house.leftovers() if not one.startswith("driver")] == []
    return True


@dataclass
class Told:
    """How a story ended."""

    execution: Execution
    trace: Trace
    children: dict[str, list[Record]]
    steps: int

    @property
    def phase(self) -> str:
        return self.execution.phase


def tell(kind: str, story: Story, step: int = 0, seed: int = 1) -> Told:
    trace = Trace()

    async def main(loop: SimLoop) -> Told:
        house = simhouse(loop, trace)
        execution = house.start(text(kind))
        attend(execution, ANSWERS)
        execution = await story(house, execution, loop, step)
        steps = loop.steps
        await asyncio.sleep(6)  # what cannot be stopped may end: a thread, a node that does not listen
        assert house.leftovers() == []
        children = {id: house.journal.peek(id) for id in house.journal.known() if id != "x1"}
        return Told(execution, trace, children, steps)

    told: Told = simulate(seed, main)
    found = broken(rows_of(told.execution.events), trace.effects)
    assert not found, found
    return told


# --- what has to hold ---------------------------------------------------------------------------------------


def undone(trace: Trace) -> list[str]:
    return [line.removeprefix("undone ") for line in trace.log if line.startswith("undone ")]


def to_undo(told: Told) -> list[str]:
    """What has to be undone and in which order, by the records alone: of children first, since they ended last."""
    names: list[str] = []
    for id in (*told.children, "x1"):
        records = told.children.get(id) or list(told.execution.events)
        ending = next((r.sequence for r in records if type(r.event).__name__ == "ExecutionEnding"), 0)
        done = [r.event.node for r in records[:ending] if type(r.event).__name__ == "NodeCompleted"]
        of_child = {"c1": "c1"} if id != "x1" else {}
        names += [name for path in reversed(done) if (name := _undo_name(told, path, of_child)) is not None]
    return names


def _undo_name(told: Told, path: str, of_child: dict[str, str]) -> str | None:
    if of_child:
        return of_child.get(path)
    if told.execution.nodes[path].node.compensate is None:
        return None
    item = path.partition("[")[2].partition("]")[0]
    return item or path


def tell_at_every_step(kind: str, story: Story, seed: int = 1) -> None:
    whole = tell(kind, calm, seed=seed)
    for step in range(1, whole.steps + 1):
        told, where = tell(kind, story, step, seed), f"seed {seed}, step {step} of {whole.steps}"
        if told.phase == "cancelled":
            assert story in CANCELS, where
            check_cancelled(told, where)
            continue
        assert told.phase == whole.phase, where
        assert told.execution.outputs == whole.execution.outputs, where
        assert told.children.keys() == whole.children.keys(), where
        if told.phase == "completed":
            assert undone(told.trace) == [], where


def check_cancelled(told: Told, where: str) -> None:
    assert list(dict.fromkeys(undone(told.trace))) == to_undo(told), where
    for records in told.children.values():
        assert type(records[-1].event).__name__ in ("ExecutionCancelled", "ExecutionCompleted"), where


CANCELS = (cancelled, cancelled_while_paused, cancelled_while_suspended, suspended_while_cancelled)
OTHERS = (recovered, resumed, paused)


@pytest.mark.parametrize("story", CANCELS, ids=lambda story: story.__name__)
@pytest.mark.parametrize("kind", KINDS)
def test_a_cancel_at_any_step_ends_it_promptly_and_undoes_what_was_done(kind: str, story: Story) -> None:
    tell_at_every_step(kind, story)


@pytest.mark.parametrize("story", OTHERS, ids=lambda story: story.__name__)
@pytest.mark.parametrize("kind", KINDS)
def test_an_interruption_at_any_step_ends_as_if_nothing_had_been(kind: str, story: Story) -> None:
    tell_at_every_step(kind, story)


@pytest.mark.nightly
@pytest.mark.parametrize("kind", KINDS)
def test_interruptions_under_other_seeds(kind: str) -> None:
    for seed in range(2, 22):
        for story in (*CANCELS, *OTHERS):
            tell_at_every_step(kind, story, seed)


@pytest.mark.parametrize("kind", KINDS)
def test_a_fork_at_any_record_goes_on_to_the_same_end(kind: str) -> None:
    """Of the records that are shared nothing runs again; the original stays as it was."""

    async def main(loop: SimLoop) -> None:
        house = simhouse(loop, Trace())
        house.clock.new_id()  # x1, which is taken
        execution = house.start(text(kind))
        attend(execution, ANSWERS)
        await ended(execution)
        whole = house.journal.peek("x1")
        for sequence in range(1, len(whole)):
            fork = await execution.fork(sequence)
            attend(fork, ANSWERS)
            await ended(fork)
            where = f"record {sequence} of {len(whole)}: {fork.events[-1].event}"
            assert (fork.phase, fork.outputs) == (execution.phase, execution.outputs), where
            assert [record.event for record in fork.events[1:sequence]] == [
                record.event for record in whole[1:sequence]
            ]
            assert fork.state.origin == {"fork": "x1", "sequence": sequence}
        assert house.journal.peek("x1") == whole

    simulate(1, main)
