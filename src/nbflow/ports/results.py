"""Results that an execution may take instead of running a node: of an earlier execution, or of the cache."""

from __future__ import annotations

from typing import Any, Protocol

from nbflow.plan.plan import NodePlan


class Result(Protocol):
    """A result, and where it is from."""

    @property
    def output(self) -> Any: ...

    @property
    def execution(self) -> str: ...

    @property
    def path(self) -> str: ...


class Results(Protocol):
    """Earlier results by the meaning of a node and its inputs."""

    def find(self, path: str, node: NodePlan, inputs: Any) -> Result | None:
        """The result to take for a node about to start, or None."""
        ...
