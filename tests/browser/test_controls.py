"""Every control of the live view, pressed as a person presses it, with what it has to bring about."""

from __future__ import annotations

import pytest

from tests.browser.jupyter import in_both
from tests.browser.test_lab import SLOW, portrait, started

CHAIN = """%%workflow chain --debug --as chain
nodes:
  a: {set: {v: 1}}
  l:
    needs: [a]
    loop: {max: 2}
    nodes:
      r: {set: {w: =loop.index}}
      s: {set: {w: =r.w + 1}}
  b: {tool: slow, with: {seconds: 0.05}, needs: [l]}
  c: {set: {got: =b.slept}}
  d: {tool: slow, with: {seconds: 600}, needs: [c]}
outputs: {got: =c.got}
"""


def chain(name, stop):
    """Breakpoints are kept by the workflow's name, so every test has its own."""
    return CHAIN.replace("workflow chain", f"workflow {name}").replace("--debug", f"--debug --break {stop}")


def cells(page):
    return page.locator(".jp-Cell").count()


def places(page):
    """How the graph stands: scale and place."""
    return page.evaluate("() => document.querySelector('.nbflow-view > svg').style.transform")


@pytest.mark.timeout(120)
@in_both
def test_step_over_run_to_and_cancel(notebook):
    started(notebook, "stepping.ipynb", SLOW, chain("chain1", "a"))
    page = notebook.page
    notebook.wait_phase("a", "held")
    notebook.press("step")
    notebook.wait_phase("l", "held")
    notebook.press("step_over")
    notebook.wait_phase("l", "completed")
    notebook.wait_phase("b", "held")
    assert notebook.phase("s") == "completed"
    notebook.node("d").click()
    page.locator(".nbflow-side strong", has_text="d").wait_for()
    page.click(".nbflow-tools button[data-cmd=run_to]")
    notebook.wait_phase("d", "held")
    assert notebook.phase("c") == "completed"
    notebook.node("r").click()
    select = page.locator(".nbflow-side select")
    select.select_option("l[0].r")
    page.locator(".nbflow-side strong", has_text="l[0].r").wait_for()
    page.locator(".nbflow-side pre", has_text='"w": 0').wait_for()
    notebook.press("cancel")
    page.wait_for_selector(".nbflow-final")
    assert "cancelled" in page.inner_text(".nbflow-final")


@pytest.mark.timeout(120)
def test_keys_of_the_view_are_no_keys_of_notebook_7(notebook, jupyter):
    """`r` makes a raw cell there, `b` a new one, `d d` deletes; in the view they are its own, or nothing."""
    jupyter.write("seven_keys.ipynb", SLOW, chain("sevenkeys", "a"))
    notebook.open("seven_keys.ipynb", app="notebooks")
    notebook.command("notebook:run-all-cells")
    page = notebook.page
    notebook.wait_phase("a", "held")
    count = cells(page)
    notebook.node("c").focus()
    page.keyboard.press("b")
    page.wait_for_selector(".nbflow-note:has-text('holds at c')")
    for key in ("a", "d", "d", "x", "m", "y", "z"):
        page.keyboard.press(key)
    assert cells(page) == count
    kinds = "() => window.jupyterapp.shell.currentWidget.content.widgets.map(cell => cell.model.type)"
    assert page.evaluate(kinds) == ["code"] * 2


@pytest.mark.timeout(120)
@in_both
def test_breakpoints_by_click_and_by_key_hold_and_never_touch_the_notebook(notebook):
    started(notebook, "points.ipynb", SLOW, chain(f"points_in_{notebook.app[:3]}", "a"))  # breakpoints stay
    page, count = notebook.page, None
    notebook.wait_phase("a", "held")
    count = cells(page)
    notebook.node("c").focus()
    page.keyboard.press("b")
    page.wait_for_selector(".nbflow-note:has-text('holds at c')")
    assert notebook.node("c").locator(".stop").is_visible()
    notebook.node("b").click()
    button = page.locator(".nbflow-side button[data-cmd=break]")
    button.click()
    page.wait_for_selector(".nbflow-note:has-text('holds at b')")
    page.wait_for_selector(".nbflow-side button[data-cmd=break][aria-pressed=true]")
    button.click()
    page.wait_for_selector(".nbflow-note:has-text('no longer holds at b')")
    page.wait_for_selector(".nbflow-side button[data-cmd=break][aria-pressed=false]")
    for key in ("a", "d", "d", "x", "m", "y"):  # each of these means something to the notebook
        page.keyboard.press(key)
    assert cells(page) == count
    assert page.evaluate(
        "() => window.jupyterapp.shell.currentWidget.content.widgets.every(cell => cell.model.type === 'code')"
    )
    notebook.press("resume")
    notebook.wait_phase("c", "held")
    assert notebook.phase("b") == "completed"


@pytest.mark.timeout(120)
@in_both
def test_an_edit_is_checked_shown_as_a_diff_and_made_by_apply_alone(notebook, tmp_path):
    started(notebook, "edits.ipynb", SLOW, chain("chain3", "b"))
    page = notebook.page
    notebook.wait_phase("b", "held")
    notebook.node("b").click()
    side = page.locator(".nbflow-side")
    area, apply = side.locator("textarea").first, side.locator("button[data-cmd=edit]")
    area.wait_for()
    assert apply.is_disabled()
    assert side.locator(".diff").first.is_hidden()
    area.fill('{"seconds": ')
    assert "not JSON" in side.locator(".says").first.inner_text()
    assert apply.is_disabled()
    area.fill('{\n  "seconds":   0.05\n}')  # only written otherwise
    assert apply.is_disabled()
    area.fill('{"seconds": 0.25}')
    assert side.locator(".diff .gone").first.inner_text().endswith('"seconds": 0.05')
    assert side.locator(".diff .come").first.inner_text().endswith('"seconds": 0.25')
    side.locator("strong").click()  # the focus leaves, news come, and what was typed stays
    side.locator("form.plain input").fill("l.s.w * 10")
    side.locator("button[data-cmd=watch]").click()
    side.locator(".watched", has_text="= 20").wait_for()
    assert area.input_value() == '{"seconds": 0.25}'
    portrait(notebook, "edit.png", tmp_path)
    side.locator("button[data-cmd=undo]:visible").first.click()
    assert '"seconds": 0.05' in area.input_value()
    area.fill('{"seconds": "many", "other": 1}')
    apply.click()
    page.wait_for_selector(".nbflow-note.bad")
    assert area.input_value() == '{"seconds": "many", "other": 1}'
    area.fill('{"seconds": 0.25}')
    area.press("Control+Enter")
    page.wait_for_selector(".nbflow-note:has-text('inputs of b are changed')")
    side.locator(".watched button").click()
    side.locator(".watched").wait_for(state="detached")
    notebook.press("step")
    notebook.wait_phase("c", "held")
    notebook.node("b").click()
    output = side.locator(".editor:has(button[data-cmd=edit_output]) textarea")
    assert '"slept": 0.25' in output.input_value()


@pytest.mark.timeout(120)
@in_both
def test_an_output_is_given_instead_of_running_and_a_failed_node_is_mended(notebook):
    flow = (
        "%%workflow mended --debug --break b --as mended\nnodes:\n  a: {tool: bad}\n"
        "  b: {tool: slow, with: {seconds: 600}, needs: [a]}\n  c: {set: {got: =b.slept}}\noutputs: {got: =c.got}"
    )
    started(
        notebook,
        "mended.ipynb",
        SLOW
        + "\ncalls = []\ndef bad():\n    calls.append(1)\n    if len(calls) == 1: raise ValueError('<b>no way</b>')",
        flow,
    )
    page = notebook.page
    notebook.wait_phase("a", "held")
    notebook.node("a").click()
    page.locator(".nbflow-side pre.bad", has_text="<b>no way</b>").wait_for()
    notebook.press("retry")
    notebook.wait_phase("b", "held")
    notebook.node("b").click()
    page.locator(".nbflow-side strong", has_text="b").wait_for()
    area = page.locator(".nbflow-side textarea").last
    area.fill('{"slept": 12345678901234567890}')  # more digits than a number of JavaScript has
    notebook.press("skip")
    notebook.wait_phase("c", "held")
    notebook.press("resume")
    page.wait_for_selector(".nbflow-final")
    page.click(".nbflow-final details summary")
    assert "12345678901234567890" in page.inner_text(".nbflow-final pre")


@pytest.mark.timeout(120)
@pytest.mark.parametrize("app", ["lab/tree", "notebooks"])
def test_one_key_runs_the_changed_cell_again_and_keeps_the_rest(notebook, jupyter, app):
    flow = "%%workflow forty --background --as latest\nnodes:\n  a: {tool: counted}\n  b: {tool: slow, with: {seconds: 600}, needs: [a]}\n"
    jupyter.write("again.ipynb", SLOW + "\ncalls = []\ndef counted(): calls.append(1); return len(calls)", flow)
    notebook.open("again.ipynb", app=app)
    page = notebook.page
    notebook.command("notebook:run-all-cells")
    page.wait_for_selector(".nbflow .nbf-node", timeout=30_000)
    notebook.wait_phase("b", "running")

    def changed(seconds):
        page.evaluate(
            "text => { document.querySelector('.nbflow').dataset.old = 1; const all = window.jupyterapp.shell.currentWidget.content.widgets; all[1].model.sharedModel.setSource(text); }",
            flow.replace("600", str(seconds)),
        )

    def runs(seconds):
        page.wait_for_selector(".nbflow:not([data-old]) .nbf-node")
        assert page.locator(".nbflow").count() == 1
        notebook.wait_phase("b", "running")
        notebook.node("b").click()
        page.locator(".nbflow-side", has_text=f'"seconds": {seconds}').wait_for()
        notebook.node("a").click()
        page.locator(".nbflow-side dt", has_text="kept from").wait_for()

    changed(601)
    notebook.node("a").focus()
    page.keyboard.press("r")
    runs(601)
    changed(602)
    notebook.press("again")
    runs(602)
    changed(603)
    page.locator(".jp-CodeCell").nth(1).locator(".cm-content").click()
    page.keyboard.press("Alt+Shift+Enter")
    runs(603)
    assert cells(page) == 2


@pytest.mark.timeout(120)
@in_both
def test_the_graph_is_zoomed_moved_and_walked(notebook):
    started(notebook, "moving.ipynb", SLOW, chain("chain4", "a"))
    page = notebook.page
    notebook.wait_phase("a", "held")
    first = places(page)
    page.click(".nbflow-zoom button[aria-label=larger]")
    larger = places(page)
    assert larger != first
    page.click(".nbflow-zoom button[aria-label=smaller]")
    page.click(".nbflow-zoom button[aria-label=smaller]")
    assert places(page) not in (first, larger)
    page.click(".nbflow-zoom button[aria-label=fit]")
    assert places(page) == first
    box = page.locator(".nbflow-view").bounding_box()
    page.mouse.move(box["x"] + 5, box["y"] + box["height"] - 5)
    page.mouse.down()
    page.mouse.move(box["x"] + 65, box["y"] + box["height"] - 25, steps=4)
    page.mouse.up()
    assert places(page) != first
    page.mouse.dblclick(box["x"] + 5, box["y"] + box["height"] - 5)
    assert places(page) == first
    page.mouse.wheel(0, 1)  # a plain wheel is the notebook's
    assert places(page) == first
    page.keyboard.down("Control")
    page.mouse.wheel(0, -120)
    page.keyboard.up("Control")
    page.wait_for_function("first => document.querySelector('.nbflow-view > svg').style.transform !== first", arg=first)
    names = []
    notebook.node("a").focus()
    for key in ("0", "ArrowRight", "ArrowLeft", "ArrowDown"):
        page.keyboard.press(key)
        names.append(page.evaluate("() => document.activeElement.getAttribute('aria-label').split(' · ')[0]"))
    assert places(page) == first
    assert names[0] == names[2] == "a"
    assert names[1] == names[3] != "a"
    page.keyboard.press(" ")
    page.locator(".nbflow-side strong").wait_for()
    page.keyboard.press("Escape")
    page.locator(".nbflow-side").wait_for(state="hidden")
    assert page.evaluate("() => document.activeElement.classList.contains('nbf-node')")


@pytest.mark.timeout(120)
@in_both
def test_who_listens_and_who_uses_the_tab_key_alone_is_served(notebook):
    started(notebook, "ears.ipynb", SLOW, chain("chain5", "a"))
    page = notebook.page
    notebook.wait_phase("a", "held")
    page.wait_for_function("() => document.querySelector('.nbflow-aloud').textContent.endsWith(' is held')")
    unnamed = page.evaluate(
        "() => [...document.querySelectorAll('.nbflow button, .nbflow input, .nbflow select, .nbflow textarea, .nbflow [role]')]"
        ".filter(e => !(e.getAttribute('aria-label') || e.textContent.trim() || e.role === 'status')).map(e => e.outerHTML)"
    )
    assert unnamed == []
    assert page.evaluate("() => document.querySelector('.nbflow-view svg').getAttribute('role')") == "group"
    assert page.locator(".nbflow .nbf-node[tabindex='0']").count() == 1
    page.focus(".nbflow-tools button")
    order = []
    for _ in range(30):
        order.append(
            page.evaluate(
                "() => document.activeElement.dataset.cmd || document.activeElement.getAttribute('aria-label') || ''"
            )
        )
        if order[-1].startswith("a · "):
            break
        page.keyboard.press("Tab")
    assert order[:2] == ["resume", "step"]
    assert order[-5:-1] == ["smaller", "fit", "larger", "nodes as a table"]


@pytest.mark.timeout(120)
@in_both
def test_markup_is_shown_as_text_and_tables_and_images_as_such(notebook):
    evil = '<img src=x onerror="window.broken=1"><script>window.broken=1</script>'
    setup = (
        SLOW + f"\nimport base64, nbflow, pandas\nEVIL = {evil!r}\n"
        "PNG = base64.b64decode('iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==')\n"
        "def text(): return {'html': EVIL, EVIL: 1}\ndef wrong(): raise ValueError(EVIL)\n"
        "def frame(): return pandas.DataFrame({EVIL: [EVIL, 'x']})\ndef image(): return PNG\n"
        "@nbflow.agent('evil')\nasync def evil(prompt):\n    yield EVIL\n    await asyncio.sleep(600)"
    )
    flow = (
        "%%workflow evil --background\nnodes:\n  text: {tool: text, doc: '" + evil.replace("'", "''") + "'}\n"
        "  wrong: {tool: wrong, on_error: continue}\n  frame: {tool: frame}\n  image: {tool: image}\n"
        "  says: {agent: {model: evil, prompt: hi}}\n  asks: {ask: '=text.html', output: {'a<b>': string}}\n"
    ).replace("'=text.html'", "'${{ text.html }}'")
    started(notebook, "evil.ipynb", setup, flow)
    page, side = notebook.page, notebook.page.locator(".nbflow-side")
    page.locator(".nbflow-says", has_text="<script>").wait_for()
    for name, phase in (("text", "completed"), ("wrong", "failed"), ("asks", "waiting"), ("says", "running")):
        notebook.wait_phase(name, phase, "completed")
        notebook.node(name).click()
        side.locator("header strong", has_text=name).wait_for()
        if name != "says":
            side.get_by_text("onerror").first.wait_for()
    notebook.node("frame").click()
    side.locator("td", has_text="<script>").wait_for()
    side.locator("th", has_text="<script>").wait_for()
    notebook.node("image").click()
    side.locator("img").wait_for()
    assert side.locator("img").evaluate("image => image.naturalWidth") == 1
    page.click(".nbflow-zoom button[aria-label='nodes as a table']")
    page.locator(".nbflow-list td", has_text="onerror").first.wait_for()
    assert page.evaluate("() => window.broken") is None
    assert page.locator(".nbflow script").count() == 0
    notebook.press("suspend")


@pytest.mark.timeout(120)
@in_both
def test_every_kind_of_field_gives_its_kind_of_answer(notebook):
    started(
        notebook, "fields.ipynb", SLOW,
        "%%workflow fields --background --as fields\nnodes:\n  q:\n    ask: Well?\n    output: {level: {enum: [low, high]}, n: integer, x: number, tags: [string], ok: boolean, why?: string}\n"
        "outputs: {got: =q}",
    )  # fmt: skip
    page, form = notebook.page, notebook.page.locator(".nbflow-side form:not(.plain)")
    notebook.wait_phase("q", "waiting")
    notebook.node("q").click()
    form.get_by_label("level").select_option("high")
    form.get_by_label("tags").fill("[one]")
    form.get_by_label("n", exact=True).fill("3")
    form.get_by_label("x", exact=True).fill("0.5")
    form.get_by_role("button", name="answer").click()
    page.wait_for_selector(".nbflow-note.bad:has-text('tags: not JSON')")
    form.get_by_label("tags").fill('["one"]')
    form.get_by_label("ok").check()
    form.get_by_role("button", name="answer").click()
    page.wait_for_selector(".nbflow-final")
    page.click(".nbflow-final details summary")
    got = page.inner_text(".nbflow-final pre")
    for part in ('"level": "high"', '"n": 3', '"x": 0.5', '"ok": true', '"one"'):
        assert part in got
    assert "why" not in got


@pytest.mark.timeout(120)
def test_a_fork_from_the_slider_goes_on_from_there_and_a_comparison_is_a_picture(notebook, tmp_path):
    flow = "%%workflow forked -i x={0} --as {1}\ninputs: {{x: integer}}\nnodes:\n  a: {{set: {{v: 1}}}}\n  b: {{set: {{v: '=inputs.x + a.v'}}}}\n  c: {{set: {{t: =b.v}}}}\n"
    notebook.jupyter.write(
        "forks.ipynb",
        SLOW,
        flow.format(1, "one"),
        flow.format(2, "two"),
        "await get_ipython().run_line_magic('workflow', f'diff {one.id} {two.id}')",
        "%workflow time forked",
    )
    notebook.open("forks.ipynb")
    notebook.command("notebook:run-all-cells")
    page = notebook.page
    page.wait_for_selector(".nbflow-time input", timeout=30_000)
    differs = page.locator(".nbflow-final", has_text="nodes differ")
    assert differs.locator("img").evaluate("image => image.naturalWidth") > 100
    assert differs.locator("tr", has_text="b").count() >= 1
    portrait(notebook, "compare.png", tmp_path, ".nbflow-final:has-text('nodes differ')")
    page.locator(".nbflow-time input").fill("3")
    page.wait_for_function("() => document.querySelector('.nbflow-time span').textContent.startsWith('3 of')")
    notebook.press("fork")
    page.wait_for_selector(".nbflow-note:has-text('goes on from record 3')")


@pytest.mark.timeout(120)
def test_a_view_that_is_drawn_anew_shows_what_was_looked_at(notebook):
    """As an output is that was out of sight, or that has a view of its own."""
    started(
        notebook,
        "anew.ipynb",
        SLOW,
        "%%workflow anew --debug --break a\nnodes:\n  a: {tool: slow}\n  b: {tool: slow, needs: [a]}",
    )
    page = notebook.page
    notebook.wait_phase("a", "held")
    notebook.node("a").click()
    page.locator(".nbflow-side strong", has_text="a").wait_for()
    notebook.command("notebook:create-output-view")
    page.wait_for_function("() => document.querySelectorAll('.nbflow-side header').length === 2")
    assert page.locator(".nbflow-side strong").all_inner_texts() == ["a", "a"]
    assert page.locator(".nbf-node.chosen").count() == 2
    notebook.press("cancel")
