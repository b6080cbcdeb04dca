"""Agent nodes against a real server of models: from the node's inputs to its checked answer."""

from __future__ import annotations

import pytest

from nbflow.errors import NodeError
from nbflow.integrations.agents.prices import price
from nbflow.integrations.agents.providers import connect
from nbflow.integrations.agents.registry import AgentRegistry
from nbflow.integrations.secrets import Secrets
from nbflow.integrations.tools.registry import ToolRegistry
from nbflow.nodes.agent import AgentExecutor
from tests.nodes.calls import agent, attempted
from tests.services.test_model_wire import SCORE

pytestmark = pytest.mark.services
MODELS = ["openai/gpt-5-mini", "chatty/gpt-5-mini", "anthropic/claude-sonnet-4-6"]


@pytest.fixture
async def executor(models):
    secrets = Secrets([lambda name: f"sk-CANARY-{name}" if name.endswith("_API_KEY") else None])
    agents = AgentRegistry()
    connect(
        agents, secrets, {"OPENAI_BASE_URL": f"{models.url}/v1", "ANTHROPIC_BASE_URL": models.url},
        {"openai": {"api": "responses"}, "chatty": {"base_url": f"{models.url}/v1"}},
    )  # fmt: skip
    executor = AgentExecutor(agents, ToolRegistry(), price=price)
    executor.secrets = secrets
    yield executor
    await agents.close()


@pytest.mark.parametrize("model", MODELS)
async def test_text_streams_and_is_recorded_with_its_cost(executor, model):
    one = attempted(agent(model), {"prompt": "say hello"})
    assert await executor.perform(one.call) == "Hello over the wire, in a few pieces of text."
    assert len(one.streamed) > 1
    (record,) = one.records
    assert record.name == model
    assert (record.usage["input"], record.usage["output"]) == (11, 7)
    assert ("usd" in record.usage) == (not model.startswith("chatty/"))


@pytest.mark.parametrize("model", MODELS)
async def test_an_answer_fits_its_schema(executor, model):
    one = attempted(agent(model), {"prompt": "score it"}, schema=SCORE)
    assert await executor.perform(one.call) == {"score": 0.75, "reasons": ["short"]}


@pytest.mark.parametrize("model", MODELS)
async def test_a_number_is_wrapped_and_unwrapped(executor, model):
    one = attempted(agent(model), {"prompt": "one number"}, schema={"type": "integer"})
    assert await executor.perform(one.call) == 7


@pytest.mark.parametrize("model", MODELS)
async def test_a_wrong_answer_is_repaired(executor, model):
    one = attempted(agent(model, repair=1), {"prompt": "repair me"}, schema=SCORE)
    assert await executor.perform(one.call) == {"score": 1, "reasons": []}
    assert [record.error and record.error["code"] for record in one.records] == ["llm.schema", None]


@pytest.mark.parametrize("model", MODELS)
async def test_tools_run_and_the_talk_goes_on(executor, model):
    executor.tools.register(_weather, "weather")
    one = attempted(agent(model, tools=("weather",)), {"prompt": "weather twice"})
    assert await executor.perform(one.call) == "Ulm is wet, Bonn is dry."
    assert [record.kind for record in one.records] == ["model", "tool", "tool", "model"]


async def _weather(city: str) -> str:
    return "wet" if city == "Ulm" else "dry"


@pytest.mark.parametrize("model", MODELS)
async def test_another_provider_takes_over(executor, model):
    one = attempted(agent("chatty/gpt-5-mini", fallback=(model,)), {"prompt": "only others"})
    if model == "chatty/gpt-5-mini":
        with pytest.raises(NodeError):
            await executor.perform(one.call)
    else:
        one = attempted(agent("nowhere/x", fallback=(model,)), {"prompt": "say hello"})
        executor.agents.add_lazy("nowhere", lambda: _dead(executor))
        assert (await executor.perform(one.call)).startswith("Hello")
        assert one.records[0].error["code"] == "llm.connect"


def _dead(executor):
    from nbflow.integrations.agents.openai import OpenAIRuntime

    return OpenAIRuntime(executor.secrets, provider="nowhere", base_url="http://127.0.0.1:9/v1")


@pytest.mark.parametrize("model", MODELS)
async def test_no_key_is_in_what_was_recorded_or_raised(executor, model):
    for words in ("say hello", "wrong key", "too many", "cut off"):
        one = attempted(agent(model), {"prompt": words})
        try:
            await executor.perform(one.call)
        except NodeError as error:
            assert "CANARY" not in f"{error!r} {vars(error)}"
            assert error.__context__ is None
        assert one.records
        assert "CANARY" not in repr(one.records)
