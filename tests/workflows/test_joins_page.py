"""Every example of docs/joins.md does what the page says."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from nbflow.plan.workflow import diagnose
from tests.workflows.running import run_text

PAGE = (Path(__file__).parents[2] / "docs/joins.md").read_text(encoding="utf-8")
EXAMPLES = re.findall(r"```yaml\n(.*?)```\n+```json\n(.*?)```", PAGE, re.DOTALL)


def test_every_workflow_of_the_page_says_what_comes_of_it() -> None:
    assert len(EXAMPLES) == PAGE.count("```yaml") >= 12
    assert PAGE.count("```mermaid") >= 7


@pytest.mark.parametrize(("text", "says"), EXAMPLES, ids=range(len(EXAMPLES)))
async def test_an_example_of_the_page_does_what_it_says(text: str, says: str) -> None:
    expected = json.loads(says)
    assert not [each for each in diagnose(text) if each.severity == "error"]
    ran = await run_text(text)
    assert {node: ran.phases[node] for node in expected["phases"]} == expected["phases"]
    assert ran.phase == "completed"
    assert ran.outputs == expected["outputs"]
