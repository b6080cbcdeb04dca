"""Executions hear each other over the bus: by the name they listen for, or when they are addressed."""

from __future__ import annotations

import asyncio

from nbflow.ports.bus import Message
from tests.runtime.conftest import House

LISTENS = "nodes: {l: {listen: {event: paid, if: event.amount > 10, timeout: 5s}}}"


async def test_what_one_execution_emits_another_hears_once_it_is_committed(house: House) -> None:
    listener, other = house.start(LISTENS), house.start(LISTENS.replace("paid", "shipped").replace("5s", "1h"))
    await listener.until("l")
    await house.run(
        "nodes: {small: {emit: paid, with: {amount: 3}}, big: {needs: small, emit: paid, with: {amount: 30}}}"
    )
    await listener
    assert listener.outputs == {"l": {"amount": 30}}
    assert other.phase == "waiting"


async def test_a_message_for_an_execution_reaches_it_alone(house: House) -> None:
    machine = "machine: {initial: a, states: {a: {events: {note: b}}, b: {type: final}}}"
    first, second = house.start(machine), house.start(machine)
    await first.until("machine")
    await house.bus.publish(Message("note", 1, key=first.id))
    await asyncio.wait_for(first, 5)
    assert second.phase == "waiting"


async def test_a_message_that_comes_twice_is_heard_once(house: House) -> None:
    listener = house.start("""
        nodes:
          l: {listen: paid}
          again: {needs: l, listen: {event: other, timeout: 1h}}
        """)
    await listener.until("l")
    for _ in range(2):
        await house.bus.publish(Message("paid", {"n": 1}, id="x/1"))
    await listener.until("again")
    heard = [record for record in listener.events if type(record.event).__name__ == "SignalReceived"]
    assert len(heard) == 1


async def test_a_machine_hears_the_events_its_transitions_name(house: House) -> None:
    machine = house.start("machine: {initial: a, states: {a: {events: {paid: b}}, b: {type: final}}}")
    await machine.until("machine")
    await house.run("nodes: {e: {emit: paid}}")
    await asyncio.wait_for(machine, 5)
    assert machine.phase == "completed"
