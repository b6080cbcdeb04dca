"""Which signals are for a node: those of its execution from the start on, or, when a machine began it, since then.

A machine takes one signal after the other, so what it had not looked at when it began a work comes after the work's
beginning. What it said itself before that is not for the work, unless it is addressed to it.
"""

from __future__ import annotations

from collections.abc import Iterator

from nbflow.execution.events import SignalReceived
from nbflow.execution.state import Begun, ExecutionState, NodeState


def begun(state: ExecutionState, machine: NodeState, place: str) -> Begun:
    """The moment at which a machine begins a work, in signals."""
    before = machine.signals_before
    yet = (index for index in range(machine.heard, before) if hears(machine, index, state.signals[index]))
    return Begun(place, machine.path, next(yet, before), len(state.signals))


def first(node: NodeState) -> int:
    """How many signals a node need not look at."""
    moment = node.frame.begun
    return node.heard if moment is None else max(node.heard, moment.first)


def unheard(state: ExecutionState, machine: NodeState) -> Iterator[str]:
    """Names of the signals that came before a machine's end and that it did not get to."""
    for index in range(first(machine), len(state.signals)):
        if hears(machine, index, state.signals[index]):
            yield state.signals[index].name


def hears(node: NodeState, index: int, signal: SignalReceived) -> bool:
    """Whether the signal with this index is for a node. A machine does not hear itself."""
    if (signal.node == node.path and node.snapshot is not None) or not signal.is_for(node.path):
        return False
    moment = node.frame.begun
    if moment is None or index >= moment.present:
        return True
    if signal.to is not None and signal.to.startswith(moment.place):
        return True
    return index >= moment.first and signal.node != moment.owner
