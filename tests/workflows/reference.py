"""A naive interpreter of graphs: what docs/joins.md says, word by word, by recursion. It shares no code with the engine.

Graphs are plain data here and are written as YAML for the real parser. Every node gives `{v: number}`.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field, replace
from typing import Any

import yaml


@dataclass(frozen=True)
class Node:
    """`cases` make it a switch: (input, targets), the last with None for else; `inner` makes it a fan over items."""

    id: str
    base: int = 0
    reads: tuple[str, ...] = ()
    needs: tuple[str, ...] = ()
    join: Any = None
    condition: str | None = None
    cases: tuple[tuple[str | None, tuple[str, ...]], ...] = ()
    fails: bool = False
    instead: str | None = None  # on_error: a node's id, or "continue"
    inner: Graph | None = None
    items: tuple[int, ...] = ()


@dataclass(frozen=True)
class Graph:
    nodes: tuple[Node, ...] = ()


# --- as a text -----------------------------------------------------------------------------------------------


def as_yaml(graph: Graph, inputs: dict[str, bool]) -> str:
    """The graph in the language."""
    head = {"inputs": {name: "boolean" for name in inputs}}
    return yaml.safe_dump({**head, "nodes": _nodes(graph)}, sort_keys=False, allow_unicode=True)


def _nodes(graph: Graph) -> dict[str, Any]:
    return {node.id: _node(node) for node in graph.nodes}


def _node(node: Node) -> dict[str, Any]:
    written: dict[str, Any] = {}
    if node.cases:
        written["switch"] = [_case(*case) for case in node.cases]
    elif node.inner is not None:
        written["parallel"] = {"for_each": list(node.items)}
        written["nodes"] = _nodes(node.inner)
    else:
        reads = "".join(f" + ({id}.v if {id} is not None else 0)" for id in node.reads)
        written["set"] = {"v": "=1 / 0" if node.fails else f"={node.base}{reads}"}
    if node.needs:
        written["needs"] = list(node.needs)
    if node.join is not None:
        written["join"] = node.join
    if node.condition is not None:
        written["if"] = f"inputs.{node.condition}"
    if node.instead is not None:
        written["on_error"] = "continue" if node.instead == "continue" else {"then": node.instead}
    return written


def _case(condition: str | None, targets: tuple[str, ...]) -> dict[str, Any]:
    return {"else": list(targets)} if condition is None else {"when": f"inputs.{condition}", "then": list(targets)}


# --- what it must do -----------------------------------------------------------------------------------------


@dataclass
class Interpreter:
    """One graph with its inputs, and with the interpreter of the graph around it."""

    graph: Graph
    inputs: dict[str, bool]
    around: Interpreter | None = None
    settled: dict[str, tuple[str, Any]] = field(default_factory=dict)

    def node(self, id: str) -> Node:
        return next(node for node in self.graph.nodes if node.id == id)

    def here(self, id: str) -> bool:
        return any(node.id == id for node in self.graph.nodes)

    def phase(self, id: str) -> str:
        return self._settle(id)[0]

    def output(self, id: str) -> Any:
        """As an expression reads it: null unless the node completed."""
        if not self.here(id):
            return self.around.output(id) if self.around else None
        phase, output = self._settle(id)
        return output if phase == "completed" else None

    def _settle(self, id: str) -> tuple[str, Any]:
        if id not in self.settled:
            self.settled[id] = self._decide(self.node(id))
        return self.settled[id]

    def _decide(self, node: Node) -> tuple[str, Any]:
        live = [self._is_live(source, node.id) for source in self._activating(node)]
        if live and not self._joins(node.join, live):
            return "skipped", None
        if node.condition is not None and not self.inputs[node.condition]:
            return "skipped", None
        if node.cases:
            chosen = self._chosen(node)
            return "completed", {"chose": (chosen[0] if len(chosen) == 1 else list(chosen)) if chosen else None}
        if node.inner is not None:
            return "completed", [self._item(node.inner) for _ in node.items]
        if node.fails:
            return ("completed", None) if node.instead == "continue" else ("failed", None)
        values = [self.output(read) for read in node.reads]
        return "completed", {"v": node.base + sum(value["v"] for value in values if value is not None)}

    @staticmethod
    def _joins(join: Any, live: list[bool]) -> bool:
        match join:
            case None | "all":
                return all(live)
            case "active" | "first":
                return any(live)
            case {"n": least}:
                return sum(live) >= least
        raise AssertionError(join)

    def _activating(self, node: Node) -> list[str]:
        """Sources of gate and order edges; of data edges when there are no others."""
        gates = [other.id for other in self.graph.nodes if node.id in self._targets(other)]
        ordered = list(dict.fromkeys([*gates, *node.needs]))
        return ordered or list(dict.fromkeys(self._read_here(node)))

    def _read_here(self, node: Node) -> list[str]:
        """What the node, or a node inside it, reads of this graph."""
        if node.inner is None:
            return [read for read in node.reads if self.here(read)]
        inside = {inner.id for inner in node.inner.nodes}
        return [
            read
            for inner in node.inner.nodes
            for read in (self._read_here(inner) if inner.inner else inner.reads)
            if read not in inside and self.here(read)
        ]

    @staticmethod
    def _targets(node: Node) -> set[str]:
        targets = {target for _, each in node.cases for target in each}
        return targets | ({node.instead} if node.instead not in (None, "continue") else set())

    def _is_live(self, source: str, target: str) -> bool:
        node = self.node(source)
        phase = self.phase(source)
        if phase == "failed":
            return node.instead == target
        if phase != "completed":
            return False
        if target in self._targets(node):
            return target in self._chosen(node)
        return True

    def _chosen(self, node: Node) -> tuple[str, ...]:
        for condition, targets in node.cases:
            if condition is None or self.inputs[condition]:
                return targets
        return ()

    def _item(self, inner: Graph) -> dict[str, Any]:
        below = Interpreter(inner, self.inputs, self)
        return {node.id: below.output(node.id) for node in inner.nodes if below.phase(node.id) == "completed"}


# --- random graphs -------------------------------------------------------------------------------------------


def random_graph(rng: random.Random, size: int, names: list[str], outer: tuple[str, ...] = (), depth: int = 0) -> Graph:
    """Nodes that read, need, choose, skip and fail over; each points to earlier ones only, so there is no cycle."""
    ids = [f"{'abc'[depth]}{number}" for number in range(size)]
    if depth:
        ids = [f"{id}_{rng.randrange(10**6)}" for id in ids]
    nodes: list[Node] = []
    plain: list[str] = []
    for place, id in enumerate(ids):
        node = _random_node(rng, id, ids[:place], plain, ids[place + 1 :], names, outer, depth)
        nodes.append(node)
        if not node.cases and node.inner is None:
            plain.append(id)
    return Graph(tuple(nodes))


def _random_node(
    rng: random.Random, id: str, before: list[str], plain: list[str], after: list[str], names: list[str],
    outer: tuple[str, ...], depth: int,
) -> Node:  # fmt: skip
    node = Node(id, rng.randrange(100), needs=_some(rng, before, 0.5))
    if rng.random() < 0.25:
        node = replace(node, condition=rng.choice(names))
    if rng.random() < 0.3:
        node = replace(node, join=rng.choice(["all", "active", "active", "first", {"n": 2}]))
    waits_for_all = node.join in (None, "all", "active")
    kind = rng.random()
    if kind < 0.2 and after:
        return replace(node, cases=_random_cases(rng, after, names))
    if kind < 0.3 and depth < 2:
        readable = (*outer, *plain) if waits_for_all else outer
        inner = random_graph(rng, rng.randrange(1, 5), names, readable, depth + 1)
        return replace(node, inner=inner, items=tuple(range(rng.randrange(1, 3))))
    if kind < 0.4 and after:
        return replace(node, fails=True, instead=rng.choice([rng.choice(after), "continue"]))
    return replace(node, reads=_some(rng, [*plain, *outer], 0.6) if waits_for_all else ())


def _some(rng: random.Random, names: list[str], chance: float) -> tuple[str, ...]:
    if not names or rng.random() > chance:
        return ()
    return tuple(rng.sample(names, min(len(names), rng.randrange(1, 4))))


def _random_cases(
    rng: random.Random, after: list[str], names: list[str]
) -> tuple[tuple[str | None, tuple[str, ...]], ...]:
    cases: list[tuple[str | None, tuple[str, ...]]] = [
        (rng.choice(names), tuple(rng.sample(after, min(len(after), rng.randrange(1, 3)))))
        for _ in range(rng.randrange(1, 3))
    ]
    if rng.random() < 0.6:
        cases.append((None, (rng.choice(after),)))
    return tuple(cases)
