"""Outputs that nodes of a workflow give in every execution of this process until they are let go: nothing is called.

A pin is looked at before results of earlier executions, whatever the node is given; what takes it says so (`taken`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from nbflow.plan.plan import AgentCall, Ask, NodePlan, PluginCall, SubWorkflow, ToolCall
from nbflow.ports.results import Result, Results
from nbflow.runtime.gate import indexless

CALLS = (ToolCall, AgentCall, SubWorkflow, PluginCall, Ask)


@dataclass(frozen=True, slots=True)
class Pinned:
    """A pinned output, and the execution and node it was pinned at."""

    output: Any
    execution: str
    path: str


class Pins:
    """`Results` with the pins of a workflow before those of `others`."""

    def __init__(self, pins: Mapping[str, Pinned], others: Results | None) -> None:
        self._pins, self._others = dict(pins), others

    def find(self, path: str, node: NodePlan, inputs: Any) -> Result | None:
        pin = self._pins.get(path) or self._pins.get(indexless(path))
        if pin is not None:
            return pin
        return self._others.find(path, node, inputs) if self._others is not None else None
