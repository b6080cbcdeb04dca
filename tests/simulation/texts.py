"""Random workflows as texts: every control kind, joins, policies, limits and children, to any depth.

What a node gives depends on its path and inputs alone, so that every order, crash and interruption must agree.
"""

from __future__ import annotations

import json
import random
from dataclasses import dataclass, field
from typing import Any

POOLS = {"gpu": 2, "disk": 1}
RATE = 3  # starts a second


@dataclass
class Text:
    """A workflow and the children it names. `failing` are ids that always fail, or fail that many times first."""

    text: str = ""
    children: dict[str, str] = field(default_factory=dict)
    failing: dict[str, int] = field(default_factory=dict)
    once: set[str] = field(default_factory=set)
    pools: list[tuple[str, str, int]] = field(default_factory=list)  # node id, pool, units
    rates: set[str] = field(default_factory=set)  # node ids under the rate


ALWAYS = 1_000


class Writer:
    """Writes one text from one seed."""

    def __init__(self, rng: random.Random, depth: int = 2) -> None:
        self.rng, self.depth, self.made, self.count = rng, depth, Text(), 0

    def write(self, size: int, name: str = "w") -> dict[str, Any]:
        return {"name": name, "nodes": self.body(size, self.depth)}

    def body(self, size: int, depth: int, roots: tuple[str, ...] = ()) -> dict[str, Any]:
        nodes: dict[str, Any] = {}
        numbers: list[str] = []  # ids that give numbers (or null)
        gates: dict[str, list[str]] = {}
        for _ in range(self.rng.randint(1, size)):
            id = f"n{self.count}"
            self.count += 1
            before = [one for one in nodes if "switch" not in nodes[one]]
            node = self.node(id, before, numbers, depth, roots)
            self.joined(node, id, before, gates)
            if "tool" in node:
                numbers.append(id)
            if "switch" in node:
                gates[id] = []
            nodes[id] = node
        for id, targets in gates.items():
            self.close(nodes[id], targets)
        kept = {id: node for id, node in nodes.items() if "switch" not in node or node["switch"]}
        self.count += 1
        return kept or {f"n{self.count - 1}": {"set": {"v": 1}}}

    def node(
        self, id: str, before: list[str], numbers: list[str], depth: int, roots: tuple[str, ...]
    ) -> dict[str, Any]:
        kinds = ["tool"] * 6 + ["set", "wait", "aggregate", "switch"]
        if depth:
            kinds += ["loop", "for_each", "branches", "child"]
        kind = self.rng.choice(kinds)
        reads = [
            f"={self.rng.choice(before + list(roots))}" if before or roots else 1 for _ in range(self.rng.randint(0, 2))
        ]
        match kind:
            case "tool":
                return self.tool(id, reads)
            case "set":
                return {"set": {f"v{n}": value for n, value in enumerate(reads)} or {"v": 1}}
            case "wait":
                return {"wait": f"{self.rng.choice((0, 10, 500, 3000))}ms"}
            case "aggregate":
                return {"aggregate": "list", "with": reads}
            case "switch":
                return {"switch": numbers[-1:] or ["nothing"]}
            case _:
                return getattr(self, kind)(id, depth - 1)

    def tool(self, id: str, reads: list[Any]) -> dict[str, Any]:
        node: dict[str, Any] = {"tool": "work", "with": {"x": reads}}
        draw = self.rng.random
        if draw() < 0.2:
            node["tool"] = "pay"
            self.made.once.add(id)
        if draw() < 0.25:
            most = node["retry"] = self.rng.choice((1, 2))
            if self.rng.random() < 0.5:
                node["retry"] = {"max": most, "delay": self.rng.choice(("10ms", "1s")), "factor": 2, "jitter": True}
            self.made.failing[id] = self.rng.randint(0, most)
        elif draw() < 0.12:
            self.made.failing[id] = ALWAYS
            node["on_error"] = self.rng.choice(("fail", "continue", {"value": 7}))
        if draw() < 0.2:
            pool, units = self.rng.choice(tuple(POOLS)), 1
            node["pool"] = {pool: units}
            self.made.pools.append((id, pool, units))
        if draw() < 0.1:
            node["rate"] = {"name": "calls", "limit": "3/s"}
            self.made.rates.add(id)
        if draw() < 0.2:
            node["compensate"] = {"tool": "undo", "with": {"x": id}}
        if draw() < 0.1:
            node["priority"] = self.rng.randint(-2, 2)
        return node

    def loop(self, id: str, depth: int) -> dict[str, Any]:
        body = self.body(3, depth, ("loop",))
        first = next(iter(body))
        until = "False" if self.rng.random() < 0.5 else f"loop.index >= 1 or {first} is None"
        return {"loop": {"max": self.rng.randint(1, 3), "until": until}, "nodes": body}

    def for_each(self, id: str, depth: int) -> dict[str, Any]:
        items = self.rng.randint(0, 3)
        parallel: dict[str, Any] = {
            "for_each": f"range({items})",
            "on_fail": self.rng.choice(("fail", "collect", {"allow": 1})),
        }
        if self.rng.random() < 0.5:
            parallel["max"] = self.rng.randint(1, 2)
        return {"parallel": parallel, "nodes": self.body(3, depth, ("item",))}

    def branches(self, id: str, depth: int) -> dict[str, Any]:
        sides = {name: {"nodes": self.body(2, depth)} for name in ("left", "right")}
        return {"parallel": {"branches": sides, "on_fail": self.rng.choice(("fail", "collect"))}}

    def child(self, id: str, depth: int) -> dict[str, Any]:
        name = f"child_{id}"
        self.made.children[name] = json.dumps({"name": name, "nodes": self.body(3, 0)})
        return {"workflow": name}

    def joined(self, node: dict[str, Any], id: str, before: list[str], gates: dict[str, list[str]]) -> None:
        """Order and gate edges, a join, a condition."""
        needs = self.rng.sample(before, min(len(before), self.rng.choice((0, 0, 1, 2))))
        if needs:
            node["needs"] = needs
        if gates and "switch" not in node and self.rng.random() < 0.4:
            gates[self.rng.choice(list(gates))].append(id)
        if self.rng.random() < 0.3:
            node["join"] = "active"
        if before and self.rng.random() < 0.1:
            node["if"] = f"{self.rng.choice(before)} is not None"

    def close(self, switch: dict[str, Any], targets: list[str]) -> None:
        """The cases of a switch, now that it is known who stands after it."""
        (number,) = switch["switch"]
        half = len(targets) // 2
        cases: list[dict[str, Any]] = []
        if targets[:half]:
            when = f"({number} or 0) % 2 == 0" if number != "nothing" else "True"
            cases.append({"when": when, "then": targets[:half]})
        if targets[half:]:
            cases.append({"else": targets[half:]})
        switch["switch"] = cases


def random_text(seed: int, size: int = 8) -> Text:
    writer = Writer(random.Random(seed))
    writer.made.text = json.dumps(writer.write(size))
    return writer.made
