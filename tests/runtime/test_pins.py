"""A pinned node gives its output in later executions and is not called, until it is let go."""

from __future__ import annotations

import pytest

from nbflow.errors import IllegalMove, NotFound
from tests.runtime.conftest import House

TEXT = """
inputs: {n: integer}
nodes:
  a: {tool: dear, with: {n: =inputs.n}}
  l: {parallel: {for_each: "[1, 2]", collect: =x}, nodes: {x: {tool: dear, with: {n: =item}}}}
  b: {set: {v: =a + 1}}
outputs: {b: =b.v, l: =l}
"""


async def test_it_gives_its_output_whatever_it_is_given(house: House) -> None:
    calls: list[int] = []

    @house.tool
    def dear(n: int) -> int:
        calls.append(n)
        return n * 10

    first = await house.run(TEXT, {"n": 4})
    first.pin("a")
    first.pin("l.x", 7)
    calls.clear()
    second = await house.run(TEXT, {"n": 5})
    assert calls == []
    assert second.outputs == {"b": 41, "l": [7, 7]}
    assert second.nodes["a"].taken == {"execution": first.id, "node": "a", "pinned": True}
    third = await second.rerun(inputs={"n": 6})
    await third
    assert third.outputs["b"] == 41
    assert second.unpin("a") and not second.unpin("a")
    last = await house.run(TEXT, {"n": 6})
    assert last.outputs == {"b": 61, "l": [7, 7]}
    assert calls == [6]


async def test_what_cannot_be_pinned_is_refused(house: House) -> None:
    @house.tool
    def dear(n: int) -> int:
        return n

    execution = await house.run(TEXT, {"n": 4})
    with pytest.raises(IllegalMove, match="b is a set, which calls nothing"):
        execution.pin("b", 1)
    with pytest.raises(IllegalMove, match=r"l\.x has no output to pin yet"):
        execution.pin("l.x")
    with pytest.raises(NotFound, match="no node 'zz'"):
        execution.pin("zz", 1)
