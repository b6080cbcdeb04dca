"""For random charts: a snapshot is all there is to know, JSON keeps it, and every configuration is a legal one."""

from __future__ import annotations

import json
from pathlib import Path
from xml.etree.ElementTree import fromstring

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from nbflow.execution.chart import begin, step
from tests.execution.random_charts import EVENTS, charts
from tests.scxml.reader import Reader

QUIET = {"deadline": None, "suppress_health_check": list(HealthCheck)}


def read(text):
    return Reader(Path()).document(fromstring(text)).chart


def legal(chart, snapshot):
    """One child of every active compound state, all of every active parallel, and nothing without its parent."""
    active = {chart.index[id] for id in snapshot["configuration"]}
    for number in active:
        state = chart.states[number]
        assert state.parent in active or state.parent == 0
        inside = [child for child in state.children if child in active]
        if state.kind == "compound":
            assert len(inside) == 1
        elif state.kind == "parallel":
            assert inside == list(state.children)
    assert len([child for child in chart.states[0].children if child in active]) == 1
    assert snapshot["configuration"] == [chart.states[number].id for number in sorted(active)]


@settings(max_examples=60, **QUIET)
@given(text=charts(), events=st.lists(st.sampled_from(EVENTS), max_size=8))
def test_a_snapshot_from_json_and_a_chart_read_again_go_on_alike(text, events):
    chart, again = read(text), read(text)
    snapshot = begin(chart).snapshot
    kept = json.dumps(begin(again).snapshot)
    for event in events:
        result = step(chart, snapshot, {"name": event}, 0.0)
        other = step(again, json.loads(kept), {"name": event}, 0.0)
        assert result == other
        assert json.loads(json.dumps(result.snapshot)) == result.snapshot
        snapshot, kept = result.snapshot, json.dumps(other.snapshot)
        legal(chart, snapshot)


@settings(max_examples=40, **QUIET)
@given(text=charts(), events=st.lists(st.sampled_from(EVENTS), max_size=8), cut=st.integers(0, 8))
def test_the_snapshot_equals_the_fold_of_the_steps(text, events, cut):
    """Each record carries its snapshot; going on from any of them gives what going on from the start gives."""
    chart = read(text)
    records = [begin(chart)]
    for event in events:
        records.append(step(chart, records[-1].snapshot, {"name": event}, 0.0))
    cut = min(cut, len(events))
    snapshot = json.loads(json.dumps(records[cut].snapshot))
    for event in events[cut:]:
        snapshot = step(chart, snapshot, {"name": event}, 0.0).snapshot
    assert snapshot == records[-1].snapshot


@settings(max_examples=40, **QUIET)
@given(text=charts(), events=st.lists(st.sampled_from(EVENTS), max_size=6))
def test_what_is_ignored_changes_nothing(text, events):
    chart = read(text)
    snapshot = begin(chart).snapshot
    for event in events:
        result = step(chart, snapshot, {"name": event}, 0.0)
        if result.ignored:
            assert {**result.snapshot, "taken": []} == {**snapshot, "taken": []}
        snapshot = result.snapshot
