"""What an attempt may look up about its execution; each fact is made when it is asked for."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from nbflow.execution.state import ExecutionState, NodeState
from nbflow.runtime.memory import remembered

_FACTS: dict[str, Callable[[ExecutionState, NodeState], Any]] = {
    "workflow": lambda state, node: state.workflow,
    "version": lambda state, node: state.version,
    "labels": lambda state, node: state.labels,
    "usage": lambda state, node: dict(state.usage),
    "budget": lambda state, node: state.plan.budget,
    "memory": remembered,
    "chain": lambda state, node: (state.origin or {}).get("chain", ()),  # workflows that called each other
}


class Context(Mapping[str, Any]):
    """`workflow version labels usage budget memory chain` of the execution, as they are now."""

    __slots__ = ("_node", "_state")

    def __init__(self, state: ExecutionState, node: NodeState) -> None:
        self._state, self._node = state, node

    def __getitem__(self, name: str) -> Any:
        return _FACTS[name](self._state, self._node)

    def __iter__(self) -> Iterator[str]:
        return iter(_FACTS)

    def __len__(self) -> int:
        return len(_FACTS)
