"""Between executions and the bus: what one emits goes out once committed, and comes in where it is listened for."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

from nbflow.execution.events import Record, SignalReceived
from nbflow.execution.outcomes import Signalled
from nbflow.plan.plan import Emit, Listen, Machine, Plan
from nbflow.ports.bus import Bus, Message
from nbflow.spec.names import wrong_signal

if TYPE_CHECKING:
    from nbflow.runtime.driver import Driver

REMEMBERED = 10_000  # ids of messages, so that one that comes twice is heard once


def heard_by(work: object) -> tuple[str, ...]:
    """The events a node listens for on the bus: a machine's are those that its transitions name in full."""
    if isinstance(work, Listen):
        return (work.event,)
    if isinstance(work, Machine):
        return tuple(name for one in work.chart.transitions() for name in one.events if "*" not in name)
    return ()


def _for_all(event: SignalReceived) -> bool:
    """Whether a node of this very execution said it, and to nobody alone."""
    return event.node is not None and event.to is None and event.origin is None


class Exchange:
    """The share one engine has in a bus. It begins with its first execution and ends with `close`."""

    def __init__(self, bus: Bus, drivers: Mapping[str, Driver]) -> None:
        self._bus, self._drivers = bus, drivers
        self._leave: Callable[[], None] | None = None
        self._listening: dict[str, frozenset[str]] = {}
        self._heard: dict[str, None] = {}
        self._sending: set[asyncio.Task[None]] = set()

    def join(self, driver: Driver, plan: Plan) -> None:
        """Let an execution speak and hear."""
        machine = Machine in plan.works
        names = frozenset(
            name for kind in (Listen, Machine) for one in plan.works.get(kind, ()) for name in heard_by(one)
        )
        if self._leave is None and (names or machine):
            self._leave = self._bus.subscribe(self._arrived)
        self._listening[driver.id] = names
        if machine or Emit in plan.works:
            seen = driver.committed
            driver.feed.subscribe(lambda records: self._send(driver, records, seen))

    def part(self, driver: Driver) -> None:
        self._listening.pop(driver.id, None)

    def _send(self, driver: Driver, records: Sequence[Record], seen: int) -> None:
        for record in records:
            event = record.event
            if driver.state.effects == "mock":
                continue  # nobody outside hears it
            if isinstance(event, SignalReceived) and _for_all(event) and record.sequence > seen:
                id = f"{driver.id}/{record.sequence}"
                message = Message(event.name, event.value, event.key, driver.id, id)
                task = driver.loop.create_task(self._bus.publish(message))
                self._sending.add(task)
                task.add_done_callback(self._sending.discard)

    def _arrived(self, message: Message) -> None:
        if wrong_signal(message.event) is not None:
            return  # nothing can listen for it
        if message.id:
            if message.id in self._heard:
                return
            self._heard[message.id] = None
            if len(self._heard) > REMEMBERED:
                del self._heard[next(iter(self._heard))]
        addressed = message.key in self._listening
        for id, names in tuple(self._listening.items()):
            driver = self._drivers.get(id)
            meant = message.key == id if addressed else message.event in names
            if driver is not None and id != message.source and meant:
                driver.tell(Signalled(message.event, message.data, message.key))

    def close(self) -> None:
        if self._leave is not None:
            self._leave()
            self._leave = None
