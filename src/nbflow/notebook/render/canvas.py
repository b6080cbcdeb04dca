"""What a picture is put together on: keys are given out here, in the order of the drawing."""

from __future__ import annotations

from nbflow.notebook.render.lettering import clean
from nbflow.notebook.render.picture import Box, Cluster, Picture, Wire, WireKind


class Canvas:
    """Boxes, clusters and wires so far."""

    def __init__(self) -> None:
        self.boxes: list[Box] = []
        self.clusters: list[Cluster] = []
        self.wires: list[Wire] = []
        self.places: dict[str, str] = {}
        self.gates: dict[tuple[str, str], str] = {}
        self.states: dict[str, dict[str, str]] = {}

    def box(
        self, path: str, label: str, kind: str, detail: str = "", doc: str = "", cluster: str | None = None, *,
        stacked: bool = False, line: int = 1,
    ) -> str:  # fmt: skip
        key = f"n{len(self.boxes)}"
        self.boxes.append(Box(key, path, clean(label), clean(kind), detail, clean(doc), cluster, stacked, line))
        return key

    def cluster(
        self, path: str, label: str, kind: str, detail: str = "", doc: str = "", parent: str | None = None, *,
        node: bool = True, line: int = 1,
    ) -> str:  # fmt: skip
        key = f"c{len(self.clusters)}"
        self.clusters.append(Cluster(key, path, clean(label), clean(kind), detail, clean(doc), parent, node, line))
        return key

    def wire(self, source: str, target: str, kinds: tuple[WireKind, ...], label: str = "") -> str:
        key = f"e{len(self.wires)}"
        self.wires.append(Wire(key, source, target, kinds, label))
        return key

    def picture(self, name: str, version: str, *, collapsed: bool = False) -> Picture:
        return Picture(
            clean(name), clean(version), tuple(self.boxes), tuple(self.clusters), tuple(self.wires), collapsed,
            self.places, self.gates, self.states,
        )  # fmt: skip
