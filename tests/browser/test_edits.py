"""What a person can change and settle in the view, beyond a node's own inputs: each control pressed, each effect seen."""

from __future__ import annotations

import pytest

from tests.browser.test_controls import chain
from tests.browser.test_lab import SLOW, started

PAYS = SLOW + (
    "\nimport nbflow\nfrom nbflow import tool\n@tool(effects='once')\nasync def pay(): await asyncio.sleep(60)\n"
    "calls = []\ndef counted(x=0): calls.append(x); return {'n': len(calls), 'x': x}"
)


def apply(page, command, text):
    """Type into the editor of a command and apply it."""
    editor = page.locator(f".nbflow-side .editor:has(button[data-cmd={command}])")
    editor.locator("textarea").fill(text)
    editor.locator(f"button[data-cmd={command}]").click()


@pytest.mark.timeout(120)
@pytest.mark.parametrize("app", ["lab/tree", "notebooks"])
def test_a_node_in_doubt_is_settled_as_failed(notebook, jupyter, app):
    flow = (
        "%%workflow doubted --background\nnodes:\n  p: {tool: pay, timeout: 100ms}\n"
        "  q: {tool: slow, with: {seconds: 60}}"
    )
    name = jupyter.write(f"doubt_{app[:3]}.ipynb", PAYS, flow)
    notebook.open(name, app=app)
    notebook.command("notebook:run-all-cells")
    page = notebook.page
    page.wait_for_selector(".nbflow .nbf-node", timeout=30_000)
    notebook.wait_phase("p", "waiting")
    notebook.node("p").click()
    page.locator(".nbflow-side button[data-cmd=retry]").wait_for()
    notebook.press("fail")
    page.wait_for_selector(".nbflow-final:has-text('failed')")


@pytest.mark.timeout(120)
@pytest.mark.parametrize("app", ["lab/tree", "notebooks"])
def test_the_output_of_a_completed_node_is_edited_for_what_comes_later(notebook, jupyter, app):
    name = jupyter.write(f"output_{app[:3]}.ipynb", SLOW, chain(f"outputs{app[:3]}", "c"))
    notebook.open(name, app=app)
    notebook.command("notebook:run-all-cells")
    page = notebook.page
    notebook.wait_phase("c", "held")
    notebook.node("b").click()
    page.locator(".nbflow-side .editor", has=page.locator("button[data-cmd=edit_output]")).wait_for()
    apply(page, "edit_output", '{"slept": 12345678901234567890}')
    page.wait_for_selector(".nbflow-note:has-text('output of b is changed')")
    notebook.press("step")
    notebook.wait_phase("c", "completed")
    notebook.node("c").click()
    page.wait_for_function(
        "() => [...document.querySelectorAll('.nbflow-side textarea')].some(area => area.value.includes('12345678901234567890'))"
    )
    notebook.press("cancel")


@pytest.mark.timeout(120)
def test_the_context_of_a_statechart_is_edited_while_it_waits(notebook):
    flow = (
        "%%workflow chartedit --background --debug\nnodes:\n  m:\n    machine:\n      initial: wait\n      context: {n: 1}\n"
        "      states:\n        wait: {events: {go: {to: done}}}\n        done: {type: final, output: =ctx.n}\noutputs: {got: =m}"
    )
    started(notebook, "context.ipynb", SLOW, flow, "x = _")
    page = notebook.page
    notebook.wait_phase("wait", "running")
    notebook.press("pause")
    page.wait_for_selector(".nbflow-phase.q-paused")
    notebook.node("m").click(position={"x": 60, "y": 12})
    apply(page, "edit_context", '{"n": 1, "other": 41}')
    page.wait_for_selector(".nbflow-note.bad:has-text('the context of m has no other')")
    apply(page, "edit_context", '{"n": 41}')
    page.wait_for_selector(".nbflow-note:has-text('context of m is changed')")
    page.locator(".nbflow-side pre", has_text='"n": 41').wait_for()
    notebook.press("cancel")
    page.wait_for_selector(".nbflow-final")


@pytest.mark.timeout(120)
def test_the_inputs_of_the_execution_are_edited_under_its_name(notebook):
    flow = (
        "%%workflow given -i x=1 --debug --break b\ninputs: {x: integer}\nnodes:\n  a: {set: {v: 1}}\n"
        "  b: {set: {v: =inputs.x}, needs: [a]}\noutputs: {got: =b.v}"
    )
    started(notebook, "given.ipynb", SLOW, flow)
    page = notebook.page
    notebook.wait_phase("b", "held")
    page.click(".nbflow-name")
    page.locator(".nbflow-side strong", has_text="given").wait_for()
    apply(page, "edit_inputs", '{"x": "many"}')
    page.wait_for_selector(".nbflow-note.bad")
    apply(page, "edit_inputs", '{"x": 1234567}')
    page.wait_for_selector(".nbflow-note:has-text('inputs of the execution are changed')")
    page.click(".nbflow-side button[data-cmd=unlook]")
    assert page.evaluate("() => document.activeElement.className") == "nbflow-name"
    notebook.press("resume")
    page.wait_for_selector(".nbflow-final")
    page.click(".nbflow-final details summary")
    assert "1234567" in page.inner_text(".nbflow-final pre")


@pytest.mark.timeout(120)
@pytest.mark.parametrize("app", ["lab/tree", "notebooks"])
def test_an_output_is_pinned_for_later_executions_and_let_loose_again(notebook, jupyter, app):
    flow = "%%workflow pinned --background\nnodes:\n  a: {tool: counted}\n  b: {wait: 60s, needs: [a]}\n"
    name = jupyter.write(f"pins_{app[:3]}.ipynb", PAYS, flow)
    notebook.open(name, app=app)
    notebook.command("notebook:run-all-cells")
    page = notebook.page
    notebook.wait_phase("b", "waiting")
    notebook.node("a").click()
    notebook.press("pin")
    page.wait_for_selector(".nbflow-note:has-text('later executions take the output of a')")
    page.locator(".nbflow-side button[data-cmd=pin]", has_text="Unpin").wait_for()
    page.evaluate("() => { document.querySelector('.nbflow').dataset.old = 1; }")
    notebook.command("notebook:run-all-cells")
    page.wait_for_selector(".nbflow:not([data-old]) .nbf-node")
    notebook.wait_phase("b", "waiting")
    notebook.node("a").click()
    page.locator(".nbflow-side dt", has_text="result").wait_for()
    assert "pinned" in page.inner_text(".nbflow-side dl")
    notebook.press("pin")
    page.wait_for_selector(".nbflow-note:has-text('a is no longer pinned')")
    page.locator(".nbflow-side button[data-cmd=pin]:text-is('Pin')").wait_for()
