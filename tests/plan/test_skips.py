"""Which nodes may be skipped, which can never run, and which reads need a test."""

from __future__ import annotations

import pytest

from nbflow.plan.workflow import diagnose

HEAD = """
inputs: {n: {type: integer, default: 5}, m: {type: integer, default: 5}}
nodes:
  s: {switch: [{when: inputs.n > 3, then: big}, {when: inputs.n > 1, then: middle}, {else: small}]}
  big: {set: {v: 1}}
  middle: {set: {v: 2}}
  small: {set: {v: 3}}
  plain: {set: {v: 4}}
  maybe: {set: {v: =inputs.m}, if: inputs.m > 3}
"""


def codes(nodes: str) -> list[str]:
    interesting = ("graph.maybe_skipped", "graph.never_runs")
    return [each.code for each in diagnose(HEAD + nodes) if each.code in interesting]


@pytest.mark.parametrize(
    "node",
    [
        "{set: {v: =big.v}}",  # activated by what it reads
        "{set: {v: =big.v}, needs: big}",
        "{set: {v: \"=big.v if big is not None else 0\"}, needs: plain}",
        "{set: {v: \"=0 if big is None else big.v\"}, needs: plain}",
        "{set: {v: =plain.v}, needs: big}",
        "{aggregate: first, with: [=big, =middle, =small], needs: [big, middle, small], join: active}",
        "{set: {v: =maybe.v}}",
        "{set: {v: =big.v}, needs: [big, plain]}",
    ],
)  # fmt: skip
def test_a_read_that_is_sure_or_tested_is_not_warned_of(node: str) -> None:
    assert codes(f"  out: {node}\n") == []


@pytest.mark.parametrize(
    "node",
    [
        "{set: {v: =big.v}, needs: plain}",
        "{set: {v: =big.v}, needs: s}",
        "{set: {v: =maybe.v}, needs: plain}",
        "{set: {v: =big.v}, needs: [big, plain], join: active}",
        "{set: {v: =big.v}, needs: [big, middle, small], join: active}",
        "{set: {v: =plain.v}, needs: [plain, s], join: first}",  # it may not have come yet
        "{parallel: {for_each: '[1]'}, nodes: {x: {set: {v: =big.v}}}, needs: plain}",
    ],
)
def test_a_read_of_what_may_be_skipped_is_warned_of(node: str) -> None:
    assert codes(f"  out: {node}\n") == ["graph.maybe_skipped"]


def test_what_follows_from_a_branch_is_as_sure_as_the_branch() -> None:
    assert codes("  next: {set: {v: =big.v}}\n  last: {set: {v: =big.v}, needs: next}\n") == []


def test_a_node_after_all_branches_always_runs() -> None:
    after = "  after: {aggregate: first, with: [=big, =middle, =small], needs: [big, middle, small], join: active}\n"
    assert codes(after + "  out: {set: {v: =after}, needs: plain}\n") == []


def test_a_node_after_some_branches_may_be_skipped() -> None:
    after = "  after: {aggregate: first, with: [=big, =middle], needs: [big, middle], join: active}\n"
    assert codes(after + "  out: {set: {v: =after.v}, needs: plain}\n") == ["graph.maybe_skipped"]


@pytest.mark.parametrize(
    "nodes",
    [
        "  out: {wait: 1s, needs: [big, small]}\n",
        "  out: {set: {v: =big.v + small.v}}\n",
        "  a: {wait: 1s, needs: big}\n  b: {wait: 1s, needs: middle}\n  out: {wait: 1s, needs: [a, b, plain]}\n",
        "  out: {wait: 1s, needs: [big, middle, small], join: {n: 3}}\n",
    ],
)
def test_branches_that_exclude_each_other_never_meet(nodes: str) -> None:
    assert codes(nodes) == ["graph.never_runs"]


@pytest.mark.parametrize(
    "nodes",
    [
        "  out: {wait: 1s, needs: [big, maybe]}\n",
        "  out: {wait: 1s, needs: [big, small], join: active}\n",
        "  out: {wait: 1s, needs: [big, middle, small], join: {n: 2}}\n",  # counting is not followed that far
        "  t: {switch: [{when: inputs.m > 1, then: other}]}\n  other: {wait: 1s}\n  out: {wait: 1s, needs: [big, other]}\n",
    ],
)
def test_branches_of_different_choices_may_meet(nodes: str) -> None:
    assert codes(nodes) == []


def test_only_the_first_node_that_never_runs_is_named() -> None:
    nodes = "  out: {wait: 1s, needs: [big, small]}\n  more: {wait: 1s, needs: out}\n  most: {wait: 1s, needs: [more, plain]}\n"
    assert codes(nodes) == ["graph.never_runs"]


def test_what_ran_and_what_took_over_for_it_exclude_each_other() -> None:
    nodes = "  risky: {tool: f, on_error: {then: instead}}\n  instead: {wait: 1s}\n  out: {wait: 1s, needs: [risky, instead]}\n"
    assert codes(nodes) == ["graph.never_runs"]
    assert codes(nodes.replace("instead]}", "instead], join: active}")) == []


def test_plain_truth_is_hinted_at() -> None:
    text = HEAD + "  out: {set: {v: =big.v if big else 0}, needs: plain}\n"
    (found,) = [each for each in diagnose(text) if each.code == "expr.truthiness"]
    assert found.severity == "info"
    assert found.hint == "write 'big is not None'"


def test_a_switch_with_many_cases_and_targets_stays_quick() -> None:
    cases = ", ".join(f"{{when: inputs.n == {i}, then: t{i}}}" for i in range(500))
    nodes = "".join(f"  t{i}: {{wait: 1s}}\n" for i in range(500))
    everyone = ", ".join(f"t{i}" for i in range(500))
    text = (
        f"inputs: {{n: integer}}\nnodes:\n  s: {{switch: [{cases}]}}\n{nodes}  out: {{wait: 1s, needs: [{everyone}]}}\n"
    )
    assert "graph.never_runs" in [each.code for each in diagnose(text)]
