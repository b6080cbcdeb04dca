"""nbflow: a workflow engine that lives in a notebook and grows to a fleet.

``%load_ext nbflow`` in a notebook, ``nbflow run FILE`` in a shell, or from Python:

>>> import nbflow
>>> workflow = nbflow.parse("name: hello\\nnodes: {greet: {set: {text: Hello}}}")
>>> nbflow.run(workflow, store="memory:").outputs
{'greet': {'text': 'Hello'}}

Names are loaded when they are first used, so that importing the package costs little.
"""

from __future__ import annotations

import sys
from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

_PLACES = {
    "nbflow.assembly": (
        "agent",
        "calls",
        "connection",
        "events",
        "executions",
        "fork",
        "kind",
        "nodes",
        "open",
        "parse",
        "recover",
        "run",
        "secrets",
        "sql",
        "start",
        "tape",
        "tool",
    ),
    "nbflow.stores": ("find_executions", "workflows"),
    "nbflow.plan.workflow": ("Workflow",),
    "nbflow.ports.agents": ("ModelReply", "Usage"),
    "nbflow.ports.executors": ("Call",),
    "nbflow.runtime.execution": ("Execution",),
    "nbflow.errors": ("Diagnostic", "ExecutionFailed", "InputError", "NbflowError", "NodeError", "SpecError"),
    "nbflow.notebook.extension": ("load_ipython_extension", "unload_ipython_extension"),
}
_WHERE = {name: place for place, names in _PLACES.items() for name in names}
__all__ = sorted(name for name in _WHERE if not name.endswith("_extension"))  # noqa: PLE0605 - from the table above

if TYPE_CHECKING:
    from nbflow.analytics.frames import calls, connection, events, executions, nodes, sql
    from nbflow.assembly import agent, fork, kind, open, parse, recover, run, secrets, start, tape, tool
    from nbflow.errors import Diagnostic, ExecutionFailed, InputError, NbflowError, NodeError, SpecError
    from nbflow.plan.workflow import Workflow
    from nbflow.ports.agents import ModelReply, Usage
    from nbflow.ports.executors import Call
    from nbflow.runtime.execution import Execution
    from nbflow.stores import find_executions, workflows


def __getattr__(name: str) -> Any:
    place = _WHERE.get(name)
    if place is None:
        raise AttributeError(f"module 'nbflow' has no attribute {name!r}")
    value = getattr(import_module(place), name)
    globals()[name] = value
    return value


class _Package(ModuleType):
    """`nbflow.nodes()` is a table of the analytics, though the package of node kinds has the same name."""

    @property
    def nodes(self) -> Any:
        return import_module("nbflow.assembly").nodes

    @nodes.setter
    def nodes(self, module: ModuleType) -> None:
        """The import system puts the package here; it is found by its whole name all the same."""


sys.modules[__name__].__class__ = _Package


def __dir__() -> list[str]:
    return [*__all__, "__version__"]
