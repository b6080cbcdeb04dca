"""`cache:` takes a result of the same meaning, inputs and function; hits are shown and counted."""

from __future__ import annotations

from tests.runtime.conftest import House


async def test_a_cached_node_runs_once_for_equal_inputs_also_after_a_restart(house: House) -> None:
    calls: list[int] = []

    @house.tool
    def square(n: int) -> int:
        calls.append(n)
        return n * n

    text = "inputs: {n: integer}\nnodes: {s: {tool: square, with: {n: =inputs.n}, cache: 1h}, t: {set: {v: =s}}}"
    first = await house.run(text, {"n": 3})
    again = await house.run(text, {"n": 3})
    other = await house.run(text, {"n": 4})
    assert [e.outputs["t"]["v"] for e in (first, again, other)] == [9, 9, 16]
    assert calls == [3, 4]
    taken = again.nodes["s"].taken
    assert taken is not None and taken["cache"] is True and taken["execution"] == first.id
    assert (house.engine.cache.hits, house.engine.cache.misses) == (1, 2)
    house.engine = house.new_engine()
    assert (await house.run(text, {"n": 3})).nodes["s"].taken is not None
    assert calls == [3, 4]


async def test_a_cache_ends_with_its_time_and_with_the_function(house: House) -> None:
    calls: list[str] = []

    @house.tool
    def say() -> str:
        calls.append("first")
        return "first"

    text = "nodes: {s: {tool: say, cache: 1ms}}"
    await house.run(text)
    import asyncio

    await asyncio.sleep(0.005)
    await house.run(text)
    assert calls == ["first", "first"]

    long = "nodes: {s: {tool: say, cache: true}}"
    await house.run(long)

    @house.tool
    def say() -> str:  # noqa: F811
        calls.append("second")
        return "second"

    assert (await house.run(long)).outputs == {"s": "second"}
