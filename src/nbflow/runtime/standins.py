"""Executions whose effects are mocked: what must not happen twice does not happen here at all.

Where a node's effects are ``once``, the result that the original execution recorded stands in; where there is none,
the node waits for a person, who gives a value (`skip`) or lets it happen after all (`retry`). Everything else is real.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from nbflow.execution import outcomes as o
from nbflow.execution.state import NodeState

if TYPE_CHECKING:
    from nbflow.runtime.driver import Driver


def stand_in(driver: Driver, node: NodeState, inputs: Any) -> o.Outcome | None:
    """What a node comes to instead of its effect; None when it may be performed."""
    state, path = driver.state, node.path
    kind = driver.engine.performed.get(node.node.kind)
    if state.effects != "mock" or kind is None or kind.executor.effects(node.node, inputs) != "once":
        return None
    if path in state.stand_ins:
        taken = {"mock": True, "execution": (state.origin or {}).get("fork", ""), "node": path}
        return o.Succeeded(path, 0, state.stand_ins[path], inputs=inputs, taken=taken)
    return o.Waits(path, 0, "effect", None, {"inputs": inputs})


def of_child(stand_ins: dict[str, Any], path: str) -> dict[str, Any]:
    """Those of the execution that a `workflow:` node starts."""
    start = f"{path}/"
    return {name.removeprefix(start): value for name, value in stand_ins.items() if name.startswith(start)}
