"""The kinds an engine knows: the built-in ones here, plug-ins added by entry point or `@nbflow.kind`."""

from __future__ import annotations

from nbflow.nodes.aggregate import AggregateKind
from nbflow.nodes.assign import AssignKind
from nbflow.nodes.loop import LoopKind
from nbflow.nodes.machine import MachineKind
from nbflow.nodes.parallel import ParallelKind
from nbflow.nodes.performed import Performed
from nbflow.nodes.switch import SwitchKind
from nbflow.nodes.waiting import AskKind, EmitKind, ListenKind, WaitKind
from nbflow.ports.executors import Executor, Kind


def built_in(*, tool: Executor, agent: Executor, workflow: Executor) -> dict[str, Kind]:
    """A kind for every verb of the language that needs nothing else."""
    return {
        "tool": Performed(tool),
        "agent": Performed(agent),
        "workflow": Performed(workflow),
        "switch": SwitchKind(),
        "set": AssignKind(),
        "aggregate": AggregateKind(),
        "loop": LoopKind(),
        "parallel": ParallelKind(),
        "wait": WaitKind(),
        "ask": AskKind(),
        "listen": ListenKind(),
        "emit": EmitKind(),
        "machine": MachineKind(),
    }
