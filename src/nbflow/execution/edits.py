"""What a person may change while looking on: inputs, outputs, a chart's context. A change is a fact like any other.

What began keeps what it was given: a change counts for those that read afterwards. What would contradict facts
that are recorded already (a chosen branch, a body that is over) is refused, with what to do instead.
"""

from __future__ import annotations

from nbflow.execution import events as e
from nbflow.execution.outcomes import Edited
from nbflow.execution.state import ENDED, SETTLED, ExecutionState, NodeState
from nbflow.plan.plan import AgentCall, Machine, PluginCall, SubWorkflow, Switch, ToolCall

CALLS = (ToolCall, AgentCall, SubWorkflow, PluginCall)


def edited(state: ExecutionState, edit: Edited) -> list[e.Event]:
    """The fact of a change; none when it is refused."""
    if refused(state, edit) is not None:
        return []
    if edit.path == "":
        return [e.ExecutionEdited(edit.value, edit.by)]
    match edit.what:
        case "output":
            return [e.NodeEdited(edit.path, output=edit.value, by=edit.by, what="output")]
        case "context":
            context = {**(state.nodes[edit.path].snapshot or {})["context"], **edit.value}
            return [e.NodeEdited(edit.path, by=edit.by, what="context", context=context)]
        case _:
            return [e.NodeEdited(edit.path, edit.value, by=edit.by)]


def refused(state: ExecutionState, edit: Edited) -> str | None:
    """Why a change is not taken; None when it is."""
    if state.phase in ENDED or state.ending:
        return f"the execution is {state.ending or state.phase}; fork it to go on with other values"
    if edit.path == "" and edit.what != "inputs":
        return f"the execution itself has inputs to change, and no {edit.what}"
    if edit.path == "":
        return None if state.phase != "pending" else "the execution has not begun"
    node = state.nodes.get(edit.path)
    if node is None:
        return f"{edit.path} is pending; it has nothing yet that could be changed"
    if node.frame.closed:
        return f"the body that {edit.path} is in is over; what follows reads {_owner(node)}"
    match edit.what:
        case "output":
            return _output(node)
        case "context":
            return _context(node, edit.value)
        case _:
            return _inputs(node)


def _owner(node: NodeState) -> str:
    return node.frame.owner.path if node.frame.owner is not None else "nothing of it"


def _inputs(node: NodeState) -> str | None:
    if node.phase in SETTLED:
        return f"{node.path} is {node.phase}; its inputs were read already: change its output, or fork at it"
    if not isinstance(node.node.work, CALLS):
        return f"{node.path} is a {node.node.kind}, which is given no inputs: change what it reads, or skip it"
    return None


def _output(node: NodeState) -> str | None:
    if node.phase != "completed":
        hint = "" if node.phase in SETTLED else "; while it is held it can be given an output (skip)"
        return f"{node.path} is {node.phase}, not completed: it has no output to change{hint}"
    if isinstance(node.node.work, Switch):
        return f"{node.path} has chosen, and the branch is on its way: fork before it to choose otherwise"
    return None


def _context(node: NodeState, value: object) -> str | None:
    if not isinstance(node.node.work, Machine):
        return f"{node.path} is a {node.node.kind}; only a machine has a context"
    if node.snapshot is None or node.phase in SETTLED:
        return f"{node.path} is {node.phase}; its context can be changed from its first state to its last"
    if not isinstance(value, dict):
        return f"the context of {node.path} is a mapping of its names"
    known = node.snapshot["context"]
    if unknown := [name for name in value if name not in known]:
        return f"the context of {node.path} has no {', '.join(unknown)}; it has {', '.join(known) or 'no names'}"
    return None
