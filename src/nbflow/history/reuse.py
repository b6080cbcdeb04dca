"""Results of earlier executions, by what a node means and what it was given.

Edit and continue, rerun from a node, retry of what failed and k prompts are one thing: a new execution that
takes the results of nodes whose meaning and inputs did not change. `kept` says what was taken and why not.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from nbflow.execution.digest import digest
from nbflow.execution.state import ExecutionState
from nbflow.plan.plan import Body, NodePlan

Key = tuple[str, str]
TAKEN = ("tool", "agent", "workflow", "ask")


@dataclass(frozen=True, slots=True)
class Result:
    """A result that can be taken, and where it is from."""

    output: Any
    execution: str
    path: str
    by_hand: bool = False  # a person gave or changed it


class Reuse:
    """What a new execution may take. `source` gives the fingerprint of a node's function, so that its change counts."""

    def __init__(self, source: Callable[[NodePlan], str] = lambda node: "") -> None:
        self._source = source
        self._results: dict[Key, Result] = {}
        self._own: dict[str, Result] = {}  # of the same path, which goes before those of equal nodes
        self._again: frozenset[str] = frozenset()  # nodes that run in any case
        self._seen: dict[str, tuple[str, str]] = {}  # node id → (meaning, inputs) of the earlier execution
        self.kept: dict[str, str] = {}  # path → "kept" or why it runs

    def learn(
        self, execution: str, state: ExecutionState, sources: Mapping[str, str], *, without: Iterable[str] = ()
    ) -> Reuse:
        """Take in the completed nodes of an earlier execution; those `without` names run again in any case."""
        self._again = left_out = frozenset(without)
        for path, node in state.nodes.items():
            if node.phase != "completed" or node.error is not None or node.node.kind not in TAKEN:
                continue
            if path in left_out or root_of(path) in left_out or (node.taken or {}).get("default"):
                continue  # nobody answered in time: that is no answer to keep
            meaning = node.node.meaning + sources.get(node.node.function, "")
            inputs = digest(node.inputs if node.inputs is not None else node.detail)  # of a question its detail
            self._seen[path] = (meaning, inputs)
            self._own[path] = self._results[(meaning, inputs)] = Result(
                node.output, execution, path, not {"by", "edited"}.isdisjoint(node.taken or {})
            )
        return self

    def find(self, path: str, node: NodePlan, inputs: Any) -> Result | None:
        """The result to take for a node that is about to start, or None; remembers why."""
        if root_of(path) in self._again:
            self.kept[path] = "it was to run again"
            return None
        meaning, given = node.meaning + self._source(node), digest(inputs)
        same = self._seen.get(path) == (meaning, given)
        result = self._own[path] if same else self._results.get((meaning, given))
        if result is not None:
            self.kept[path] = "kept, as a person gave it" if result.by_hand else "kept"
            return result
        before = self._seen.get(path)
        if before is None:
            self.kept[path] = "new, or it did not complete"
        else:
            self.kept[path] = "its meaning changed" if before[0] != meaning else "its inputs changed"
        return None


def table(reuse: Reuse, state: ExecutionState) -> dict[str, str]:
    """What became of each node, by path, as they were reached: kept or why it ran; what calls nothing is not kept."""
    told = {}
    for path, node in state.nodes.items():
        if path in reuse.kept:
            told[path] = reuse.kept[path]
        elif path == node.node.id and node.node.kind not in TAKEN and node.phase == "completed":
            told[path] = "calls nothing: it was evaluated again"
    return told


def root_of(path: str) -> str:
    """The node of the graph that a path is in."""
    return path.partition(".")[0].partition("[")[0]


def downstream(body: Body, ids: Iterable[str]) -> frozenset[str]:
    """These nodes and all that follow from them."""
    found: dict[str, None] = {}
    todo = [body.index[id] for id in ids if id in body.index]
    while todo:
        node = body.nodes[todo.pop()]
        if node.id not in found:
            found[node.id] = None
            todo += [edge.target for edge in node.out]
    return frozenset(found)
