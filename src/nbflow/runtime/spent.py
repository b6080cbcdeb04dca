"""What an execution has used so far, with what its children use now.

A child's calls are in the child's journal. When it ended, the parent's has one record with what it used in all, which
the fold counts as its own; until then the child is asked itself.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from nbflow.execution.state import ExecutionState

if TYPE_CHECKING:
    from nbflow.runtime.driver import Driver

CHILD = "workflow"  # the kind of the record
Drivers = Mapping[str, "Driver"]


def used(state: ExecutionState, drivers: Drivers) -> dict[str, float]:
    """Tokens and dollars of an execution and of all that it started."""
    total = dict(state.usage)
    for driver in tuple(drivers.values()):
        origin = driver.state.origin or {}
        if origin.get("parent") == state.id and not is_counted(state, origin.get("node", ""), driver.id):
            for unit, amount in used(driver.state, drivers).items():
                total[unit] = total.get(unit, 0) + amount
    return total


def is_counted(state: ExecutionState, path: str, child: str) -> bool:
    """Whether a record of the node says what a child used."""
    node = state.nodes.get(path)
    return node is not None and any(past.kind == CHILD and past.name == child for past in node.calls or ())


def budgets(state: ExecutionState, drivers: Drivers) -> Iterator[dict[str, Any]]:
    """Of an execution and those it was started by, each that has a budget: `execution`, its `budget`, its `usage`."""
    above: ExecutionState | None = state
    while above is not None:
        if above.plan.budget:
            yield {"execution": above.id, "budget": above.plan.budget, "usage": used(above, drivers)}
        parent = drivers.get((above.origin or {}).get("parent", ""))
        above = parent.state if parent is not None else None
