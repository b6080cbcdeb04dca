"""Changing inputs, outputs and context while things are held: recorded, checked, and read by what has not begun."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from nbflow.errors import IllegalMove, InputError
from nbflow.execution.events import ExecutionEdited, NodeEdited
from nbflow.execution.evolve import fold
from nbflow.history.reuse import Reuse
from nbflow.runtime.execution import Execution
from tests.runtime.conftest import House

CHAIN = """
inputs: {start: {type: integer, default: 1}}
nodes:
  a: {tool: plus, with: {n: =inputs.start}, output: integer}
  ab: {tool: plus, with: {n: =a * 100}}
  b: {tool: plus, with: {n: =a * 10}}
  c: {tool: plus, with: {n: =b + inputs.start}}
outputs: {ab: =ab, b: =b, c: =c}
"""


@pytest.fixture
def tools(house: House) -> House:
    @house.tool
    def plus(n: int) -> int:
        return n + 1

    return house


async def held_at(house: House, node: str, text: str = CHAIN, **inputs: Any) -> Execution:
    execution = house.start(text, inputs)
    execution.break_at(node)
    await execution.hold()
    assert execution.held == (node,)
    return execution


async def test_an_edited_output_is_read_by_what_has_not_begun_and_by_nothing_else(tools: House) -> None:
    execution = await held_at(tools, "b")
    await execution.until("ab")
    execution.edit("a", output=7)
    execution.resume()
    await execution
    assert execution.outputs == {"ab": 201, "b": 71, "c": 73}
    assert execution.nodes["a"].output == 7
    (fact,) = [record.event for record in execution.events if isinstance(record.event, NodeEdited)]
    assert (fact.node, fact.what, fact.output, fact.by) == ("a", "output", 7, "person")
    assert fold(execution.plan, execution.events).nodes["a"].taken == {"edited": "person"}


async def test_the_inputs_of_the_execution_can_be_changed_for_what_reads_them_later(tools: House) -> None:
    execution = await held_at(tools, "c")
    execution.edit(inputs={"start": 50})
    execution.resume()
    await execution
    assert execution.outputs["c"] == 72
    assert execution.inputs == {"start": 50}
    assert [record.event for record in execution.events if isinstance(record.event, ExecutionEdited)]


async def test_a_change_survives_the_process(tools: House) -> None:
    execution = await held_at(tools, "b")
    execution.edit("a", output=7)
    execution.suspend()
    await execution.until("suspended")
    tools.engine.drivers[execution.id].break_off(RuntimeError("the process died"))
    tools.engine.drivers.pop(execution.id, None)
    again = await tools.new_engine().recover(execution.id)
    await again
    assert again.outputs["b"] == 71


async def test_a_suspended_execution_takes_changes_before_it_goes_on(tools: House) -> None:
    execution = await held_at(tools, "b")
    await execution.until("ab")
    execution.suspend()
    await execution.until("suspended")
    execution.edit("a", output=1)
    execution.edit("b", inputs={"n": 4})
    execution.resume()
    assert await execution.hold() == ("b",)
    execution.resume()
    await execution
    assert (execution.nodes["a"].output, execution.outputs["b"]) == (1, 5)


async def test_names_in_the_context_of_a_machine_can_be_changed_while_it_waits(house: House) -> None:
    text = """
    machine:
      initial: idle
      context: {round: 0, limit: 3}
      states:
        idle:
          events:
            go:
              - {to: over, if: ctx.round >= ctx.limit}
              - {assign: {round: =ctx.round + 1}}
        over: {type: final}
    """
    execution = house.start(text)
    await execution.until("waiting")
    (machine,) = execution.nodes
    with pytest.raises(IllegalMove, match="pause first"):
        execution.edit(machine, context={"round": 3})
    execution.pause()
    await execution.until("paused")
    with pytest.raises(IllegalMove, match="has no rounds; it has round, limit"):
        execution.edit(machine, context={"rounds": 3})
    execution.edit(machine, context={"round": 3})
    execution.resume()
    await execution.until("waiting")
    execution.signal("go")
    await execution
    assert execution.outputs == {"round": 3, "limit": 3}


@pytest.mark.parametrize(
    ("node", "change", "reason"),
    [
        ("c", {"output": 1}, "c is pending; it has nothing yet"),
        ("b", {"output": 1}, "b is scheduled, not completed: it has no output to change; while it is held"),
        ("a", {"inputs": {"n": 2}}, "a is completed; its inputs were read already"),
        ("s", {"inputs": {}}, "s is a set, which is given no inputs"),
        ("w", {"output": {"chose": "b"}}, "w has chosen"),
        ("l[0].x", {"output": {"v": 2}}, "the body that .* is in is over; what follows reads l"),
        ("b", {"context": {}}, "only a machine has a context"),
        (None, {"output": 1}, "the execution itself has inputs to change"),
        ("a", {}, "edit changes one thing"),
        ("a", {"output": 1, "inputs": {}}, "edit changes one thing"),
    ],
)
async def test_a_change_that_contradicts_what_is_recorded_is_refused_with_the_reason(
    tools: House, node: str | None, change: dict[str, Any], reason: str
) -> None:
    text = """
    nodes:
      a: {tool: plus, with: {n: 1}}
      w: {needs: a, switch: [{when: a == 2, then: b}, {else: z}]}
      l: {loop: {max: 1}, nodes: {x: {set: {v: 1}}}}
      s: {needs: b0, set: {v: 1}}
      b0: {needs: [l, w], set: {v: 1}}
      b: {needs: b0, tool: plus, with: {n: =a}}
      z: {set: {v: 1}}
      c: {tool: plus, with: {n: =b}}
    """
    execution = tools.start(text)
    execution.break_at("s")
    execution.break_at("b")
    await execution.until("b0")
    await execution.hold()
    assert set(execution.held) == {"s", "b"}
    seen = len(execution.events)
    with pytest.raises(IllegalMove, match=reason):
        execution.edit(node, **change)
    assert len(execution.events) == seen
    execution.cancel()


async def test_a_value_that_does_not_fit_is_refused(tools: House) -> None:
    execution = await held_at(tools, "b")
    with pytest.raises(InputError, match="output must be a whole number"):
        execution.edit("a", output="many")
    with pytest.raises(InputError, match="n"):
        execution.edit("b", inputs={"n": "many"})
    with pytest.raises(InputError, match="m"):
        execution.edit("b", inputs={"m": 1})
    with pytest.raises(InputError, match="start"):
        execution.edit(inputs={"start": "soon"})
    execution.cancel()


async def test_what_runs_keeps_its_inputs(house: House) -> None:
    gone = asyncio.Event()

    @house.tool
    async def wait(n: int) -> int:
        await gone.wait()
        return n

    execution = house.start("nodes: {a: {tool: wait, with: {n: 1}}, b: {needs: a, set: {v: 1}}}")
    while execution.phase != "running" or "a" not in execution.nodes or execution.nodes["a"].phase != "running":
        await asyncio.sleep(0)
    with pytest.raises(IllegalMove, match="a is running with the inputs it was given"):
        execution.edit("a", inputs={"n": 2})
    gone.set()
    await execution


async def test_what_a_person_gave_says_so_and_is_kept_as_that(tools: House) -> None:
    execution = await held_at(tools, "b")
    await execution.until("ab")
    execution.edit("a", output=7)
    execution.resume()
    await execution
    assert execution.explain("a") == "a is completed: after 1 attempt (result changed by a person)"
    reuse = Reuse(tools.engine.fingerprint).learn(execution.id, execution.state, execution.state.sources)
    await tools.engine.start(execution.plan, reuse=reuse)
    assert reuse.kept == {"a": "kept, as a person gave it", "ab": "its inputs changed", "b": "kept", "c": "kept"}
