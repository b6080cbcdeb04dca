"""Where things stand: pixels, from the top left. What every layout gives and every drawing takes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Point = tuple[float, float]
Style = Literal["full", "compact", "dense"]


@dataclass(frozen=True, slots=True)
class Rect:
    x: float
    y: float
    width: float
    height: float

    @property
    def right(self) -> float:
        return self.x + self.width

    @property
    def bottom(self) -> float:
        return self.y + self.height


@dataclass(frozen=True, slots=True)
class Curve:
    """A wire: a start and cubic Bézier pieces (three points each), then the tip of the arrow."""

    points: tuple[Point, ...]
    tip: Point


@dataclass(frozen=True, slots=True)
class Layout:
    """`labels` are the places of wire labels; `style` says how much a box has room for."""

    width: float
    height: float
    boxes: dict[str, Rect]
    clusters: dict[str, Rect]
    wires: dict[str, Curve]
    labels: dict[str, Rect]
    style: Style = "full"
