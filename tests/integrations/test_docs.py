"""The pages on agents and tools name every code there is, and their examples are workflows."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from nbflow.integrations.agents.registry import AgentRegistry
from nbflow.integrations.secrets import Secrets
from nbflow.integrations.tools.built_in import add_built_in
from nbflow.integrations.tools.registry import ToolRegistry
from nbflow.plan.workflow import diagnose
from nbflow.ports.clock import SystemClock
from nbflow.settings import Settings

ROOT = Path(__file__).parents[2]
PAGES = {name: (ROOT / "docs" / f"{name}.md").read_text() for name in ("agents", "tools")}
OURS = [
    *(ROOT / "src/nbflow/integrations").rglob("*.py"),
    *(ROOT / f"src/nbflow/nodes/{name}.py" for name in (
        "agent", "conversation", "envelope", "opening", "reading", "replies", "spending", "tool", "toolbox"
    )),
    ROOT / "src/nbflow/plan/checks/models.py",
]  # fmt: skip
FAMILIES = "llm|http|sql|email|mcp|agent|budget|cassette|secret|tool|output|limit"
CODE = re.compile(rf'"((?:{FAMILIES})\.[a-z_]+)"')
NO_CODES = {"database.execute", "secret.in_url"}


def test_every_code_is_in_the_pages_and_every_code_of_the_pages_is_there():
    there = {code for path in OURS for code in CODE.findall(path.read_text())} - NO_CODES
    there |= {"http.status_NNN"}
    named = set(re.findall(rf"`((?:{FAMILIES})\.[A-Za-z_]+)`", "\n".join(PAGES.values())))
    named -= {"email.send", "http.get", "tool.nbflow", "http.request"} - there
    assert sorted(there - named) == []
    assert sorted(code for code in named - there if code not in ("http.get", "email.send")) == []


def examples() -> list[str]:
    return [found for page in PAGES.values() for found in re.findall(r"```yaml\n(.*?)```", page, re.DOTALL)]


@pytest.mark.parametrize("text", examples())
def test_every_example_is_a_workflow(text):
    tools = ToolRegistry()
    add_built_in(tools, Secrets(), SystemClock(), Settings)
    whole = text if text.startswith("nodes:") else "nodes:\n" + text
    for root in ("report", "csv", "load"):
        if f"={root}" in whole:
            whole += f"  {root}: {{set: {{text: x, a: [1]}}}}\n"
    if "inputs." in whole:
        whole += "inputs: [text, day]\n"
    found = diagnose("name: example\n" + whole, tools=tools.schemas())
    assert [finding for finding in found if finding.severity == "error"] == []
    assert AgentRegistry().names() == ()


def test_settings_that_the_pages_name_are_there():
    named = set(re.findall(r"NBFLOW_([A-Z_]+)", "\n".join(PAGES.values())))
    assert {name.lower() for name in named} <= set(Settings.model_fields)
    tables = set(re.findall(r"\[tool\.nbflow\.(\w+)", "\n".join(PAGES.values())))
    assert tables <= set(Settings.model_fields)
