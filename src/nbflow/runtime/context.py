"""What an attempt may look up about its execution; each fact is made when it is asked for."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from nbflow.execution.state import ExecutionState, NodeState
from nbflow.runtime.memory import remembered
from nbflow.runtime.spent import Drivers, budgets, used

_FACTS: dict[str, Callable[[ExecutionState, NodeState, Drivers], Any]] = {
    "workflow": lambda state, node, drivers: state.workflow,
    "version": lambda state, node, drivers: state.version,
    "labels": lambda state, node, drivers: state.labels,
    "usage": lambda state, node, drivers: used(state, drivers),
    "budgets": lambda state, node, drivers: tuple(budgets(state, drivers)),  # its own, and of those that started it
    "memory": lambda state, node, drivers: remembered(state, node),
    "chain": lambda state, node, drivers: (state.origin or {}).get("chain", ()),  # workflows that called each other
}


class Context(Mapping[str, Any]):
    """`workflow version labels usage budgets memory chain` of the execution, as they are now."""

    __slots__ = ("_drivers", "_node", "_state")

    def __init__(self, state: ExecutionState, node: NodeState, drivers: Drivers) -> None:
        self._state, self._node, self._drivers = state, node, drivers

    def __getitem__(self, name: str) -> Any:
        return _FACTS[name](self._state, self._node, self._drivers)

    def __iter__(self) -> Iterator[str]:
        return iter(_FACTS)

    def __len__(self) -> int:
        return len(_FACTS)
