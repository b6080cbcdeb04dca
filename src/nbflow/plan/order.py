"""Orders of a graph, and what is wrong when there is none. Iterative: a graph may be any depth."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping, Sequence

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
    number: dict[int, int] = {}
    low: dict[int, int] = {}
    stack: list[int] = []
    on_stack: set[int] = set()
    knots: list[list[int]] = []
    for start in nodes:
        if start in number:
            continue
        work = [(start, iter(sorted(source for source in incoming[start] if source in within)))]
        number[start] = low[start] = len(number)
        stack.append(start)
        on_stack.add(start)
        while work:
            node, sources = work[-1]
            for source in sources:
                if source not in number:
                    number[source] = low[source] = len(number)
                    stack.append(source)
                    on_stack.add(source)
                    work.append((source, iter(sorted(each for each in incoming[source] if each in within))))
                    break
                if source in on_stack:
                    low[node] = min(low[node], number[source])
            else:
                work.pop()
                if work:
                    low[work[-1][0]] = min(low[work[-1][0]], low[node])
                if low[node] == number[node]:
                    knot = _popped(stack, on_stack, node)
                    if len(knot) > 1 or node in incoming[node]:
                        knots.append(sorted(knot))
    return sorted(knots)


def _popped(stack: list[int], on_stack: set[int], node: int) -> list[int]:
    knot: list[int] = []
    while True:
        top = stack.pop()
        on_stack.discard(top)
        knot.append(top)
        if top == node:
            return knot


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
