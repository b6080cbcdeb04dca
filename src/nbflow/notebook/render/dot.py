"""A picture as DOT, through the graphviz package. Two forms of the same graph.

`source` is for people: labels are the author's words, escaped, so that no word can end a label or begin
markup. `skeleton` is for the layout program: sizes and keys only, no word of an author at all.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from nbflow.notebook.render.lettering import clean
from nbflow.notebook.render.picture import Box, Cluster, Picture, Wire

if TYPE_CHECKING:
    from graphviz import Digraph

POINTS = 72.0
STYLE = {"data": "solid", "order": "dashed", "gate": "bold", "undo": "dotted", "transition": "solid"}
SHAPES = {"switch": "diamond", "ask": "note", "machine": "doubleoctagon", "final": "doublecircle", "initial": "point"}


@dataclass(frozen=True, slots=True)
class Sizes:
    """Width and height in pixels of boxes, cluster heads and wire labels, by key; and the direction."""

    boxes: dict[str, tuple[float, float]]
    heads: dict[str, tuple[float, float]]
    labels: dict[str, tuple[float, float]]
    direction: str = "LR"
    apart: float = 14.0  # between boxes of one rank
    between: float = 40.0  # between ranks


def source(picture: Picture, *, direction: str = "LR") -> str:
    """DOT that a person can read and any Graphviz can draw."""
    graph = _graph(direction)
    graph.attr(label=_quoted(picture.name), labelloc="t", fontname="Helvetica", fontsize="14", nodesep="0.25")
    graph.attr("node", shape="box", style="rounded", fontname="Helvetica", fontsize="11", margin="0.15,0.08")
    graph.attr("edge", fontname="Helvetica", fontsize="9", color="#667085", arrowsize="0.7")
    _fill(graph, picture, _Worded())
    return str(graph.source)


def skeleton(picture: Picture, sizes: Sizes) -> str:
    """DOT for the layout: nothing in it but keys and sizes."""
    graph = _graph(sizes.direction)
    graph.attr(nodesep=_inches(sizes.apart), ranksep=_inches(sizes.between), fontsize="8", margin="0", pad="0")
    graph.attr("node", shape="box", fixedsize="true", label="")
    graph.attr("edge", arrowsize="0.6")
    _fill(graph, picture, _Measured(sizes))
    return str(graph.source)


def _graph(direction: str) -> Digraph:
    from graphviz import Digraph

    return Digraph("workflow", graph_attr={"rankdir": direction, "compound": "true"})


def _inches(pixels: float) -> str:
    return f"{pixels / POINTS:.4f}"


def _quoted(*lines: str) -> str:
    """Lines as one label: escaped, and never taken for markup."""
    from graphviz import escape, nohtml

    label: str = nohtml("\\n".join(escape(clean(line)) for line in lines))
    return label


class _Worded:
    """Attributes with the author's words."""

    def box(self, box: Box) -> dict[str, str]:
        words = [box.label, *([f"{box.kind}: {box.detail}" if box.detail else box.kind] if box.kind else [])]
        return {
            "id": box.key,
            "label": _quoted(*words),
            "tooltip": _quoted(box.doc or box.path),
            "shape": SHAPES.get(box.kind, "box3d" if box.stacked else "box"),
        }

    def cluster(self, cluster: Cluster) -> dict[str, str]:
        words = " ".join(word for word in (cluster.label, cluster.kind if cluster.node else "", cluster.detail) if word)
        return {
            "id": cluster.key,
            "label": _quoted(words),
            "style": "rounded",
            "color": "#98a2b3",
            "fontsize": "10",
            "labelloc": "t",
        }

    def wire(self, wire: Wire) -> dict[str, str]:
        words = {"label": _quoted(wire.label)} if wire.label else {}
        return {"id": wire.key, "style": STYLE[wire.kind], **words}


class _Measured:
    """Attributes with sizes alone."""

    def __init__(self, sizes: Sizes) -> None:
        self.sizes = sizes

    def box(self, box: Box) -> dict[str, str]:
        wide, high = self.sizes.boxes[box.key]
        return {"width": _inches(wide), "height": _inches(high)}

    def cluster(self, cluster: Cluster) -> dict[str, str]:
        return {"label": _blank(self.sizes.heads[cluster.key]), "labelloc": "t", "margin": "16"}

    def wire(self, wire: Wire) -> dict[str, str]:
        size = self.sizes.labels.get(wire.key)
        tail, head = ("e", "w") if self.sizes.direction == "LR" else ("s", "n")
        ports = {} if wire.kind == "transition" else {"tailport": tail, "headport": head}
        return {"label": _blank(size), **ports} if size else ports


def _blank(size: tuple[float, float]) -> str:
    wide, high = size
    return (
        f'<<TABLE BORDER="0" CELLBORDER="0" CELLPADDING="0" CELLSPACING="0" FIXEDSIZE="TRUE" '
        f'WIDTH="{wide:.0f}" HEIGHT="{high:.0f}"><TR><TD></TD></TR></TABLE>>'
    )


def _fill(graph: Digraph, picture: Picture, writer: _Worded | _Measured) -> None:
    inside: dict[str | None, list[Box]] = {}
    for box in picture.boxes:
        inside.setdefault(box.cluster, []).append(box)
    nested: dict[str | None, list[Cluster]] = {}
    for cluster in picture.clusters:
        nested.setdefault(cluster.parent, []).append(cluster)
    _draw(graph, None, inside, nested, writer)
    ends = Ends(picture)
    for wire in picture.wires:
        _connect(graph, wire, ends, writer.wire(wire))


def _draw(
    graph: Any,
    parent: str | None,
    inside: dict[str | None, list[Box]],
    nested: dict[str | None, list[Cluster]],
    writer: _Worded | _Measured,
) -> None:
    for box in inside.get(parent, ()):
        graph.node(box.key, **writer.box(box))
    for cluster in nested.get(parent, ()):
        with graph.subgraph(name=f"cluster_{cluster.key}") as frame:
            frame.attr(**writer.cluster(cluster))
            _draw(frame, cluster.key, inside, nested, writer)


class Ends:
    """Where a wire to or from a cluster is fastened: at a first or last box inside; it is cut at the frame."""

    def __init__(self, picture: Picture) -> None:
        self.boxes = {box.key: box for box in picture.boxes}
        self.parents = {cluster.key: cluster.parent for cluster in picture.clusters}
        depth, sources = _depths(picture)
        self.first: dict[str, str] = {}
        self.last: dict[str, str] = {}
        for box in picture.boxes:
            key = box.key
            for cluster in self._around(box.cluster):
                if cluster not in self.first or depth[key] < depth[self.first[cluster]]:
                    self.first[cluster] = key
                last = self.last.setdefault(cluster, key)
                if (key not in sources, depth[key]) >= (last not in sources, depth[last]):
                    self.last[cluster] = key

    def _around(self, cluster: str | None) -> list[str]:
        around = []
        while cluster is not None:
            around.append(cluster)
            cluster = self.parents[cluster]
        return around

    def tail(self, key: str) -> str | None:
        return key if key in self.boxes else self.last.get(key)

    def head(self, key: str) -> str | None:
        return key if key in self.boxes else self.first.get(key)

    def contains(self, cluster: str, key: str) -> bool:
        """Whether a box or cluster stands inside a cluster."""
        parent = self.boxes[key].cluster if key in self.boxes else self.parents[key]
        return cluster in self._around(parent)


def _depths(picture: Picture) -> tuple[dict[str, int], set[str]]:
    """How far a box is from the first of its body (wires mostly follow the order written), and who has wires out."""
    depth = {box.key: 0 for box in picture.boxes}
    for wire in picture.wires:
        if wire.source in depth and wire.target in depth:
            depth[wire.target] = max(depth[wire.target], depth[wire.source] + 1)
    return depth, {wire.source for wire in picture.wires}


def _connect(graph: Any, wire: Wire, ends: Ends, attributes: dict[str, str]) -> None:
    tail, head = ends.tail(wire.source), ends.head(wire.target)
    if tail is None or head is None:
        return
    if tail != wire.source and not ends.contains(wire.source, wire.target):
        attributes["ltail"] = f"cluster_{wire.source}"
    if head != wire.target and not ends.contains(wire.target, wire.source):
        attributes["lhead"] = f"cluster_{wire.target}"
    graph.edge(tail, head, **{"id": wire.key, **attributes})
