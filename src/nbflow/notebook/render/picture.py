"""What a picture shows, independent of how it is written: boxes, clusters, wires. Extracted once, rendered many.

Keys are letters, digits and underscores, the same for the same plan; text that an author wrote stands only in
`path`, `label`, `detail` and `doc`, never in a key.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

WireKind = Literal["data", "order", "gate", "undo", "transition"]


@dataclass(frozen=True, slots=True)
class Box:
    """One node (or state of a chart). `stacked` stands for a body that is not drawn; `line` is the author's."""

    key: str
    path: str
    label: str
    kind: str
    detail: str = ""
    doc: str = ""
    cluster: str | None = None
    stacked: bool = False
    line: int = 1


@dataclass(frozen=True, slots=True)
class Cluster:
    """A node with a body, drawn as a frame around it; or what is only a frame (`node` False)."""

    key: str
    path: str
    label: str
    kind: str
    detail: str = ""
    doc: str = ""
    parent: str | None = None
    node: bool = True
    line: int = 1


@dataclass(frozen=True, slots=True)
class Wire:
    """From one box or cluster to another. `kinds` are all that hold, `label` is of a gate or transition."""

    key: str
    source: str
    target: str
    kinds: tuple[WireKind, ...] = ("data",)
    label: str = ""

    @property
    def kind(self) -> WireKind:
        """The one that decides how it is drawn: a gate before data, data before order."""
        for kind in ("transition", "gate", "undo", "data"):
            if kind in self.kinds:
                return kind
        return "order"


@dataclass(frozen=True, slots=True)
class Picture:
    """A workflow as it is drawn. `places` finds the box or cluster of a node's path, without rounds and items."""

    name: str
    version: str
    boxes: tuple[Box, ...]
    clusters: tuple[Cluster, ...] = ()
    wires: tuple[Wire, ...] = ()
    collapsed: bool = False
    places: dict[str, str] = field(default_factory=dict)
    gates: dict[tuple[str, str], str] = field(default_factory=dict)  # (source key, target id) → wire key
    states: dict[str, dict[str, str]] = field(default_factory=dict)  # path of a machine → state id → key

    def items(self) -> tuple[Box | Cluster, ...]:
        """All that has a phase: boxes, and clusters that are nodes."""
        return (*self.boxes, *(cluster for cluster in self.clusters if cluster.node))
