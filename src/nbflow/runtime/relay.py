"""Events between an execution and a child that one of its nodes runs: `emit` with `to: parent`, and `to: NAME`.

The record in the sender's journal is the message. Where it arrives it is a record that says where it came from, so
that each arrives once, however often either side is begun again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING

from nbflow.execution.events import PARENT, Record, SignalReceived
from nbflow.execution.outcomes import Signalled
from nbflow.plan.plan import Machine

if TYPE_CHECKING:
    from nbflow.runtime.driver import Driver
    from nbflow.runtime.execution import Execution


def connect(parent: Driver, path: str, child: Execution, driver: Driver | None) -> Callable[[], None]:
    """Carry events both ways, those of before included; returns how to stop. Without `driver` the child has ended."""
    owner = parent.state.nodes[path].frame.owner
    hears = owner.path if owner is not None and isinstance(owner.node.work, Machine) else None

    def up(records: Sequence[Record]) -> None:
        for origin, event in _signals(child.id, records):
            if event.to == PARENT:
                parent.tell(Signalled(event.name, event.value, event.key, path, hears, origin))

    stop_up = child.subscribe(up)
    stop_down = parent.feed.subscribe(_downward(parent.id, path, driver)) if driver is not None else stop_up

    def stop() -> None:
        stop_up()
        stop_down()

    return stop


def _downward(id: str, path: str, child: Driver) -> Callable[[Sequence[Record]], None]:
    def down(records: Sequence[Record]) -> None:
        for origin, event in _signals(id, records):
            if event.to not in (None, PARENT) and event.node != path and event.is_for(path):
                child.tell(Signalled(event.name, event.value, event.key, origin=origin))

    return down


def _signals(id: str, records: Sequence[Record]) -> Iterator[tuple[str, SignalReceived]]:
    """The signals among records of an execution, each with the name of its record."""
    for record in records:
        if isinstance(record.event, SignalReceived):
            yield f"{id}/{record.sequence}", record.event
