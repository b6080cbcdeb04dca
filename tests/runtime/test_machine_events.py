"""Who hears what a machine says, and what it says of what it did not hear."""

from __future__ import annotations

import asyncio

import pytest

from nbflow.errors import InputError
from nbflow.ports.bus import Message
from tests.runtime.conftest import House


def moves(execution, path=None):
    return [
        record.event
        for record in execution.events
        if type(record.event).__name__ == "Transitioned" and (path is None or record.event.node == path)
    ]


async def test_a_machine_does_not_hear_itself(house: House) -> None:
    execution = house.start("""
        machine:
          initial: a
          context: {n: 0}
          states:
            a: {events: {tick: {assign: {n: =ctx.n + 1}, emit: tick}, stop: b}}
            b: {type: final}
        """)
    execution.signal("tick")
    execution.signal("stop")
    await asyncio.wait_for(execution, 5)
    assert execution.outputs == {"n": 1}
    assert not any(move.ignored for move in moves(execution))


async def test_a_machine_and_a_listener_of_one_execution_hear_each_other(house: House) -> None:
    ended = await house.run("""
        nodes:
          ear: {listen: sold}
          m:
            machine:
              initial: a
              states:
                a: {entry: {emit: sold, with: {n: 7}}, events: {thanks: b}}
                b: {type: final}
          mouth: {emit: thanks, with: {to: =ear.n}}
        """)
    assert ended.phase == "completed"
    assert ended.nodes["ear"].output == {"n": 7}


async def test_parent_and_child_machines_talk_to_each_other_alone(house: House) -> None:
    ended = await house.run("""
        nodes:
          other: {machine: {initial: o, context: {heard: []}, states: {
            o: {events: {'*': {assign: {heard: "=ctx.heard + [event.name]"}}}, after: {50ms: z}}, z: final}}}
          m:
            machine:
              initial: a
              context: {answer: null, said_by: null}
              states:
                a:
                  invoke:
                    as: kid
                    finalize: {assign: {said_by: =event.invoke}}
                    machine:
                      initial: k
                      states:
                        k:
                          entry: {emit: ready, to: parent}
                          events: {ask: {emit: {event: answer, with: "=event.data * 2", to: parent}}}
                  events:
                    ready: {emit: {event: ask, with: 21, to: kid}}
                    answer: {to: b, assign: {answer: =event.data}}
                b: {type: final}
        """)
    assert ended.nodes["m"].output == {"answer": 42, "said_by": "kid"}
    assert ended.nodes["other"].output == {"heard": []}


async def test_an_event_for_nobody_is_an_error_that_comes_back(house: House) -> None:
    ended = await house.run("""
        machine:
          initial: a
          context: {why: null}
          states:
            a: {entry: {emit: {event: hello, to: nobody}}, events: {error.communication: {to: b, assign: {why: =event.data}}}}
            b: {type: final}
        """)
    assert ended.outputs == {"why": {"event": "hello", "to": "nobody"}}


async def test_what_a_machine_ignores_is_recorded(house: House) -> None:
    execution = house.start("machine: {initial: a, states: {a: {events: {go: b}}, b: final}}")
    for name in ("no", "go"):
        execution.signal(name, 1)
    await asyncio.wait_for(execution, 5)
    assert [(move.event and move.event["name"], move.ignored) for move in moves(execution)] == [
        (None, False), ("no", True), ("go", False)
    ]  # fmt: skip


async def test_a_failed_work_comes_back_as_an_event_and_unheard_it_is_shown(house: House) -> None:
    @house.tool
    async def broken() -> None:
        raise ValueError("no luck")

    text = """
        machine:
          initial: a
          context: {why: null}
          states:
            a: {invoke: {tool: broken, as: job}, events: %s}
            b: {type: final}
        """
    heard = await house.run(text % "{error.job: {to: b, assign: {why: =event.data.message}}}")
    assert heard.outputs == {"why": "no luck"}
    execution = house.start(text % "{stop: b}")
    async with asyncio.timeout(5):
        while not any(move.ignored for move in moves(execution)):
            await asyncio.sleep(0)
    assert [text for _, text in house.engine.warnings] == ["machine: nothing hears error.job: no luck"]
    assert execution.explain("machine") == "machine is waiting: it is in a; it hears stop; ignored so far: error.job"
    [move] = [move for move in moves(execution) if move.ignored]
    assert move.event["name"] == "error.job" and move.event["data"]["message"] == "no luck"
    execution.signal("stop")
    await asyncio.wait_for(execution, 5)


async def test_a_run_outlives_its_state_and_the_machine_waits_for_it(house: House) -> None:
    begun, go, done = asyncio.Event(), asyncio.Event(), []

    @house.tool
    async def clean() -> str:
        begun.set()
        await go.wait()
        done.append("clean")
        return "clean"

    execution = house.start("""
        machine:
          initial: a
          states:
            a: {events: {go: {to: b, run: {tool: clean}, as: cleaning}}}
            b: {type: final}
        """)
    execution.signal("go")
    await asyncio.wait_for(begun.wait(), 5)
    assert moves(execution)[-1].snapshot["phase"] == "done" and execution.phase != "completed"
    go.set()
    await asyncio.wait_for(execution, 5)
    assert done == ["clean"] and execution.phase == "completed"


async def test_a_livelock_fails_the_node_with_its_code(house: House) -> None:
    ended = await house.run(
        "machine: {initial: a, context: {n: 0}, states: {a: {always: {to: b, if: ctx.n == 0}}, b: {always: {to: a, if: ctx.n == 0}}}}"
    )
    assert ended.phase == "failed" and ended.error["code"] == "machine.livelock"


async def test_a_timer_that_fell_due_while_nobody_ran_fires_once(house: House) -> None:
    text = """
        machine:
          initial: a
          context: {n: 0}
          states:
            a: {after: {1h: {to: b, assign: {n: =ctx.n + 1}}}}
            b: {events: {stop: c}}
            c: {type: final}
        """

    class Later:
        """The engine's own clock, set forward."""

        def __init__(self, clock, ahead):
            self._clock, self._ahead = clock, ahead

        def now(self):
            return self._clock.now() + self._ahead

        def __getattr__(self, name):
            return getattr(self._clock, name)

    execution = house.start(text)
    async with asyncio.timeout(5):
        while not moves(execution):
            await asyncio.sleep(0)
    house.engine.drivers[execution.id].break_off(RuntimeError("the process died"))
    house.engine = house.new_engine(clock=Later(house.engine.clock, 10_000.0))
    again = await house.engine.recover(execution.id)
    async with asyncio.timeout(5):
        while moves(again)[-1].snapshot["configuration"] != ["b"]:
            await asyncio.sleep(0)
    again.signal("stop")
    await asyncio.wait_for(again, 5)
    assert again.outputs == {"n": 1}
    assert [move.event["name"] for move in moves(again) if move.event] == ["after.1h.a", "stop"]


CHILD = """
        machine:
          initial: idle
          context: {heard: []}
          states:
            idle: {events: {go: busy, stop: z}}
            busy:
              invoke: {machine: {initial: c, context: {names: []}, states: {
                c: {events: {end: z, '*': {assign: {names: "=ctx.names + [event.name]"}}}}, z: final}}, as: kid}
              events: {done.kid: {to: idle, assign: {heard: "=ctx.heard + [event.data.names]"}}}
            z: final
        """


async def test_an_invoked_machine_hears_what_came_since_it_was_begun(house: House) -> None:
    execution = house.start(CHILD)
    for name in ("early", "go", "one", "end", "late", "go", "two", "end", "stop"):
        execution.signal(name)
        for _ in range(20):
            await asyncio.sleep(0.001)
    await asyncio.wait_for(execution, 5)
    assert execution.outputs == {"heard": [["one"], ["two"]]}


async def test_signals_that_come_together_are_for_what_the_first_of_them_begins(house: House) -> None:
    execution = house.start(CHILD)
    for name in ("early", "go", "one", "end"):
        execution.signal(name)
    await asyncio.wait_for(execution.until("machine.kid[0].kid"), 5)
    async with asyncio.timeout(5):
        while execution.nodes["machine"].snapshot["configuration"] != ["idle"]:
            await asyncio.sleep(0.001)
    assert execution.nodes["machine"].snapshot["context"] == {"heard": [["one"]]}


async def test_an_invoked_listener_waits_for_a_new_event_each_time(house: House) -> None:
    execution = house.start("""
        machine:
          initial: a
          context: {n: 0}
          states:
            a: {invoke: {listen: tick, as: ear}, events: {done.ear: {to: a, assign: {n: =ctx.n + event.data}}, stop: z}}
            z: final
        """)
    await asyncio.wait_for(execution.until("machine.ear[0].ear"), 5)
    for n in (1, 2):
        execution.signal("tick", n * 10)
        await asyncio.wait_for(execution.until(f"machine.ear[{n}].ear"), 5)
        for _ in range(20):
            await asyncio.sleep(0.001)
    execution.signal("stop")
    await asyncio.wait_for(execution, 5)
    assert execution.outputs == {"n": 30}


async def test_what_a_machine_says_to_a_work_as_it_begins_it_is_heard_and_what_it_says_to_all_is_not(
    house: House,
) -> None:
    ended = await house.run("""
        machine:
          initial: a
          context: {heard: null}
          states:
            a:
              entry: [{emit: shout}, {emit: {event: psst, to: kid}}]
              invoke: {machine: {initial: c, context: {names: []}, states: {
                c: {events: {'*': {assign: {names: "=ctx.names + [event.name]"}}}, after: {30ms: z}}, z: final}}, as: kid}
              events: {done.kid: {to: z, assign: {heard: =event.data.names}}}
            z: final
        """)
    assert ended.outputs == {"heard": ["psst"]}


@pytest.mark.parametrize("name", [5, None, "", "*", "a.*", "a b", " a", "a\n", ["a"]])
async def test_what_is_no_name_of_an_event_is_refused_and_the_execution_lives(house: House, name) -> None:
    execution = house.start(
        "machine: {initial: a, states: {a: {events: {order.*: b}}, b: {events: {'*': c}}, c: {type: final}}}"
    )
    with pytest.raises(InputError, match=r"\[input.type\]"):
        execution.signal(name)
    await house.bus.publish(Message(name, None, execution.id, "other", "other/1"))
    execution.signal("order.paid")
    execution.signal("größe")
    await asyncio.wait_for(execution, 5)
    assert [move.event["name"] for move in moves(execution)[1:]] == ["order.paid", "größe"]


async def test_what_comes_with_or_after_the_end_of_a_machine_is_shown_as_ignored(house: House) -> None:
    execution = house.start("machine: {initial: a, states: {a: {events: {end: z}}, z: final}}")
    for name in ("end", "late", "later", "late"):
        execution.signal(name)
    await asyncio.wait_for(execution, 5)
    assert execution.nodes["machine"].unheard == {"late": 2, "later": 1}
    again = await house.engine.open(execution.id)
    assert again.nodes["machine"].unheard == {"late": 2, "later": 1}


async def test_what_comes_while_a_machine_waits_for_what_it_runs_is_recorded_as_ignored(house: House) -> None:
    go = asyncio.Event()

    @house.tool
    async def clean() -> None:
        await go.wait()

    execution = house.start(
        "machine: {initial: a, states: {a: {events: {end: {to: z, run: {tool: clean}, as: c}}}, z: final}}"
    )
    execution.signal("end")
    execution.signal("late")
    async with asyncio.timeout(5):
        while not any(move.ignored for move in moves(execution)):
            await asyncio.sleep(0)
    assert execution.nodes["machine"].unheard == {"late": 1}
    go.set()
    await asyncio.wait_for(execution, 5)


async def test_a_name_inside_a_list_cannot_be_set(house: House) -> None:
    ended = await house.run("""
        machine:
          initial: a
          context: {l: [1], none: null, why: null}
          states:
            a:
              entry: [{assign: {none.x: 1}}, {assign: {l.x: 5}}]
              events: {error.execution: {to: z, assign: {why: =event.data.message}}}
            z: final
        """)
    assert ended.outputs == {"l": [1], "none": {"x": 1}, "why": "'l.x' cannot be set: 'l' has no names inside"}


async def test_work_that_is_left_says_so(house: House) -> None:
    execution = house.start(
        "machine: {initial: a, states: {a: {invoke: {wait: 1h, as: w}, events: {go: z}}, z: final}}"
    )
    await asyncio.wait_for(execution.until("machine.w[0].w"), 5)
    execution.signal("go")
    await asyncio.wait_for(execution, 5)
    node = execution.nodes["machine.w[0].w"]
    assert (node.phase, node.reason) == ("cancelled", "its state was left")
