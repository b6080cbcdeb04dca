"""What a killed process left, by the shell, without the functions that its nodes and compensations call."""

from __future__ import annotations

import pytest
from tests.access.test_asked import reached

TOOLS = """\
import asyncio, nbflow
from pathlib import Path

def note(word: str) -> str:
    with open("said", "a") as file:
        file.write(word + "\\n")
    return word

@nbflow.tool
async def nap() -> int:
    Path("napping").touch()
    await asyncio.sleep(60)
    return 1

@nbflow.tool(effects="once")
async def pay() -> int:
    Path("napping").touch()
    await asyncio.sleep(60)
    return 1
"""
UNDOES = """\
name: undoes
nodes:
  q: {tool: note, with: {word: made}, compensate: {tool: note, with: {word: undone}}}
  n: {needs: q, tool: nap}
outputs: {n: =n}
"""


@pytest.fixture
def killed(shell):
    def left(text: str) -> str:
        shell.write("tools_left.py", TOOLS)
        running = shell.start("run", shell.write("w.yaml", text), "--tools", "tools_left.py", "--json")
        reached((shell.folder / "napping").exists)
        running.kill()
        running.communicate()
        return str(shell("executions", "list", "--json").document[0]["execution"])

    return left


def test_a_node_that_is_not_in_doubt_is_not_failed_without_its_tool(shell, killed):
    id = killed(UNDOES)
    before = shell("executions", "events", id, "--json").document
    said = shell("executions", "fail", id, "n")
    assert said.code == 1
    assert "there is no tool 'nap'" in said.err
    assert "--tools" in said.err
    assert shell("executions", "events", id, "--json").document == before


def test_a_node_in_doubt_is_failed_without_its_tool(shell, killed):
    id = killed(UNDOES.replace("nap}", "pay}").replace(", compensate: {tool: note, with: {word: undone}}", ""))
    assert "failed by a person" in shell("executions", "fail", id, "n").err


def test_cancelling_what_a_compensation_needs_a_tool_for_wants_that_tool(shell, killed):
    id = killed(UNDOES)
    said = shell("executions", "cancel", id)
    assert said.code == 1
    assert "there is no tool 'note'" in said.err
    assert "--tools" in said.err
    assert shell("executions", "cancel", id, "--tools", "tools_left.py", "--json").document["phase"] == "cancelled"
    assert (shell.folder / "said").read_text().split() == ["made", "undone"]


def test_what_a_dead_process_left_is_called_interrupted_and_says_how_to_go_on(shell, killed):
    id = killed(UNDOES)
    assert "interrupted" in shell("executions", "list").out
    assert (
        f"interrupted: its process is gone; go on: nbflow executions recover {id}"
        in shell("executions", "show", id).out
    )
    assert (
        "its process is gone while attempt 1 was at work; recover goes on"
        in shell("executions", "explain", id, "n").out
    )


def test_a_node_in_doubt_is_shown_with_what_to_answer(shell, killed):
    id = killed(UNDOES.replace("nap}", "pay}"))
    assert "its effect may have happened" in shell("executions", "show", id).out
    answers = f"waits for your word, since it may have happened: nbflow executions retry|skip|fail {id} n"
    said = shell("executions", "recover", id, "--tools", "tools_left.py", "--detach", "--json")
    assert answers in said.err
    assert answers in shell("executions", "show", id).out
