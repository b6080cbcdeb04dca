"""The breakpoints of workflows, kept by name over executions and kernel restarts, in a file beside the store."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path

from nbflow.errors import NotFound
from nbflow.execution.state import ENDED
from nbflow.runtime.execution import Execution
from nbflow.runtime.gate import read_point
from nbflow.spec.expressions import compile_expression

FILE = "breakpoints.json"
DEBUGGED = ""  # stands in the file where a workflow has its name, for the executions that are being debugged


class Breakpoints:
    """Those of one workflow, by place: ``fetch``, ``fetch:after``, ``fetch:error``. A value is a condition or None.

    `changed` is called after every change.
    """

    def __init__(
        self, nodes: Mapping[str, str | None] | None = None, changed: Callable[[], None] = lambda: None
    ) -> None:
        self.nodes: dict[str, str | None] = dict(nodes or {})
        self._changed = changed

    @property
    def at(self) -> frozenset[str]:
        """The nodes that have one."""
        return frozenset(read_point(place)[0] for place in self.nodes)

    def add(self, place: str) -> None:
        """Hold at a place from the next execution on."""
        if place not in self.nodes:
            self.nodes[place] = None
            self._changed()

    def apply(self, execution: Execution, *, on_error: bool) -> None:
        """Set them on an execution that has just started; `on_error` also holds what fails or says `breakpoint:`."""
        known = {inner.id for inner in execution.plan.body.nodes_within()}
        if on_error:
            execution.attach()
            for node in sorted(known):
                execution.break_at(node, where="error")
        for place, when in self.nodes.items():
            with suppress(NotFound):  # the text may have changed since
                execution.break_at(place, when)

    def toggle(self, execution: Execution, place: str, when: str | None = None) -> str:
        """Set one, or clear it; returns words. Raises `NotFound` or `ExpressionError` for what cannot be one."""
        live = execution.phase not in ENDED
        node, where = read_point(place)
        place = node if where == "before" else f"{node}:{where}"
        said = {"before": "at", "after": "after", "error": "on errors of"}[where]
        if place in self.nodes and when is None:
            del self.nodes[place]
            if live:
                execution.clear_breakpoint(f"{node}:{where}")
            self._changed()
            return f"no longer holds {said} {node}"
        if when is not None:
            compile_expression(when)
        if live:
            execution.break_at(place, when)
        self.nodes[place] = when
        self._changed()
        return f"holds {said} {node}" + (f" when {when}" if when else "")


class Kept:
    """All breakpoints of a folder. A file that cannot be read or written costs the breakpoints and nothing else."""

    def __init__(self, folder: Path | None) -> None:
        self._path = folder / FILE if folder is not None else None
        self._all = {name: Breakpoints(nodes, self.save) for name, nodes in self._read().items()}

    def of(self, workflow: str) -> Breakpoints:
        """The breakpoints of a workflow."""
        return self._all.setdefault(workflow, Breakpoints(changed=self.save))

    def debugged(self, execution: Execution, now: bool | None = None) -> bool:
        """Whether somebody is debugging an execution, who will want it held again after a restart; `now` says so."""
        ids = self.of(DEBUGGED)
        if now:
            ids.add(execution.id)
        elif now is False and execution.id in ids.nodes:
            del ids.nodes[execution.id]
            self.save()
        return execution.id in ids.nodes

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
