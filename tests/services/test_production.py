"""An execution of a fleet's PostgreSQL, looked at and stepped in a notebook: nothing there changes, no effect happens."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from tests.notebooks.kernels import Kernel

pytestmark = [pytest.mark.services, pytest.mark.timeout(120)]

TOOLS = """
import nbflow
from pathlib import Path
HERE = Path("@@")

def note(word):
    with open(HERE / "done", "a") as file:
        file.write(word + "\\n")

@nbflow.tool(effects="once")
def charge(amount: int) -> str:
    note(f"charge {amount}")
    return f"receipt {amount}"

@nbflow.tool
def score(amount: int) -> float:
    if amount < 0 or (HERE / "broken").exists():
        raise ValueError("no score for it")
    return amount / 2

@nbflow.tool(effects="once")
def mail(text: str) -> str:
    note(f"mail {text}")
    return "sent"
"""
ORDER = """
name: order
inputs: {amount: integer}
nodes:
  charge: {tool: charge, with: {amount: =inputs.amount}}
  score: {needs: charge, tool: score, with: {amount: =inputs.amount}}
  mail: {needs: score, tool: mail, with: {text: "score ${{ score }}"}}
outputs: {mail: =mail, score: =score}
"""


@pytest.fixture
def place(tmp_path: Path, postgres: str, monkeypatch: pytest.MonkeyPatch):
    """A folder with the tools, a kernel in it, and how to run in the fleet's store."""
    (tmp_path / "house.py").write_text(TOOLS.replace("@@", str(tmp_path)))
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([*sys.path, str(tmp_path)]))
    kernel = Kernel(tmp_path)
    assert kernel.run("%load_ext nbflow\nimport nbflow\nfrom house import *", timeout=60).status == "ok"
    yield kernel, postgres, tmp_path
    kernel.close()


def done(folder: Path) -> list[str]:
    path = folder / "done"
    said = path.read_text().splitlines() if path.exists() else []
    path.unlink(missing_ok=True)
    return said


def ran(kernel: Kernel, store: str, folder: Path, *, broken: bool) -> str:
    (folder / "broken").touch() if broken else None
    reply = kernel.run(
        f"x = nbflow.start({ORDER!r}, {{'amount': 8}}, store={store!r}); await x.until('completed', 'failed'); print(x.id)"
    )
    (folder / "broken").unlink(missing_ok=True)
    done(folder)
    return reply.streams.strip()


def test_a_failed_execution_is_shown_and_stepped_from_its_failing_node(place):
    kernel, store, folder = place
    id = ran(kernel, store, folder, broken=True)
    shown = kernel.run(f"%workflow show {id} --store {store}")
    assert shown.status == "ok", shown.error
    assert "no score for it" in shown.all
    reply = kernel.run(f"f = %workflow fork {id} --store {store} --debug")
    assert reply.status == "ok", reply.error
    assert "effects that may happen only once are mocked" in reply.streams
    assert kernel.run("(await f.hold(), f.preview('score'))").result == "(('score',), {'amount': 8})"
    assert kernel.run("f.nodes['charge'].output").result == "'receipt 8'"
    assert (
        kernel.run(
            f"%workflow edit {'{f.id}'} score -i amount=6".replace("{f.id}", kernel.run("print(f.id)").streams.strip())
        ).status
        == "ok"
    )
    assert kernel.run("f.step(); (await f.until('score')).nodes['score'].output").result == "3.0"
    assert kernel.run("await f.hold()").result == "('mail',)"
    assert kernel.run("f.step(); (await f.until('mail')).nodes['mail'].reason").result == "'effect'"
    assert kernel.run("f.mock('mail', 'pretended'); (await f).outputs").result == "{'mail': 'pretended', 'score': 3.0}"
    assert done(folder) == []
    there = kernel.run(f"x = nbflow.open({id!r}, store={store!r}); x.phase, f.state.origin['fork'] == x.id").result
    assert there == "('failed', True)"
    assert "no execution" in kernel.run(f"nbflow.open(f.id, store={store!r})").error
    assert kernel.run("nbflow.open(f.id).phase").result == "'completed'"


def test_recorded_effects_stand_in_and_real_ones_happen_when_asked_for(place):
    kernel, store, folder = place
    id = ran(kernel, store, folder, broken=False)
    assert kernel.run(f"f = %workflow fork {id} --at score -i amount=4 --store {store}\n(await f).outputs").result == (
        "{'mail': 'sent', 'score': 2.0}"
    )
    assert kernel.run("f.nodes['mail'].taken['mock'], f.nodes['mail'].inputs").result == "(True, {'text': 'score 2.0'})"
    assert done(folder) == []
    kernel.run("variants = [{'amount': 2}, {'amount': 10}]")
    table = kernel.run(
        f"t = %workflow fork {id} --at score --over $variants --store {store}\n[o['score'] for o in t.outputs]"
    )
    assert table.result == "[1.0, 5.0]", table.error
    assert done(folder) == []
    real = kernel.run(f"f = %workflow fork {id} --at mail --store {store} --effects real\n(await f).phase")
    assert real.result == "'completed'", real.error
    assert done(folder) == ["mail score 4.0"]


def test_python_and_shell_do_the_same(place):
    kernel, store, folder = place
    id = ran(kernel, store, folder, broken=False)
    url = f"duckdb:///{folder}/mine.duckdb"
    reply = kernel.run(
        f"f = await nbflow.fork({id!r}, 'score', inputs={{'amount': 6}}, store={store!r}, into={url!r}); (await f).outputs, f.mocked"
    )
    assert reply.result == "({'mail': 'sent', 'score': 3.0}, True)", reply.error
    shell = f"!{sys.executable} -m nbflow.access executions fork {id} --at score -i amount=2 --store '{store}' --into {url} --tools house.py --json"
    assert '"score": 1.0' in kernel.run(shell).streams
    assert done(folder) == []
