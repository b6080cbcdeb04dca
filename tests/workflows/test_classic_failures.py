"""What users of other engines report most about branches and joins, as tests.

airflow 55187, 19222, 46297, 7885, 17012; n8n 37895, 7775, 3949, 33819; dify 22889, 17377, 18933; langgraph 2336,
6446; haystack 7243, 8707; pydantic-ai 704.
"""

from __future__ import annotations

import itertools

import pytest
import yaml

from nbflow import assembly
from nbflow.plan.workflow import diagnose
from tests.workflows.running import run_text

BRANCH = """
inputs: {n: {type: integer, default: 5}}
nodes:
  before: {set: {v: 1}}
  choose: {switch: [{when: inputs.n > 3, then: big}, {else: small}], needs: before}
  big: {set: {v: 10}}
  small: {set: {v: "=before.v"}}
"""


async def test_a_node_of_a_branch_not_chosen_does_not_run_because_another_source_succeeded() -> None:
    ran = await run_text(BRANCH)
    assert ran.phases["before"] == "completed"  # small reads it: its data edge is live
    assert ran.phases["small"] == "skipped"
    assert ran.reasons["small"] == "choose chose big"


@pytest.mark.parametrize("n", [1, 5])
async def test_a_join_after_a_branch_runs_whichever_branch_ran(n: int) -> None:
    text = BRANCH + "  after: {aggregate: first, with: [=big, =small], needs: [big, small], join: active}\n"
    ran = await run_text(text, {"n": n})
    assert ran.phases["after"] == "completed"
    assert ran.node_outputs["after"] == ({"v": 10} if n > 3 else {"v": 1})


async def test_a_join_that_can_never_run_is_said_before_it_runs_and_does_not_report_success_in_silence() -> None:
    text = BRANCH + "  after: {aggregate: list, with: [=big, =small], needs: [big, small]}\n"
    assert "graph.never_runs" in [each.code for each in diagnose(text)]
    ran = await run_text(text)
    assert ran.phases["after"] == "skipped"
    assert ran.reasons["after"]


async def test_a_join_of_nested_branches_runs_once_all_are_decided() -> None:
    text = """
inputs: {a: boolean, b: boolean}
nodes:
  outer: {switch: [{when: inputs.a, then: inner}, {else: far}]}
  inner: {switch: [{when: inputs.b, then: left}, {else: right}]}
  left: {set: {v: left}}
  right: {set: {v: right}}
  far: {set: {v: far}}
  join: {aggregate: first, with: [=left, =right, =far], needs: [left, right, far], join: active}
"""
    for a, b in itertools.product([True, False], repeat=2):
        ran = await run_text(text, {"a": a, "b": b})
        wanted = ("left" if b else "right") if a else "far"
        assert ran.node_outputs["join"] == {"v": wanted}


async def test_a_join_waits_for_the_slow_branch_and_runs_once() -> None:
    calls: list[object] = []
    assembly.tools.register_all({"note_call": lambda both: calls.append(both) or len(calls)})
    text = """
nodes:
  start: {set: {v: 1}}
  fast: {set: {v: =start.v}}
  slow: {wait: 20ms, needs: start}
  slower: {set: {v: 2}, needs: slow}
  join: {tool: note_call, with: {both: "=[fast.v, slower.v]"}, needs: [fast, slower]}
  after: {set: {v: =join}}
"""
    ran = await run_text(text)
    assert calls == [[1, 2]]
    assert ran.node_outputs["after"] == {"v": 1}


async def test_an_aggregate_takes_all_branches_that_ran_and_not_the_first() -> None:
    text = """
inputs: {tags: {type: array, default: [a, b]}}
nodes:
  is_a: {set: {v: 1}, if: "'a' in inputs.tags"}
  is_b: {set: {v: 2}, if: "'b' in inputs.tags"}
  is_c: {set: {v: 3}, if: "'c' in inputs.tags"}
  all: {aggregate: list, with: [=is_a, =is_b, =is_c], needs: [is_a, is_b, is_c], join: active}
"""
    assert (await run_text(text)).node_outputs["all"] == [{"v": 1}, {"v": 2}]


async def test_parallel_nodes_write_no_common_key_so_nothing_is_lost_or_refused() -> None:
    text = """
nodes:
  one: {set: {answer: 1}}
  two: {set: {answer: 2}}
  both: {aggregate: object, with: {one: =one.answer, two: =two.answer}}
"""
    assert (await run_text(text)).outputs == {"both": {"one": 1, "two": 2}}


async def test_no_order_of_writing_changes_what_runs_or_how_often() -> None:
    calls: list[str] = []
    assembly.tools.register_all({"note_node": lambda name: calls.append(name) or name})
    nodes = {
        "a": {"tool": "note_node", "with": {"name": "a"}},
        "b": {"tool": "note_node", "with": {"name": "=a + 'b'"}},
        "c": {"tool": "note_node", "with": {"name": "=a + 'c'"}},
        "d": {"aggregate": "concat", "with": ["=b", "=c"]},
    }
    seen = set()
    for order in itertools.permutations(nodes):
        calls.clear()
        ran = await run_text(yaml.safe_dump({"nodes": {id: nodes[id] for id in order}}, sort_keys=False))
        seen.add((str(ran.outputs), tuple(sorted(calls))))
    assert seen == {("{'d': 'abac'}", ("a", "ab", "ac"))}


async def test_nodes_that_need_nothing_of_each_other_run_at_the_same_time() -> None:
    import asyncio

    meeting = asyncio.Barrier(3)

    async def meet(name: str) -> str:
        async with asyncio.timeout(5):
            await meeting.wait()
        return name

    assembly.tools.register_all({"meet": meet})
    text = (
        "nodes: {a: {tool: meet, with: {name: a}}, b: {tool: meet, with: {name: b}}, c: {tool: meet, with: {name: c}}}"
    )
    assert (await run_text(text)).outputs == {"a": "a", "b": "b", "c": "c"}


async def test_a_skipped_node_reads_as_null_and_never_as_what_it_was_before() -> None:
    text = """
nodes:
  rounds:
    loop: {max: 2}
    nodes:
      once: {set: {v: =loop.index}, if: loop.index == 0}
      see: {set: {v: "=once.v if once is not None else 'nothing'"}, needs: once, join: active}
      always: {set: {v: "=once"}}
    result: {once: =once}
"""
    ran = await run_text(text)
    assert ran.node_outputs["rounds"] == {"once": None}
    assert ran.phases["rounds[1].always"] == "skipped"
