"""Where effects are held: pause, breakpoints, stepping. What is held has not begun.

A gate holds nothing by default and costs one comparison. While it holds a node, that node can be looked at,
edited, mocked or skipped; releasing it lets it go on. Other nodes that become active meanwhile are held too.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from nbflow.execution.events import NodeCompleted, Record
from nbflow.execution.outcomes import Failed
from nbflow.execution.state import NodeState
from nbflow.spec.expressions import Expression

Where = Literal["before", "after", "error"]
_INDEX = re.compile(r"\[\d+\]")


@dataclass(frozen=True, slots=True)
class Breakpoint:
    """Hold at a node: by its id in any body, its path, or its path without indices (`refine.rewrite`).

    `when` is an expression over what the node can see; `where` is before it begins, after it completed, or on
    its error (then it can be mended and retried).
    """

    node: str
    when: Expression | None = None
    where: Where = "before"

    def names(self, node: NodeState) -> bool:
        return self.node in (node.path, node.id) or self.node == _INDEX.sub("", node.path)


class Gate:
    """What one execution holds. `attached` says that somebody looks, so that `breakpoint:` in the text counts."""

    def __init__(self) -> None:
        self.closed = False
        self.attached = False
        self.held: dict[str, str] = {}  # path → why
        self.failed: dict[str, Failed] = {}  # attempts held on their error
        self.breakpoints: list[Breakpoint] = []
        self._released: set[str] = set()
        self._over: str | None = None  # the node whose bodies pass while the gate is closed

    @property
    def idle(self) -> bool:
        return not (self.closed or self.breakpoints or self.attached or self._released)

    def hold(self, node: NodeState, scope: Callable[[], Mapping[str, Any]]) -> bool:
        """Whether this activation is held now."""
        path = node.path
        if path in self._released:
            self._released.discard(path)
            return False
        if self.closed and not self._passes(path):
            self.held[path] = "step"
            return True
        if any(self._stops(point, node, scope) for point in self.breakpoints) or self._own(node, scope):
            self.held[path], self.closed = "breakpoint", True
            return True
        return False

    def _passes(self, path: str) -> bool:
        return self._over is not None and path.startswith((f"{self._over}[", f"{self._over}."))

    def _stops(self, point: Breakpoint, node: NodeState, scope: Callable[[], Mapping[str, Any]]) -> bool:
        if point.where != "before" or not point.names(node):
            return False
        return point.when is None or bool(point.when.evaluate(scope()))

    def _own(self, node: NodeState, scope: Callable[[], Mapping[str, Any]]) -> bool:
        """The `breakpoint:` of the node's own text."""
        own = node.node.breakpoint
        if not self.attached or own is False:
            return False
        return own is True or bool(own.evaluate(scope()))

    def catches(self, outcome: Failed, node: NodeState | None) -> bool:
        """Hold an attempt on its error."""
        if node is None or not any(point.where == "error" and point.names(node) for point in self.breakpoints):
            return False
        self.failed[node.path] = outcome
        self.held[node.path], self.closed = "error", True
        return True

    def passed(self, records: Iterable[Record], nodes: Mapping[str, NodeState]) -> None:
        """Close after a node that has a breakpoint behind it."""
        after = [point for point in self.breakpoints if point.where == "after"]
        for record in records if after else ():
            event = record.event
            if isinstance(event, NodeCompleted) and any(point.names(nodes[event.node]) for point in after):
                self.closed = True

    def release(self, path: str) -> bool:
        """Let one held node go; whether it was held."""
        if self.held.pop(path, None) is None:
            return False
        self._released.add(path)
        return True

    def forget(self, path: str) -> None:
        """The node was settled otherwise."""
        self.held.pop(path, None)
        self.failed.pop(path, None)

    def let_go(self) -> None:
        """The execution is cancelled: what is held will not begin, and what cleans up is not held."""
        self.closed, self._over = False, None
        self.held.clear()
        self.failed.clear()

    def step(self, *, over: bool = False) -> str | None:
        """Let the first held node go and hold what follows; `over` lets its bodies pass. None: nothing is held yet."""
        self.closed = True
        path = next(iter(self.held), None)
        self._over = path if over else None
        if path is not None and path not in self.failed:
            self.release(path)
        return path

    def open(self) -> list[str]:
        """Stop holding; returns what was held, in order."""
        self.closed, self._over = False, None
        held = list(self.held)
        for path in held:
            self.release(path)
        return held
