"""A node in a cell of its own: what it would do there is what it did."""

from __future__ import annotations

import pytest

from nbflow import assembly
from nbflow.notebook.playing import cell_for

ODD = ["=1 + 1", "plain", "a ${{ b }} c", "$${{ x }}", "=", "yes: no", "line\nline", "'q\""]


@pytest.fixture(autouse=True)
def _tools():
    assembly.tools.register_all({"echo": lambda value: value})


@pytest.mark.parametrize("value", [*ODD, {"a": ODD}, 3, None, [1.5, True]])
async def test_a_workflow_of_one_node_gives_it_the_inputs_it_had(value):
    first = assembly.start(
        "inputs: [value]\nnodes: {my_node: {tool: echo, with: {value: =inputs.value}}}",
        {"value": value},
        store="memory:",
    )
    await first
    cell = cell_for(first, "my_node", {})
    line, _, text = cell.partition("\n")
    if value is None:
        return  # an argument that is null is left out
    assert line == "%%workflow my-node-alone"
    again = assembly.start(assembly.parse(text, name="my-node-alone"), store="memory:")
    await again
    assert again.outputs == {"my_node": value}


async def test_a_function_of_the_notebook_is_called_and_awaited_when_it_is_async():
    async def wait(n):
        return n

    assembly.tools.register_all({"wait_for": wait})
    execution = assembly.start("nodes: {a: {tool: wait_for, with: {n: 3}}}", store="memory:")
    await execution
    assert cell_for(execution, "a", {"wait_for": wait}).splitlines()[1:] == [
        "inputs = {'n': 3}",
        "await wait_for(**inputs)",
    ]


async def test_an_agent_keeps_its_prompt_its_model_and_what_it_is_to_give():
    @assembly.agent("parrot")
    def parrot(prompt: str) -> dict:
        return {"said": prompt}

    text = "nodes: {a: {agent: {prompt: 'Say ${{ 1 + 1 }}', model: parrot}, output: {said: string}}}"
    execution = assembly.start(text, store="memory:")
    await execution
    cell = cell_for(execution, "a", {})
    assert "Say 2" in cell and "model: parrot" in cell
    again = assembly.start(assembly.parse(cell.partition("\n")[2], name="a-alone"), store="memory:")
    await again
    assert again.outputs == execution.outputs
