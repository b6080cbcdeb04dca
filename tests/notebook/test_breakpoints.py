"""Breakpoints are kept by workflow, over executions and kernels, and never stand in the way."""

from __future__ import annotations

from nbflow import assembly
from nbflow.notebook.breakpoints import FILE, Breakpoints, Kept

TWO = "name: two\nnodes: {a: {set: {v: 1}}, b: {set: {v: =a.v}}}"


async def test_they_are_there_after_a_restart(tmp_path):
    execution = await assembly.start(TWO, store="memory:")
    Kept(tmp_path).of("two").toggle(execution, "b", "a.v > 0")
    assert Kept(tmp_path).of("two").nodes == {"b": "a.v > 0"}
    assert Kept(tmp_path).of("other").nodes == {}


async def test_clearing_one_is_kept_too(tmp_path):
    execution = await assembly.start(TWO, store="memory:")
    kept = Kept(tmp_path)
    kept.of("two").add("a")
    assert "holds at b" in kept.of("two").toggle(execution, "b")
    assert "no longer" in kept.of("two").toggle(execution, "b")
    assert Kept(tmp_path).of("two").nodes == {"a": None}


def test_a_damaged_file_costs_the_breakpoints_and_nothing_else(tmp_path):
    for content in ("{", "[]", '{"two": 3}', '{"two": {"a": null}'):
        (tmp_path / FILE).write_text(content)
        assert Kept(tmp_path).of("two").nodes == {}


def test_a_folder_that_cannot_be_written_is_no_error(tmp_path):
    (tmp_path / "file").write_text("")
    kept = Kept(tmp_path / "file")
    kept.of("two").add("a")
    assert kept.of("two").nodes == {"a": None}


async def test_a_node_that_is_gone_from_the_text_is_passed_over():
    execution = assembly.start(TWO, store="memory:")
    Breakpoints({"gone": None, "b": None}).apply(execution, on_error=False)
    assert await execution.hold() == ("b",)
    execution.resume()
    await execution


async def test_while_debugging_what_fails_is_held_and_can_be_mended():
    execution = assembly.start("nodes: {a: {set: {v: =1 / 0}}, b: {set: {v: 1}}}", store="memory:")
    Breakpoints().apply(execution, on_error=True)
    assert await execution.hold() == ("a",)
    execution.skip("a", {"v": 2})
    await execution
    assert execution.phase == "completed"


async def test_one_behind_a_node_and_one_on_its_errors_are_kept_beside_the_one_before_it(tmp_path):
    execution = assembly.start("nodes: {a: {wait: 60s}}", store="memory:")
    points = Kept(tmp_path).of("two")
    assert points.toggle(execution, "a:after", "a is not None") == "holds after a when a is not None"
    assert points.toggle(execution, "a:error") == "holds on errors of a"
    assert points.toggle(execution, "a") == "holds at a"
    assert points.at == {"a"}
    assert points.toggle(execution, "a:before") == "no longer holds at a"
    assert Kept(tmp_path).of("two").nodes == {"a:after": "a is not None", "a:error": None}
    execution.cancel()
