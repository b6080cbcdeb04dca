"""Who answers an agent is checked before anything runs: providers, functions, defaults, prices."""

from __future__ import annotations

import pytest

AGENTS = """
import nbflow

@nbflow.agent("summarise")
def summarise(prompt: str) -> str:
    return prompt.upper()
"""


def flow(agent: str, more: str = "") -> str:
    return f"name: w\n{more}nodes:\n  first: {{set: {{v: 1}}}}\n  ask: {{agent: {agent}, needs: first}}\n"


def told(said):
    return [(one["code"], one["severity"], one["message"], one["hint"]) for one in said.document["diagnostics"]]


@pytest.mark.parametrize(
    ("agent", "code", "message", "hint"),
    [
        ("{prompt: x, model: opnai/gpt-5-mini}", "agent.unknown", "there is no provider 'opnai'", "did you mean 'openai'?"),
        ("{prompt: x, model: qqxzz}", "agent.unknown", "there is no model 'qqxzz'", "write provider/name"),
        ("{prompt: x, model: openai/gpt-5-mini, fallback: [nobody/x]}", "agent.unknown", "no provider 'nobody'", "setting"),
        ("{prompt: x, model: openai/gpt-5-mnii}", "agent.model", "the price list of openai has no model 'gpt-5-mnii'",
         "did you mean 'gpt-5-mini'?"),
        ("just a prompt", "agent.no_model", "agent 'ask' names no model, and no default is set", "NBFLOW_AGENT_MODEL"),
    ],
)  # fmt: skip
def test_what_nobody_answers_to_is_a_warning(shell, monkeypatch, agent, code, message, hint):
    monkeypatch.delenv("OPENAI_BASE_URL", raising=False)  # another server may have models of its own
    said = shell("validate", shell.write("w.yaml", flow(agent)), "--json")
    (one,) = told(said)
    assert said.code == 0
    assert one[:2] == (code, "warning")
    assert message in one[2]
    assert hint in one[3]


def test_it_is_an_error_when_all_agents_are_known_and_nothing_runs(shell):
    tools = shell.write("agents_known.py", AGENTS)
    file = shell.write("w.yaml", flow("{prompt: x, model: sumarise}"))
    for command in ("validate", "run"):
        said = shell(command, file, "--tools", tools, "--json")
        assert said.code == 2
        assert told(said) == [("agent.unknown", "error", "there is no model 'sumarise'", "did you mean 'summarise'?")]


def test_a_function_is_no_fallback(shell):
    tools = shell.write("agents_fallback.py", AGENTS)
    file = shell.write("w.yaml", flow("{prompt: x, model: openai/gpt-5-mini, fallback: [summarise]}"))
    (one,) = told(shell("validate", file, "--tools", tools, "--json"))
    assert one[:3] == ("agent.fallback", "error", "'summarise' is a function: after a model it cannot be a fallback")


def test_what_is_set_is_known(shell, monkeypatch):
    monkeypatch.setenv("NBFLOW_AGENT_MODEL", "fast")
    monkeypatch.setenv("NBFLOW_ALIASES", "fast=local/qwen")
    monkeypatch.setenv("NBFLOW_PROVIDERS", '{"local": {"base_url": "http://127.0.0.1:9/v1"}}')
    assert told(shell("validate", shell.write("w.yaml", flow("just a prompt")), "--json")) == []


def test_a_server_that_is_set_has_models_of_its_own(shell, monkeypatch):
    monkeypatch.setenv("OPENAI_BASE_URL", "http://127.0.0.1:9/v1")
    file = shell.write("w.yaml", flow("{prompt: x, model: openai/ours}"))
    assert told(shell("validate", file, "--json")) == []


def test_the_place_is_that_of_the_default(shell):
    file = shell.write("w.yaml", flow("x", "defaults:\n  agent:\n    model: opnai/gpt-5-mini\n"))
    (one,) = shell("validate", file, "--json").document["diagnostics"]
    assert (one["line"], one["code"]) == (4, "agent.unknown")
    assert one["column"] == 12


def test_a_node_with_a_mock_needs_no_model(shell):
    file = shell.write("w.yaml", "name: w\nnodes: {ask: {agent: x, mock: y}}\n")
    assert told(shell("validate", file, "--json")) == []
    assert shell("run", file, "--mock", "--json").document["outputs"] == {"ask": "y"}


def test_a_function_is_the_fallback_of_a_function(shell):
    tools = shell.write("agents_other.py", AGENTS)
    file = shell.write("w.yaml", flow("{prompt: x, model: summarise, fallback: [summarise]}"))
    assert told(shell("validate", file, "--tools", tools, "--json")) == []
