"""The picture that stays in the notebook: an image, a table, the outputs. No scripts and nothing to load, so that it is
shown the same when the notebook is not trusted, has no kernel, or became a web page.
"""

from __future__ import annotations

import base64
import xml.etree.ElementTree as ET
from collections.abc import Iterable, Mapping
from itertools import islice

from nbflow.notebook.render import summary
from nbflow.notebook.render.layout import layout
from nbflow.notebook.render.lettering import clean, seconds
from nbflow.notebook.render.looks import Look, glyph
from nbflow.notebook.render.picture import Picture
from nbflow.notebook.render.places import Layout
from nbflow.notebook.render.svg import svg
from nbflow.notebook.render.theme import HUES, SANS
from nbflow.notebook.render.watch import Watch

HEAVY = 400_000  # characters of an SVG; above it the bundle holds it once, not twice
SIGNS = {"blue": "#2f6fed", "green": "#2e9e6b", "red": "#dd4a61", "amber": "#c98a14", "violet": "#7f63ea"}
CELL = "padding:3px 14px 3px 0;text-align:left;vertical-align:top;border:0;white-space:nowrap"
SOFT = "opacity:.68"

Bundle = dict[str, str]


def final(watch: Watch, execution: str, now: float | None = None, place: Layout | None = None) -> Bundle:
    """The mime bundle of an execution: `text/html`, `image/svg+xml`, `text/plain`."""
    place = place or layout(watch.picture)
    drawing = svg(watch.picture, place, watch.looks(), watch.wires)
    root = frame()
    _headline(root, watch, execution, now)
    image(root, drawing, place, summary.headline(watch, execution, now))
    _details(root, watch)
    return bundle(root, drawing, summary.text(watch, execution, now))


def plain_graph(picture: Picture, looks: Mapping[str, Look] | None = None) -> Bundle:
    """The mime bundle of a workflow that does not run."""
    place = layout(picture)
    drawing = svg(picture, place, looks)
    root, words = frame(), f"{picture.name} {picture.version} · {len(picture.boxes)} nodes"
    line = add(root, "div", "", "margin:2px 0 8px")
    add(line, "strong", picture.name)
    add(line, "span", f" {picture.version} · {len(picture.boxes)} nodes", SOFT)
    image(root, drawing, place, words)
    return bundle(root, drawing, words)


def bundle(root: ET.Element, drawing: str, words: str) -> Bundle:
    """HTML, the picture by itself (unless it is very large), and text."""
    text = ET.tostring(root, encoding="unicode", short_empty_elements=False).replace("></img>", ">")
    found = {"text/html": text, "text/plain": words}
    return found if len(drawing) > HEAVY else {**found, "image/svg+xml": drawing}


def frame() -> ET.Element:
    """The element that everything stands in."""
    return ET.Element("div", {"class": "nbflow-final", "style": f"font-family:{SANS};font-size:13px;line-height:1.5"})


def _headline(root: ET.Element, watch: Watch, execution: str, now: float | None) -> None:
    state = watch.state
    line = add(root, "div", "", "margin:2px 0 8px")
    add(line, "span", glyph(state.phase), f"color:{_sign(state.phase)};font-weight:700")
    add(line, "strong", f" {clean(state.workflow)} ")
    took = summary.elapsed(state, now)
    facts = [
        state.phase,
        summary.progress(watch),
        *([seconds(took)] if took is not None else []),
        *summary.usage(watch),
        *summary.as_of(state, now),
    ]
    add(line, "span", f"{' · '.join(facts)} · ", SOFT)
    add(line, "code", clean(execution), f"{SOFT};font-size:11px;background:none")
    if failed := summary.failure(state):
        add(root, "div", f"✗ {failed}", f"color:{SIGNS['red']};margin:-4px 0 8px;white-space:pre-wrap")


def image(root: ET.Element, drawing: str, place: Layout, words: str) -> None:
    """The picture as an image that any front end shows; `words` for who cannot see it."""
    encoded = base64.b64encode(drawing.encode()).decode()
    style = "max-width:100%;height:auto;display:block;margin:0"
    attributes = {
        "src": f"data:image/svg+xml;base64,{encoded}",
        "alt": words,
        "width": f"{place.width:.0f}",
        "style": style,
    }
    ET.SubElement(root, "img", attributes)


def _details(root: ET.Element, watch: Watch) -> None:
    fold = add(root, "details", "", "margin:8px 0 0")
    total = len(watch.state.nodes)
    add(fold, "summary", "nodes and outputs", f"cursor:pointer;{SOFT}")
    table = add(fold, "table", "", "border-collapse:collapse;margin:6px 0;font-size:12px")
    head = add(table, "tr")
    for title in ("", "node", "kind", "attempts", "took", "result"):
        add(head, "th", title, f"{CELL};{SOFT};font-weight:500")
    for row in islice(summary.rows(watch), summary.ROWS):
        _row(table, row)
    if total > summary.ROWS:
        add(fold, "div", f"and {total - summary.ROWS:,} more nodes", SOFT)
    if watch.state.outputs:
        add(fold, "div", "outputs", f"{SOFT};margin:6px 0 2px")
        add(
            fold,
            "pre",
            summary.pretty(watch.state.outputs),
            "margin:0;font-size:12px;white-space:pre-wrap;background:none",
        )


def _row(table: ET.Element, row: summary.Row) -> None:
    line = add(table, "tr", "", "background:none")
    add(line, "td", f"{glyph(row.phase)} {row.phase}", f"{CELL};color:{_sign(row.phase)}")
    add(line, "td", row.path, f"{CELL};font-weight:600")
    for words in (row.kind, row.attempts, row.took):
        add(line, "td", words, f"{CELL};{SOFT}")
    add(line, "td", row.says, f"{CELL};white-space:normal;max-width:640px;overflow-wrap:anywhere")


def _sign(phase: str) -> str:
    hue = HUES.get(phase)
    return SIGNS[hue] if hue else "inherit"


def line(table: ET.Element, cells: Iterable[str], *, head: bool = False) -> None:
    """A row of a table."""
    row = add(table, "tr", "", "background:none")
    style = (
        f"{CELL};{SOFT};font-weight:500"
        if head
        else f"{CELL};white-space:normal;max-width:380px;overflow-wrap:anywhere"
    )
    for cell in cells:
        add(row, "th" if head else "td", cell, style)


def add(parent: ET.Element, tag: str, words: str = "", style: str = "") -> ET.Element:
    element = ET.SubElement(parent, tag, {"style": style} if style else {})
    element.text = words
    return element
