"""Agent nodes in a running execution: a person's yes, what a crash keeps, memory, budgets, streams, prints."""

from __future__ import annotations

import asyncio

import pytest

from nbflow.errors import IllegalMove, InputError
from nbflow.history.compare import table
from nbflow.notebook.render.extract import picture
from nbflow.notebook.render.watch import Watch
from nbflow.ports.agents import ModelReply, Usage
from tests.nodes.scripted import Scripted, wants

PAY = """
name: w
nodes:
  clerk: {agent: {model: scripted/m, prompt: pay three, tools: [pay]}}
  after: {set: {said: =clerk}}
"""


def paying(house, *lines):
    model, paid = Scripted(*lines), []
    house.agents.add(model)

    @house.tools.tool(effects="once")
    def pay(amount: int) -> str:
        paid.append(amount)
        return "paid"

    return model, paid


async def test_an_agent_waits_for_a_yes_and_goes_on_where_it_was(house):
    model, paid = paying(house, wants(("pay", '{"amount": 3}')), "thanks")
    execution = house.start(PAY)
    await execution.until("waiting")
    node = execution.nodes["clerk"]
    assert (node.phase, node.reason) == ("waiting", "approval")
    assert node.detail["prompt"] == "May the agent call pay?"
    assert node.detail["about"] == {"tool": "pay", "arguments": {"amount": 3}}
    with pytest.raises(InputError):
        execution.answer("clerk", "maybe")
    execution.answer("clerk", True)
    await execution
    assert execution.outputs == {"after": {"said": "thanks"}}
    assert paid == [3]
    assert len(model.asked) == 2
    with pytest.raises(IllegalMove):
        execution.answer("clerk", True)


async def test_a_no_is_told_to_the_model(house):
    _, paid = paying(house, wants(("pay", '{"amount": 3}')), "a pity")
    execution = house.start(PAY)
    await execution.until("waiting")
    execution.answer("clerk", False)
    await execution
    assert execution.outputs == {"after": {"said": "a pity"}}
    assert paid == []


async def test_a_question_survives_the_process(house):
    model, paid = paying(house, wants(("pay", '{"amount": 3}')), "thanks")
    execution = house.start(PAY)
    await execution.until("waiting")
    house.engine.drivers[execution.id].break_off(RuntimeError("a crash"))
    engine = house.new_engine()
    again = await engine.recover(execution.id)
    await again.until("waiting")
    again.answer("clerk", True)
    await again
    assert again.outputs == {"after": {"said": "thanks"}}
    assert (paid, len(model.asked)) == ([3], 2)


async def test_memory_goes_from_round_to_round(house):
    model = Scripted("one", "two", "three")
    house.agents.add(model)
    await house.run("""
nodes:
  talk:
    loop: {max: 3}
    nodes:
      say: {agent: {model: scripted/m, prompt: "round ${{ loop.index }}", memory: thread}}
""")
    assert [(m.role, m.text) for m in model.asked[2].messages] == [
        ("user", "round 0"), ("assistant", "one"), ("user", "round 1"), ("assistant", "two"), ("user", "round 2"),
    ]  # fmt: skip


async def test_memory_of_a_function_goes_from_round_to_round(house):
    @house.agents.agent("count")
    def count(prompt: str, messages: list[dict]) -> dict:
        return {"text": prompt, "heard": [turn["content"] for turn in messages]}

    execution = await house.run("""
nodes:
  talk:
    loop: {max: 3}
    nodes:
      say: {agent: {model: count, prompt: "round ${{ loop.index }}", memory: thread}}
""")
    first = {"text": "round 0", "heard": []}
    second = {"text": "round 1", "heard": ["round 0", first]}
    assert execution.outputs["talk"]["say"]["heard"] == ["round 0", first, "round 1", second]


async def test_an_executions_budget_counts_all_its_nodes(house):
    house.agents.add(Scripted("one", "two", "three"))
    execution = await house.run("""
budget: {tokens: 20}
nodes:
  a: {agent: {model: scripted/m, prompt: x}}
  b: {agent: {model: scripted/m, prompt: x}, needs: a}
  c: {agent: {model: scripted/m, prompt: x}, needs: b}
""")
    assert execution.phase == "failed"
    assert execution.nodes["c"].error["code"] == "budget.exceeded"


async def test_what_a_child_used_counts_for_its_parent_while_it_runs_and_after(house):
    house.agents.add(Scripted(*["word"] * 9))
    house.workflows["child"] = """
nodes:
  a: {agent: {model: scripted/m, prompt: a}}
  b: {agent: {model: scripted/m, prompt: b}, needs: a}
  c: {agent: {model: scripted/m, prompt: c}, needs: b}
"""
    within = await house.run("budget: {tokens: 30}\nnodes: {k: {workflow: child}}")
    assert within.error["code"] == "budget.exceeded"
    assert within.state.usage["tokens"] == 30
    after = await house.run("""
budget: {tokens: 45}
nodes:
  k: {workflow: child}
  d: {agent: {model: scripted/m, prompt: d}, needs: k}
""")
    assert (after.nodes["k"].phase, after.nodes["d"].error["code"]) == ("completed", "budget.exceeded")
    (counted,) = after.nodes["k"].calls
    assert (counted.kind, counted.usage["tokens"]) == ("workflow", 45)
    kept = await house.new_engine().open(after.id)
    assert kept.state.usage["tokens"] == 45
    watch = Watch(after.plan, picture(after.plan))
    watch.fold(after.events)
    assert (watch.tokens, table([after])[0]["tokens"]) == (45, 45)


async def test_calls_side_by_side_do_not_pass_a_budget(house):
    model = Scripted(*["word"] * 20)
    house.agents.add(model)
    execution = await house.run("""
budget: {tokens: 60}
nodes:
  all: {parallel: {for_each: "list(range(12))"}, nodes: {a: {agent: {model: scripted/m, prompt: "n ${{ item }}"}}}}
""")
    assert execution.error["code"] == "budget.exceeded"
    assert (len(model.asked), execution.state.usage["tokens"]) == (4, 60)


async def test_functions_side_by_side_and_in_children_keep_to_a_budget_too(house):
    made: list[str] = []

    @house.agents.agent("paid")
    async def paid(prompt: str):
        made.append(prompt)
        await asyncio.sleep(0)
        return ModelReply("text", usage=Usage(10, 5))

    house.workflows["child"] = 'inputs: {n: integer}\nnodes: {a: {agent: {model: paid, prompt: "n ${{ inputs.n }}"}}}'
    execution = await house.run("""
budget: {tokens: 40}
nodes:
  all: {parallel: {for_each: "list(range(8))"}, nodes: {k: {workflow: child, with: {n: =item}}}}
""")
    assert execution.error["code"] == "budget.exceeded"
    assert len(made) == 3


async def test_text_is_streamed_and_prints_are_kept_with_the_attempt(house):
    house.agents.add(Scripted(wants(("look", "{}")), "seen"))

    @house.tool
    def look() -> str:
        print("looking")
        return "ok"

    execution = house.start("nodes:\n  a: {agent: {model: scripted/m, prompt: x, tools: [look]}}")
    said: list[tuple[str, str]] = []
    execution.texts(lambda path, text: said.append((path, text)))
    await execution
    await asyncio.sleep(0)
    assert "".join(text for path, text in said if path == "a") == "looking\nseen"
    assert [call.kind for call in execution.nodes["a"].calls] == ["model", "tool", "model", "printed"]
