"""Values belong to the execution: whatever a tool, or whoever holds a handle, does to what it got or gave changes nothing."""

from __future__ import annotations

import asyncio
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from nbflow.integrations.tools.registry import ToolRegistry
from nbflow.runtime.execution import Execution
from tests.simulation.house import SimHouse, SimThreads, ended
from tests.simulation.loop import SimLoop, simulate

JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=8,
)
TEXT = """
inputs: [x]
nodes:
  make: {tool: make, with: {x: =inputs.x}}
  thread: {tool: thread, with: {x: =make, y: =inputs.x}}
  each: {parallel: {for_each: "[make, thread, inputs.x]", collect: =one}, nodes: {one: {tool: make, with: {x: =item}}}}
  round: {loop: {max: 2, start: {v: =make}, next: {v: =one}}, nodes: {one: {tool: make, with: {x: =loop.v}}}, result: =one}
  child: {workflow: child, with: {x: =make}}
  hear: {listen: go}
  both: {set: {hear: =hear, make: =make}, needs: [round, child]}
outputs: {make: =make, thread: =thread, each: =each, round: =round, child: =child, both: =both, x: =inputs.x}
"""
CHILD = "inputs: [x]\nnodes: {a: {tool: make, with: {x: =inputs.x}}}\noutputs: {a: =a, x: =inputs.x}"


class Vandal:
    """Remembers every object that passes, and later spoils them all, when it is one."""

    spoils = False
    seen: list[Any] = []

    @classmethod
    def see(cls, *values: Any) -> None:
        cls.seen += values
        if cls.spoils:
            for value in cls.seen:
                spoil(value)


def spoil(value: Any) -> None:
    if isinstance(value, list):
        for item in value:
            spoil(item)
        value.append("spoilt")
    elif isinstance(value, dict):
        for item in value.values():
            spoil(item)
        value["spoilt"] = True


TOOLS = ToolRegistry(SimThreads())


@TOOLS.tool
async def make(x: Any) -> Any:
    result = {"made": [CLEAN(x), {"of": CLEAN(x)}]}
    Vandal.see(x)
    await asyncio.sleep(0)
    asyncio.get_running_loop().call_soon(Vandal.see, result)  # as soon as it is given away
    return result


@TOOLS.tool
def thread(x: Any, y: Any) -> Any:
    given = [CLEAN(x), CLEAN(y)]
    Vandal.see(x, y)
    return given


def CLEAN(value: Any) -> Any:
    """A value as it was before it was spoilt."""
    if isinstance(value, list):
        return [CLEAN(item) for item in value if not (isinstance(item, str) and item == "spoilt")]
    if isinstance(value, dict):
        return {key: CLEAN(item) for key, item in value.items() if key != "spoilt"}
    return value


def run(value: Any, *, spoils: bool) -> tuple[Any, list[Any]]:
    """Outputs and what was recorded."""
    Vandal.spoils, Vandal.seen = spoils, []

    async def main(loop: SimLoop) -> tuple[Any, list[Any]]:
        house = SimHouse(loop, tools=TOOLS)
        house.workflows["child"] = CHILD
        given, heard = {"x": CLEAN(value)}, CLEAN(value)
        execution = house.start(TEXT, given)
        look(execution)
        execution.signal("go", heard)
        Vandal.see(given["x"], heard)
        await ended(execution)
        look(execution)
        return execution.outputs, [record.event for record in house.journal.peek("x1")]

    return simulate(7, main)


def look(execution: Execution) -> None:
    """A person looks at everything, and plays with it."""

    def play(_: Any) -> None:
        Vandal.see(execution.outputs, execution.inputs)
        for node in execution.nodes.values():
            Vandal.see(node.output, node.inputs)

    execution.subscribe(play)


@given(JSON)
@settings(max_examples=40, deadline=None)
def test_what_is_done_to_values_later_changes_nothing(value: Any) -> None:
    calm, rough = run(CLEAN(value), spoils=False), run(CLEAN(value), spoils=True)
    assert rough[0] == calm[0]
    assert rough[1] == calm[1]
