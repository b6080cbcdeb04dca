"""Orders of a graph, and what is wrong when there is none. Iterative: a graph may be any depth."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence

Incoming = Sequence[Mapping[int, object]]


def forwards(incoming: Incoming) -> list[int]:
    """Indices such that sources come before targets; those on or behind a cycle are left out."""
    waiting = [len(sources) for sources in incoming]
    targets: list[list[int]] = [[] for _ in incoming]
    for target, sources in enumerate(incoming):
        for source in sources:
            targets[source].append(target)
    ready = deque(index for index, count in enumerate(waiting) if count == 0)
    found: list[int] = []
    while ready:
        index = ready.popleft()
        found.append(index)
        for target in targets[index]:
            waiting[target] -= 1
            if waiting[target] == 0:
                ready.append(target)
    return found


def backwards(incoming: Incoming) -> list[int]:
    """Targets before sources."""
    return forwards(incoming)[::-1]


def cycles(incoming: Incoming) -> list[list[int]]:
    """One cycle of each knot of nodes that wait for each other, in the order of the edges.

    Nodes behind a cycle belong to none. Tarjan's algorithm on a stack of its own.
    """
    left = set(range(len(incoming))) - set(forwards(incoming))
    return [_cycle_in(knot, incoming) for knot in _knots(sorted(left), incoming, left)]


def _knots(nodes: Iterable[int], incoming: Incoming, within: set[int]) -> list[list[int]]:
    search = _Search(incoming, within)
    for start in nodes:
        if start not in search.number:
            search.visit(start)
    return sorted(search.knots)


class _Search:
    """Tarjan's search for strongly connected components; `work` is the stack a recursion would have."""

    def __init__(self, incoming: Incoming, within: set[int]):
        self.incoming, self.within = incoming, within
        self.number: dict[int, int] = {}
        self.low: dict[int, int] = {}
        self.stack: list[int] = []
        self.on_stack: set[int] = set()
        self.work: list[tuple[int, Iterator[int]]] = []
        self.knots: list[list[int]] = []

    def visit(self, start: int) -> None:
        self._enter(start)
        while self.work:
            node, sources = self.work[-1]
            fresh = self._step(node, sources)
            if fresh is not None:
                self._enter(fresh)
                continue
            self.work.pop()
            if self.work:
                above = self.work[-1][0]
                self.low[above] = min(self.low[above], self.low[node])
            if self.low[node] == self.number[node]:
                self._close(node)

    def _enter(self, node: int) -> None:
        self.number[node] = self.low[node] = len(self.number)
        self.stack.append(node)
        self.on_stack.add(node)
        self.work.append((node, iter(sorted(each for each in self.incoming[node] if each in self.within))))

    def _step(self, node: int, sources: Iterator[int]) -> int | None:
        """The next source not seen before; those on the stack lower the node's number."""
        for source in sources:
            if source not in self.number:
                return source
            if source in self.on_stack:
                self.low[node] = min(self.low[node], self.number[source])
        return None

    def _close(self, node: int) -> None:
        knot: list[int] = []
        while not knot or knot[-1] != node:
            knot.append(self.stack.pop())
        self.on_stack.difference_update(knot)
        if len(knot) > 1 or node in self.incoming[node]:
            self.knots.append(sorted(knot))


def _cycle_in(knot: list[int], incoming: Incoming) -> list[int]:
    """A shortest way from the knot's first node back to itself, as the edges run."""
    start, inside = knot[0], set(knot)
    if start in incoming[start]:
        return [start]
    came: dict[int, int] = {}
    queue = deque([start])
    while queue:
        node = queue.popleft()
        for source in sorted(incoming[node]):
            if source == start:
                path = [node]
                while path[-1] != start:
                    path.append(came[path[-1]])
                return [start, *path[:-1]]
            if source in inside and source not in came:
                came[source] = node
                queue.append(source)
    return knot
