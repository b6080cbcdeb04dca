"""Layers by longest path: how deep and how wide a picture is, and a plain layout where nothing better is at hand."""

from __future__ import annotations

from nbflow.notebook.render.dot import Ends, Sizes
from nbflow.notebook.render.picture import Cluster, Picture
from nbflow.notebook.render.places import Curve, Layout, Point, Rect, Style

CELL, TALL = 12.0, 50  # of the dense form: pixels a node, nodes a column
EDGE = 14.0  # around a cluster


def levels(picture: Picture) -> dict[str, int]:
    """The layer of every box. Wires that would go back (a statechart has them) are left out."""
    ends = Ends(picture)
    out: dict[str, list[str]] = {box.key: [] for box in picture.boxes}
    missing = dict.fromkeys(out, 0)
    for tail, head in _forward(picture, ends):
        out[tail].append(head)
        missing[head] += 1
    level = dict.fromkeys(out, 0)
    ready = [key for key, count in missing.items() if not count]
    for key in ready:
        for head in out[key]:
            level[head] = max(level[head], level[key] + 1)
            missing[head] -= 1
            if not missing[head]:
                ready.append(head)
    return level


def _forward(picture: Picture, ends: Ends) -> list[tuple[str, str]]:
    order = {box.key: place for place, box in enumerate(picture.boxes)}
    cyclic = any(wire.kind == "transition" for wire in picture.wires)
    pairs = ((ends.tail(wire.source), ends.head(wire.target)) for wire in picture.wires)
    return [
        (tail, head) for tail, head in pairs
        if tail is not None and head is not None and tail != head and not (cyclic and order[head] < order[tail])
    ]  # fmt: skip


def spanned(picture: Picture) -> int:
    """How many layers the wires cross, all together; a layout by ranks pays for each."""
    level, ends = levels(picture), Ends(picture)
    return sum(max(level[head] - level[tail] - 1, 0) for tail, head in _forward(picture, ends))


def direction(picture: Picture, wide: float, high: float) -> str:
    """Left to right or top to bottom, whichever fits an output cell at the larger scale."""
    count: dict[int, int] = {}
    for level in levels(picture).values():
        count[level] = count.get(level, 0) + 1
    if not count:
        return "LR"
    depth, widest = max(count) + 1, max(count.values())
    across = min(1.0, 1000 / (depth * (wide + 44)), 620 / (widest * (high + 16)))
    down = min(1.0, 1000 / (widest * (wide + 16)), 620 / (depth * (high + 44)))
    return "LR" if across >= down * 0.9 else "TB"


def layered(picture: Picture, sizes: Sizes) -> Layout:
    """Boxes in columns by layer, wires as plain curves."""
    columns: dict[int, list[str]] = {}
    for key, level in levels(picture).items():
        columns.setdefault(level, []).append(key)
    boxes: dict[str, Rect] = {}
    x = EDGE
    for level in sorted(columns):
        y, widest = 2 * EDGE, 0.0
        for key in columns[level]:
            wide, high = sizes.boxes[key]
            boxes[key] = Rect(x, y, wide, high)
            y, widest = y + high + 2 * EDGE, max(widest, wide)
        x += widest + 60
    return _finish(picture, boxes, _curves(picture, boxes), "full")


def dense(picture: Picture) -> Layout:
    """A small square for every node, layer by layer, without wires: what is left to see of thousands."""
    columns: dict[int, list[str]] = {}
    for key, level in levels(picture).items():
        columns.setdefault(level, []).append(key)
    boxes: dict[str, Rect] = {}
    x = EDGE
    for level in sorted(columns):
        keys = columns[level]
        for place, key in enumerate(keys):
            boxes[key] = Rect(x + place // TALL * CELL, EDGE + place % TALL * CELL, CELL - 2, CELL - 2)
        x += (1 + (len(keys) - 1) // TALL) * CELL + CELL
    layout = _finish(picture, boxes, {}, "dense")
    return Layout(layout.width, layout.height, boxes, {}, {}, {}, "dense")


def _curves(picture: Picture, boxes: dict[str, Rect]) -> dict[str, Curve]:
    ends, curves = Ends(picture), {}
    for wire in picture.wires:
        tail, head = ends.tail(wire.source), ends.head(wire.target)
        if tail is None or head is None:
            continue
        start: Point = (boxes[tail].right, boxes[tail].y + boxes[tail].height / 2)
        tip: Point = (boxes[head].x, boxes[head].y + boxes[head].height / 2)
        middle = (start[0] + tip[0]) / 2
        curves[wire.key] = Curve((start, (middle, start[1]), (middle, tip[1]), (tip[0] - 7, tip[1])), tip)
    return curves


def _finish(picture: Picture, boxes: dict[str, Rect], curves: dict[str, Curve], style: Style) -> Layout:
    clusters: dict[str, Rect] = {}
    for cluster in reversed(picture.clusters):  # inner ones come later, so they are known first
        inside = _inside(picture, cluster, boxes, clusters)
        if inside:
            clusters[cluster.key] = _around(inside)
    labels = {
        wire.key: _middle(curves[wire.key]) for wire in picture.wires if wire.label and wire.key in curves
    }  # fmt: skip
    everything = [*boxes.values(), *clusters.values()]
    wide = max((rect.right for rect in everything), default=0.0) + EDGE
    high = max((rect.bottom for rect in everything), default=0.0) + EDGE
    return Layout(wide, high, boxes, clusters, curves, labels, style)


def _inside(picture: Picture, cluster: Cluster, boxes: dict[str, Rect], clusters: dict[str, Rect]) -> list[Rect]:
    inside = [boxes[box.key] for box in picture.boxes if box.cluster == cluster.key]
    return inside + [
        clusters[inner.key] for inner in picture.clusters if inner.parent == cluster.key and inner.key in clusters
    ]


def _around(rects: list[Rect]) -> Rect:
    x, y = min(rect.x for rect in rects) - EDGE / 2, min(rect.y for rect in rects) - 26
    right, bottom = max(rect.right for rect in rects) + EDGE / 2, max(rect.bottom for rect in rects) + EDGE / 2
    return Rect(x, y, right - x, bottom - y)


def _middle(curve: Curve) -> Rect:
    (x, y), (tip_x, tip_y) = curve.points[0], curve.tip
    return Rect((x + tip_x) / 2 - 1, (y + tip_y) / 2 - 1, 2, 2)
