"""A statechart as a person has it: the states that are active are lit while it lives, and along the slider."""

from __future__ import annotations

import pytest

from tests.browser.test_lab import portrait, started

SETUP = """%load_ext nbflow
import asyncio
async def review(url):
    await asyncio.sleep(0.4)
    return {"score": 0.6}"""
CHART = """%%workflow article --background
machine:
  initial: start
  context: {url: null, round: 0, score: 0.0}
  events: {withdraw: failed}
  states:
    start: {events: {begin: {to: work, assign: {url: =event.data.url}}}}
    work:
      parallel: true
      states:
        text:
          initial: processing
          states:
            processing:
              invoke: {tool: review, with: {url: =ctx.url}, as: review}
              events: {done.review: {to: decision, assign: {score: =event.data.score}}, error.review: failed}
            decision:
              always:
                - {to: approved, if: ctx.score >= 0.8, label: complete}
                - {to: processing, if: ctx.round < 2, label: retry, assign: {round: =ctx.round + 1}}
            approved: {type: final}
        picture:
          initial: sketch
          states:
            sketch: {after: {600ms: drawn}}
            drawn: {type: final}
            h: {history: deep}
      events: {done.state.work: done, pause: paused, accept: done}
    paused: {events: {go_on: h}}
    done: {type: final}
    failed: {type: final}"""


def lit(notebook):
    """The labels of what is lit."""
    return notebook.page.evaluate(
        """() => [...new Set([...document.querySelectorAll('.nbflow .nbf-node.p-running')].map(
            group => group.querySelector('.name, .head')?.firstChild?.textContent))].sort()"""
    )


@pytest.mark.timeout(180)
def test_the_active_states_are_lit_while_it_lives(notebook, tmp_path):
    started(notebook, "chart.ipynb", SETUP, CHART)
    page = notebook.page
    notebook.tidy()
    notebook.wait_phase("start", "running")
    assert lit(notebook) == ["start"]
    tell(notebook, "%workflow signal article nonsense")
    page.locator(".nbflow", has_text="ignored nonsense").first.wait_for()
    tell(notebook, "%workflow signal article begin -i url=x")
    notebook.wait_phase("drawn", "running")
    notebook.wait_phase("processing", "running")
    assert {"work", "text", "picture", "drawn"} <= set(lit(notebook))
    notebook.wait_phase("decision", "running")
    notebook.node("decision").click()
    page.locator(".nbflow-side", has_text="ignored").wait_for()
    portrait(notebook, "chart.png", tmp_path)
    notebook.dark()
    page.wait_for_selector(".nbflow[data-theme=dark]")
    portrait(notebook, "chart-dark.png", tmp_path)
    tell(notebook, "%workflow signal article accept")
    page.locator(".nbflow-final", has_text="in done").wait_for()


def tell(notebook, text):
    """Run a line in a new cell at the end."""
    page = notebook.page
    page.evaluate(
        """text => {
            const panel = window.jupyterapp.shell.currentWidget;
            const model = panel.content.model.sharedModel;
            model.insertCell(model.cells.length, {cell_type: 'code', source: text});
            panel.content.activeCellIndex = panel.content.widgets.length - 1;
        }""",
        text,
    )
    page.wait_for_timeout(100)
    notebook.command("notebook:run-cell")


@pytest.mark.timeout(120)
def test_the_slider_lights_the_states_of_every_moment(notebook, tmp_path):
    chart = CHART.replace("--background", "--as article --background")
    notebook.jupyter.write(
        "moments.ipynb", SETUP, chart, 'article.signal("begin", {"url": "x"})\nawait asyncio.sleep(2)  # allowed: rounds and a timer',
        'article.signal("accept")\nawait article', "%workflow time article",
    )  # fmt: skip
    notebook.open("moments.ipynb")
    notebook.command("notebook:run-all-cells")
    page = notebook.page
    page.wait_for_selector(".nbflow-time input", timeout=30_000)
    page.locator(".nbflow-time input").focus()
    page.keyboard.press("Home")
    seen = []
    for _ in range(20):
        page.click(".nbflow-time button[aria-label='one record on']")
        page.wait_for_timeout(120)
        states = lit(notebook)
        if states and (not seen or seen[-1] != states):
            seen.append(states)
            if "processing" in states and len(seen) == 2:
                portrait(notebook, "chart-time.png", tmp_path)
    assert seen[0] == ["start"]
    assert seen[1] == ["picture", "processing", "sketch", "text", "work"]
    assert any("decision" in states and "drawn" in states for states in seen)
