"""The looks follow the records: in step, naming all that changed, whatever the execution does."""

from __future__ import annotations

from contextlib import suppress

import pytest

from nbflow import assembly
from nbflow.errors import ExecutionFailed
from nbflow.notebook.progress import TextProgress
from nbflow.notebook.render import summary
from nbflow.notebook.render.extract import picture
from nbflow.notebook.render.looks import Look
from nbflow.notebook.render.watch import Watch
from tests.notebook.examples import GRAPH, ITEMS, watched

FAILING = """
name: failing
nodes:
  first: {set: {v: 1}}
  breaks: {set: {v: =first.v / 0}}
  after: {set: {v: =breaks.v}}
"""


async def execution_of(text, inputs=None):
    execution = assembly.start(assembly.parse(text), inputs, store="memory:")
    with suppress(ExecutionFailed):
        await execution
    return execution


def looks_by_path(watch):
    return {path: watch.look(key) for path, key in watch.picture.places.items()}


def test_a_completed_execution_shows_what_ran_and_why_the_rest_did_not():
    looks = looks_by_path(watched(GRAPH, {"threshold": 0.1}))
    assert looks["merge"].phase == "skipped" or looks["merge"].phase == "completed"
    assert looks["refine"].phase == "skipped"
    assert "merge" in looks["refine"].note
    assert looks["refine.rewrite"].phase == "skipped"  # its body never opened


def test_the_chosen_gate_is_live_and_the_other_dead():
    watch = watched(GRAPH, {"threshold": 0.1})
    source = watch.picture.places["good_enough"]
    assert watch.wires[watch.picture.gates[source, "merge"]] == "live"
    assert watch.wires[watch.picture.gates[source, "refine"]] == "dead"


def test_rounds_and_items_are_counted():
    looks = looks_by_path(watched(ITEMS, {"rows": [1, 2, 3]}))
    assert looks["each"].badge == "3/3"
    assert looks["each.double"] == Look("completed", "", "3/3")


def test_a_loop_says_its_round():
    assert looks_by_path(watched(GRAPH))["refine"].badge == "2/3"


async def test_a_failure_is_told_where_it_is():
    execution = await execution_of(FAILING)
    watch = Watch(execution.plan, picture(execution.plan))
    watch.fold(execution.events)
    looks = looks_by_path(watch)
    assert looks["breaks"].phase == "failed"
    assert "division" in looks["breaks"].note or "zero" in looks["breaks"].note
    assert looks["after"].phase in ("pending", "cancelled")
    assert summary.failure(watch.state).startswith("breaks: ")


@pytest.mark.parametrize(("text", "inputs"), [(GRAPH, None), (ITEMS, {"rows": [4, 5]}), (FAILING, None)])
async def test_every_record_names_all_that_looks_different_after_it(text, inputs):
    execution = await execution_of(text, inputs)
    watch = Watch(execution.plan, picture(execution.plan))
    before, wires = watch.looks(), dict(watch.wires)
    for record in execution.events:
        changed = watch.fold([record])
        after = watch.looks()
        assert {key for key in after if after[key] != before[key]} <= set(changed)
        assert {key for key in watch.wires if watch.wires[key] != wires.get(key)} <= set(changed)
        before, wires = after, dict(watch.wires)


@pytest.mark.parametrize(("text", "inputs"), [(GRAPH, None), (ITEMS, {"rows": [4, 5]}), (FAILING, None)])
async def test_record_by_record_gives_the_same_as_all_at_once(text, inputs):
    execution = await execution_of(text, inputs)
    one, all_at_once = (Watch(execution.plan, picture(execution.plan)) for _ in range(2))
    for record in execution.events:
        one.fold([record])
    all_at_once.fold(execution.events)
    assert one.looks() == all_at_once.looks()
    assert one.wires == all_at_once.wires
    assert one.counts() == all_at_once.counts()


async def test_no_record_is_folded_for_a_node_that_it_does_not_touch():
    execution = await execution_of(ITEMS, {"rows": list(range(50))})
    watch = Watch(execution.plan, picture(execution.plan))
    assert max(len(watch.fold([record])) for record in execution.events[:-1]) < 12


def test_counts_know_nodes_that_have_not_opened_yet():
    watch = watched(ITEMS, {"rows": [1, 2, 3]})
    assert watch.settled == watch.known == sum(watch.counts().values()) == 3 + 6 + 2


def test_the_headline_says_phase_progress_and_id():
    watch = watched(GRAPH, {"threshold": 0.1})
    assert summary.headline(watch, "20261124-9").startswith("✓ review completed · ")
    assert "skipped" in summary.headline(watch, "20261124-9")
    assert summary.headline(watch, "20261124-9").endswith("20261124-9")


def test_a_line_of_progress_comes_only_with_news():
    watch = watched(GRAPH)
    lines = []
    progress = TextProgress(watch, lambda: 0.0, lines.append)
    progress._tick_once()
    progress._tick_once()
    assert len(lines) == 1
    assert "nodes" in lines[0]
