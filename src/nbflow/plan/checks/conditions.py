"""When does a node run? Each node gets the set of facts that must hold, as bits of one number.

A fact is "this switch did not choose that case", "this `if` held", "this node did not fail". A node with
`join: all` runs when the facts of all its sources hold together; with `active` when those of one do, so what
they have in common is certain. If a node's facts exclude every case of one switch, it can never run.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from nbflow.plan.link import DATA, ERROR_GATE, GATE, Draft, Linked
from nbflow.plan.order import forwards
from nbflow.spec.nodes import NodeSpec


class Choice:
    """A node that goes one of several ways, each to some targets: a bit per way, which means "not this way".

    A switch without `else`, and a node that does not fail, have a way to nothing.
    """

    __slots__ = ("_ways", "exhaustive", "quiet")

    def __init__(self, first: int, ways: list[frozenset[str]]):
        self._ways: dict[str, int] = {}
        self.exhaustive = ((1 << len(ways)) - 1) << first  # no way at all
        self.quiet = 0  # no way that leads anywhere
        for place, targets in enumerate(ways):
            bit = 1 << (first + place)
            self.quiet |= bit if targets else 0
            for target in targets:
                self._ways[target] = self._ways.get(target, 0) | bit

    def taken(self, target: str) -> int:
        """The facts that hold when `target` was chosen: none of the ways without it."""
        return self.exhaustive & ~self._ways.get(target, 0)


@dataclass(slots=True)
class Conditions:
    """Facts of the nodes of a body. `activated` without its own `if`, `runs` with it, `live` for what it feeds."""

    activated: list[int]
    runs: list[int]
    live: list[int]
    never: list[int] = field(default_factory=list)  # nodes that exclude themselves, in order
    sure_of: list[frozenset[int]] = field(default_factory=list)
    choices: dict[int, Choice] = field(default_factory=dict)


def conditions(body: Linked) -> Conditions:
    """Facts for each node of a body without cycles."""
    return _Reckoning(body).run()


class _Reckoning:
    def __init__(self, body: Linked):
        self.body = body
        self.bits = 0
        count = len(body.nodes)
        self.made = Conditions([0] * count, [0] * count, [0] * count)
        self.owner_of_bit: dict[int, int] = {}
        self.dead = bytearray(count)
        for index, node in enumerate(body.nodes):
            choice = self._choice(index, node)
            if choice is not None:
                self.made.choices[index] = choice

    def _choice(self, index: int, node: NodeSpec) -> Choice | None:
        """The ways of a switch; or of a node whose failure goes elsewhere. (A switch that fails over has both.)"""
        ways: list[frozenset[str]] = []
        if node.kind == "switch":
            cases = node.verb.get("cases", ())
            ways = [frozenset(str(then.value) for then in case.then) for case in cases]
            if not any(case.when is None for case in cases):
                ways.append(frozenset())
        else:
            fails = {str(rule.then.value) for rule in node.fields.get("on_error", ()) if rule.then is not None}
            ways = [frozenset(), *(frozenset({target}) for target in sorted(fails))] if fails else []
        if not ways:
            return None
        return Choice(self._take(len(ways), index), ways)

    def _take(self, count: int, index: int) -> int:
        first = self.bits
        for bit in range(first, first + count):
            self.owner_of_bit[bit] = index
        self.bits += count
        return first

    def run(self) -> Conditions:
        made, body = self.made, self.body
        for index in forwards(body.incoming):
            node = body.nodes[index]
            facts = self._activation(index, node, body.incoming[index])
            made.activated[index] = facts
            if "if" in node.fields:
                facts |= 1 << self._take(1, index)
            made.runs[index] = facts
            choice = made.choices.get(index)
            made.live[index] = facts | (choice.quiet if choice is not None and node.kind != "switch" else 0)
        return made

    def _activation(self, index: int, node: NodeSpec, incoming: dict[int, Draft]) -> int:
        ordered = any(draft.kinds & ~DATA for draft in incoming.values())
        sources = [(source, draft) for source, draft in incoming.items() if not ordered or draft.kinds & ~DATA]
        if not sources:
            return 0
        facts = [self._edge(source, draft, node.id) for source, draft in sources]
        join = node.fields.get("join")
        mode, count = (join.mode, join.count) if join is not None else ("all", 1)
        if len(facts) == 1:
            self.dead[index] = self.dead[sources[0][0]]
            return facts[0]
        if mode == "all" or (mode == "count" and count >= len(facts)):
            return self._all(index, facts, [source for source, _ in sources])
        return self._some(index, facts, count if mode == "count" else 1)

    def _edge(self, source: int, draft: Draft, target: str) -> int:
        """The facts that make this edge live."""
        choice = self.made.choices.get(source)
        if choice is None or not draft.kinds & (GATE | ERROR_GATE):
            return self.made.live[source]
        return self.made.runs[source] | choice.taken(target)

    def _all(self, index: int, facts: list[int], sources: list[int]) -> int:
        together = 0
        for each in facts:
            together |= each
        if any(self.dead[source] for source in sources):
            self.dead[index] = 1
        elif self._excluded(together, facts[0]):
            self.dead[index] = 1
            self.made.never.append(index)
        return together

    def _excluded(self, together: int, first: int) -> bool:
        """Whether every way of some choice is excluded, which no single source does by itself."""
        fresh = together & ~first
        while fresh:
            bit = (fresh & -fresh).bit_length() - 1
            choice = self.made.choices.get(self.owner_of_bit[bit])
            if choice is None:
                fresh &= fresh - 1
                continue
            if together & choice.exhaustive == choice.exhaustive:
                return True
            fresh &= ~(choice.exhaustive | (1 << bit))
        return False

    def _some(self, index: int, facts: list[int], count: int) -> int:
        """What is certain when some of the sources suffice."""
        common = facts[0]
        for each in facts[1:]:
            common &= each
        rest = [each & ~common for each in facts]
        if count == 1 and (0 in rest or self._one_choice(rest)):
            return common
        return common | 1 << self._take(1, index)

    def _one_choice(self, rest: list[int]) -> bool:
        """Whether the sources differ in one choice only: then what they have in common says all."""
        owners = {self.owner_of_bit[(each & -each).bit_length() - 1] for each in rest}
        if len(owners) != 1:
            return False
        choice = self.made.choices.get(owners.pop())
        return choice is not None and all(each & ~choice.exhaustive == 0 for each in rest)
