"""The live view: few messages with all that changed, commands that hop, and nothing left behind at the end."""

from __future__ import annotations

import asyncio
import gc
import threading
import tracemalloc
from types import SimpleNamespace

from ipywidgets.widgets.widget import _instances

from nbflow import assembly
from nbflow.notebook.controls import Breakpoints, Controls
from nbflow.notebook.render.extract import picture
from nbflow.notebook.render.layout import layout
from nbflow.notebook.render.watch import Watch
from nbflow.notebook.widgets import view as views
from nbflow.notebook.widgets.live import LiveView
from nbflow.ports.clock import SystemClock
from tests.notebook.examples import ITEMS

ASKING = """
name: asking
nodes:
  first: {set: {v: 1}}
  yes: {ask: "Go on?", output: {ok: boolean}, needs: [first]}
  last: {set: {said: =yes.ok}}
"""


class Screen:
    def __init__(self):
        self.shown, self.replaced = [], []

    def show(self, bundle, name):
        self.shown.append((name, bundle))

    def replace(self, bundle, name):
        self.replaced.append((name, bundle))


class Opened:
    """A view with what it sent."""

    def __init__(self, text, inputs=None, **controls):
        self.execution = assembly.start(assembly.parse(text), inputs, store="memory:")
        plan = self.execution.plan
        watch = Watch(plan, picture(plan))
        self.screen, self.sent = Screen(), asyncio.Queue()
        self.controls = Controls(self.execution, watch.picture, Breakpoints(), **controls)
        self.view = LiveView(
            self.execution, watch, layout(watch.picture), self.screen, self.controls, SystemClock().now
        )
        self.messages = []
        self.view.widget.send = self._send
        self.view.open()

    def _send(self, message):
        self.messages.append(message)
        self.sent.put_nowait(message)

    def says(self, **message):
        """What the browser sends."""
        self.view._heard(self.view.widget, message, [])

    async def until(self, holds):
        """The first message for which it holds."""
        async with asyncio.timeout(10):
            while True:
                message = await self.sent.get()
                if holds(message):
                    return message


async def test_the_whole_picture_is_there_before_the_first_message():
    opened = Opened(ASKING)
    (_, bundle), state = opened.screen.shown[0], opened.view.widget.state
    assert "application/vnd.jupyter.widget-view+json" in bundle
    assert "asking" in bundle["text/plain"]
    assert set(state["d"]) == {item.key for item in opened.view.watch.picture.items()}
    assert opened.view.widget.svg.startswith("<svg")
    opened.execution.cancel()
    await opened.execution.until("cancelled")


async def test_news_are_gathered_and_name_only_what_changed():
    opened = Opened(ITEMS, {"rows": list(range(100))})
    await opened.execution
    assert len(opened.messages) <= 4  # more than 400 records were committed
    assert opened.screen.replaced


async def test_a_node_that_waits_shows_its_form_and_takes_the_answer():
    opened = Opened(ASKING)
    key = opened.view.watch.picture.places["yes"]
    message = await opened.until(lambda message: message["d"].get(key, [""])[0] == "waiting")
    assert message["h"]["phase"] == "waiting"
    opened.says(cmd="look", key=key)
    page = (await opened.until(lambda message: "i" in message))["i"]
    assert page["form"]["fields"][0]["type"] == "boolean"
    assert page["form"]["prompt"] == "Go on?"
    opened.says(cmd="answer", key=key, path=page["path"], value={"ok": True})
    await opened.execution
    assert opened.execution.outputs == {"last": {"said": True}}


async def test_an_answer_that_does_not_fit_is_refused_in_words():
    opened = Opened(ASKING)
    key = opened.view.watch.picture.places["yes"]
    await opened.until(lambda message: message["d"].get(key, [""])[0] == "waiting")
    opened.says(cmd="answer", key=key, path="yes", value={"ok": "perhaps"})
    note = (await opened.until(lambda message: "n" in message))["n"]
    assert note["bad"]
    assert "ok" in note["text"]
    opened.execution.cancel()


async def test_a_message_from_another_thread_acts_on_the_loop_of_the_execution():
    opened = Opened(ASKING)
    await opened.until(lambda message: message["h"]["phase"] == "waiting")
    threads = []
    do = opened.controls.do
    opened.controls.do = lambda message: (threads.append(threading.current_thread()), do(message))[1]
    thread = threading.Thread(target=lambda: opened.says(cmd="cancel"))
    thread.start()
    await opened.execution.until("cancelled")
    thread.join()
    assert threads == [threading.main_thread()]
    assert opened.execution.phase == "cancelled"


async def test_a_command_that_is_none_is_refused_in_words():
    opened = Opened(ASKING)
    for message in ({"cmd": "nonsense"}, {"cmd": 7}, {}, {"cmd": "look", "key": "nope"}, {"cmd": "run_to"}):
        opened.says(**message)
    note = (await opened.until(lambda message: "n" in message))["n"]
    assert note["bad"]
    opened.execution.cancel()
    await opened.execution.until("cancelled")


async def test_the_end_is_a_still_picture_and_a_closed_widget():
    opened = Opened("nodes: {a: {set: {v: 1}}}")
    await opened.execution
    (name, bundle) = opened.screen.replaced[0]
    assert name == opened.screen.shown[0][0]
    assert set(bundle) == {"text/html", "image/svg+xml", "text/plain"}
    assert opened.view.widget.comm is None
    assert opened.view.over
    assert not opened.execution._driver.feed._subscribers


async def test_a_change_is_said_to_be_recorded_by_its_record_alone():
    opened = Opened(ASKING)
    await opened.execution.until("waiting")
    opened.execution.pause()
    await opened.execution.until("paused")
    opened.says(cmd="edit_output", path="first", json='{"v": 2}')
    said = await opened.until(lambda message: "recorded" in message.get("n", {}).get("text", ""))
    assert said["n"]["text"] == "the output of first is changed for what has not read it; the change is recorded"
    assert type(opened.execution.events[-1].event).__name__ == "NodeEdited"
    opened.execution.cancel()
    opened.view.close()


async def test_a_view_of_what_has_ended_closes_at_once():
    opened = Opened("nodes: {a: {set: {v: 1}}}")
    await opened.execution
    again = LiveView(
        opened.execution, Watch(opened.execution.plan, opened.view.watch.picture), opened.view.place, Screen(),
        opened.controls, SystemClock().now,
    )  # fmt: skip
    again.open()
    assert again.over
    assert again.screen.replaced


async def test_a_breakpoint_set_by_a_click_holds_and_continue_lets_go():
    opened = Opened(ASKING, debug=True)
    key = opened.view.watch.picture.places["last"]
    opened.says(cmd="break", key=key)
    message = await opened.until(lambda message: key in message["h"]["stops"])
    await opened.until(lambda message: message["h"]["phase"] == "waiting") if message["h"][
        "phase"
    ] != "waiting" else None
    opened.execution.answer("yes", {"ok": True})
    held = await opened.until(lambda message: message["d"].get(key, [""])[0] == "held")
    assert held["h"]["phase"] == "held"
    assert [tool[0] for tool in held["h"]["tools"]][:4] == ["resume", "step", "step_over", "run_to"]
    opened.says(cmd="resume")
    await opened.execution
    assert opened.execution.phase == "completed"


async def test_the_still_picture_shows_nothing_as_held_that_was_let_fail():
    opened = Opened("nodes: {a: {set: {v: '=1 / 0'}}}", debug=True)
    opened.execution.break_at("a:error")
    assert await opened.execution.hold() == ("a",)
    await opened.until(lambda message: message["h"]["phase"] == "held")
    opened.says(cmd="fail", path="a")
    await opened.execution.until("failed")
    (key,) = opened.view.items
    assert opened.view.watch.look(key).phase == "failed"


async def test_three_hundred_views_leave_no_widget_and_no_growth():
    opened = Opened(ASKING)
    await opened.until(lambda message: message["h"]["phase"] == "waiting")

    def look():
        view = LiveView(
            opened.execution, Watch(opened.execution.plan, opened.view.watch.picture), opened.view.place, Screen(),
            opened.controls, SystemClock().now,
        )  # fmt: skip
        view.open()
        view.close()

    for _ in range(20):
        look()
    gc.collect()
    registered = len(_instances)
    tracemalloc.start()
    start = tracemalloc.get_traced_memory()[0]
    for _ in range(300):
        look()
    gc.collect()
    grown = (tracemalloc.get_traced_memory()[0] - start) / 2**20
    tracemalloc.stop()
    assert len(_instances) == registered
    assert grown <= 1.0
    opened.execution.cancel()
    await opened.execution.until("cancelled")


async def test_messages_are_paced():
    assert 1 / views.PACE <= 10


async def test_again_is_for_the_cell_and_not_while_it_waits():
    kept = []
    opened = Opened(ASKING, again=kept.append)
    await opened.until(lambda message: message["h"]["phase"] == "waiting")
    assert "again" in [tool[0] for tool in opened.controls.tools()]
    opened.says(cmd="again")
    note = (await opened.until(lambda message: "n" in message))["n"]
    assert "run the cell again" in note["text"]
    assert kept == [opened.execution]
    opened.controls.waiting = SimpleNamespace(left=False)
    assert "again" not in [tool[0] for tool in opened.controls.tools()]
    opened.says(cmd="again")
    assert (await opened.until(lambda message: "n" in message))["n"]["bad"]
    opened.execution.cancel()
    await opened.execution.until("cancelled")
