"""How large things have to be for their words. The numbers here and the drawing in `svg` belong together."""

from __future__ import annotations

from nbflow.notebook.render.dot import Sizes
from nbflow.notebook.render.lettering import fit, width
from nbflow.notebook.render.picture import Box, Cluster, Picture, Wire
from nbflow.notebook.render.places import Style

FULL, COMPACT = 200, 1500  # boxes up to which each style is used

LABEL, SMALL, TINY = 13.0, 11.0, 10.5  # font sizes
BOX_HIGH, BOX_LEFT, BOX_RIGHT, BOX_LEAST, BOX_MOST = 46.0, 46.0, 34.0, 126.0, 250.0
BADGE = 54.0  # beside the second line
COMPACT_HIGH, COMPACT_LEFT, COMPACT_RIGHT = 24.0, 9.0, 24.0
HEAD_HIGH, HEAD_LEFT, HEAD_RIGHT, HEAD_MOST = 26.0, 28.0, 84.0, 380.0
PILL_HIGH, PILL_PAD = 18.0, 7.0
DOT = 14.0  # initial states


def style_for(picture: Picture) -> Style:
    count = len(picture.boxes)
    return "full" if count <= FULL else "compact" if count <= COMPACT else "dense"


def sizes(picture: Picture, style: Style, direction: str) -> Sizes:
    """Sizes of all that is drawn, for one direction of flow."""
    measure = box_size if style == "full" else compact_size
    return Sizes(
        {box.key: measure(box) for box in picture.boxes},
        {cluster.key: head_size(cluster) for cluster in picture.clusters},
        {wire.key: pill_size(wire) for wire in picture.wires if wire.label},
        direction,
        apart=16.0 if style == "full" else 8.0,
        between=(48.0 if direction == "LR" else 36.0) if style == "full" else 26.0,
    )


def second_line(box: Box | Cluster) -> str:
    """What stands under the name when there is no news."""
    return box.detail or box.kind.replace("_", " ")


def box_size(box: Box) -> tuple[float, float]:
    if box.kind == "initial":
        return DOT, DOT
    text = max(width(box.label, LABEL, bold=True), width(second_line(box), SMALL) + BADGE - BOX_RIGHT)
    return round(min(max(BOX_LEFT + text + BOX_RIGHT, BOX_LEAST), BOX_MOST)), BOX_HIGH


def compact_size(box: Box) -> tuple[float, float]:
    if box.kind == "initial":
        return DOT, DOT
    return round(min(COMPACT_LEFT + width(box.label, SMALL) + COMPACT_RIGHT, BOX_MOST)), COMPACT_HIGH


def head_size(cluster: Cluster) -> tuple[float, float]:
    text = width(cluster.label, 12, bold=True) + (8 + width(cluster.detail, SMALL) if cluster.detail else 0)
    right = HEAD_RIGHT if cluster.node else 8.0
    return round(min(HEAD_LEFT + text + right, HEAD_MOST)), HEAD_HIGH


def pill_size(wire: Wire) -> tuple[float, float]:
    return round(width(fit(wire.label, TINY, 200), TINY) + 2 * PILL_PAD), PILL_HIGH + 4
