"""Scheduling as it is seen from outside: who goes first, how many at once, and what a node that waits says."""

from __future__ import annotations

import asyncio
import logging

import pytest

from nbflow.access.cli.progress import ongoing
from nbflow.execution.state import NodeState
from tests.runtime.conftest import House


@pytest.fixture
def gates(house: House):
    """A tool that says when it began, and ends when its gate is opened."""

    class Gates:
        def __init__(self) -> None:
            self.begun: list[str] = []
            self._open: dict[str, asyncio.Event] = {}

        def of(self, name: str) -> asyncio.Event:
            return self._open.setdefault(name, asyncio.Event())

        async def count(self, count: int) -> list[str]:
            while len(self.begun) < count:
                await asyncio.sleep(0)
            for _ in range(20):
                await asyncio.sleep(0)
            return list(self.begun)

    made = Gates()

    @house.tool
    async def hold(name: str) -> str:
        made.begun.append(name)
        await made.of(name).wait()
        return name

    return made


POOLED = "pools: {gpu: 1}\nnodes:\n" + "".join(
    f"  {id}: {{tool: hold, with: {{name: {id}}}, pool: gpu}}\n" for id in "abcd"
)


async def test_a_node_that_waits_for_a_pool_says_for_which_and_who_is_ahead(house: House, gates) -> None:
    execution = house.start(POOLED)
    assert await gates.count(1) == ["a"]
    await execution.until("running")
    assert execution.explain("a") == "a is running: attempt 1 is at work"
    assert "waiting for pool gpu of w (1 of 1 taken), next in line" in execution.explain("b")
    assert "waiting for pool gpu of w (1 of 1 taken), 2 ahead" in execution.explain("d")
    for id in "abcd":
        gates.of(id).set()
    await execution
    assert gates.begun == ["a", "b", "c", "d"]


async def test_the_progress_of_the_shell_says_it_too(house: House, gates) -> None:
    execution = house.start(POOLED)
    await gates.count(1)
    node: NodeState = house.engine.drivers[execution.id].state.nodes["c"]
    why = execution.explain("c").partition(": ")[2]
    assert "c  waiting for pool gpu of w (1 of 1 taken), 1 ahead" in ongoing(node, 0.0, why).plain
    execution.cancel()
    await execution


async def test_a_pool_of_a_workflow_is_its_own_and_one_of_the_engine_is_everybodys(house: House, gates) -> None:
    house.engine = house.new_engine(pools={"gpu": 2})
    narrow = house.start(POOLED)
    assert await gates.count(1) == ["a"]
    assert "waiting for pool gpu of w (1 of 1 taken), next in line" in narrow.explain("b")
    narrow.cancel()
    await narrow
    wide = house.start(POOLED.replace("gpu: 1", "gpu: 5"))
    assert await gates.count(3) == ["a", "a", "b"]
    assert "waiting for pool gpu (2 of 2 taken)" in wide.explain("c")
    other = house.start("nodes: {a: {tool: hold, with: {name: other}, pool: gpu}}")
    assert await gates.count(3) == ["a", "a", "b"]
    assert "waiting for pool gpu (2 of 2 taken)" in other.explain("a")
    wide.cancel()
    await wide
    assert await gates.count(4) == ["a", "a", "b", "other"]
    other.cancel()
    await other


async def test_a_pool_nobody_set_holds_one_and_says_so_once(house: House, gates, caplog) -> None:
    text = "nodes:\n" + "".join(f"  {id}: {{tool: hold, with: {{name: {id}}}, pool: tape}}\n" for id in "ab")
    with caplog.at_level(logging.WARNING, "nbflow"):
        execution = house.start(text)
        assert await gates.count(1) == ["a"]
    assert [said for _, said in house.engine.warnings] == ["nobody set the pool tape: its capacity is 1"]
    assert caplog.text.count("nobody set the pool tape") == 1
    execution.cancel()
    await execution


async def test_a_larger_priority_goes_first(house: House, gates) -> None:
    text = "pools: {gpu: 1}\nnodes:\n" + "".join(
        f"  {id}: {{tool: hold, with: {{name: {id}}}, pool: gpu, priority: {priority}}}\n"
        for id, priority in (("low", -1), ("usual", 0), ("high", 5))
    )
    execution = house.start(text)
    for id in ("low", "usual", "high"):
        gates.of(id).set()
    await execution
    assert gates.begun == ["high", "usual", "low"]


async def test_among_equals_the_critical_path_goes_first(house: House, gates) -> None:
    execution = house.start("""
        pools: {gpu: 1}
        nodes:
          a_short: {tool: hold, with: {name: short}, pool: gpu}
          b_long: {tool: hold, with: {name: long}, pool: gpu}
          c: {set: {v: =b_long}}
          d: {set: {v: =c.v}}
        """)
    gates.of("short").set()
    gates.of("long").set()
    await execution
    assert gates.begun == ["long", "short"]


async def test_executions_of_one_engine_take_turns(house: House, gates) -> None:
    house.engine.dispatcher.admission.set_pool("gpu", 1)
    text = "nodes:\n" + "".join(f"  {id}: {{tool: hold, with: {{name: @{id}}}, pool: gpu}}\n" for id in "abc")
    executions = [house.start(text.replace("@", name)) for name in ("x", "y")]
    for name in ("xa", "xb", "xc", "ya", "yb", "yc"):
        gates.of(name).set()
    for execution in executions:
        await execution
    assert gates.begun == ["xa", "ya", "xb", "yb", "xc", "yc"]


async def test_no_more_attempts_run_at_once_than_the_engine_allows(house: House, gates) -> None:
    house.engine = house.new_engine(limit=2)
    execution = house.start("nodes:\n" + "".join(f"  {id}: {{tool: hold, with: {{name: {id}}}}}\n" for id in "abcd"))
    assert len(await gates.count(2)) == 2
    assert "waiting for one of the 2 places" in execution.explain("d")
    for id in "abcd":
        gates.of(id).set()
    await execution
    assert len(gates.begun) == 4


async def test_a_rate_says_when_the_next_may_start(house: House, gates) -> None:
    execution = house.start("""
        nodes:
          a: {tool: hold, with: {name: a}, rate: 1/s}
          p:
            parallel: {for_each: "range(3)"}
            nodes: {q: {tool: hold, with: {name: "item ${{ item }}"}, rate: {name: r, limit: 1/s}}}
        """)
    await gates.count(2)
    said = execution.explain("p[2].q")
    assert "waiting for rate r (next start in " in said
    assert said.endswith("1 ahead")
    execution.cancel()
    await execution


async def test_what_a_breaker_refuses_waits_and_says_so(house: House, gates) -> None:
    @house.tool
    async def bad() -> None:
        raise ConnectionError("nobody there")

    execution = house.start("""
        nodes:
          p:
            parallel: {for_each: "range(4)", max: 1, on_fail: collect, collect: =b}
            nodes: {b: {tool: bad, breaker: {failures: 2, reset: 1h}}}
        """)
    while "p[2].b" not in execution.state.nodes:
        await asyncio.sleep(0)
    await asyncio.sleep(0.02)
    assert "waiting for breaker bad (open for " in execution.explain("p[2].b")
    execution.cancel()
    await execution


async def test_a_held_node_and_a_child_say_what_they_wait_for(house: House, gates) -> None:
    house.workflows["asks"] = "name: asks\nnodes: {sure: {ask: sure?}}"
    execution = house.start("nodes: {c: {workflow: asks}, s: {set: {v: 1}}, t: {set: {v: =s.v}}}")
    execution.break_at("t")
    await execution.hold()
    await asyncio.sleep(0.02)
    assert execution.explain("t") == "t is scheduled: it is held by the debugger or a pause"
    assert execution.explain("c") == f"c is running: its execution {execution.id}.c is waiting: sure waits"
    execution.cancel()
    await execution


async def test_a_retry_that_waits_for_a_pool_says_so(house: House, gates) -> None:
    @house.tool
    async def fail_once() -> None:
        gates.begun.append("x")
        await gates.of("x").wait()
        raise ConnectionError("gone")

    execution = house.start("""
        pools: {gpu: 1}
        nodes:
          a: {tool: fail_once, pool: gpu, retry: {max: 3, delay: 0s}}
          b: {tool: hold, with: {name: b}, pool: gpu, priority: 9, needs: w}
          c: {tool: hold, with: {name: c}, pool: gpu, priority: 9, needs: w}
          w: {listen: go}
        """)
    await gates.count(1)
    execution.signal("go")
    await execution.until("w")
    gates.of("x").set()
    assert await gates.count(2) == ["x", "b"]
    while execution.nodes["a"].phase != "waiting":
        await asyncio.sleep(0)
    while not house.engine.dispatcher.queued(execution.id, "a"):
        await asyncio.sleep(0)
    assert execution.explain("a").startswith(
        "a is waiting: its next attempt is waiting for pool gpu of w (1 of 1 taken), 1"
    )
    execution.suspend()
    await execution.until("suspended")
