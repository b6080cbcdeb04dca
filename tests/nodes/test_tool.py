"""`tool:` as its executor performs it, with real functions and no engine."""

from __future__ import annotations

import asyncio
import contextvars
import dataclasses
import datetime as dt
import sys
import threading
from enum import Enum
from typing import Annotated, Any, Literal

import numpy as np
import pytest
from pydantic import BaseModel, Field

from nbflow.errors import NodeError
from nbflow.integrations.tools.registry import ToolRegistry
from nbflow.nodes.tool import ToolExecutor
from nbflow.ports.executors import Call
from tests.nodes.calls import attempted, tool


@pytest.fixture
def registry() -> ToolRegistry:
    return ToolRegistry()


@pytest.fixture
def executor(registry: ToolRegistry) -> ToolExecutor:
    return ToolExecutor(registry)


async def test_a_plain_function_runs_in_a_thread_with_the_callers_context(registry, executor):
    who = contextvars.ContextVar("who", default="nobody")

    @registry.tool
    def where() -> dict[str, Any]:
        return {"main": threading.current_thread() is threading.main_thread(), "who": who.get()}

    who.set("the caller")
    assert await executor.perform(attempted(tool("where"), {}).call) == {"main": False, "who": "the caller"}


async def test_an_async_function_runs_on_the_loop(registry, executor):
    @registry.tool
    async def where() -> bool:
        await asyncio.sleep(0)
        return threading.current_thread() is threading.main_thread()

    assert await executor.perform(attempted(tool("where"), {}).call) is True


async def test_plain_functions_run_at_the_same_time(registry, executor):
    meeting = threading.Barrier(3, timeout=5)

    @registry.tool
    def meet() -> int:
        return meeting.wait()

    results = await asyncio.gather(*(executor.perform(attempted(tool("meet"), {}).call) for _ in range(3)))
    assert sorted(results) == [0, 1, 2]


async def test_a_cancelled_call_does_not_wait_for_its_thread(registry, executor):
    begun, go_on = threading.Event(), threading.Event()

    @registry.tool
    def slow() -> None:
        begun.set()
        go_on.wait(5)

    task = asyncio.create_task(executor.perform(attempted(tool("slow"), {}).call))
    while not begun.is_set():
        await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    go_on.set()


class Colour(Enum):
    RED = "red"


class Address(BaseModel):
    city: str
    street: str | None = None


@dataclasses.dataclass
class Order:
    id: int
    address: Address


async def test_arguments_become_what_the_hints_name(registry, executor):
    @registry.tool
    def take(
        order: Order, day: dt.date, colour: Colour, how: Literal["fast", "slow"], many: list[Address]
    ) -> list[Any]:
        return [order.address.city, day.year, colour.name, how, many[0].street]

    given = {
        "order": {"id": 1, "address": {"city": "Bonn"}},
        "day": "2026-11-24",
        "colour": "red",
        "how": "fast",
        "many": [{"city": "Ulm", "street": "Platz"}],
    }
    assert await executor.perform(attempted(tool("take"), given).call) == ["Bonn", 2026, "RED", "fast", "Platz"]


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"count": "3", "name": "a"}, ["count", "text"]),
        ({"count": 3.5, "name": "a"}, ["count"]),
        ({"count": True, "name": "a"}, ["count"]),
        ({"count": 3}, ["needs 'name'"]),
        ({"count": 3, "name": "a", "nmae": "b"}, ["'nmae' is not an argument of greet"]),
        ({"count": 0, "name": "a"}, ["count"]),
    ],
)
async def test_a_wrong_argument_is_named_with_what_came(registry, executor, given, words):
    @registry.tool
    def greet(count: Annotated[int, Field(ge=1)], name: str, loud: bool = False) -> str:
        raise AssertionError("it must not be called")

    with pytest.raises(NodeError) as caught:
        await executor.perform(attempted(tool("greet"), given).call)
    assert caught.value.kind == "InvalidInput"
    assert caught.value.code == "tool.arguments"
    for word in words:
        assert word in str(caught.value)


async def test_a_number_takes_a_whole_number_too(registry, executor):
    @registry.tool
    def half(x: float) -> float:
        return x / 2

    assert await executor.perform(attempted(tool("half"), {"x": 3}).call) == 1.5


async def test_a_default_of_none_also_takes_null(registry, executor):
    @registry.tool
    def maybe(x: int = None) -> bool:  # noqa: RUF013 - that is the point
        return x is None

    assert await executor.perform(attempted(tool("maybe"), {"x": None}).call) is True
    assert await executor.perform(attempted(tool("maybe"), {}).call) is True


async def test_a_data_frame_is_passed_on_whole(registry, executor):
    import pandas as pd

    @registry.tool
    def rows(frame: pd.DataFrame, at_least: int) -> pd.DataFrame:
        return frame[frame.x >= at_least]

    frame = pd.DataFrame({"x": [1, 2, 3]})
    result = await executor.perform(attempted(tool("rows"), {"frame": frame, "at_least": 2}).call)
    assert list(result.x) == [2, 3]


async def test_a_function_may_ask_for_the_call(registry, executor):
    @registry.tool(effects="once")
    async def pay(amount: int, call: Call) -> str:
        return f"{call.key}: {amount}"

    assert list(registry.find("pay").parameters["properties"]) == ["amount"]
    assert await executor.perform(attempted(tool("pay"), {"amount": 3}).call) == "x1/node: 3"


async def test_prints_are_kept_with_the_attempt_and_not_on_stdout(registry, executor, capsys):
    @registry.tool
    def talk() -> int:
        print("in a thread")
        print("to stderr", file=sys.stderr)
        return 1

    @registry.tool
    async def talk_async() -> int:
        print("on the loop")
        await asyncio.sleep(0)
        return 2

    one, two = attempted(tool("talk"), {}), attempted(tool("talk_async"), {})
    await asyncio.gather(executor.perform(one.call), executor.perform(two.call))
    assert [record.response for record in one.of("printed")] == ["in a thread\nto stderr\n"]
    assert [record.response for record in two.of("printed")] == ["on the loop\n"]
    assert "".join(one.streamed) == "in a thread\nto stderr\n"
    assert capsys.readouterr() == ("", "")
    print("outside")
    assert capsys.readouterr().out == "outside\n"


async def test_what_others_print_meanwhile_goes_where_it_always_went(registry, executor, capsys):
    @registry.tool
    async def talk() -> None:
        print("inside")
        await gate.wait()

    gate, one = asyncio.Event(), attempted(tool("talk"), {})
    task = asyncio.create_task(executor.perform(one.call))
    while not one.streamed:
        await asyncio.sleep(0)
    print("outside")
    gate.set()
    await task
    assert capsys.readouterr().out == "outside\n"


async def test_prints_are_kept_when_the_tool_fails(registry, executor):
    @registry.tool
    def fail() -> None:
        print("so far")
        raise ValueError("no")

    one = attempted(tool("fail"), {})
    with pytest.raises(ValueError, match="no"):
        await executor.perform(one.call)
    assert [record.response for record in one.of("printed")] == ["so far\n"]


async def test_endless_prints_are_cut(registry, executor):
    @registry.tool
    def flood() -> None:
        for _ in range(100):
            print("x" * 10_000)

    one = attempted(tool("flood"), {})
    await executor.perform(one.call)
    (kept,) = one.of("printed")
    assert len(kept.response) < 70_000
    assert kept.response.endswith("(more was printed)")


@pytest.mark.parametrize("problem", [SystemExit(3), KeyboardInterrupt(), StopIteration("x")])
async def test_an_exit_fails_the_attempt_and_not_the_process(registry, executor, problem):
    @registry.tool
    def leave() -> None:
        raise problem

    with pytest.raises(NodeError) as caught:
        await executor.perform(attempted(tool("leave"), {}).call)
    assert caught.value.kind == type(problem).__name__


async def test_an_unknown_tool_fails_with_the_nearest_name(registry, executor):
    registry.register(lambda: None, "summarise")
    one = attempted(tool("sumarise"), {})
    with pytest.raises(NodeError) as caught:
        await executor.perform(one.call)
    assert (caught.value.kind, caught.value.code) == ("InvalidInput", "tool.unknown")
    assert "summarise" in caught.value.hint
    assert executor.validate(one.call.node)[0][0] == "tool.unknown"


async def test_a_result_that_does_not_fit_the_output_is_kept_in_the_error(registry, executor):
    @registry.tool
    def score() -> dict[str, Any]:
        return {"score": "high"}

    schema = {"type": "object", "properties": {"score": {"type": "number"}}, "required": ["score"]}
    with pytest.raises(NodeError) as caught:
        await executor.perform(attempted(tool("score"), {}, schema=schema).call)
    assert caught.value.kind == "InvalidOutput"
    assert caught.value.detail == {"raw": {"score": "high"}}
    assert "score" in str(caught.value)


async def test_effects_are_the_nodes_then_the_tools(registry, executor):
    registry.register(lambda: None, "plain")
    registry.register(lambda: None, "careful", effects="once")
    assert executor.effects(attempted(tool("plain")).call.node) == "idempotent"
    assert executor.effects(attempted(tool("careful")).call.node) == "once"
    assert executor.effects(attempted(tool("careful"), effects="none").call.node) == "none"
    assert executor.effects(attempted(tool("nowhere")).call.node) == "once"


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (float("nan"), "holds NaN, which is not JSON"),
        ({"a": [1.0, float("-inf")]}, "holds infinity, which is not JSON"),
        (np.float64("nan"), "holds NaN, which is not JSON"),
        ({"a": np.float32("inf")}, "holds infinity, which is not JSON"),
    ],
)
async def test_what_is_no_number_of_json_fails_the_attempt(registry, executor, value, words):
    registry.register(lambda: value, "mean")
    with pytest.raises(NodeError, match=words) as caught:
        await executor.perform(attempted(tool("mean"), {}).call)
    assert (caught.value.kind, caught.value.hint) == ("InvalidOutput", "give null for what is not known")


async def test_numbers_of_numpy_are_numbers(registry, executor):
    registry.register(lambda: {"a": np.float64(2.5), "b": np.int64(3), "c": np.bool_(True)}, "numbers")
    assert await executor.perform(attempted(tool("numbers"), {}).call) == {"a": 2.5, "b": 3, "c": True}
