"""A machine and a workflow that one of its states runs, in an execution of its own, talk to each other alone."""

from __future__ import annotations

import asyncio

from nbflow.execution.events import SignalReceived
from nbflow.runtime.execution import Execution
from tests.runtime.conftest import House

KID = """
name: kid
machine:
  initial: k
  context: {n: 0}
  states:
    k:
      entry: {emit: ready, to: parent}
      events:
        ask: {assign: {n: =event.data}, emit: {event: answer, with: "=event.data * 2", to: parent}}
        stop: z
    z: final
"""
PARENT = """

machine:
  initial: a
  context: {answer: null, said_by: null, kid: null}
  states:
    a:
      invoke: {workflow: kid, finalize: {assign: {said_by: =event.invoke}}}
      events:
        ready: {emit: {event: ask, with: 21, to: kid}}
        answer: {assign: {answer: =event.data}, emit: {event: stop, to: kid}}
        done.kid: {to: b, assign: {kid: =event.data}}
    b: {type: final}
"""
STRANGER = """

machine: {initial: o, context: {heard: []}, states: {o: {events: {ready: &h {assign: {heard: "=ctx.heard + [event.name]"}}, ask: *h, answer: *h, end: z}}, z: final}}
"""


def signals(execution: Execution) -> list[tuple[str, str]]:
    events = [record.event for record in execution.events if isinstance(record.event, SignalReceived)]
    return [(event.name, str(event.to)) for event in events]


async def test_a_workflow_that_is_invoked_talks_to_the_machine_that_runs_it(house: House) -> None:
    house.workflows["kid"] = KID
    stranger = house.start(STRANGER)
    ended = await house.run(PARENT)
    assert ended.outputs == {"answer": 42, "said_by": "kid", "kid": {"n": 21}}
    stranger.signal("end")
    await asyncio.wait_for(stranger, 5)
    assert stranger.outputs == {"heard": []}


async def test_an_event_between_them_arrives_once_whenever_the_parent_is_begun_again(house: House) -> None:
    house.workflows["kid"] = KID
    whole = await house.run(PARENT)
    assert len(signals(whole)) == 4
    records = whole.events
    for cut in range(2, len(records)):
        other = House()
        other.workflows["kid"] = KID
        children = [id for id in house.journal.known() if id != whole.id]
        for id in children:
            await other.journal.append(id, house.journal.peek(id), after=0)
        await other.journal.append(whole.id, records[:cut], after=0)
        again = await other.engine.recover(whole.id)
        await asyncio.wait_for(again, 5)
        assert again.outputs == whole.outputs, f"cut after {records[cut - 1].event}"
        assert sorted(signals(again)) == sorted(signals(whole))  # the child was further, so in another order


async def test_in_a_graph_the_parents_listeners_hear_it(house: House) -> None:
    house.workflows["kid"] = KID
    text = "nodes:\n  ear: {listen: ready}\n  sub: {workflow: kid}\n  tell: {emit: stop, needs: [ear]}\n"
    house.workflows["kid"] = KID.replace("stop: z", "stop: z\n      after: {50ms: z}")
    ended = await house.run(text)
    assert ended.nodes["ear"].phase == "completed"
