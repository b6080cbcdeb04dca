"""What an expression of a node can see: outputs of nodes around it, inputs, and the roots of its place.

Looked up when asked for, so that a scope costs nothing but what is read. A skipped, cancelled or not yet
finished node reads as null.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from nbflow.execution.state import ExecutionState, Frame
from nbflow.ports.executors import Scope


class SecretNames(Mapping[str, str]):
    """`secrets.NAME` as it may be shown: the reference itself."""

    def __getitem__(self, name: str) -> str:
        return f"${{{{ secrets.{name} }}}}"

    def __iter__(self) -> Any:
        return iter(())

    def __len__(self) -> int:
        return 0


SHOWN = SecretNames()


class NodeScope(Scope):
    """Roots by name for one evaluation, in the frame of a node. `more` are roots of the moment (error, result)."""

    __slots__ = ("frame", "index", "state")

    def __init__(
        self,
        state: ExecutionState,
        frame: Frame,
        env: Mapping[str, str],
        more: Mapping[str, Any] | None = None,
        index: int | None = None,
    ) -> None:
        super().__init__(more or ())
        self.state, self.frame, self.index = state, frame, index  # index: of the node in the frame's body
        self.setdefault("inputs", state.inputs)
        self["env"] = env
        self.setdefault("secrets", SHOWN)

    def __missing__(self, root: str) -> Any:
        frame: Frame | None = self.frame
        while frame is not None:
            if root in frame.body.index:
                return frame.output_of(root)
            if root in frame.roots:
                return frame.roots[root]
            frame = enclosing(self.state, frame)
        if root == "execution":
            return self._execution()
        if root == "previous":
            return None
        if root == "error":
            return self._error()
        raise KeyError(root)

    def also(self, more: Mapping[str, Any]) -> NodeScope:
        """The same place with more roots, which come first."""
        return NodeScope(self.state, self.frame, self["env"], {"secrets": self["secrets"], **more}, self.index)

    def _error(self) -> dict[str, Any] | None:
        """Of the failed node whose `on_error: {then: …}` led here."""
        sources = self.frame.body.sources[self.index] if self.index is not None else ()
        for source in sources:
            node = self.frame.nodes[source]
            if node is not None and node.handled == "then" and node.error is not None:
                return {"node": node.path, "attempt": node.attempt, **node.error}
        return None

    def _execution(self) -> dict[str, Any]:
        state = self.state
        return {
            "id": state.id,
            "workflow": state.workflow,
            "version": state.version,
            "started": state.started,
            "attempt": (state.origin or {}).get("attempt", 1),
            "labels": state.labels,
        }


def enclosing(state: ExecutionState, frame: Frame) -> Frame | None:
    """The frame around a body: its owner's, or the whole graph's for `on_error`."""
    if frame.path == "":
        return None
    return frame.owner.frame if frame.owner is not None else state.root
