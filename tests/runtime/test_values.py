"""What a person gives is copied and checked before it is told."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from nbflow.errors import InputError, NodeError
from nbflow.ports.executors import Call
from nbflow.storage.codec import encode
from tests.runtime.conftest import House


async def test_what_a_person_gives_is_copied_and_checked(house: House) -> None:
    execution = house.start("nodes: {q: {ask: which?}, r: {ask: and?}}\noutputs: {q: =q, r: =r}")
    await execution.until("r")
    mine = {"a": [1]}
    execution.answer("q", mine)
    execution.skip("r", mine)
    mine["a"].append(2)
    await execution
    assert execution.outputs == {"q": {"a": [1]}, "r": {"a": [1]}}


async def test_what_cannot_be_kept_is_refused_at_once(house: House) -> None:
    with pytest.raises(InputError, match="the input x is a object, which cannot be kept"):
        house.start("inputs: [x]\nnodes: {a: {set: {v: 1}}}", {"x": object()})
    execution = house.start("nodes: {q: {ask: which?}}")
    await execution.until("q")
    for verb in (execution.answer, execution.skip, execution.signal):
        with pytest.raises(NodeError, match="cannot be kept"):
            verb("q", {"deep": object()})
    assert execution.phase == "waiting"


def unkept() -> dict[str, Any]:
    """Values that no store keeps, by what is wrong with them."""
    return {
        "object": object(),
        "deep object": {"a": [{"b": object()}]},
        "frame of objects": pd.DataFrame({"a": [object(), 1]}),
        "frame of mixed values": pd.DataFrame({"a": [1, "x", b"y"]}),
        "series of objects": pd.Series([object()]),
        "array of objects": np.array([object()], dtype=object),
        "index": pd.Index([1, 2]),
        "arrow array": pa.array([1]),
        "long double": np.longdouble(1),
        "NaN": float("nan"),
        "function": print,
        "class": dict,
        "generator": (x for x in ()),
    }


@pytest.mark.parametrize("name", unkept())
async def test_a_result_that_cannot_be_kept_fails_its_node_and_nothing_else(house: House, name: str) -> None:
    tries = []

    @house.tool
    def odd() -> Any:
        tries.append(1)
        return unkept()[name]

    text = """
nodes:
  caught: {tool: odd, retry: 1, on_error: {value: "=error.message"}}
  other: {set: {v: 1}, needs: caught}
  last: {tool: odd, needs: other}
"""
    execution = await house.run(text)
    assert execution.phase == "failed"
    assert execution.nodes["other"].output == {"v": 1}
    assert execution.error["node"] == "last"
    assert execution.error["kind"] == "InvalidOutput"
    assert "result" in execution.nodes["caught"].output
    assert len(tries) == 3
    records = await house.journal.read(execution.id)
    assert all(encode(execution.id, record, lambda content, kind: "") for record in records)


async def test_what_an_error_brings_along_is_kept_as_text_where_it_is_no_data(house: House) -> None:
    @house.tool
    def odd() -> Any:
        raise NodeError("Odd", "oh", detail={"x": {1, 2}, "y": object()})

    execution = await house.run("nodes: {a: {tool: odd}}")
    assert execution.error["kind"] == "Odd"
    assert "object object at" in execution.error["detail"]


async def test_a_call_that_cannot_be_kept_fails_its_attempt(house: House) -> None:
    @house.tool
    async def odd(call: Call) -> Any:
        await call.record(1, "tool", "mine", request=object())

    execution = await house.run("nodes: {a: {tool: odd}}")
    assert (execution.phase, execution.error["kind"]) == ("failed", "InvalidOutput")


@pytest.mark.parametrize("value", [pd.DataFrame({"a": [1.5, None], "b": ["x", None]}), np.arange(3), b"x"])
async def test_tables_arrays_and_bytes_are_results_as_any(house: House, value: Any) -> None:
    house.tools.tool(name="give")(lambda: {"deep": [value]})
    house.tools.tool(name="take")(lambda given: type(given["deep"][0]).__name__)
    execution = await house.run("nodes: {a: {tool: give}, b: {tool: take, with: {given: =a}}}")
    assert execution.nodes["b"].output == type(value).__name__
