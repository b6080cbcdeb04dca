"""A laid-out picture as SVG, built as a tree: an author's words are text or attribute values and nothing else.

`paint` colours it by looks. The same tree is the live view's first picture (its classes are then changed in
the browser) and the static picture of a saved notebook.
"""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections.abc import Mapping

from nbflow.notebook.render import icons, theme
from nbflow.notebook.render.lettering import clean, fit, fit_name, width
from nbflow.notebook.render.looks import PENDING, Look
from nbflow.notebook.render.measure import BADGE, BOX_LEFT, LABEL, SMALL, TINY, second_line
from nbflow.notebook.render.picture import Box, Cluster, Picture, Wire
from nbflow.notebook.render.places import Curve, Layout, Rect

SVG = "http://www.w3.org/2000/svg"
Wires = Mapping[str, str]  # wire key → "live" or "dead"


def svg(
    picture: Picture,
    layout: Layout,
    looks: Mapping[str, Look] | None = None,
    wires: Wires | None = None,
    *,
    standing: bool = True,
) -> str:
    """The picture as one SVG element. `standing` ones carry their own colours and ground."""
    return ET.tostring(_Drawing(picture, layout, looks or {}, wires or {}, standing).root(), encoding="unicode")


class _Drawing:
    def __init__(
        self, picture: Picture, layout: Layout, looks: Mapping[str, Look], wires: Wires, standing: bool
    ) -> None:
        self.picture, self.layout, self.looks, self.wires, self.standing = picture, layout, looks, wires, standing

    def root(self) -> ET.Element:
        wide, high = self.layout.width, self.layout.height
        root = ET.Element(
            "svg",
            {
                "xmlns": SVG,
                "class": f"nbf nbf-{self.layout.style}",
                "role": "img",
                "width": _number(wide),
                "height": _number(high),
                "viewBox": f"0 0 {_number(wide)} {_number(high)}",
            },
        )
        _text(root, "title", f"workflow {self.picture.name}")
        if self.standing:
            _text(root, "style", theme.standing())
            ground = Rect(0.5, 0.5, wide - 1, high - 1)
            _rect(root, ground, "bg", 10)
        self.draw(root)
        return root

    def draw(self, root: ET.Element) -> None:
        for cluster in self.picture.clusters:
            if cluster.key in self.layout.clusters:
                self.cluster(root, cluster, self.layout.clusters[cluster.key])
        for wire in self.picture.wires:
            if wire.key in self.layout.wires:
                self.wire(root, wire, self.layout.wires[wire.key])
        for wire in self.picture.wires:
            if wire.key in self.layout.labels:
                self.pill(root, wire, self.layout.labels[wire.key])
        for box in self.picture.boxes:
            self.box(root, box, self.layout.boxes[box.key])

    def look(self, key: str) -> Look:
        return self.looks.get(key, PENDING)

    # --- boxes -----------------------------------------------------------------------------------------

    def box(self, root: ET.Element, box: Box, place: Rect) -> None:
        look = self.look(box.key)
        group = ET.SubElement(root, "g", {"id": box.key, "class": f"nbf-node p-{look.phase}"})
        _text(group, "title", about(box, look))
        if box.kind == "initial":
            ET.SubElement(
                group, "circle", {"class": "dot", "cx": _number(place.x + 7), "cy": _number(place.y + 7), "r": "6"}
            )
        elif self.layout.style == "dense":
            _rect(group, place, "card", 2)
        elif self.layout.style == "compact":
            self.compact(group, box, look, place)
        else:
            self.full(group, box, look, place)

    def full(self, group: ET.Element, box: Box, look: Look, place: Rect) -> None:
        if box.stacked:
            for step in (6, 3):
                _rect(group, Rect(place.x + step, place.y + step, place.width, place.height), "card", 9)
        _rect(group, place, "card", 18 if box.kind in ("state", "final") else 9)
        _rect(group, Rect(place.x + 9, place.y + 9, 28, 28), "tile", 7)
        _icon(group, icons.kind(box.kind), place.x + 15, place.y + 15, "icon")
        x, y = place.x + BOX_LEFT, place.y
        _words(group, "name", x, y + 20, fit_name(box.label, LABEL, place.width - BOX_LEFT - 30, bold=True))
        _words(group, "note", x, y + 35.5, note_line(box, look, place))
        _mark(group, look.phase, place.right - 25, place.y + 7)
        _words(group, "badge", place.right - 9, y + 36, clean(look.badge) if badged(box, look, place) else "")

    def compact(self, group: ET.Element, box: Box, look: Look, place: Rect) -> None:
        _rect(group, place, "card", 6)
        _words(group, "name", place.x + 9, place.y + 16, fit_name(box.label, SMALL, place.width - 30))
        _mark(group, look.phase, place.right - 20, place.y + 4)

    # --- frames and wires ------------------------------------------------------------------------------

    def cluster(self, root: ET.Element, cluster: Cluster, place: Rect) -> None:
        look = self.look(cluster.key)
        kind = "frames nbf-node" if cluster.node else "frames"
        group = ET.SubElement(root, "g", {"id": cluster.key, "class": f"{kind} p-{look.phase}"})
        _text(group, "title", about(cluster, look))
        _rect(group, place, "frame", 12)
        _icon(group, icons.kind(cluster.kind), place.x + 10, place.y + 9, "icon")
        room = place.width - 34 - (60 if cluster.node else 0)
        words = _words(group, "head", place.x + 32, place.y + 21.5, fit_name(cluster.label, 12, room, bold=True))
        span = ET.SubElement(words, "tspan", {"class": "note", "dx": "8", "font-weight": "400"})
        span.text = note_line(cluster, look, place)
        if cluster.node:
            _mark(group, look.phase, place.right - 26, place.y + 9)
            _words(group, "badge", place.right - 31, place.y + 21, clean(look.badge))

    def wire(self, root: ET.Element, wire: Wire, curve: Curve) -> None:
        group = ET.SubElement(
            root, "g", {"id": wire.key, "class": f"nbf-wire w-{wire.kind} {self.wires.get(wire.key, '')}".rstrip()}
        )
        ET.SubElement(group, "path", {"class": "line", "d": _line(curve)})
        ET.SubElement(group, "path", {"class": "tip", "d": _arrow(curve)})

    def pill(self, root: ET.Element, wire: Wire, place: Rect) -> None:
        state = self.wires.get(wire.key, "")
        group = ET.SubElement(root, "g", {"id": f"{wire.key}l", "class": f"pill {state}".rstrip()})
        _text(group, "title", wire.label)
        wide = max(place.width - 2, 8.0)
        middle, y = place.x + place.width / 2, place.y + place.height / 2
        _rect(group, Rect(middle - wide / 2, y - 9, wide, 18), "", 9)
        _words(group, "", middle, y + 3.6, fit(wire.label, TINY, max(wide, 200.0)))


def about(item: Box | Cluster, look: Look) -> str:
    """One line on a node: what a pointer resting on it, or a screen reader, says."""
    words = [item.label, f"{item.kind} {item.detail}".strip(), look.phase, look.note, item.doc]
    return clean(" · ".join(word for word in words if word))


def badged(item: Box | Cluster, look: Look, place: Rect) -> bool:
    """Whether a node shows how long it took. In a box its words go first: an error needs the room."""
    if isinstance(item, Cluster) or look.since is not None or not look.note:
        return True
    return width(clean(look.note), SMALL) <= place.width - BOX_LEFT - (BADGE - 4)


def note_line(item: Box | Cluster, look: Look, place: Rect) -> str:
    """The second line of a box, or what stands beside a cluster's name, as long as there is room for it."""
    if isinstance(item, Cluster):
        room = place.width - 42 - (66 if item.node else 0) - width(item.label, 12, bold=True)
        return fit(clean(look.note or item.detail), SMALL, room) if room > 24 else ""
    timed = badged(item, look, place) and (look.badge or look.since is not None)
    room = place.width - BOX_LEFT - (BADGE - 4 if timed else 8)
    return fit(clean(look.note or second_line(item)), SMALL, room)


def _number(value: float) -> str:
    return f"{value:.1f}".rstrip("0").rstrip(".")


def _text(parent: ET.Element, tag: str, words: str) -> None:
    ET.SubElement(parent, tag).text = words


def _rect(parent: ET.Element, place: Rect, name: str, corner: float) -> None:
    attributes = {
        "x": _number(place.x),
        "y": _number(place.y),
        "width": _number(place.width),
        "height": _number(place.height),
        "rx": _number(corner),
    }
    ET.SubElement(parent, "rect", {"class": name, **attributes} if name else attributes)


def _icon(parent: ET.Element, path: str, x: float, y: float, name: str) -> None:
    ET.SubElement(parent, "path", {"class": name, "d": path, "transform": f"translate({_number(x)} {_number(y)})"})


def _words(parent: ET.Element, name: str, x: float, y: float, words: str) -> ET.Element:
    attributes = {"x": _number(x), "y": _number(y)}
    element = ET.SubElement(parent, "text", {"class": name, **attributes} if name else attributes)
    element.text = words
    return element


def _mark(parent: ET.Element, phase: str, x: float, y: float) -> None:
    group = ET.SubElement(parent, "g", {"class": "mark", "transform": f"translate({_number(x)} {_number(y)})"})
    ET.SubElement(group, "circle", {"class": "disc", "cx": "8", "cy": "8", "r": "6.6"})
    ET.SubElement(group, "path", {"class": "sign", "d": icons.phase(phase)})


def _line(curve: Curve) -> str:
    points = [f"{_number(x)} {_number(y)}" for x, y in curve.points]
    return f"M{points[0]}C" + " ".join(points[1:])


def _arrow(curve: Curve) -> str:
    (x, y), (tip_x, tip_y) = curve.points[-1], curve.tip
    long = ((tip_x - x) ** 2 + (tip_y - y) ** 2) ** 0.5 or 1.0
    ahead_x, ahead_y = (tip_x - x) / long, (tip_y - y) / long
    back_x, back_y = tip_x - 6.5 * ahead_x, tip_y - 6.5 * ahead_y
    left = f"{_number(back_x - 3.1 * ahead_y)} {_number(back_y + 3.1 * ahead_x)}"
    right = f"{_number(back_x + 3.1 * ahead_y)} {_number(back_y - 3.1 * ahead_x)}"
    return f"M{_number(tip_x)} {_number(tip_y)}L{left} {right}Z"
