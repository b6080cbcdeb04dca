"""Start, pause, resume, cancel, suspend, recover, fork, rerun: what each does and when it is refused."""

from __future__ import annotations

import asyncio

import pytest

from nbflow.errors import IllegalMove, InputError
from nbflow.history.forking import fork, rerun
from nbflow.plan.workflow import parse
from tests.runtime.conftest import House

SLOW = "nodes: {a: {tool: slow}, b: {needs: a, set: {v: =a}}}"


@pytest.fixture
def slow(house: House):
    """A tool that waits until it is let go, and remembers what happened to it."""

    class Slow:
        def __init__(self) -> None:
            self.go, self.begun, self.log = asyncio.Event(), asyncio.Event(), []

    made = Slow()

    @house.tool
    async def slow() -> str:
        made.log.append("begun")
        made.begun.set()
        try:
            await made.go.wait()
        except asyncio.CancelledError:
            made.log.append("cancelled")
            raise
        return "done"

    return made


async def test_cancel_is_prompt_and_reaches_every_node(house: House, slow) -> None:
    execution = house.start(
        "nodes: {a: {tool: slow}, b: {tool: slow}, w: {wait: 1h}, c: {needs: [a, b, w], set: {v: 1}}}"
    )
    await slow.begun.wait()
    await execution.until("w")
    execution.cancel()
    await asyncio.wait_for(execution, 2)
    assert execution.phase == "cancelled"
    assert slow.log.count("cancelled") == 2
    assert {execution.nodes[id].phase for id in ("a", "b", "w")} == {"cancelled"}


async def test_pause_lets_running_nodes_finish_and_starts_nothing(house: House, slow) -> None:
    execution = house.start(SLOW)
    await slow.begun.wait()
    execution.pause()
    slow.go.set()
    await execution.until("a")
    for _ in range(20):
        await asyncio.sleep(0)
    assert execution.phase == "paused"
    assert execution.held == ("b",)
    execution.resume()
    await execution
    assert execution.outputs == {"b": {"v": "done"}}


async def test_suspend_stops_attempts_and_resume_goes_on(house: House, slow) -> None:
    execution = house.start(SLOW)
    await slow.begun.wait()
    execution.suspend()
    await execution.until("suspended")
    assert slow.log == ["begun", "cancelled"]
    slow.go.set()
    execution.resume()
    await execution
    assert execution.outputs == {"b": {"v": "done"}}
    assert execution.nodes["a"].attempt == 2


async def test_another_engine_recovers_what_a_dead_one_left(house: House, slow) -> None:
    execution = house.start(SLOW)
    await slow.begun.wait()
    await execution.until("running")
    house.engine.drivers[execution.id].break_off(RuntimeError("the process died"))
    house.engine = house.new_engine()
    assert await house.engine.interrupted() == [execution.id]
    slow.go.set()
    recovered = await house.engine.recover(execution.id)
    await recovered
    assert recovered.outputs == {"b": {"v": "done"}}


async def test_an_effect_in_doubt_waits_for_a_person(house: House) -> None:
    ran: list[str] = []
    begun = asyncio.Event()

    @house.tools.tool(effects="once")
    async def pay() -> str:
        ran.append("pay")
        begun.set()
        if len(ran) == 1:
            await asyncio.sleep(60)
        return "paid"

    for verb, outputs in (("retry", {"p": "paid"}), ("skip", {"p": "by hand"}), ("fail", None)):
        ran.clear()
        begun.clear()
        execution = house.start("nodes: {p: {tool: pay}}")
        await begun.wait()
        house.engine.drivers[execution.id].break_off(RuntimeError("the process died"))
        house.engine = house.new_engine()
        again = await house.engine.recover(execution.id)
        await again.until("p")
        assert again.phase == "waiting" and again.nodes["p"].reason == "in_doubt"
        assert ran == ["pay"]
        if verb == "skip":
            again.skip("p", "by hand")
        else:
            getattr(again, verb)("p")
        ended = await asyncio.wait_for(_end(again), 5)
        assert ended.outputs == outputs


async def _end(execution):
    from nbflow.errors import ExecutionFailed

    try:
        await execution
    except ExecutionFailed:
        pass
    return execution


async def test_an_effect_begins_only_after_its_record_is_on_disk(house: House) -> None:
    seen: list[int] = []

    @house.tools.tool(effects="once")
    async def pay() -> None:
        (id,) = house.engine.drivers
        seen.append(len(await house.journal.read(id)))

    execution = await house.run("nodes: {a: {set: {v: 1}}, p: {needs: a, tool: pay}}")
    started = next(r.sequence for r in execution.events if type(r.event).__name__ == "NodeStarted")
    assert seen[0] >= started


async def test_illegal_moves_are_refused_with_the_reason(house: House) -> None:
    ended = await house.run("nodes: {a: {set: {v: 1}}}")
    for verb in ("pause", "resume", "cancel", "suspend"):
        with pytest.raises(IllegalMove, match="is completed; there is nothing to"):
            getattr(ended, verb)()
    with pytest.raises(InputError):
        house.start("inputs: {n: integer}\nnodes: {a: {set: {v: =inputs.n}}}", {"n": "3"})


async def test_a_fork_shares_the_past_and_goes_its_own_way(house: House) -> None:
    calls: list[str] = []

    @house.tool
    def step(name: str) -> str:
        calls.append(name)
        return name

    whole = await house.run("nodes: {a: {tool: step, with: {name: a}}, b: {tool: step, with: {name: '${{ a }}b'}}}")
    forked = await fork(house.engine, whole, "b", inputs={"name": "other"})
    await forked
    assert whole.outputs == {"b": "ab"} and forked.outputs == {"b": "other"}
    assert calls == ["a", "ab", "other"]


async def test_what_was_paused_and_then_suspended_goes_on_with_one_resume(house: House) -> None:
    @house.tool
    async def step() -> int:
        return 1

    execution = house.start("nodes: {a: {tool: step}, b: {tool: step, needs: a}}")
    execution.pause()
    await execution.until("paused")
    execution.suspend()
    await execution.until("suspended")
    execution.resume()
    assert (await asyncio.wait_for(execution, 5)).phase == "completed"
    assert execution.held == ()


async def test_a_fork_begins_when_it_is_made(house: House) -> None:
    @house.tool
    def step() -> int:
        return 1

    whole = await house.run("nodes: {a: {tool: step}, b: {tool: step, needs: a}}")
    begun = house.engine.clock.now()
    forked = await fork(house.engine, whole, "b")
    await forked
    assert forked.state.started >= begun >= whole.state.ended
    (summary,) = [one for one in await house.engine.journal.executions() if one.execution == forked.id]
    assert summary.started == forked.state.started
    assert forked.nodes["a"].started == whole.nodes["a"].started


async def test_a_rerun_keeps_what_did_not_change(house: House) -> None:
    calls: list[str] = []

    @house.tool
    def step(name: str) -> str:
        calls.append(name)
        return name

    text = "nodes: {a: {tool: step, with: {name: a}}, b: {tool: step, with: {name: '${{ a }}b'}}, c: {tool: step, with: {name: c}}}"
    whole = await house.run(text)
    changed = parse(text.replace("}}b'", "}}B'"), name="w", tools=house.tools.schemas()).plan
    calls.clear()
    again = await rerun(house.engine, whole, changed)
    await again
    assert again.outputs == {"b": "aB", "c": "c"}
    assert calls == ["aB"]
    calls.clear()
    forced = await rerun(house.engine, whole, from_node="a")
    await forced
    assert calls == ["a", "ab"]


async def test_breakpoints_hold_and_steps_let_one_go(house: House) -> None:
    execution = house.start("nodes: {a: {set: {v: 1}}, b: {set: {v: =a.v}}, c: {set: {v: =b.v}}}")
    execution.break_at("b")
    assert await execution.hold() == ("b",)
    assert "c" not in execution.state.nodes
    execution.step()
    assert await _held(execution, "c") == ("c",)
    execution.skip("c", {"v": 9})
    await execution
    assert execution.outputs == {"c": {"v": 9}}


async def _held(execution, path):
    while execution.held != (path,):
        await asyncio.sleep(0)
    return execution.held


async def test_a_breakpoint_on_error_holds_the_node_to_be_mended(house: House) -> None:
    @house.tool
    def half(n: int) -> float:
        if n % 2:
            raise ValueError("odd")
        return n / 2

    execution = house.start("nodes: {h: {tool: half, with: {n: 3}}}")
    execution.break_at("h", where="error")
    assert await execution.hold() == ("h",)
    assert execution.phase != "failed"
    execution.edit("h", inputs={"n": 4})
    execution.retry("h")
    await execution
    assert execution.outputs == {"h": 2.0}


async def test_an_execution_forks_reruns_compares_and_explains_itself(house: House) -> None:
    @house.tool
    def step(name: str) -> str:
        return name

    text = "nodes: {a: {tool: step, with: {name: a}}, b: {tool: step, with: {name: '${{ a }}b'}}}"
    whole = await house.run(text)
    forked = await whole.fork("b", inputs={"name": "other"})
    await forked
    (change,) = whole.diff(forked)
    assert change.path == "b" and change.what == ("inputs", "output")
    assert str(change).endswith("output: ab → other")
    again = await whole.rerun()
    await again
    assert again.nodes["a"].taken == {"execution": whole.id, "node": "a"}
    assert whole.explain("b") == "b is completed: after 1 attempt"
    assert "result taken from" in again.explain("a")


async def test_a_failed_execution_is_retried_as_a_new_one_that_keeps_what_was_done(house: House) -> None:
    broken, calls = [True], []

    @house.tool
    def step(name: str) -> str:
        calls.append(name)
        if name == "b" and broken:
            raise ValueError("broken")
        return name

    failed = await house.run("nodes: {a: {tool: step, with: {name: a}}, b: {needs: a, tool: step, with: {name: b}}}")
    assert failed.phase == "failed"
    broken.clear()
    retried = await failed.rerun()
    await retried
    assert retried.outputs == {"b": "b"}
    assert calls == ["a", "b", "b"]


async def test_expressions_know_their_execution(house: House) -> None:
    ended = await house.run("version: '1.2'\nnodes: {a: {set: {it: =execution}}, b: {set: {id: =a.it.id}}}")
    it = {"id": ended.id, "workflow": "w", "version": "1.2", "started": None, "attempt": 1, "labels": {}}
    assert ended.nodes["a"].output["it"] | {"started": None} == it
    assert ended.outputs == {"b": {"id": ended.id}}


async def test_a_rerun_keeps_answers_and_does_not_take_equal_results_for_nodes_that_shall_run(house: House) -> None:
    calls: list[str] = []

    @house.tool
    def draw() -> int:
        calls.append("draw")
        return len(calls)

    text = "nodes: {a: {tool: draw}, b: {tool: draw, needs: a}, q: {ask: sure?, needs: b}, c: {set: {v: =q}}}\noutputs: {a: =a, b: =b, q: =q}"
    first = house.start(text)
    await first.until("waiting")
    first.answer("q", "yes")
    await first
    assert first.outputs == {"a": 1, "b": 2, "q": "yes"}
    kept = await first.rerun()
    await kept
    assert kept.outputs == first.outputs and calls == ["draw", "draw"]
    again = await kept.rerun(from_node="b")
    await again.until("waiting")
    assert again.nodes["b"].output == 3
    assert again.nodes["a"].output == 1
    again.cancel()
    await again


async def test_the_child_of_a_workflow_written_in_the_node_is_opened_and_recovered_by_its_own_text(
    house: House,
) -> None:
    text = "nodes: {sub: {workflow: {inputs: [x], nodes: {q: {ask: 'how many?'}, e: {set: {v: =q}}}}, with: {x: 1}}}"
    execution = house.start(text)
    await execution.until("waiting")
    for id in list(house.engine.drivers):
        house.engine.drivers[id].break_off(RuntimeError("the process died"))
    again = await house.new_engine().recover(execution.id)
    await again.until("waiting")
    child = await again.engine.open(f"{execution.id}.sub")
    assert child.plan.name == "w_sub"
    child.answer("q", "seven")
    await again
    assert again.outputs == {"sub": {"e": {"v": "seven"}}}


@pytest.mark.parametrize(
    ("text", "phase"),
    [
        ("nodes: {q: {ask: go?}, b: {needs: q, set: {v: =q}}}", "waiting"),
        ("nodes: {q: {listen: go}, w: {wait: 1h}}", "waiting"),
        ("nodes: {a: {tool: slow}, q: {ask: go?}}", "suspended"),
        ("nodes: {a: {tool: fails, retry: {max: 1, delay: 1h}}, q: {ask: go?}}", "suspended"),
    ],
)
async def test_closing_suspends_what_runs_and_leaves_what_only_waits(house: House, slow, text: str, phase: str) -> None:
    @house.tool
    async def fails() -> None:
        raise ConnectionError("no")

    execution = house.start(text)
    await execution.until("waiting", "q")
    while "slow" in text and not slow.begun.is_set():
        await asyncio.sleep(0)
    await house.engine.close()
    house.journal._closed = False  # as a store that is opened again
    (summary,) = await house.journal.executions()
    assert summary.phase == phase
    assert execution.driven == (phase == "suspended")
    again = await house.new_engine().recover(execution.id)
    await again.until("waiting", "running")
    if "ask" in text:
        again.answer("q", 1)
        while again.nodes["q"].phase != "completed":
            await asyncio.sleep(0)
        assert again.nodes["q"].output == 1


async def test_closing_leaves_what_is_paused_as_it_is(house: House) -> None:
    execution = house.start("nodes: {q: {ask: go?}, b: {needs: q, set: {v: =q}}}")
    await execution.until("waiting")
    execution.pause()
    await execution.until("paused")
    execution.answer("q", 1)
    while execution.held != ("b",) or execution.nodes["q"].phase != "completed":
        await asyncio.sleep(0)
    await house.engine.close()
    house.journal._closed = False  # as a store that is opened again
    (summary,) = await house.journal.executions()
    assert summary.phase == "paused"
    again = await house.new_engine().recover(execution.id)
    await again.until("paused")
    again.resume()
    assert (await again).outputs == {"b": {"v": 1}}


@pytest.mark.parametrize(("verb", "phase"), [("pause", "paused"), ("suspend", "suspended")])
async def test_what_was_interrupted_is_held_without_beginning_again(house: House, slow, verb: str, phase: str) -> None:
    execution = house.start(SLOW)
    await slow.begun.wait()
    await execution.until("running")
    execution._driver.break_off(RuntimeError("the process is gone"))  # type: ignore[union-attr]
    engine = house.new_engine()
    held = await engine.hold(execution.id, verb)
    await held.until(phase)
    for _ in range(20):
        await asyncio.sleep(0)
    assert (held.phase, slow.log) == (phase, ["begun", "cancelled"])
    with pytest.raises(IllegalMove, match=f"is {phase}; {verb} takes one that is"):
        await engine.hold(execution.id, verb)
    slow.go.set()
    held.resume()
    assert (await held).outputs == {"b": {"v": "done"}}


async def test_a_rerun_is_the_next_attempt_and_a_fork_the_same_one(house: House) -> None:
    text = "nodes: {a: {set: {n: =execution.attempt}}, q: {ask: go?, needs: a}}\noutputs: {n: =a.n, late: =execution.attempt}"
    execution = house.start(text)
    for attempt in (1, 2, 3):
        await execution.until("q")
        fork = await execution.fork("a")
        await fork.until("q")
        for each in (execution, fork):
            each.answer("q", 1)
            assert (await each).outputs == {"n": attempt, "late": attempt}
        execution = await execution.rerun(from_node="q")


@pytest.mark.parametrize("end", ["crash", "suspend"])
async def test_what_is_in_doubt_after_recovery_is_listed_as_waiting(house: House, end: str) -> None:
    @house.tools.tool(effects="once")
    async def pay() -> None:
        await asyncio.Event().wait()

    execution = house.start("nodes: {a: {tool: pay}}")
    while "a" not in execution.nodes or execution.nodes["a"].phase != "running":
        await asyncio.sleep(0)
    if end == "crash":
        execution._driver.break_off(RuntimeError("the process is gone"))  # type: ignore[union-attr]
    else:
        execution.suspend()
        await execution.until("suspended")
    engine = house.new_engine()
    again = await engine.recover(execution.id)
    await again.until("waiting")
    assert again.awaited == ((execution.id, "a", "in_doubt"),)
    await engine.close()
    (summary,) = await house.journal.executions()
    assert summary.phase == "waiting"


async def test_a_fork_at_a_pause_goes_on(house: House) -> None:
    execution = house.start("nodes: {q: {ask: go?}, a: {set: {n: 1}, needs: q}}\noutputs: {a: =a}")
    await execution.until("waiting")
    execution.pause()
    await execution.until("paused")
    fork = await execution.fork(len(execution.events))
    await fork.until("waiting")
    fork.answer("q", 1)
    assert (await fork).outputs == {"a": {"n": 1}}
    assert execution.phase == "paused"
