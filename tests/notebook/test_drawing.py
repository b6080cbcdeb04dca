"""What an author writes is words in every drawing, never markup; and drawing is fast, the same, and whole."""

from __future__ import annotations

import json
import re
import subprocess
import time
import xml.etree.ElementTree as ET
from dataclasses import replace
from html.parser import HTMLParser

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nbflow.notebook.render import dot, html, layout, mermaid, theme
from nbflow.notebook.render.layers import layered
from nbflow.notebook.render.lettering import fit_name, width
from nbflow.notebook.render.looks import PHASES, Look
from nbflow.notebook.render.measure import sizes
from nbflow.notebook.render.svg import svg
from tests.notebook.examples import GRAPH, ITEMS, MACHINE, chain, drawn, watched, wide

HOSTILE = [
    '"></text><script>alert(1)</script>', "<img src=x onerror=alert(1)>", "]]>", "&lt;b&gt;", "x\x00y\x1b[31m", "\ud800",
    "a\nb", '" label="<b>', "<<TABLE><TR><TD>x</TD></TR></TABLE>>", "\\N", "\\", '"];end', "]; evil [", "`$(touch x)`",
    "\u202eright to left", "名前 🎈 é", "x" * 5000,
]  # fmt: skip
words = st.one_of(st.sampled_from(HOSTILE), st.text(max_size=60))


def written_with(word):
    """A picture in which every word of an author is this one."""
    from nbflow.notebook.render.lettering import clean

    drawing = drawn(GRAPH)
    word = clean(word) or "x"
    return replace(
        drawing,
        name=word,
        boxes=tuple(replace(box, label=word, detail=word, doc=word, path=word) for box in drawing.boxes),
        clusters=tuple(replace(cluster, label=word, detail=word, doc=word, path=word) for cluster in drawing.clusters),
        wires=tuple(replace(wire, label=word) if wire.label else wire for wire in drawing.wires),
    )


def tree(element):
    """The elements and attribute names, without words, places and widths."""
    return (element.tag, tuple(sorted(element.attrib)), tuple(tree(child) for child in element))


class Tags(HTMLParser):
    """The tags and attribute names of an HTML text, without words."""

    def __init__(self, text):
        super().__init__()
        self.found = []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.found.append((tag, tuple(sorted(name for name, _ in attrs))))

    def handle_endtag(self, tag):
        self.found.append(f"/{tag}")


def svg_of(drawing):
    return svg(
        drawing,
        layered(drawing, sizes(drawing, "full", "LR")),
        {box.key: Look("failed", drawing.name) for box in drawing.boxes},
    )


@settings(max_examples=60, deadline=None)
@given(words)
def test_any_word_gives_the_same_svg_tree_as_x(word):
    assert tree(ET.fromstring(svg_of(written_with(word)))) == tree(ET.fromstring(svg_of(written_with("x"))))


@settings(max_examples=60, deadline=None)
@given(words)
def test_any_word_gives_the_same_html_tags_as_x(word):
    found = [Tags(html.plain_graph(written_with(each))["text/html"]).found for each in (word, "x")]
    assert found[0] == found[1]


@settings(max_examples=12, deadline=None)
@given(words)
def test_any_word_gives_the_same_graph_as_x_in_dot(word):
    graphs = []
    for each in (word, "x"):
        source = dot.source(written_with(each)).encode()
        found = json.loads(subprocess.run(["dot", "-Tjson0"], input=source, capture_output=True, check=True).stdout)
        graphs.append(([item["name"] for item in found["objects"]], [(e["tail"], e["head"]) for e in found["edges"]]))
    assert graphs[0] == graphs[1]


@settings(max_examples=60, deadline=None)
@given(words)
def test_any_word_leaves_the_lines_of_mermaid_as_they_are(word):
    shapes = [re.sub(r'"[^"\n]*"', '""', mermaid.mermaid(written_with(each))) for each in (word, "x")]
    assert shapes[0] == shapes[1]


@settings(max_examples=30, deadline=None)
@given(words)
def test_the_layout_program_never_sees_a_word(word):
    drawing = written_with(word)
    skeleton = dot.skeleton(drawing, sizes(drawing, "full", "LR"))
    assert re.fullmatch(r"[A-Za-z0-9_ \t\n{}\[\]=\"<>/.,;:#-]*", skeleton)
    assert "script" not in skeleton


def test_results_and_errors_are_words_too():
    word = "<script>alert(1)</script>"
    watch = watched(f"nodes:\n  a: {{set: {{v: '{word}'}}}}\n")
    bundle = html.final(watch, word)
    assert "<script" not in bundle["text/html"]
    assert "<script" not in bundle["image/svg+xml"]
    assert word in bundle["text/plain"]


def test_the_final_bundle_needs_nothing_but_itself():
    bundle = html.final(watched(GRAPH), "20261124-1")
    assert set(bundle) == {"text/html", "image/svg+xml", "text/plain"}
    text = bundle["text/html"]
    assert '<img src="data:image/svg+xml;base64,' in text
    assert not re.search(r"<(script|svg|link|iframe|style)\b|https?://(?!www\.w3\.org)|\son\w+=", text)
    assert "<details" in text


def test_the_final_bundle_tells_outputs_and_nodes():
    bundle = html.final(watched(GRAPH), "20261124-1")
    assert "merge" in bundle["text/html"]
    assert "completed" in bundle["text/plain"]
    assert '{"text": "text"}' in bundle["text/plain"] or '"text": "text"' in bundle["text/plain"]


def test_every_phase_has_its_sign_and_its_class():
    drawing = drawn("nodes: {a: {set: {v: 1}}}")
    signs = set()
    for phase in PHASES:
        root = ET.fromstring(svg(drawing, layout.layout(drawing), {"n0": Look(phase)}))
        group = next(each for each in root.iter(f"{{{root.tag[1:].partition('}')[0]}}}g") if each.get("id") == "n0")
        assert f"p-{phase}" in group.get("class").split()
        signs.add(next(each.get("d") for each in group.iter() if each.get("class") == "sign"))
    assert len(signs) >= 8  # held, paused and suspended share theirs


def test_light_and_dark_are_both_in_a_standing_picture():
    text = svg(drawn(GRAPH), layout.layout(drawn(GRAPH)))
    assert "prefers-color-scheme:dark" in text
    for name in ("card", "text", "green"):
        assert theme.light(name) in text
        assert theme.dark(name) in text


@pytest.mark.parametrize("name", ["text", "muted", "blue", "green", "red", "amber", "violet"])
@pytest.mark.parametrize("scheme", [theme.light, theme.dark])
def test_words_can_be_read_on_their_ground(name, scheme):
    grounds = ["card", "panel", *([f"{name}-tint"] if f"{name}-tint" in theme.TOKENS else [])]
    for ground in grounds:
        assert contrast(scheme(name), scheme(ground)) >= 3.6, (name, ground)


def contrast(one, other):
    """The contrast of WCAG 2."""

    def light(colour):
        parts = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
        red, green, blue = [part / 12.92 if part <= 0.03928 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
        return 0.2126 * red + 0.7152 * green + 0.0722 * blue

    brighter, darker = sorted((light(one), light(other)), reverse=True)
    return (brighter + 0.05) / (darker + 0.05)


# --- layout ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("text", [GRAPH, ITEMS, MACHINE])
def test_everything_has_a_place_and_boxes_do_not_overlap(text):
    drawing = drawn(text)
    place = layout.layout(drawing)
    assert set(place.boxes) == {box.key for box in drawing.boxes}
    assert set(place.wires) == {wire.key for wire in drawing.wires}
    boxes = list(place.boxes.values())
    for number, one in enumerate(boxes):
        for other in boxes[number + 1 :]:
            assert one.right <= other.x or other.right <= one.x or one.bottom <= other.y or other.bottom <= one.y


@pytest.mark.parametrize("text", [GRAPH, ITEMS])
def test_a_frame_is_around_what_is_in_it(text):
    drawing = drawn(text)
    place = layout.layout(drawing)
    for box in drawing.boxes:
        if box.cluster is not None:
            inner, outer = place.boxes[box.key], place.clusters[box.cluster]
            assert outer.x <= inner.x
            assert outer.y <= inner.y
            assert inner.right <= outer.right
            assert inner.bottom <= outer.bottom


def test_where_there_is_no_dot_the_same_program_runs_as_webassembly(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    drawing = drawn(ITEMS)
    layout._kept.clear()
    place = layout.layout(drawing)
    layout._kept.clear()
    assert set(place.wires) == {wire.key for wire in drawing.wires}
    assert set(place.clusters) == {cluster.key for cluster in drawing.clusters}


def test_where_there_is_neither_the_picture_is_in_plain_layers(monkeypatch):
    monkeypatch.setattr(layout, "_run", lambda skeleton: None)
    drawing = drawn(GRAPH)
    layout._kept.clear()
    place = layout.layout(drawing)
    layout._kept.clear()
    assert set(place.boxes) == {box.key for box in drawing.boxes}
    assert place.clusters


def test_a_layout_is_made_once():
    first = layout.layout(drawn(GRAPH))
    assert layout.layout(drawn(GRAPH)) is first


def test_a_deep_graph_goes_down_and_a_wide_one_across():
    deep, broad = layout.layout(drawn(chain(14))), layout.layout(drawn(wide(60)))
    assert deep.height > deep.width
    assert broad.height > broad.width / 3


def test_thousands_are_a_field_of_squares():
    drawing = drawn(chain(2000))
    place = layout.layout(drawing)
    assert place.style == "dense"
    assert len(ET.fromstring(svg(drawing, place)).findall(".//{*}g")) == 2000


def test_a_thousand_nodes_are_drawn_in_two_seconds():
    drawing = drawn(wide(1000))
    layout._kept.clear()
    began = time.perf_counter()
    text = svg(drawing, layout.layout(drawing))
    assert time.perf_counter() - began < 2.0
    assert len(text) < 1_000_000


def test_a_thousand_nodes_with_long_wires_are_drawn_in_two_seconds():
    long = "".join(f"  n{n}: {{set: {{v: =n{n - 1}.v}}, needs: n{max(0, n - 7)}}}\n" for n in range(1, 1000))
    drawing = drawn(f"name: long\nnodes:\n  n0: {{set: {{v: 1}}}}\n{long}")
    layout._kept.clear()
    began = time.perf_counter()
    text = svg(drawing, layout.layout(drawing))
    assert time.perf_counter() - began < 2.0
    assert text.count('class="nbf-node') == 1000


def test_dot_for_people_has_the_words():
    source = dot.source(drawn(GRAPH))
    assert "good_enough" in source
    assert "critic.score >= inputs.threshold" in source


def test_mermaid_has_frames_and_gates():
    text = mermaid.mermaid(drawn(GRAPH))
    assert text.startswith("flowchart LR\n")
    assert "subgraph c0" in text
    assert "==>" in text


@pytest.mark.parametrize("room", [20.0, 60.0, 150.0, 400.0])
def test_a_long_name_is_cut_in_its_middle_so_that_its_end_is_seen(room):
    names = [fit_name(f"extract_the_relevant_passages_of_document_number_{i}", 13.0, room, bold=True) for i in (1, 2)]
    assert all(width(name, 13.0, bold=True) <= room for name in names)
    assert room < 60 or (names[0] != names[1] and names[0].startswith("ex"))


def test_an_error_takes_the_room_of_the_time_in_a_narrow_box():
    drawing = drawn("name: x\nnodes: {a: {set: {v: 1}}, b: {set: {v: =a.v}}}")
    place, (a, b) = layout.layout(drawing), (box.key for box in drawing.boxes)
    looks = {a: Look("failed", "ValueError: no row", "234 ms"), b: Look("completed", "", "234 ms")}
    text = svg(drawing, place, looks)
    assert text.count(">234 ms<") == 1
    assert ">ValueErr" in text
