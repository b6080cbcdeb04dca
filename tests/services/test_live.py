"""The real providers. Each test runs when its key is set, and is named as skipped when it is not."""

from __future__ import annotations

import os

import pytest

from nbflow.integrations.agents.prices import price
from nbflow.integrations.agents.providers import connect
from nbflow.integrations.agents.registry import AgentRegistry
from nbflow.integrations.secrets import Secrets, from_environment
from nbflow.integrations.tools.registry import ToolRegistry
from nbflow.nodes.agent import AgentExecutor
from tests.nodes.calls import agent, attempted
from tests.services.canary import SALT
from tests.services.test_model_wire import SCORE

pytestmark = pytest.mark.services

LIVE = [
    ("OPENAI_API_KEY", f"openai/{os.environ.get('NBFLOW_TEST_OPENAI_MODEL', 'gpt-5-mini')}"),
    ("ANTHROPIC_API_KEY", f"anthropic/{os.environ.get('NBFLOW_TEST_ANTHROPIC_MODEL', 'claude-haiku-4-5')}"),
]


@pytest.fixture(params=LIVE, ids=[model for _, model in LIVE])
async def live(request):
    name, model = request.param
    key = os.environ.get(name, "")
    if not key or SALT in key:
        pytest.skip(f"{name} is not set: {model} was not asked")
    agents = AgentRegistry()
    connect(agents, Secrets((from_environment,)), {})
    tools = ToolRegistry()
    tools.register(lambda city: f"It rains in {city}.", "weather")
    yield AgentExecutor(agents, tools, price=price), model
    await agents.close()


async def test_a_text_streams_with_its_usage(live):
    executor, model = live
    one = attempted(agent(model), {"prompt": "Say the word hello and nothing else."})
    assert "hello" in (await executor.perform(one.call)).lower()
    assert one.streamed
    assert one.records[0].usage["output"] > 0


async def test_an_answer_fits_its_schema(live):
    executor, model = live
    prompt = "Score the text 'the sea was calm' for beauty from 0 to 1, with one reason."
    result = await executor.perform(attempted(agent(model), {"prompt": prompt}, schema=SCORE).call)
    assert 0 <= result["score"] <= 1


async def test_a_tool_is_used(live):
    executor, model = live
    one = attempted(agent(model, tools=("weather",)), {"prompt": "Use the tool: is it raining in Ulm? Yes or no."})
    assert "yes" in (await executor.perform(one.call)).lower()
    assert [record.name for record in one.of("tool")] == ["weather"]
