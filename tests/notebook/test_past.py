"""Time travel shows exactly what was after a record, forward and back."""

from __future__ import annotations

import asyncio

import pytest

from nbflow import assembly
from nbflow.execution.evolve import fold
from nbflow.notebook.render.extract import picture
from nbflow.notebook.render.layout import layout
from nbflow.notebook.render.watch import Watch
from nbflow.notebook.widgets.past import PastView
from nbflow.ports.clock import SystemClock
from tests.notebook.examples import GRAPH
from tests.notebook.test_live_view import Screen


async def opened(text=GRAPH):
    execution = await assembly.start(assembly.parse(text), store="memory:")
    watch = Watch(execution.plan, picture(execution.plan))
    forks = []

    async def fork(*asked):
        forks.append(asked)
        return "forked"

    view = PastView(
        execution, watch, layout(watch.picture), Screen(), fork, SystemClock().now
    )  # fmt: skip
    view.open()
    return execution, view, forks


async def test_every_record_can_be_looked_at_in_any_order():
    execution, view, _ = await opened()
    last = len(execution.events)
    for sequence in (last, 1, last // 2, last // 2 + 1, 3, last, 2):
        view.go(sequence)
        state = fold(execution.plan, execution.events[:sequence])
        assert view.at == sequence
        assert {path: node.phase for path, node in view.watch.state.nodes.items()} == {
            path: node.phase for path, node in state.nodes.items()
        }
    view.close()


async def test_going_back_says_how_everything_looked():
    execution, view, _ = await opened()
    sent = asyncio.Queue()
    view.widget.send = sent.put_nowait
    view._heard(view.widget, {"cmd": "at", "value": 1}, [])
    message = await sent.get()
    assert message["h"]["time"] == {"at": 1, "last": len(execution.events), "says": "ExecutionStarted · after 0 ms"}
    key = view.watch.picture.places["merge"]
    assert message["d"][key][0] == "pending"
    view.close()


async def test_a_fork_begins_at_the_record_that_is_shown():
    execution, view, forks = await opened()
    view.go(4)
    view.command({"cmd": "fork"})
    view.command({"cmd": "fork", "edits": '{"": {"inputs": {"n": 1}}}'})
    await asyncio.gather(*view._forking)
    assert forks == [(execution, 4, {}), (execution, 4, {"": {"inputs": {"n": 1}}})]
    view.close()


@pytest.mark.parametrize("command", ["cancel", "resume", "edit", "skip"])
async def test_the_past_cannot_be_changed(command):
    execution, view, _ = await opened()
    before = execution.events
    view._do({"cmd": command, "path": "merge", "value": 1})
    assert view._extra["n"]["bad"]
    assert execution.events == before
    view.close()


MACHINE = """
machine:
  initial: a
  states:
    a: {entry: {raise: {event: go, delay: 5ms}}, events: {go: z}}
    z: final
"""


async def test_the_slider_over_a_machine_says_what_it_heard():
    execution = assembly.start(MACHINE, store="memory:")
    await execution.until("waiting")
    execution.signal("nonsense")
    await execution
    watch = Watch(execution.plan, picture(execution.plan))
    view = PastView(execution, watch, layout(watch.picture), Screen(), lambda *asked: None, SystemClock().now)
    words, lit = [], []
    for record in execution.events:
        view.go(record.sequence)
        words.append(view.head()["time"]["says"].rpartition(" · ")[0])
        lit.append(
            [id for id, key in watch.picture.states["machine"].items() if view.watch.look(key).phase == "running"]
        )
    assert words == [
        "ExecutionStarted", "NodeWaiting", "Transitioned · → a", "SignalReceived · nonsense",
        "Transitioned · nonsense ignored in a", "Transitioned · go → z",
        "NodeCompleted", "ExecutionCompleted",
    ]  # fmt: skip
    assert lit == [[], [], ["a"], ["a"], ["a"], [], [], []]
    view.close()


async def test_a_state_that_is_only_passed_through_was_reached():
    text = "machine: {initial: a, context: {n: 1}, states: {a: {always: b}, b: {always: [{to: c, if: ctx.n > 1}, d]}, c: final, d: final}}"
    execution = await assembly.start(text, store="memory:")
    watch = Watch(execution.plan, picture(execution.plan))
    watch.fold(execution.events)
    looks = {id: watch.look(key).phase for id, key in watch.picture.states["machine"].items()}
    assert looks == {"a": "completed", "b": "completed", "c": "pending", "d": "completed"}


async def test_the_inputs_at_a_record_can_be_changed_for_a_fork():
    text = "inputs: {x: integer}\nnodes: {a: {set: {v: =inputs.x}}}"
    execution = await assembly.start(assembly.parse(text), {"x": 12345678901234567}, store="memory:")
    watch = Watch(execution.plan, picture(execution.plan))
    forks = []

    async def fork(*asked):
        forks.append(asked)
        return "forked"

    view = PastView(execution, watch, layout(watch.picture), Screen(), fork, SystemClock().now)
    view.go(1)
    block = view.inspected("", None)["blocks"][0]
    assert block["edit"]["cmd"] == "fork"
    assert "12345678901234567" in block["text"]
    view.command({"cmd": "fork", "edits": '{"": {"inputs": {"x": 12345678901234568}}}'})
    await asyncio.gather(*view._forking)
    assert forks == [(execution, 1, {"": {"inputs": {"x": 12345678901234568}}})]
    view.close()


async def test_the_picture_that_stays_says_which_record_it_shows():
    execution, view, _ = await opened()
    view.go(4)
    bundle = view.final()
    assert f"{execution.id} · after record 4 of {len(execution.events)}" in bundle["text/html"]
    assert "running" in bundle["text/plain"]
    spent = execution.events[3].at - execution.events[0].at
    assert spent < 60
    view.now = lambda: execution.events[0].at + 1000.0
    assert view.final() == bundle, "time since then is no part of it"
    view.close()
