"""What is typed arrives as it was typed, and what is shown is what needs a person."""

from __future__ import annotations

import pytest

from tests.browser.jupyter import in_both
from tests.browser.test_lab import SLOW, started

ASK = (
    "%%workflow asked --background --as asked\nnodes:\n  q:\n    ask: How many?\n"
    "    output: {n: integer, l: [integer], f: number, d: {type: integer, default: 5}, e?: {enum: [low, 9007199254740993]}}\n"
    "outputs: {got: =q}"
)


@pytest.mark.timeout(120)
@in_both
def test_no_number_of_an_answer_loses_a_digit(notebook):
    started(notebook, "digits.ipynb", SLOW, ASK)
    page, form = notebook.page, notebook.page.locator(".nbflow-side form:not(.plain)")
    notebook.wait_phase("q", "waiting")
    notebook.node("q").click()
    assert form.get_by_label("d", exact=True).input_value() == "5"
    form.get_by_label("n", exact=True).fill("1.5")
    form.get_by_label("l", exact=True).fill("[12345678901234567, 1]")
    form.get_by_label("f", exact=True).fill("0.1")
    answer = form.get_by_role("button", name="answer")
    answer.click()
    page.wait_for_selector(".nbflow-note.bad:has-text('n must be a whole number')")
    form.get_by_label("n", exact=True).fill("12345678901234567")
    form.get_by_label("e", exact=True).select_option("9007199254740993")
    answer.click()
    page.wait_for_selector(".nbflow-final")
    page.click(".nbflow-final details summary")
    got = page.inner_text(".nbflow-final pre")
    for part in ('"n": 12345678901234567', "12345678901234567,", '"d": 5', '"f": 0.1', '"e": 9007199254740993'):
        assert part in got


@pytest.mark.timeout(120)
@in_both
def test_a_click_shows_the_item_that_is_held_with_what_can_be_done(notebook):
    tool = "\ndef only_two(i: int):\n    if i == 2: raise ValueError('two')\n    return i"
    flow = (
        "%%workflow picked --debug --break w:error --as picked\nnodes:\n  par:\n    parallel: {for_each: '[1, 2, 3]'}\n"
        "    nodes: {w: {tool: only_two, with: {i: =item}}}\noutputs: {got: =par}"
    )
    started(notebook, "picked.ipynb", SLOW + tool, flow)
    page, side = notebook.page, notebook.page.locator(".nbflow-side")
    notebook.wait_phase("w", "held")
    notebook.node("w").click()
    side.locator("header", has_text="par[1].w").wait_for()
    assert side.locator("select option:checked").inner_text() == "par[1].w · held"
    side.locator("pre.bad", has_text="ValueError: two").wait_for()
    side.locator("button[data-cmd=retry]").wait_for()
    side.locator(".editor", has=page.locator("button[data-cmd=edit]")).locator("textarea").fill('{"i": 7}')
    side.locator("button[data-cmd=edit]").click()
    page.wait_for_selector(".nbflow-note:has-text('inputs of par[1].w are changed')")
    notebook.press("retry")
    page.wait_for_selector(".nbflow-final")


@pytest.mark.timeout(120)
@in_both
def test_the_focus_stays_in_the_cell_when_the_last_step_ends_it(notebook):
    started(
        notebook,
        "focus.ipynb",
        SLOW,
        "%%workflow focused --debug --break only\nnodes: {only: {tool: slow, with: {seconds: 0.1}}}",
    )
    page = notebook.page
    notebook.wait_phase("only", "held")
    page.focus(".nbflow-tools button[data-cmd=step]")
    page.keyboard.press("Enter")
    page.wait_for_selector(".nbflow-final")
    page.wait_for_function("() => document.activeElement.classList.contains('nbflow-final')")


@pytest.mark.timeout(120)
@in_both
def test_a_long_expression_leaves_room_for_what_is_wrong_with_it(notebook):
    started(
        notebook,
        "long.ipynb",
        SLOW,
        "%%workflow long --debug --break only\nnodes: {only: {tool: slow, with: {seconds: 0.1}}}",
    )
    side = notebook.page.locator(".nbflow-side")
    notebook.wait_phase("only", "held")
    notebook.node("only").click()
    side.locator("form.plain input").fill("nothing." + "x" * 200)
    side.locator("button[data-cmd=watch]").click()
    wide = side.locator(".watched .bad").evaluate("span => span.clientWidth / span.parentElement.clientWidth")
    assert wide > 0.35
    notebook.press("cancel")


@pytest.mark.timeout(120)
def test_a_fork_from_the_slider_takes_the_inputs_that_were_typed(notebook):
    flow = "%%workflow retyped -i x=1\ninputs: {x: integer}\nnodes: {a: {set: {v: =inputs.x}}}\noutputs: {got: =a.v}"
    notebook.jupyter.write("retyped.ipynb", SLOW, flow, "%workflow time retyped")
    notebook.open("retyped.ipynb")
    notebook.command("notebook:run-all-cells")
    page = notebook.page
    page.wait_for_selector(".nbflow-time input", timeout=30_000)
    page.locator(".nbflow-time input").fill("1")
    page.wait_for_function("() => document.querySelector('.nbflow-time span').textContent.startsWith('1 of')")
    page.click(".nbflow-name")
    area = page.locator(".nbflow-side .editor textarea")
    area.fill('{"x": 12345678901234567}')
    page.locator(".nbflow-side .diff .come", has_text="12345678901234567").wait_for()
    page.click(".nbflow-tools button[data-cmd=fork]")
    page.wait_for_selector(".nbflow-note:has-text('goes on from record 1')")
    page.evaluate(
        """async text => {
            const book = window.jupyterapp.shell.currentWidget.content, run = name => window.jupyterapp.commands.execute(name);
            book.activeCellIndex = book.widgets.length - 1;
            await run('notebook:insert-cell-below');
            book.activeCell.model.sharedModel.setSource(text);
            await run('notebook:run-cell');
        }""",
        "import nbflow\nframe = nbflow.executions()\n"
        "print('got', [nbflow.open(id).outputs for id in frame[frame['workflow'] == 'retyped']['execution']])",
    )
    page.locator(".jp-OutputArea", has_text="{'got': 12345678901234567}").wait_for()
    notebook.press("close")
    page.locator(".nbflow-final", has_text="after record 1 of").wait_for()
