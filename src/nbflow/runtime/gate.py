"""Where effects are held: pause, breakpoints, stepping. What is held has not begun.

A gate holds nothing by default and costs one comparison. While it holds a node, that node can be looked at,
edited, mocked or skipped; releasing it lets it go on. Other nodes that become active meanwhile are held too.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from nbflow.errors import NbflowError, NotFound
from nbflow.execution.events import NodeCompleted, Record
from nbflow.execution.outcomes import Failed
from nbflow.execution.state import NodeState
from nbflow.spec.expressions import Expression

Where = Literal["before", "after", "error"]
WHERE: tuple[Where, ...] = ("before", "after", "error")
Look = Callable[[], Mapping[str, Any]]  # what a condition sees, made when it is looked at
_INDEX = re.compile(r"\[\d+\]")


def indexless(path: str) -> str:
    """The path of a node in all rounds and items: ``refine.rewrite``."""
    return _INDEX.sub("", path)


@dataclass(frozen=True, slots=True)
class Breakpoint:
    """Hold at a node: by its id in any body, its path, or its path without indices (`refine.rewrite`).

    `when` is an expression over what the node can see; `where` is before it begins, after it completed, or on
    its error (then it can be mended and retried; `error` is what happened). A condition that cannot be evaluated
    holds, since whoever wrote it wants to look.
    """

    node: str
    when: Expression | None = None
    where: Where = "before"

    def names(self, node: NodeState) -> bool:
        return self.node in (node.path, node.id) or self.node == indexless(node.path)

    def stops(self, where: Where, node: NodeState, look: Look) -> str | None:
        """Why it holds there; None when it does not."""
        return met(self.when, look) if self.where == where and self.names(node) else None


def read_point(text: str) -> tuple[str, Where]:
    """``fetch``, ``fetch:after`` or ``fetch:error``: the node and where. Raises `NotFound`."""
    node, _, suffix = text.partition(":")
    for where in WHERE:
        if suffix in ("", where):
            return node, where
    raise NotFound(f"{suffix!r} is no place to hold at: {node}, {node}:after or {node}:error")


def met(condition: Expression | None, look: Look) -> str | None:
    """Why a breakpoint with this condition holds now; None when it does not."""
    try:
        return "breakpoint" if condition is None or condition.evaluate(look()) else None
    except NbflowError as problem:
        return f"breakpoint, whose condition cannot be evaluated: {problem}"


class Gate:
    """What one execution holds. `attached` says that somebody looks, so that `breakpoint:` in the text counts."""

    def __init__(self) -> None:
        self.closed = False
        self.attached = False
        self.mending = False  # closed by an error alone: once that is mended, all goes on
        self.held: dict[str, str] = {}  # path → why
        self.failed: dict[str, Failed] = {}  # attempts held on their error
        self.breakpoints: list[Breakpoint] = []
        self._released: set[str] = set()
        self._over: str | None = None  # the node whose bodies pass while the gate is closed

    @property
    def idle(self) -> bool:
        return not (self.closed or self.breakpoints or self.attached or self._released)

    def hold(self, node: NodeState, look: Look) -> bool:
        """Whether this activation is held now."""
        path = node.path
        if path in self._released:
            self._released.discard(path)
            return False
        if self.closed and not self._passes(path):
            self.held.setdefault(path, "step")
            return True
        why = self._why("before", node, look) or self._own(node, look)
        if why:
            self.held[path], self.closed = why, True
        return bool(why)

    def _why(self, where: Where, node: NodeState, look: Look) -> str | None:
        return next((why for point in self.breakpoints if (why := point.stops(where, node, look))), None)

    def _passes(self, path: str) -> bool:
        return self._over is not None and path.startswith((f"{self._over}[", f"{self._over}."))

    def _own(self, node: NodeState, look: Look) -> str | None:
        """The `breakpoint:` of the node's own text."""
        own = node.node.breakpoint
        return met(None if own is True else own, look) if self.attached and own is not False else None

    def catches(self, outcome: Failed, node: NodeState | None, look: Callable[[NodeState], Mapping[str, Any]]) -> bool:
        """Hold an attempt on its error; not on one that was held before, and let go."""
        if outcome.path in self._released:
            self._released.discard(outcome.path)
            return False
        why = self._why("error", node, lambda: look(node)) if node is not None else None
        if node is None or why is None:
            return False
        self.failed[node.path], self.mending = outcome, self.mending or not self.closed
        self.held[node.path], self.closed = "error" if why == "breakpoint" else why, True
        return True

    def passed(
        self, records: Iterable[Record], nodes: Mapping[str, NodeState], look: Callable[[NodeState], Mapping[str, Any]]
    ) -> None:
        """Close after a node that has a breakpoint behind it."""
        if not any(point.where == "after" for point in self.breakpoints):
            return
        for record in records:
            if isinstance(record.event, NodeCompleted):
                node = nodes[record.event.node]
                self.closed = self.closed or self._why("after", node, lambda node=node: look(node)) is not None  # type: ignore[misc]

    def release(self, path: str) -> bool:
        """Let one held node go; whether it was held."""
        if self.held.pop(path, None) is None:
            return False
        self._released.add(path)
        return True

    def mended(self, path: str) -> list[str]:
        """A node was settled or is tried again; what goes on now, if it was held on its error and nobody steps."""
        if self.failed.pop(path, None) is None or not self.mending or self.failed:
            return []
        self.held.pop(path, None)
        return self.open()

    def forget(self, path: str) -> None:
        """The node was settled otherwise."""
        self.held.pop(path, None)
        self.failed.pop(path, None)

    def let_go(self) -> None:
        """The execution is cancelled: what is held will not begin, and what cleans up is not held."""
        self.closed, self.mending, self._over = False, False, None
        self.held.clear()
        self.failed.clear()

    def step(self, *, over: bool = False) -> str | None:
        """Let the first held node go and hold what follows; `over` lets its bodies pass. None: nothing is held yet."""
        self.closed, self.mending = True, False
        path = next(iter(self.held), None)
        self._over = path if over else None
        if path is not None and path not in self.failed:
            self.release(path)
        return path

    def open(self) -> list[str]:
        """Stop holding; returns what was held, in order."""
        self.closed, self.mending, self._over = False, False, None
        held = list(self.held)
        for path in held:
            self.release(path)
        return held
