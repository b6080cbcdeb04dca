"""The breakpoints of workflows, kept by name over executions and kernel restarts, in a file beside the store."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path

from nbflow.execution.state import ENDED
from nbflow.runtime.execution import Execution

FILE = "breakpoints.json"


class Breakpoints:
    """Those of one workflow, by node. A value is a condition or None. `changed` is called after every change."""

    def __init__(
        self, nodes: Mapping[str, str | None] | None = None, changed: Callable[[], None] = lambda: None
    ) -> None:
        self.nodes: dict[str, str | None] = dict(nodes or {})
        self._changed = changed

    def add(self, node: str) -> None:
        """Hold at a node from the next execution on."""
        if node not in self.nodes:
            self.nodes[node] = None
            self._changed()

    def apply(self, execution: Execution, *, on_error: bool) -> None:
        """Set them on an execution that has just started; `on_error` also holds what fails or says `breakpoint:`."""
        known = {inner.id for inner in execution.plan.body.nodes_within()}
        for node, when in self.nodes.items():
            if node.rpartition(".")[2] in known:  # the text may have changed since
                execution.break_at(node, when)
        if on_error:
            execution.attach()
            for node in sorted(known):
                execution.break_at(node, where="error")

    def toggle(self, execution: Execution, node: str, when: str | None = None) -> str:
        """Set one, or clear it; returns words."""
        live = execution.phase not in ENDED
        if node in self.nodes and when is None:
            del self.nodes[node]
            if live:
                execution.clear_breakpoint(node)
            self._changed()
            return f"no longer holds at {node}"
        if live:
            execution.break_at(node, when)
        self.nodes[node] = when
        self._changed()
        return f"holds at {node}" + (f" when {when}" if when else "")


class Kept:
    """All breakpoints of a folder. A file that cannot be read or written costs the breakpoints and nothing else."""

    def __init__(self, folder: Path | None) -> None:
        self._path = folder / FILE if folder is not None else None
        self._all = {name: Breakpoints(nodes, self.save) for name, nodes in self._read().items()}

    def of(self, workflow: str) -> Breakpoints:
        """The breakpoints of a workflow."""
        return self._all.setdefault(workflow, Breakpoints(changed=self.save))

    def _read(self) -> dict[str, dict[str, str | None]]:
        if self._path is None or not self._path.is_file():
            return {}
        try:
            found = json.loads(self._path.read_text(encoding="utf-8"))
            return {str(name): {str(node): when for node, when in nodes.items()} for name, nodes in found.items()}
        except (OSError, ValueError, AttributeError):
            return {}

    def save(self) -> None:
        """Write what there is; the file is replaced whole."""
        if self._path is None:
            return
        content = json.dumps({name: each.nodes for name, each in self._all.items() if each.nodes}, indent=1)
        with suppress(OSError):
            self._path.parent.mkdir(parents=True, exist_ok=True)
            new = self._path.with_suffix(f".{os.getpid()}.new")
            new.write_text(content, encoding="utf-8")
            new.replace(self._path)
