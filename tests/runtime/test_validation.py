"""Executors are asked before anything runs, and again when the inputs of a node are resolved."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import BaseModel, field_validator

from nbflow.errors import SpecError
from nbflow.execution.events import NodeStarted
from nbflow.nodes.performed import Performed
from nbflow.nodes.plugins import Plugins
from nbflow.plan.workflow import parse
from nbflow.runtime.execution import Execution
from tests.runtime.conftest import House

NO_MODEL = """
nodes:
  first: {tool: first}
  each:
    parallel: {for_each: '[1, 2]'}
    nodes: {ask: {agent: "hello ${{ item }}"}}
on_error: {agent: {model: nobody/m, prompt: sorry}}
"""


@pytest.fixture
def ran(house: House) -> list[Any]:
    calls: list[Any] = []

    @house.tools.tool(effects="once")
    async def first() -> None:
        calls.append("first")

    @house.tools.tool(effects="once")
    async def pay(amount: int, to: str = "me") -> int:
        calls.append(amount)
        return amount

    return calls


def started(execution: Execution) -> list[str]:
    return [record.event.node for record in execution.events if isinstance(record.event, NodeStarted)]


async def test_all_that_executors_miss_is_said_before_anything_is_recorded(house: House, ran: list[Any]) -> None:
    with pytest.raises(SpecError) as caught:
        house.start(NO_MODEL)
    found = [(each.code, each.line, each.excerpt) for each in caught.value.diagnostics]
    lines = NO_MODEL.splitlines()
    assert found == [("agent.no_model", 6, lines[5]), ("agent.unknown", 7, lines[6])]
    assert ran == []
    assert await house.journal.executions() == []


async def test_a_node_that_is_mocked_needs_nobody_to_perform_it(house: House) -> None:
    text = "nodes: {a: {agent: {prompt: hi}, mock: there}}"
    assert (await house.run(text, mock=True)).outputs == {"a": "there"}
    with pytest.raises(SpecError):
        house.start(text)


async def test_a_workflow_written_inline_is_asked_about_too(house: House) -> None:
    with pytest.raises(SpecError, match="no model"):
        house.start("nodes: {a: {workflow: {nodes: {b: {agent: hi}}}}}")


@pytest.mark.parametrize("given", ["ten", None, {"n": 1}])
async def test_arguments_that_do_not_fit_start_no_attempt(house: House, ran: list[Any], given: Any) -> None:
    text = """
inputs: {n: any}
nodes:
  a: {tool: pay, with: {amount: =inputs.n}, retry: 3}
"""
    execution = await house.run(text, {"n": given})
    assert execution.phase == "failed"
    assert execution.nodes["a"].error["code"] == "tool.arguments"
    assert execution.nodes["a"].error["kind"] == "InvalidInput"
    assert (started(execution), ran) == ([], [])


async def test_arguments_that_do_not_fit_can_be_caught(house: House, ran: list[Any]) -> None:
    text = """
inputs: {n: any}
nodes:
  a: {tool: pay, with: {amount: =inputs.n}, on_error: [{on: [InvalidInput], value: "=error.message"}]}
"""
    execution = await house.run(text, {"n": "ten"})
    assert execution.phase == "completed"
    assert "amount" in execution.outputs["a"]


async def test_arguments_with_secrets_are_checked_by_the_tool_itself(house: House, ran: list[Any]) -> None:
    house.engine = house.new_engine(secrets={"N": "7"})
    execution = await house.run("nodes: {a: {tool: pay, with: {amount: 1, to: =secrets.N}}}")
    assert execution.phase == "completed"


class Order(BaseModel):
    size: int

    @field_validator("size")
    @classmethod
    def even(cls, size: int) -> int:
        if size % 2:
            raise ValueError("has to be even")
        return size


async def test_a_plug_in_model_is_asked_once_its_expressions_have_values(house: House) -> None:
    plugins = Plugins()

    @plugins.kind("order", effects="once")
    async def order(given: Order) -> int:
        """Orders so many."""
        return given.size

    kind = Performed(plugins.kinds["order"])
    house.engine.kinds["order"] = house.engine.performed["order"] = kind  # type: ignore[index, assignment]
    plan = parse("inputs: {n: any}\nnodes: {a: {order: {size: =inputs.n}}}", name="w", kinds=plugins.specs).plan
    for given, words in ((3, "has to be even"), ("many", "size")):
        execution = house.engine.start(plan, {"n": given})
        await execution.until("failed")
        assert words in execution.nodes["a"].error["message"]
        assert started(execution) == []
    execution = house.engine.start(plan, {"n": 4})
    await execution
    assert execution.outputs == {"a": 4}


async def test_inputs_that_a_workflow_written_inline_does_not_take_start_no_child(house: House) -> None:
    text = """
inputs: {n: any}
nodes:
  a: {workflow: {inputs: {n: integer}, nodes: {b: {set: {v: =inputs.n}}}}, with: {n: =inputs.n}}
"""
    execution = await house.run(text, {"n": "x"})
    assert (execution.nodes["a"].error["code"], started(execution)) == ("input.type", [])
    assert len(await house.journal.executions()) == 1


@pytest.mark.parametrize("child", ["{nodes: {b: {tool: pay, with: {amount: 1}, mock: 7}}}", "other"])
async def test_what_is_mocked_is_mocked_in_child_executions_too(house: House, ran: list[Any], child: str) -> None:
    house.workflows["other"] = "nodes: {b: {tool: pay, with: {amount: 1}, mock: 7}}"
    execution = await house.run(f"nodes: {{a: {{workflow: {child}}}}}", mock=True)
    assert (execution.outputs, ran) == ({"a": {"b": 7}}, [])
