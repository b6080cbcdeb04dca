"""A plan becomes a picture: what is a box, a frame, a wire, and what they say."""

from __future__ import annotations

import re

import pytest

from nbflow.notebook.render.extract import picture
from nbflow.plan.workflow import parse
from tests.notebook.examples import GRAPH, ITEMS, MACHINE, chain, drawn


def by_label(drawing):
    return {item.label: item for item in (*drawing.boxes, *drawing.clusters)}


def test_nodes_are_boxes_and_bodies_are_frames_around_theirs():
    drawing = drawn(GRAPH)
    items = by_label(drawing)
    assert {box.label for box in drawing.boxes} >= {"fetch", "analyst", "critic", "good_enough", "rewrite", "merge"}
    refine = items["refine"]
    assert refine in drawing.clusters
    assert items["rewrite"].cluster == items["scored"].cluster == refine.key
    assert refine.detail == "until loop.index >= 1 · at most 3"


def test_keys_are_letters_digits_and_underscores_and_unique():
    drawing = drawn(ITEMS)
    keys = [item.key for item in (*drawing.boxes, *drawing.clusters, *drawing.wires)]
    assert len(set(keys)) == len(keys)
    assert all(re.fullmatch(r"[A-Za-z0-9_]+", key) for key in keys)


def test_the_same_plan_gives_the_same_keys():
    assert drawn(GRAPH) == drawn(GRAPH)


def test_a_wire_says_its_kinds_and_a_gate_its_condition():
    drawing = drawn(GRAPH)
    names = {item.key: item.label for item in (*drawing.boxes, *drawing.clusters)}
    wires = {(names[wire.source], names[wire.target]): wire for wire in drawing.wires}
    assert wires["fetch", "analyst"].kind == "data"
    assert wires["analyst", "good_enough"].kind == "order"
    assert wires["good_enough", "merge"].label == "critic.score >= inputs.threshold"
    assert wires["good_enough", "refine"].label == "else"
    assert wires["good_enough", "refine"].kind == "gate"


def test_places_find_a_box_by_its_path_without_rounds():
    drawing = drawn(ITEMS)
    boxes = {box.key: box for box in drawing.boxes}
    assert boxes[drawing.places["each.double"]].label == "double"
    assert boxes[drawing.places["both.right.r1"]].label == "r1"


def test_branches_have_frames_of_their_own():
    drawing = drawn(ITEMS)
    branches = {cluster.label: cluster for cluster in drawing.clusters if cluster.kind == "branch"}
    assert set(branches) == {"left", "right"}
    assert not branches["left"].node


def test_on_error_stands_apart():
    frame = next(cluster for cluster in drawn(GRAPH).clusters if cluster.kind == "on_error")
    assert not frame.node
    assert any(box.cluster == frame.key for box in drawn(GRAPH).boxes)


def test_compensations_hang_on_their_node():
    drawing = drawn("nodes:\n  book: {set: {v: 1}, compensate: {set: {v: 0}}}\n  pay: {needs: [book], set: {v: 1}}\n")
    undo = [wire for wire in drawing.wires if wire.kind == "undo"]
    assert len(undo) == 1
    assert undo[0].source == drawing.places["book"]


def test_bodies_of_a_large_workflow_are_stacked_boxes():
    drawing = picture(parse(GRAPH).plan, largest=3)
    assert drawing.collapsed
    refine = next(box for box in drawing.boxes if box.label == "refine")
    assert refine.stacked
    assert "refine.rewrite" not in drawing.places


def test_a_thousand_nodes_stay_open():
    assert not drawn(chain(1000)).collapsed


def test_a_statechart_is_drawn_as_one():
    drawing = drawn(MACHINE)
    items = by_label(drawing)
    assert items["green"] in drawing.clusters
    assert items["steady"].cluster == items["green"].key
    assert items["failed"].kind == "final"
    starts = [box for box in drawing.boxes if box.kind == "initial"]
    assert len(starts) == 2  # of the machine and of green
    labels = {wire.label for wire in drawing.wires}
    assert {"go", "after 10 min", "soon", "stop [ctx.round < 3]"} <= labels
    assert drawing.states["machine"]["red"] == items["red"].key
    assert "any state" not in items


def test_what_holds_in_every_state_of_a_machine_is_drawn():
    drawing = drawn("machine: {initial: a, events: {stop: z, note: {assign: {n: 1}}}, states: {a: {}, z: final}}")
    items = by_label(drawing)
    [wire] = [wire for wire in drawing.wires if wire.source == items["any state"].key]
    assert (wire.target, wire.label) == (items["z"].key, "stop")


@pytest.mark.parametrize(
    ("join", "says"), [("active", "any live"), ("first", "first"), ("{n: 2}", "first 2"), ("race", "race")]
)
def test_a_box_says_its_join(join, says):
    text = (
        f"nodes:\n  a: {{set: {{v: 1}}}}\n  b: {{set: {{v: 1}}}}\n  c: {{needs: [a, b], join: {join}, set: {{v: 1}}}}\n"
    )
    assert by_label(drawn(text))["c"].detail.endswith(says)
