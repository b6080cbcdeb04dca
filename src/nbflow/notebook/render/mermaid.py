"""A picture as Mermaid text. An author's words stand in quoted labels, with entities for what could end one."""

from __future__ import annotations

from collections.abc import Mapping

from nbflow.notebook.render import theme
from nbflow.notebook.render.lettering import clean
from nbflow.notebook.render.looks import Look, glyph
from nbflow.notebook.render.measure import second_line
from nbflow.notebook.render.picture import Box, Cluster, Picture

ARROWS = {"data": "-->", "order": "-.->", "gate": "==>", "undo": "-.->", "transition": "-->"}
SAFE = frozenset(" .,:+*/=_-()?!'%·")


def mermaid(picture: Picture, looks: Mapping[str, Look] | None = None, *, direction: str = "LR") -> str:
    """A `flowchart` that Mermaid (GitHub, GitLab, JupyterLab's Markdown) draws."""
    looks = looks or {}
    lines = [f"flowchart {direction}"]
    lines += _inside(picture, None, looks, 1)
    for wire in picture.wires:
        label = f"|{quoted(wire.label)}|" if wire.label else ""
        lines.append(f"  {wire.source} {ARROWS[wire.kind]}{label} {wire.target}")
    phases = sorted({look.phase for look in looks.values() if look.phase in theme.HUES})
    for phase in phases:
        hue = theme.HUES[phase]
        lines.append(
            f"  classDef {phase} fill:{theme.light(f'{hue}-tint')},"
            f"stroke:{theme.light(hue)},color:{theme.light('text')}"
        )
    for phase in phases:
        keys = ",".join(box.key for box in picture.boxes if box.key in looks and looks[box.key].phase == phase)
        lines += [f"  class {keys} {phase}"] if keys else []
    return "\n".join(lines) + "\n"


def _inside(picture: Picture, parent: str | None, looks: Mapping[str, Look], depth: int) -> list[str]:
    pad, lines = "  " * depth, []
    for box in picture.boxes:
        if box.cluster == parent:
            sign = f"{glyph(looks[box.key].phase)} " if box.key in looks else ""
            lines.append(f"{pad}{box.key}{_shape(box, f'{sign}{box.label}')}")
    for cluster in picture.clusters:
        if cluster.parent == parent:
            lines.append(f"{pad}subgraph {cluster.key}[{quoted(_title(cluster))}]")
            lines += _inside(picture, cluster.key, looks, depth + 1)
            lines.append(f"{pad}end")
    return lines


def _title(cluster: Cluster) -> str:
    return f"{cluster.label} · {cluster.detail}" if cluster.detail else cluster.label


def _shape(box: Box, label: str) -> str:
    words = quoted(f"{label} · {second_line(box)}")
    if box.kind == "switch":
        return f"{{{words}}}"
    if box.kind in ("state", "final", "initial"):
        return f"([{words}])"
    return f"[[{words}]]" if box.stacked else f"[{words}]"


def quoted(text: str) -> str:
    """A label in quotes; every sign that means something to Mermaid or HTML is written as its number."""
    return '"' + "".join(char if char.isalnum() or char in SAFE else _entity(char) for char in clean(text)) + '"'


def _entity(char: str) -> str:
    return char if ord(char) > 0x2000 else f"#{ord(char)};"
