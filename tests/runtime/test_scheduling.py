"""The gate in the engine: order, pools, rates, fairness and what people are told."""

from __future__ import annotations

import asyncio

from tests.runtime.conftest import House


def started(execution):
    return [r.event.node for r in execution.events if type(r.event).__name__ == "NodeStarted"]


class Yard:
    """A tool that notes who runs, and how many at once."""

    def __init__(self, house: House) -> None:
        self.order, self.now, self.most = [], 0, 0

        @house.tool
        async def work(name: str = "") -> str:
            self.order.append(name)
            self.now += 1
            self.most = max(self.most, self.now)
            await asyncio.sleep(0)
            await asyncio.sleep(0)
            self.now -= 1
            return name


async def test_of_what_is_ready_together_the_most_urgent_goes_first(house: House) -> None:
    house.engine = house.new_engine(limit=1)
    yard = Yard(house)
    ended = await house.run("""
        nodes:
          low: {tool: work, with: {name: low}, priority: -1}
          short: {tool: work, with: {name: short}}
          long: {tool: work, with: {name: long}}
          high: {tool: work, with: {name: high}, priority: 5}
          after: {tool: work, with: {name: =long + '2'}}
        """)
    assert ended.phase == "completed"
    assert yard.order[:3] == ["high", "long", "short"] and yard.order[-1] == "low"
    assert yard.most == 1


async def test_a_pool_is_never_exceeded_and_all_get_through(house: House) -> None:
    yard = Yard(house)
    ended = await house.run(
        """
        pools: {gpu: 3}
        nodes:
          all:
            parallel: {for_each: range(40), collect: =one}
            nodes: {one: {tool: work, with: {name: =str(index)}, pool: {gpu: "1"}}}
        """.replace('"1"', "1")
    )
    assert ended.outputs["all"] == [str(number) for number in range(40)]
    assert yard.most == 3


async def test_a_pool_of_a_workflow_is_its_own_and_one_of_the_engine_is_everybodys(house: House) -> None:
    house.engine = house.new_engine(pools={"gpu": 2})
    yard = Yard(house)
    text = """
        pools: {gpu: %d}
        nodes:
          all:
            parallel: {for_each: range(8)}
            nodes: {one: {tool: work, with: {name: =str(index)}, pool: gpu}}
        """
    await house.run(text % 1)
    assert yard.most == 1
    await house.run(text % 5)
    assert yard.most == 2


async def test_a_pool_nobody_set_has_one_unit_and_says_so_once(house: House) -> None:
    yard = Yard(house)
    await house.run("""
        nodes:
          a: {tool: work, pool: tape}
          b: {tool: work, pool: tape}
        """)
    assert yard.most == 1
    assert [text for _, text in house.engine.warnings] == ["nobody set the pool tape: its capacity is 1"]


async def test_a_waiting_node_says_for_what(house: House) -> None:
    begun, go = asyncio.Event(), asyncio.Event()

    @house.tool
    async def hold() -> None:
        begun.set()
        await go.wait()

    execution = house.start("""
        pools: {gpu: 1}
        nodes:
          a: {tool: hold, pool: gpu, priority: 1}
          b: {tool: hold, pool: gpu}
          c: {tool: hold, pool: gpu}
        """)
    await asyncio.wait_for(begun.wait(), 5)
    gate = house.engine.dispatcher
    assert gate.verdict(execution.id, "b") == "waiting for pool gpu of w (1 of 1 taken), next in line"
    assert gate.verdict(execution.id, "c") == "waiting for pool gpu of w (1 of 1 taken), 1 ahead"
    go.set()
    await asyncio.wait_for(execution, 5)


async def test_executions_share_the_places_of_an_engine(house: House) -> None:
    house.engine = house.new_engine(limit=2)
    yard = Yard(house)
    text = "nodes: {all: {parallel: {for_each: range(%d)}, nodes: {one: {tool: work, with: {name: %s}}}}}"
    big = house.start(text % (60, "big"))
    async with asyncio.timeout(5):
        while len(yard.order) < 10:
            await asyncio.sleep(0)
    small = house.start(text % (10, "small"))
    await asyncio.wait_for(small, 5)
    assert not big.ended
    first = yard.order.index("small")
    last = len(yard.order) - 1 - yard.order[::-1].index("small")
    assert yard.order[first : last + 1].count("big") <= 12
    await asyncio.wait_for(big, 5)
    assert yard.order.count("big") == 60


async def test_a_cancelled_execution_gives_its_places_back(house: House) -> None:
    never = asyncio.Event()
    begun = asyncio.Event()

    @house.tool
    async def hang() -> None:
        begun.set()
        await never.wait()

    yard = Yard(house)
    house.engine = house.new_engine(pools={"gpu": 1})
    stuck = house.start("nodes: {a: {tool: hang, pool: gpu}, b: {tool: hang, pool: gpu}}")
    await asyncio.wait_for(begun.wait(), 5)
    other = house.start("nodes: {a: {tool: work, pool: gpu}}")
    stuck.cancel()
    await asyncio.wait_for(stuck, 5)
    await asyncio.wait_for(other, 5)
    assert yard.order == [""] and other.phase == "completed"
    admission = house.engine.dispatcher.admission
    assert admission.running == admission.waiting == 0


async def test_a_retry_waits_in_line_again_and_leaks_nothing(house: House) -> None:
    tries = []

    @house.tool
    async def flaky() -> str:
        tries.append(1)
        if len(tries) < 3:
            raise ConnectionError("not yet")
        return "ok"

    house.engine = house.new_engine(pools={"gpu": 1})
    ended = await house.run("nodes: {a: {tool: flaky, pool: gpu, retry: {max: 5, delay: 0s}}}")
    assert ended.outputs == {"a": "ok"} and started(ended) == ["a", "a", "a"]
    assert house.engine.dispatcher.admission.running == 0
