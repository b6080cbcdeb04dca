"""Which models and functions `model:` may name, and who is found for them."""

from __future__ import annotations

import pytest

from nbflow.errors import ExecutorError
from nbflow.integrations.agents.anthropic import AnthropicRuntime
from nbflow.integrations.agents.openai import OpenAIRuntime
from nbflow.integrations.agents.plugins import add_runtimes
from nbflow.integrations.agents.providers import connect
from nbflow.integrations.agents.registry import AgentRegistry
from tests.nodes.scripted import Scripted


@pytest.fixture
def registry() -> AgentRegistry:
    registry = AgentRegistry()
    local = {"base_url": "http://localhost:11434/v1"}
    connect(
        registry,
        {},
        {"OPENAI_BASE_URL": "http://127.0.0.1:1/v1"},
        {"local": local, "mine": {**local, "api": "messages"}},
    )
    return registry


def test_a_model_is_found_by_its_provider(registry):
    runtime, model = registry.find("openai/gpt-5-mini")
    assert (type(runtime), runtime.provider, model) == (OpenAIRuntime, "openai", "gpt-5-mini")
    assert type(registry.find("anthropic/claude")[0]) is AnthropicRuntime
    assert registry.find("local/org/model:7b")[1] == "org/model:7b"
    assert type(registry.find("mine/x")[0]) is AnthropicRuntime
    assert registry.find("local/a")[0] is registry.find("local/b")[0]
    assert [registry.find(f"{name}/x")[0]._api for name in ("openai", "local")] == [None, "chat"]  # None: as it answers


def test_what_is_not_there_is_not_found_and_the_nearest_is_suggested(registry):
    registry.register(lambda prompt: prompt, "critic")
    assert [registry.find(name) for name in ("opnai/gpt", "critc", "openai/", "", "openai")] == [None] * 5
    assert registry.suggest("opnai/gpt") == "openai/gpt"
    assert registry.suggest("critc") == "critic"
    assert registry.names() == ("critic", "openai/", "anthropic/", "local/", "mine/")


@pytest.mark.parametrize(
    "fields",
    [{}, {"base_url": "x", "url": "y"}, {"base_url": "x", "api": "rest"}],
    ids=["no address", "unknown field", "unknown api"],
)
def test_a_provider_that_cannot_be_is_refused_at_once(fields):
    with pytest.raises(ExecutorError):
        connect(AgentRegistry(), {}, {}, {"mine": fields})


def test_a_package_brings_a_provider_by_one_class():
    registry, loaded = AgentRegistry(), []

    class Mine(Scripted):
        def __init__(self, secrets):
            super().__init__("hi", provider="mine")
            self.key = secrets["MINE_API_KEY"]

    def load():
        loaded.append(True)
        return Mine

    add_runtimes(registry, {"MINE_API_KEY": "k"}, {"mine": load})
    assert registry.suggest("mien/x") == "mine/x"
    assert loaded == []
    runtime, model = registry.find("mine/x")
    assert (runtime.key, model, registry.find("mine/y")[0]) == ("k", "x", runtime)


@pytest.mark.parametrize("made", [lambda secrets: object(), lambda secrets: Scripted(provider="other"), lambda: None])
def test_a_class_that_is_no_provider_is_refused(made):
    registry = AgentRegistry()
    add_runtimes(registry, {}, {"mine": lambda: made})
    with pytest.raises(ExecutorError, match="mine"):
        registry.find("mine/x")
