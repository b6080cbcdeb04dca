"""An execution of another store goes on at home: nothing of it happens twice, and nothing is written there."""

from __future__ import annotations

import pytest

from tests.notebooks.conftest import prepared

TOOLS = """
import nbflow
sent = []
@nbflow.tool(effects="once")
def pay(n: int) -> dict: sent.append(n); return {"paid": n}
def small(x: int) -> dict:
    if x < 5: raise ValueError("too small")
    return {"x": x}
def here(): return set(nbflow.executions()["execution"])
"""
CELL = """%%workflow prod --store duckdb:///fleet/prod.duckdb --as x
inputs: {n: {type: integer, default: 3}}
nodes:
  a: {set: {v: =inputs.n}}
  p: {tool: pay, with: {n: =a.v}}
  b: {tool: small, with: {x: =p.paid}}
outputs: {x: =b.x}
"""
STORE = "--store duckdb:///fleet/prod.duckdb"


@pytest.fixture(scope="module")
def kernel(tmp_path_factory):
    folder = tmp_path_factory.mktemp("fleet")
    kernel = prepared(folder)
    kernel.run(TOOLS)
    (folder / "fleet").mkdir()
    assert "too small" in kernel.run(CELL).error
    kernel.run("U = 'duckdb:///fleet/prod.duckdb'; there = len(nbflow.executions(store=U)); sent.clear()")
    yield kernel
    kernel.close()


UNTOUCHED = "sent, len(nbflow.executions(store=U)) - there, y.mocked, y.id in here()"


@pytest.mark.parametrize("way", ["fork(1)", "rerun()", "rerun(from_node='p')"])
def test_python_goes_on_at_home_with_its_effects_mocked(kernel, way):
    reply = kernel.run(f"y = await nbflow.open(x.id, store=U).{way}\nawait y.until('failed', 'waiting')")
    assert reply.status == "ok"
    assert kernel.run(UNTOUCHED).result == "([], 0, True, True)"


@pytest.mark.parametrize("line", ["rerun prod", "retry prod", "rerun prod --from p", "fork prod --at 1"])
def test_the_magic_goes_on_at_home_with_its_effects_mocked(kernel, line):
    reply = kernel.run(f"y = %workflow {line} {STORE}")
    assert "mocked" in reply.streams
    kernel.run("await y.until('failed', 'waiting')")
    assert kernel.run(UNTOUCHED).result == "([], 0, True, True)"


def test_the_slider_forks_at_home_and_draws_it(kernel):
    cell = kernel.send(f"before = here()\n%workflow time prod {STORE}")
    assert kernel.finish(cell).displays
    kernel.run(
        "view = get_ipython().magics_manager.registry['WorkflowMagics'].session; view = list(view._past.values())[-1]; got = []; view.widget.send = got.append"
    )
    kernel.run("notes = lambda: [m['n'] for m in got if m.get('n')]")
    asked = kernel.send("view._do({'cmd': 'at', 'value': 1}); view._do({'cmd': 'fork'}); await asyncio.sleep(2)")
    assert kernel.wait_for(cell, lambda message: message["msg_type"] == "display_data"), "where the slider is"
    kernel.finish(asked)
    kernel.run("(id,) = here() - before; y = nbflow.open(id)")
    assert kernel.run("id in notes()[-1]['text']").result == "True"
    assert kernel.run(UNTOUCHED).result == "([], 0, True, True)"


def test_the_slider_forks_with_edits_and_says_what_is_wrong_with_them(kernel):
    kernel.run(
        "told = len(notes()); view._do({'cmd': 'fork', 'edits': '{\"\": {\"inputs\": {\"n\": 9}}}'})\n"
        "while len(notes()) == told: await asyncio.sleep(0.1)"
    )
    assert "goes on from record 1" in kernel.run("notes()[-1]['text']").result
    assert kernel.run("n = notes()[-1]['text'].split()[0]; nbflow.open(n).inputs").result == "{'n': 9}"
    for edits in ("{", "[]", '{"": {"inputs": {"n": "x"}}}', '{"nope": {"output": 1}}'):
        kernel.run(f"view._do({{'cmd': 'fork', 'edits': {edits!r}}}); await asyncio.sleep(0.3)")
        assert kernel.run("notes()[-1].get('bad')").result == "True", edits


def test_effects_happen_when_that_is_asked_for(kernel):
    kernel.run(f"y = %workflow rerun prod --from p {STORE} --effects real -b\nawait y.until('failed')")
    assert kernel.run("sent, y.mocked, len(nbflow.executions(store=U)) - there").result == "([3], False, 0)"
