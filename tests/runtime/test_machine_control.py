"""Pausing, holding, forking, time travel and suspension work on a machine as on any node."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from tests.runtime.conftest import House
from tests.runtime.test_machine_events import moves

TEXT = """
machine:
  initial: start
  context: {n: 0}
  states:
    start: {events: {begin: {to: busy, assign: {n: =event.data}}}}
    busy:
      invoke: {tool: work, with: {n: =ctx.n}, as: job}
      events: {done.job: {to: done, assign: {n: =event.data}}}
    done: {type: final}
"""


async def wait(condition: Callable[[], object]) -> None:
    async with asyncio.timeout(5):
        while not condition():
            await asyncio.sleep(0.002)


def doubling(house: House) -> list[int]:
    ran: list[int] = []

    @house.tool
    async def work(n: int) -> int:
        ran.append(n)
        return n * 2

    return ran


async def test_nothing_begins_while_it_is_paused(house: House) -> None:
    ran = doubling(house)
    execution = house.start(TEXT)
    await wait(lambda: moves(execution))
    execution.pause()
    await wait(lambda: execution.phase == "paused")
    execution.signal("begin", 5)
    for _ in range(20):
        await asyncio.sleep(0)
    assert ran == []
    execution.resume()
    await asyncio.wait_for(execution, 5)
    assert ran == [5] and execution.outputs == {"n": 10}


async def test_a_machine_that_waits_for_events_makes_its_execution_wait(house: House) -> None:
    doubling(house)
    execution = house.start(TEXT)
    await asyncio.wait_for(execution.until("waiting"), 5)
    assert execution.phase == "waiting" and execution.nodes["machine"].reason == "machine"
    execution.signal("begin", 5)
    await asyncio.wait_for(execution, 5)


async def test_what_a_state_runs_can_be_held_and_mocked(house: House) -> None:
    ran = doubling(house)
    execution = house.start(TEXT)
    execution.break_at("machine.job[0].job")
    execution.signal("begin", 5)
    await wait(lambda: execution.held and "machine.job[0].job" in execution.nodes)
    assert execution.held == ("machine.job[0].job",)
    execution.mock("machine.job[0].job", 99)
    assert await asyncio.wait_for(execution.hold(), 5) == ("machine",)
    execution.resume()
    await asyncio.wait_for(execution, 5)
    assert ran == [] and execution.outputs == {"n": 99}


async def test_a_fork_goes_another_way_from_the_same_state(house: House) -> None:
    doubling(house)
    execution = house.start(TEXT)
    await wait(lambda: moves(execution))
    execution.signal("begin", 5)
    await asyncio.wait_for(execution, 5)
    begun = next(record.sequence for record in execution.events if type(record.event).__name__ == "Transitioned")
    other = await execution.fork(at=begun)
    await wait(lambda: moves(other))
    assert other.nodes["machine"].snapshot["configuration"] == ["start"]
    other.signal("begin", 7)
    await asyncio.wait_for(other, 5)
    assert (execution.outputs, other.outputs) == ({"n": 10}, {"n": 14})


async def test_every_moment_can_be_looked_at(house: House) -> None:
    doubling(house)
    execution = house.start(TEXT)
    execution.signal("begin", 5)
    await asyncio.wait_for(execution, 5)
    seen = []
    for record in execution.events:
        node = execution.at(record.sequence).nodes.get("machine")
        if node is not None and node.snapshot is not None:
            seen.append((*node.snapshot["configuration"], node.snapshot["context"]["n"]))
    assert list(dict.fromkeys(seen)) == [("start", 0), ("busy", 5), ("done", 10)]


async def test_a_suspended_machine_goes_on_where_it_was(house: House) -> None:
    go, begun = asyncio.Event(), asyncio.Event()

    @house.tool
    async def work(n: int) -> int:
        begun.set()
        await go.wait()
        return n * 2

    execution = house.start(TEXT)
    execution.signal("begin", 5)
    await asyncio.wait_for(begun.wait(), 5)
    execution.suspend()
    await wait(lambda: execution.phase == "suspended")
    go.set()
    execution.resume()
    await asyncio.wait_for(execution, 5)
    again = await house.engine.open(execution.id)
    assert again.outputs == {"n": 10}
    starts = [r.event.attempt for r in again.events if type(r.event).__name__ == "NodeStarted"]
    assert starts == [1, 2]


async def test_it_can_be_told_something_as_soon_as_it_goes_on(house: House) -> None:
    """`recover` returns before the record of it is written: what is said then is heard after it."""
    doubling(house)
    execution = house.start(TEXT)
    await wait(lambda: moves(execution))
    execution.suspend("the kernel ends")
    await asyncio.wait_for(execution.until("suspended"), 5)
    house.engine.drivers[execution.id].break_off(RuntimeError("it has ended"))
    house.engine = house.new_engine()
    again = await house.engine.recover(execution.id)
    assert again.phase == "suspended"
    again.signal("begin", 5)
    await asyncio.wait_for(again, 5)
    assert again.outputs == {"n": 10}


TICKS = """
machine:
  initial: a
  context: {n: 0, heard: []}
  states:
    a:
      after: {20ms: {to: b, assign: {heard: "=ctx.heard + ['timer']"}}}
      events: {tick: {assign: {n: =ctx.n + 1, heard: "=ctx.heard + ['tick']"}}}
    b:
      events: {tick: {assign: {n: =ctx.n + 1, heard: "=ctx.heard + ['tick']"}}, stop: z}
    z: {type: final}
"""


async def test_a_paused_machine_does_not_move_and_goes_on_with_all_that_came(house: House) -> None:
    execution = house.start(TICKS)
    await wait(lambda: moves(execution))
    execution.pause()
    execution.signal("tick")
    await wait(lambda: execution.phase == "paused")
    await asyncio.sleep(0.05)
    execution.signal("tick")
    await asyncio.sleep(0.02)
    assert len(moves(execution)) == 1 and len(execution.state.signals) == 2
    assert execution.phase == "paused" and execution.held == ("machine",)
    execution.resume()
    await wait(lambda: moves(execution)[-1].snapshot["configuration"] == ["b"])
    execution.signal("stop")
    await asyncio.wait_for(execution, 5)
    assert execution.outputs["n"] == 2 and sorted(execution.outputs["heard"]) == ["tick", "tick", "timer"]


async def test_a_pause_holds_what_a_machine_was_about_to_do(house: House) -> None:
    execution = house.start("machine: {initial: a, states: {a: {after: {20ms: z}}, z: final}}")
    await wait(lambda: moves(execution))
    execution.pause()
    await asyncio.sleep(0.06)
    assert execution.phase == "paused"
    execution.resume()
    await asyncio.wait_for(execution, 5)
    assert [move.event and move.event["name"] for move in moves(execution)] == [None, "after.20ms.a"]


async def test_a_machine_is_stepped_event_by_event(house: House) -> None:
    execution = house.start(TICKS.replace("20ms", "1h"))
    execution.break_at("machine")
    assert await asyncio.wait_for(execution.hold(), 5) == ("machine",)
    assert "machine" not in execution.nodes or execution.nodes["machine"].snapshot is None
    execution.signal("tick")
    execution.signal("tick")
    for n in (0, 1, 2):
        execution.step()
        await wait(lambda n=n: len(moves(execution)) == n + 1)
        assert moves(execution)[-1].snapshot["context"]["n"] == n
        for _ in range(20):
            await asyncio.sleep(0)
        assert len(moves(execution)) == n + 1
    assert execution.held == ()
    execution.cancel()


async def test_a_condition_at_a_machine_sees_its_event_and_context(house: House) -> None:
    execution = house.start(TICKS.replace("20ms", "1h"))
    execution.break_at("machine", "event is not None and event.name == 'tick' and ctx.n == 1")
    for _ in range(3):
        execution.signal("tick")
    assert await asyncio.wait_for(execution.hold(), 5) == ("machine",)
    assert execution.nodes["machine"].snapshot["context"]["n"] == 1
    execution.resume()
    await wait(lambda: len(moves(execution)) == 4)
    assert execution.held == ()
    execution.cancel()
