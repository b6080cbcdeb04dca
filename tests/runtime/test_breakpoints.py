"""Breakpoints before, after and on errors, with conditions, inside bodies; none of them can break an execution."""

from __future__ import annotations

import asyncio

import pytest

from nbflow.errors import ExecutionFailed, NbflowError, NotFound
from tests.runtime.conftest import House

CHAIN = "nodes: {a: {set: {v: 1}}, b: {set: {v: =a.v + 1}}, c: {set: {v: =b.v + 1}}}"
LOOP = """
nodes:
  l:
    loop: {max: 4}
    nodes:
      x: {set: {v: =loop.index}}
      y: {set: {v: =x.v * 2}}
  p:
    parallel: {for_each: "[1, 2, 3]"}
    nodes:
      z: {set: {v: =item}}
"""


async def test_after_a_node_what_follows_is_held_and_the_output_is_there(house: House) -> None:
    execution = house.start(CHAIN)
    execution.break_at("a", where="after")
    assert await execution.hold() == ("b",)
    assert execution.nodes["a"].output == {"v": 1}
    execution.edit("a", output={"v": 10})
    execution.resume()
    await execution
    assert execution.outputs == {"c": {"v": 12}}


@pytest.mark.parametrize(("when", "held"), [("a.v == 1", ("b",)), ("a.v == 2", ())])
async def test_a_condition_behind_a_node_sees_its_output(house: House, when: str, held: tuple[str, ...]) -> None:
    execution = house.start(CHAIN)
    execution.break_at("a:after", when)
    assert await execution.hold() == held
    if held:
        execution.resume()
    await execution


async def test_a_condition_on_an_error_sees_it(house: House) -> None:
    @house.tool
    def bad(kind: str) -> int:
        raise {"value": ValueError, "key": KeyError}[kind]("bad")

    execution = house.start(
        "nodes: {a: {tool: bad, with: {kind: key}, on_error: continue}, b: {needs: a, tool: bad, with: {kind: value}}}"
    )
    for node in ("a", "b"):
        execution.break_at(f"{node}:error", "error.kind == 'ValueError'")
    assert await execution.hold() == ("b",)
    execution.skip("b", 7)
    await execution
    assert execution.outputs == {"b": 7}


async def test_a_condition_that_cannot_be_evaluated_holds_and_breaks_nothing(house: House) -> None:
    execution = house.start(CHAIN)
    execution.break_at("b", "a.nothing > 1")
    execution.break_at("c:error", "error.nothing.more")
    assert await execution.hold() == ("b",)
    execution.resume()
    await execution
    assert execution.phase == "completed"


async def test_inside_bodies_by_id_path_condition_and_step_over(house: House) -> None:
    execution = house.start(LOOP)
    execution.break_at("l.y", "x.v == 2")
    execution.break_at("z", "item == 3")
    seen: list[str] = []
    while not execution.ended:
        seen += [path for path in await execution.hold() if path not in seen]
        if execution.held:
            execution.resume()
        await asyncio.sleep(0)
    assert set(seen) >= {"l[2].y", "p[2].z"}
    assert "l[1].y" not in seen and "l[3].y" not in seen
    over = house.start("nodes: {l: {loop: {max: 3}, nodes: {x: {set: {v: 1}}}}, b: {needs: l, set: {v: 1}}}")
    over.break_at("l")
    assert await over.hold() == ("l",)
    over.step_over()
    await over.until("l")
    assert await over.hold() == ("b",)
    assert [path for path in over.nodes if path.startswith("l[")] == ["l[0].x", "l[1].x", "l[2].x"]
    over.resume()
    await over


async def test_a_later_breakpoint_takes_the_place_of_one_at_the_same_place(house: House) -> None:
    execution = house.start(CHAIN)
    execution.break_at("b")
    execution.break_at("b", "a.v > 5")
    execution.break_at("c")
    assert await execution.hold() == ("c",)
    execution.clear_breakpoint("c:after")
    execution.resume()
    await execution


async def test_what_cannot_be_a_breakpoint_is_refused(house: House) -> None:
    execution = house.start(CHAIN)
    with pytest.raises(NotFound, match="there is no node 'x'"):
        execution.break_at("x:after")
    with pytest.raises(NotFound, match="'later' is no place to hold at: a, a:after or a:error"):
        execution.break_at("a:later")
    with pytest.raises(NbflowError):
        execution.break_at("a", "1 +")
    await execution


async def test_the_text_s_own_breakpoint_counts_when_somebody_looks(house: House) -> None:
    text = "nodes: {a: {set: {v: 1}}, b: {needs: a, set: {v: 2}, breakpoint: a.v == 1}, c: {needs: b, set: {v: 1}, breakpoint: true}}"
    await house.start(text)
    looked_at = house.start(text)
    looked_at.attach()
    for node in ("b", "c"):
        assert await looked_at.hold() == (node,)
        looked_at.resume()
        while looked_at.held == (node,):
            await asyncio.sleep(0)
    await looked_at


async def test_once_an_error_is_mended_all_goes_on_unless_somebody_steps(house: House) -> None:
    tried: list[int] = []

    @house.tool
    def flaky() -> int:
        tried.append(1)
        if len(tried) % 2:
            raise ValueError("not yet")
        return 1

    text = "nodes: {a: {tool: flaky}, b: {needs: a, set: {v: 1}}, c: {needs: b, set: {v: 1}}}"
    for mend in (lambda x: x.retry("a"), lambda x: x.skip("a", 1)):
        tried.clear()
        execution = house.start(text)
        execution.break_at("a:error")
        assert await execution.hold() == ("a",)
        mend(execution)
        await execution
    tried.clear()
    stepped = house.start(text)
    stepped.break_at("a:error")
    await stepped.hold()
    stepped.step()
    await stepped.until("a")
    assert await stepped.hold() == ("b",)
    stepped.resume()
    await stepped


HELD_ON = "nodes: {a: {tool: bad, on_error: {value: -1}}, b: {set: {v: =a + 1}}}"


async def test_going_on_from_an_error_lets_it_count(house: House) -> None:
    @house.tool
    def bad() -> int:
        raise ValueError("bad")

    execution = house.start(HELD_ON)
    execution.break_at("a:error")
    assert await execution.hold() == ("a",)
    execution.resume()
    await execution
    assert execution.outputs == {"b": {"v": 0}}
    assert execution.nodes["a"].error["kind"] == "ValueError"


async def test_an_error_that_was_let_count_holds_again_when_the_next_attempt_has_one(house: House) -> None:
    @house.tool
    def bad() -> int:
        raise ValueError("bad")

    execution = house.start("nodes: {a: {tool: bad, retry: {max: 1, delay: 0s}}}")
    execution.break_at("a:error")
    assert await execution.hold() == ("a",)
    execution.resume()
    await execution.until("a")
    assert await execution.hold() == ("a",)
    assert execution.nodes["a"].attempt == 2
    execution.resume()
    with pytest.raises(ExecutionFailed):
        await execution


@pytest.mark.parametrize(("message", "kind"), [((), "ValueError"), (("no use",), "Refused")])
async def test_a_node_held_on_its_error_can_be_let_fail(house: House, message: tuple[str, ...], kind: str) -> None:
    tried: list[int] = []

    @house.tool
    def bad() -> int:
        tried.append(1)
        raise ValueError("bad")

    execution = house.start("nodes: {a: {tool: bad, retry: 3, on_error: continue}, b: {needs: a, set: {v: 1}}}")
    execution.break_at("a:error")
    assert await execution.hold() == ("a",)
    execution.fail("a", *message)
    await execution
    assert (execution.phase, len(tried)) == ("completed", 1)
    assert execution.nodes["a"].error["kind"] == kind
