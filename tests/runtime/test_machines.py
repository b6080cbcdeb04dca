"""Statecharts in the engine: events, works, timers, recovery."""

from __future__ import annotations

import asyncio

from tests.runtime.conftest import House

PICTURE = """
machine:
  initial: start
  context: {url: null, round: 0, score: 0.0}
  states:
    start: {events: {begin: {to: processing, assign: {url: =event.data.url}}}}
    processing:
      invoke: {tool: review, with: {round: =ctx.round}, as: review}
      events: {done.review: {to: decision, assign: {score: =event.data.score}}, error.review: failed}
    decision:
      always:
        - {to: done, if: ctx.score >= 0.8, label: complete}
        - {to: processing, if: ctx.round < 3, label: retry, assign: {round: =ctx.round + 1}}
        - {to: failed}
    done: {type: final}
    failed: {type: final}
"""


async def test_the_architectures_own_picture_runs(house: House) -> None:
    rounds: list[int] = []

    @house.tool
    async def review(round: int) -> dict[str, float]:
        rounds.append(round)
        return {"score": 0.5 + round * 0.2}

    execution = house.start(PICTURE)
    execution.signal("begin", {"url": "https://example.com"})
    execution.signal("nonsense")
    await execution
    assert rounds == [0, 1, 2]
    assert execution.outputs["url"] == "https://example.com"
    assert execution.outputs["score"] == 0.9
    moves = [record.event for record in execution.events if type(record.event).__name__ == "Transitioned"]
    assert any(move.ignored for move in moves)
    assert moves[-1].snapshot["configuration"] == ["done"]


async def test_a_machine_goes_on_after_a_crash_in_its_work(house: House) -> None:
    begun, go, tries = asyncio.Event(), asyncio.Event(), []

    @house.tool
    async def review(round: int) -> dict[str, float]:
        tries.append(round)
        begun.set()
        await go.wait()
        return {"score": 1.0}

    execution = house.start(PICTURE)
    execution.signal("begin", {"url": "u"})
    await begun.wait()
    house.engine.drivers[execution.id].break_off(RuntimeError("the process died"))
    house.engine = house.new_engine()
    go.set()
    again = await house.engine.recover(execution.id)
    await asyncio.wait_for(again, 5)
    assert again.outputs == {"url": "u", "round": 0, "score": 1.0}
    assert tries == [0, 0]


async def test_timers_fire_and_a_machine_is_a_node_too(house: House) -> None:
    ended = await house.run("""
        nodes:
          n: {set: {v: 2}}
          m:
            with: {limit: =n.v}
            machine:
              initial: a
              context: {limit: 0, ticks: 0}
              states:
                a: {after: {2ms: [{to: end, if: ctx.ticks >= ctx.limit}, {to: a, assign: {ticks: =ctx.ticks + 1}}]}}
                end: {type: final}
          after: {set: {ticks: =m.ticks}}
        """)
    assert ended.outputs == {"after": {"ticks": 2}}


async def test_leaving_a_state_cancels_its_work(house: House) -> None:
    cancelled: list[str] = []
    begun = asyncio.Event()

    @house.tool
    async def long() -> None:
        begun.set()
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            cancelled.append("long")
            raise

    execution = house.start("""
        machine:
          initial: busy
          states:
            busy: {invoke: {tool: long}, events: {stop: idle}}
            idle: {type: final}
        """)
    await begun.wait()
    execution.signal("stop")
    await asyncio.wait_for(execution, 5)
    assert cancelled == ["long"]


async def test_cancelling_an_execution_cancels_a_machines_work(house: House) -> None:
    begun = asyncio.Event()

    @house.tool
    async def long() -> None:
        begun.set()
        await asyncio.sleep(60)

    execution = house.start("machine: {initial: busy, states: {busy: {invoke: {tool: long}}}}")
    await begun.wait()
    execution.cancel()
    await asyncio.wait_for(execution, 5)
    assert execution.phase == "cancelled"
