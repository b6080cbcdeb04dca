"""Every example of the pages on faults, lifecycle and reuse does what its page says."""

from __future__ import annotations

import ast
import asyncio
import inspect
import json
import os
import re
from pathlib import Path

import pytest

from nbflow.runtime.moves import LIVE, MOVES
from nbflow.runtime.serving import VERBS
from nbflow.settings import settings
from tests.runtime.conftest import House

DOCS = Path(__file__).parents[2] / "docs"
FAULTS = (DOCS / "faults.md").read_text(encoding="utf-8")
EXAMPLES = re.findall(r"```yaml\n(.*?)```\n+```json\n(.*?)```", FAULTS, re.DOTALL)


def python_of(page: str) -> list[str]:
    return re.findall(r"```python\n(.*?)```", (DOCS / page).read_text(encoding="utf-8"), re.DOTALL)


def test_every_workflow_of_the_page_on_faults_says_what_comes_of_it() -> None:
    assert len(EXAMPLES) == FAULTS.count("```yaml") >= 8


@pytest.mark.parametrize(("text", "says"), EXAMPLES, ids=range(len(EXAMPLES)))
async def test_a_fault_is_taken_as_the_page_says(house: House, text: str, says: str) -> None:
    (tools,) = python_of("faults.md")
    scope: dict[str, object] = {"asyncio": asyncio}
    exec(tools, scope)
    house.tools.register_all({name: one for name, one in scope.items() if inspect.isfunction(one)})
    expected, ran = json.loads(says), await house.run(text)
    assert ran.phase == expected.get("phase", "completed"), ran.error
    if "outputs" in expected:
        assert ran.outputs == expected["outputs"]
    if "said" in expected:
        assert scope["said"] == expected["said"]
    assert (ran.error or {}).items() >= expected.get("error", {}).items()
    assert {path: ran.nodes[path].attempt for path in expected.get("attempts", {})} == expected.get("attempts", {})
    assert {path: ran.nodes[path].phase for path in expected.get("phases", {})} == expected.get("phases", {})


@pytest.mark.parametrize("page", ["lifecycle.md", "cache-and-reuse.md"])
async def test_the_python_of_a_page_runs(page: str, monkeypatch) -> None:
    monkeypatch.setenv("NBFLOW_STORE", "memory:")
    settings.cache_clear()
    scope: dict[str, object] = {}
    try:
        for code in python_of(page):
            compiled = compile(code, page, "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
            result = eval(compiled, scope)
            if inspect.isawaitable(result):
                await result
    finally:
        monkeypatch.undo()
        settings.cache_clear()


def test_the_table_of_moves_is_the_programs() -> None:
    phases = [*LIVE, "suspended"]
    lines = [f"| | {' | '.join(phases)} |", f"|---|{'---|' * len(phases)}"]
    for verb, taken in MOVES.items():
        if verb in VERBS:
            lines.append(f"| {verb} | {' | '.join('✓' if phase in taken else '' for phase in phases)} |")
    page = DOCS / "lifecycle.md"
    text = page.read_text(encoding="utf-8")
    table = "\n".join(lines)
    wanted = re.sub(
        r"(<!-- moves -->\n).*?(<!-- /moves -->)", lambda found: f"{found[1]}{table}\n{found[2]}", text, flags=re.DOTALL
    )
    if os.environ.get("NBFLOW_DOCS"):
        page.write_text(wanted, encoding="utf-8")
    assert page.read_text(encoding="utf-8") == wanted
