"""A fork of an execution of another store: its effects are mocked, by what was recorded or by a person."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from nbflow.errors import IllegalMove, InputError
from nbflow.execution.events import ExecutionStarted
from nbflow.history import forking
from nbflow.runtime.execution import Execution
from tests.runtime.conftest import House

ORDER = """
inputs: {n: integer}
nodes:
  charge: {tool: charge, with: {n: =inputs.n}}
  check: {needs: charge, tool: check, with: {n: =inputs.n}}
  mail: {needs: check, tool: mail, with: {text: "to ${{ check }}"}}
  sub: {needs: check, workflow: {name: inner, nodes: {note: {tool: mail, with: {text: sub}}, more: {tool: mail, with: {text: more}}}}}
outputs: {mail: =mail, sub: =sub}
"""


class Fleet:
    """Two stores: where it ran, and the one of the person who looks. `done` are the effects that happened."""

    def __init__(self) -> None:
        self.done: list[str] = []
        self.failing = False
        self.there, self.here = House(), House()
        for house in (self.there, self.here):
            house.tools.register(self.charge, "charge", effects="once")
            house.tools.register(self.mail, "mail", effects="once")
            house.tools.register(self.check, "check")

    def charge(self, n: int) -> str:
        self.done.append(f"charge {n}")
        return f"charged {n}"

    def mail(self, text: str) -> str:
        self.done.append(f"mail {text}")
        return f"sent {text}"

    def check(self, n: int) -> int:
        if self.failing:
            raise ValueError("no")
        return n

    async def ran(self, **inputs: Any) -> Execution:
        execution = await self.there.run(ORDER, inputs)
        self.done.clear()
        self.failing = False
        return execution


@pytest.fixture
def fleet() -> Fleet:
    return Fleet()


async def test_from_its_failing_node_with_its_real_inputs_and_no_effect(fleet: Fleet) -> None:
    fleet.failing = True
    there = await fleet.ran(n=3)
    assert there.phase == "failed"
    here = await forking.fork(fleet.here.engine, there)
    assert here.nodes["charge"].output == "charged 3"
    await here.until("mail")
    mail = here.nodes["mail"]
    assert (mail.phase, mail.reason, mail.detail) == ("waiting", "effect", {"inputs": {"text": "to 3"}})
    assert "its effect is mocked" in here.explain("mail")
    here.skip("mail", "pretended")
    inner = await fleet.here.engine.open(f"{here.id}.sub")
    await inner.until("waiting")
    inner.skip("note", 1)
    inner.skip("more", 2)
    await here
    assert here.outputs == {"mail": "pretended", "sub": {"note": 1, "more": 2}}
    assert fleet.done == []
    assert [s.execution for s in await fleet.there.journal.executions() if here.id in s.execution] == []


async def test_recorded_results_stand_in_for_effects_also_in_children(fleet: Fleet) -> None:
    there = await fleet.ran(n=3)
    here = await forking.fork(fleet.here.engine, there, "check", inputs={"n": 4})
    await here
    assert here.outputs == {"mail": "sent to 3", "sub": {"note": "sent sub", "more": "sent more"}}
    assert here.nodes["mail"].inputs == {"text": "to 4"}
    assert here.nodes["mail"].taken == {"mock": True, "execution": there.id, "node": "mail"}
    assert fleet.done == []
    first = here.events[0].event
    assert isinstance(first, ExecutionStarted)
    assert (first.effects, first.origin) == ("mock", {"fork": there.id, "sequence": first.origin["sequence"]})


async def test_real_effects_happen_when_they_are_asked_for(fleet: Fleet) -> None:
    there = await fleet.ran(n=3)
    here = await forking.fork(fleet.here.engine, there, "mail", effects="real")
    await here
    assert sorted(fleet.done) == ["mail more", "mail sub", "mail to 3"]


async def test_a_person_lets_one_effect_happen(fleet: Fleet) -> None:
    fleet.failing = True
    here = await forking.fork(fleet.here.engine, await fleet.ran(n=3))
    await here.until("mail")
    here.retry("mail")
    while here.nodes["mail"].phase != "completed":
        await asyncio.sleep(0)
    assert fleet.done == ["mail to 3"]
    assert here.nodes["mail"].output == "sent to 3"
    here.cancel()


async def test_nothing_happens_after_a_crash_either(fleet: Fleet) -> None:
    fleet.failing = True
    here = await forking.fork(fleet.here.engine, await fleet.ran(n=3))
    await here.until("mail")
    fleet.here.engine.drivers[here.id].break_off(RuntimeError("the process died"))
    engine = fleet.here.new_engine()
    again = await engine.recover(here.id)
    await again.until("mail")
    assert again.nodes["mail"].reason == "effect"
    assert again.state.effects == "mock"
    assert fleet.done == []


async def test_a_fork_in_its_own_store_is_as_real_as_the_execution_was(fleet: Fleet) -> None:
    there = await fleet.ran(n=3)
    await (await there.fork("mail"))
    assert "mail to 3" in fleet.done
    fleet.done.clear()
    mocked = await there.fork("mail", effects="mock")
    await mocked
    await (await mocked.fork("mail"))
    assert fleet.done == []


async def test_what_a_fork_refuses_leaves_nothing_behind(fleet: Fleet) -> None:
    there = await fleet.ran(n=3)
    before = await fleet.here.journal.executions()
    for refused in (
        {"at": "mail", "inputs": {"txt": "x"}},
        {"at": "mail", "edits": {"check": {"inputs": {"n": 1}}}},
        {"at": "mail", "effects": "some"},
        {"at": 3, "inputs": {"n": 1}},
        {},
    ):
        with pytest.raises((IllegalMove, InputError)):
            await forking.fork(fleet.here.engine, there, **refused)
    assert await fleet.here.journal.executions() == before


async def test_a_fork_goes_on_from_any_record_with_edits(fleet: Fleet) -> None:
    there = await fleet.ran(n=3)
    cut = next(
        r.sequence for r in there.events if getattr(r.event, "node", "") == "check" and hasattr(r.event, "output")
    )
    here = await there.fork(cut, edits={"check": {"output": 9}, "": {"inputs": {"n": 7}}}, effects="mock")
    await here
    assert here.inputs == {"n": 7}
    assert here.nodes["mail"].inputs == {"text": "to 9"}


async def test_what_a_fork_emits_stays_in_it(fleet: Fleet) -> None:
    hears = fleet.here.start("nodes: {l: {listen: news}}")
    await hears.until("waiting")
    there = await fleet.there.run("nodes: {e: {emit: news, with: {a: 1}}, b: {needs: e, set: {v: 1}}}")
    await (await forking.fork(fleet.here.engine, there, 1))
    assert hears.phase == "waiting"
    await fleet.here.run("nodes: {e: {emit: news, with: {a: 1}}}")
    await hears
