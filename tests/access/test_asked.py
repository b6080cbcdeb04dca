"""A verb of the shell that ends what another process drives: it is done there, and who asked is told."""

from __future__ import annotations

import threading
import time

import pytest

TOOLS = """\
import asyncio, nbflow
from pathlib import Path

@nbflow.tool
async def nap() -> int:
    Path("napping").touch()
    await asyncio.sleep(60)
    return 1
"""
NAPS = "name: naps\nnodes:\n  n: {tool: nap}\noutputs: {n: =n}\n"
ASKS = "name: asks\nnodes:\n  n: {ask: {prompt: how many?, output: integer}}\noutputs: {n: =n}\n"


def reached(holds) -> None:
    """Look until it holds; ten seconds at most."""
    never = threading.Event()
    for _ in range(200):
        if holds():
            return
        never.wait(0.05)
    raise AssertionError("it was never reached")


@pytest.mark.parametrize(
    ("text", "words", "phase"),
    [
        (NAPS, ("cancel", "naps"), "cancelled"),
        (NAPS, ("suspend", "naps"), "suspended"),
        (NAPS, ("skip", "naps", "n", "--value", "5"), "completed"),
        (ASKS, ("answer", "asks", "n", "5"), "completed"),
        (ASKS, ("fail", "asks", "n"), "failed"),
    ],
)
def test_who_ends_what_another_process_drives_is_told_so(shell, text, words, phase):
    shell.write("tools.py", TOOLS)
    running = shell.start("run", shell.write("w.yaml", text), "--tools", "tools.py", "--json")
    if text is NAPS:
        reached((shell.folder / "napping").exists)
    else:
        reached(lambda: '"waiting"' in shell("executions", "list", "--json").out)

    began = time.monotonic()
    said = shell("executions", *words)
    took = time.monotonic() - began

    assert "does not answer" not in said.err
    assert said.code == (1 if phase == "failed" else 0)
    assert took < 5
    running.communicate(timeout=20)
    assert shell("executions", "show", words[1], "--json").document["phase"] == phase
