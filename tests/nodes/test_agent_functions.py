"""Agents that are functions, as `agent:` asks them."""

from __future__ import annotations

import asyncio
import threading

import pytest

from nbflow.errors import ExecutorError, NodeError
from nbflow.integrations.agents.plugins import add_runtimes
from nbflow.integrations.agents.registry import AgentRegistry
from nbflow.integrations.tools.registry import ToolRegistry
from nbflow.nodes.agent import AgentExecutor
from nbflow.ports.agents import ModelReply, Usage
from tests.nodes.calls import agent, attempted
from tests.nodes.scripted import Scripted


@pytest.fixture
def agents() -> AgentRegistry:
    return AgentRegistry()


@pytest.fixture
def executor(agents: AgentRegistry) -> AgentExecutor:
    return AgentExecutor(agents, ToolRegistry())


async def test_a_function_gets_what_its_signature_asks_for(agents, executor):
    @agents.agent("shout")
    def shout(prompt: str, times: int = 1) -> str:
        return prompt.upper() * times

    inputs = {"prompt": "hi ", "system": "unasked", "arguments": {"times": 2}}
    assert await executor.perform(attempted(agent("shout"), inputs).call) == "HI HI "


@pytest.mark.parametrize(
    ("inputs", "words"),
    [
        ({"prompt": "x"}, "needs 'text'"),
        ({"prompt": "x", "arguments": {"text": 3}}, "text"),
        ({"prompt": "x", "arguments": {"text": "a", "cuont": 3}}, "does not ask for 'cuont'"),
    ],
)
async def test_what_it_cannot_be_asked_is_named(agents, executor, inputs, words):
    @agents.agent("summarise")
    def summarise(text: str, count: int = 2) -> str:
        raise AssertionError("it must not be called")

    with pytest.raises(NodeError) as caught:
        await executor.perform(attempted(agent("summarise"), inputs).call)
    assert caught.value.kind == "InvalidInput"
    assert words in str(caught.value)


async def test_an_async_generator_streams_and_its_texts_are_the_answer(agents, executor):
    @agents.agent("count")
    async def count(prompt: str):
        for word in ("one", " two"):
            await asyncio.sleep(0)
            yield word

    one = attempted(agent("count"), {"prompt": "go"})
    assert await executor.perform(one.call) == "one two"
    assert one.streamed == ["one", " two"]


async def test_a_generator_streams_from_a_thread_and_may_end_with_its_answer(agents, executor):
    @agents.agent("think")
    def think(prompt: str):
        yield "thinking in " + ("main" if threading.current_thread() is threading.main_thread() else "a thread")
        yield {"answer": 42}

    one = attempted(agent("think"), {"prompt": "go"})
    assert await executor.perform(one.call) == {"answer": 42}
    assert one.streamed == ["thinking in a thread"]


async def test_cancelling_ends_an_async_generator(agents, executor):
    ended = []

    @agents.agent("endless")
    async def endless(prompt: str):
        try:
            while True:
                yield "."
                await asyncio.sleep(0)
        finally:
            ended.append(True)

    one = attempted(agent("endless"), {"prompt": "go"})
    task = asyncio.create_task(executor.perform(one.call))
    while not one.streamed:
        await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert ended == [True]


SCORE = {
    "type": "object",
    "properties": {"score": {"type": "number"}},
    "required": ["score"],
    "additionalProperties": False,
}


async def test_a_text_is_read_as_json_where_the_output_is_none(agents, executor):
    agents.register(lambda prompt: 'Sure:\n```json\n{"score": 0.5}\n```', "critic")
    one = attempted(agent("critic"), {"prompt": "x"}, schema=SCORE)
    assert await executor.perform(one.call) == {"score": 0.5}


async def test_a_reply_that_does_not_fit_fails_with_its_raw_form_and_is_asked_again(agents, executor):
    answers = iter(['{"score": "high"}', '{"score": 1}'])
    agents.register(lambda prompt: next(answers), "critic")
    first = attempted(agent("critic", repair=0), {"prompt": "x"}, schema=SCORE)
    with pytest.raises(NodeError) as caught:
        await executor.perform(first.call)
    assert caught.value.kind == "InvalidOutput"
    assert caught.value.detail == {"raw": '{"score": "high"}'}
    assert first.records[0].error["kind"] == "InvalidOutput"
    again = attempted(
        agent("critic", repair=0), {"prompt": "x"}, schema=SCORE, recorded=tuple(first.records), attempt=2
    )
    assert await executor.perform(again.call) == {"score": 1}


async def test_a_recorded_answer_is_not_asked_again(agents, executor):
    asked = []

    @agents.agent("once")
    def once(prompt: str) -> dict:
        asked.append(prompt)
        return {"n": len(asked)}

    first = attempted(agent("once"), {"prompt": "x"})
    await executor.perform(first.call)
    again = attempted(agent("once"), {"prompt": "x"}, recorded=tuple(first.records), attempt=2)
    assert await executor.perform(again.call) == {"n": 1}
    assert again.records == []
    changed = attempted(agent("once"), {"prompt": "y"}, recorded=tuple(first.records), attempt=2)
    assert await executor.perform(changed.call) == {"n": 2}


async def test_a_function_may_say_what_it_took(agents, executor):
    agents.register(lambda prompt: ModelReply("hello", usage=Usage(input=3, output=1)), "counting")
    one = attempted(agent("counting"), {"prompt": "x"})
    assert await executor.perform(one.call) == "hello"
    assert one.records[0].usage == {"input": 3, "output": 1}


async def test_an_alias_means_another_model(agents, executor):
    agents.register(lambda prompt: "from echo", "echo")
    agents.alias("fast", "echo")
    assert await executor.perform(attempted(agent("fast"), {"prompt": "x"}).call) == "from echo"
    agents.alias("a", "b")
    agents.alias("b", "a")
    assert agents.find("a") is None


async def test_a_missing_model_and_an_unknown_one_say_what_to_write(agents, executor):
    agents.register(lambda prompt: "x", "critic")
    with pytest.raises(NodeError, match="has no model") as caught:
        await executor.perform(attempted(agent(), {"prompt": "x"}).call)
    assert caught.value.code == "agent.no_model"
    with pytest.raises(NodeError, match="no model 'critc'") as caught:
        await executor.perform(attempted(agent("critc"), {"prompt": "x"}).call)
    assert "critic" in caught.value.hint
    with_default = AgentExecutor(agents, ToolRegistry(), model="critic")
    assert await with_default.perform(attempted(agent(), {"prompt": "x"}).call) == "x"


def test_effects_grow_with_tools_that_need_no_yes(agents):
    tools = ToolRegistry()
    tools.register(lambda: None, "pay", effects="once")
    executor = AgentExecutor(agents, tools)
    agents.register(lambda prompt: "x", "pure", effects="none")
    assert executor.effects(attempted(agent("pure")).call.node) == "none"
    assert executor.effects(attempted(agent("pure", tools=("pay",))).call.node) == "none"
    assert executor.effects(attempted(agent("pure", tools=("pay",), approve="never")).call.node) == "once"


def test_a_name_that_cannot_be_an_agents_is_refused(agents):
    with pytest.raises(ExecutorError):
        agents.agent("openai/x")(lambda prompt: "x")
    with pytest.raises(ExecutorError):
        agents.register(3, "three")


TURNS = [{"role": "user", "content": "before"}, {"role": "assistant", "content": "then"}]


async def test_messages_are_what_was_said_before_the_prompt(agents, executor):
    @agents.agent("recall")
    def recall(prompt: str, messages: list[dict]) -> list:
        return [*messages, prompt]

    assert await executor.perform(attempted(agent("recall"), {"prompt": "x"}).call) == ["x"]
    own = {"role": "user", "content": "own"}
    one = attempted(agent("recall"), {"prompt": "x", "messages": [own]}, context={"memory": TURNS})
    assert await executor.perform(one.call) == [*TURNS, own, "x"]


async def test_a_function_that_asks_for_messages_only_gets_the_prompt_as_the_last_of_them(agents, executor):
    @agents.agent("talk")
    def talk(messages: list[dict]) -> list:
        return messages

    one = attempted(agent("talk"), {"prompt": "x"}, context={"memory": TURNS})
    assert await executor.perform(one.call) == [*TURNS, {"role": "user", "content": "x"}]


async def test_messages_that_are_none_are_refused(agents, executor):
    @agents.agent("talk")
    def talk(messages: list[dict]) -> list:
        raise AssertionError("it must not be called")

    with pytest.raises(NodeError, match="'messages' is a list") as caught:
        await executor.perform(attempted(agent("talk"), {"prompt": "x", "messages": "hello"}).call)
    assert caught.value.code == "agent.inputs"


async def test_the_model_that_answers_counts_whatever_stands_for_it(agents):
    agents.add(Scripted())
    agents.alias("fast", "scripted/a")
    default = ["scripted/a"]
    executor = AgentExecutor(agents, ToolRegistry(), model=lambda: default[0])

    def print_of(model: str | None) -> str:
        return executor.fingerprint(attempted(agent(model)).call.node)

    assert print_of(None) == print_of("fast") == print_of("scripted/a")
    agents.alias("fast", "scripted/b")
    default[0] = "scripted/b"
    assert print_of(None) == print_of("fast") != print_of("scripted/a")


async def test_a_runtime_that_cannot_be_made_fails_the_nodes_that_name_it(agents, executor):
    def load():
        raise ImportError("no module")

    add_runtimes(agents, {}, {"broken": load})
    one = attempted(agent("broken/x"), {"prompt": "x"})
    (found,) = executor.validate(one.call.node)
    assert (found[0], "agent runtime 'broken' cannot be made: ImportError" in found[1]) == ("agent.unknown", True)
    assert (executor.effects(one.call.node), executor.fingerprint(one.call.node)) == ("idempotent", "")
    with pytest.raises(NodeError, match="cannot be made") as caught:
        await executor.perform(one.call)
    assert caught.value.kind == "InvalidInput"


SCORE = {"type": "object", "properties": {"score": {"type": "number"}}, "required": ["score"]}


async def test_a_function_is_asked_again_with_what_was_wrong(agents, executor):
    asked: list[tuple[str, list]] = []

    @agents.agent("judge")
    def judge(prompt: str, messages: list):
        asked.append((prompt, messages))
        return {"score": "high"} if len(asked) == 1 else {"score": 3}

    one = attempted(agent("judge", repair=1), {"prompt": "how good?"}, schema=SCORE)
    assert await executor.perform(one.call) == {"score": 3}
    (first, nothing), (second, said) = asked
    assert (first, nothing) == ("how good?", [])
    assert second.startswith("how good?") and "score" in second and "Answer again" in second
    assert said == [{"role": "user", "content": "how good?"}, {"role": "assistant", "content": {"score": "high"}}]
    assert [record.error is None for record in one.records] == [False, True]


async def test_a_function_is_not_asked_again_without_repair(agents, executor):
    @agents.agent("judge")
    def judge():
        return {"score": "high"}

    one = attempted(agent("judge", repair=0), {}, schema=SCORE)
    with pytest.raises(NodeError, match="score"):
        await executor.perform(one.call)
    assert len(one.records) == 1


async def test_a_function_that_does_something_once_is_not_asked_again(agents, executor):
    asked = []

    @agents.agent("pay", effects="once")
    def pay():
        asked.append(1)
        return {"score": "high"}

    with pytest.raises(NodeError, match="score"):
        await executor.perform(attempted(agent("pay", repair=3), {}, schema=SCORE).call)
    assert asked == [1]


@pytest.mark.parametrize("error", [NodeError("Unavailable", "busy"), ConnectionError("gone"), TimeoutError()])
async def test_another_function_or_model_takes_over(agents, executor, error):
    @agents.agent("first")
    def first():
        raise error

    @agents.agent("second")
    def second():
        raise NodeError("RateLimited", "busy too")

    agents.add(Scripted("from the model"))
    call = attempted(agent("first", fallback=("second", "scripted/m")), {"prompt": "x"}).call
    assert await executor.perform(call) == "from the model"


async def test_an_error_of_a_functions_own_is_the_nodes(agents, executor):
    @agents.agent("first")
    def first():
        raise ValueError("wrong")

    @agents.agent("second")
    def second():
        raise AssertionError("it must not be called")

    with pytest.raises(ValueError, match="wrong"):
        await executor.perform(attempted(agent("first", fallback=("second",)), {}).call)


async def test_tools_are_not_for_functions(agents, executor):
    @agents.agent("only")
    def only():
        return 1

    executor.tools.register(lambda: 1, "look")
    (finding,) = executor.validate(attempted(agent("only", tools=("look",))).call.node)
    assert finding[0] == "agent.tools"
    assert executor.validate(attempted(agent("only", tools=("look",), fallback=("scripted/m",))).call.node) != [finding]


async def test_a_budget_counts_what_a_function_says_it_took(agents, executor):
    @agents.agent("paid")
    def paid(prompt: str):
        return ModelReply("text", usage=Usage(10, 5))

    spent = attempted(agent("paid", budget={"tokens": 15}), {"prompt": "x"})
    assert await executor.perform(spent.call) == "text"
    again = attempted(agent("paid", budget={"tokens": 15}), {"prompt": "y"}, recorded=tuple(spent.records))
    with pytest.raises(NodeError) as caught:
        await executor.perform(again.call)
    assert caught.value.code == "budget.exceeded"
