"""What counts as the same node and the same workflow, and how a change is told."""

from __future__ import annotations

import random

import pytest
import yaml

from nbflow.plan.changes import diff
from nbflow.plan.plan import Plan
from nbflow.plan.workflow import parse

BASE = """
name: w
inputs: {n: {type: integer, default: 1}}
nodes:
  fetch: {tool: read, with: {url: =inputs.n}, timeout: 20s}
  score: {agent: {prompt: "Score ${{ fetch.body }}", model: a/b}, output: {score: number}}
  improve:
    loop: {max: 3, until: judge.v > 1}
    nodes:
      write: {agent: "Write ${{ score.score }}"}
      judge: {set: {v: =loop.index}}
  mail: {tool: send, with: {to: x, body: =improve}, needs: score}
outputs: {v: =mail}
"""


def plan(text: str = BASE, **changes: str) -> Plan:
    for old, new in changes.items():
        text = text.replace(old, new)
    return parse(text).plan


def changed(old: str, new: str) -> Plan:
    assert old in BASE
    return parse(BASE.replace(old, new)).plan


def meaning(made: Plan, id: str) -> str:
    return made.body.nodes[made.body.index[id]].meaning


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("timeout: 20s", "timeout: 60s, retry: 3, doc: Reads it, tags: [web], priority: 2, pool: net, breakpoint: true"),
        ("{url: =inputs.n}", "{url:  '${{ inputs.n }}' }"),
        ("  fetch: {tool: read, with: {url: =inputs.n}, timeout: 20s}", "\n\n  fetch:\n    tool: read\n    with:\n      url: =inputs.n"),
    ],
)  # fmt: skip
def test_form_and_policies_do_not_change_what_a_node_means(old: str, new: str) -> None:
    assert meaning(changed(old, new), "fetch") == meaning(plan(), "fetch")


@pytest.mark.parametrize(
    ("old", "new", "id"),
    [
        ("tool: read", "tool: write", "fetch"), ("{url: =inputs.n}", "{url: =inputs.n + 1}", "fetch"),
        ("timeout: 20s", "transform: result.body", "fetch"), ("timeout: 20s", "on_error: continue", "fetch"),
        ("model: a/b", "model: a/c", "score"), ("{score: number}", "{score: integer}", "score"),
        ("Score ${{ fetch.body }}", "Score  ${{ fetch.body }}", "score"), ("max: 3", "max: 4", "improve"),
        ("{v: =loop.index}", "{v: =loop.index + 1}", "improve"),
    ],
)  # fmt: skip
def test_what_changes_the_result_changes_the_meaning(old: str, new: str, id: str) -> None:
    before, after = plan(), changed(old, new)
    others = [node for node in before.body.index if node != id]
    assert meaning(after, id) != meaning(before, id)
    assert [meaning(after, other) for other in others] == [meaning(before, other) for other in others]
    assert after.hash != before.hash


def test_short_and_long_forms_mean_the_same() -> None:
    short = parse("nodes: {a: {agent: Hi, retry: 2, needs: b}, b: {wait: 1m}}").plan
    long = parse("nodes: {b: {wait: 60s}, a: {agent: {prompt: Hi}, retry: {max: 2}, needs: [b]}}").plan
    assert short.hash == long.hash
    assert short.version == short.hash[:12]


def test_defaults_mean_what_they_would_at_the_node() -> None:
    one = parse("defaults: {agent: {model: a/b, timeout: 5s}}\nnodes: {a: {agent: Hi}}").plan
    two = parse("nodes: {a: {agent: {prompt: Hi, model: a/b}, timeout: 5s}}").plan
    assert one.hash == two.hash


def test_the_order_of_nodes_and_the_name_mean_nothing() -> None:
    document = yaml.safe_load(BASE)
    ids = list(document["nodes"])
    random.Random(3).shuffle(ids)
    other = {**document, "name": "other", "nodes": {id: document["nodes"][id] for id in ids}}
    assert parse(yaml.safe_dump(other, sort_keys=False)).plan.hash == plan().hash


def test_the_order_of_arguments_means_something_since_an_aggregate_may_read_it() -> None:
    one = parse("nodes: {a: {aggregate: concat, with: {x: a, y: b}}}").plan
    two = parse("nodes: {a: {aggregate: concat, with: {y: b, x: a}}}").plan
    assert one.hash != two.hash


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("timeout: 20s", "timeout: 30s"), ("needs: score", "needs: [score, improve]"), ("default: 1", "default: 2"),
        ("outputs: {v: =mail}", "outputs: {w: =mail}"), ("needs: score}", "needs: score, if: inputs.n > 1}"),
        ("needs: score}", "needs: score, join: active}"), ("name: w", "name: w\ntimeout: 1h"),
    ],
)  # fmt: skip
def test_the_workflows_hash_knows_policies_edges_and_interface(old: str, new: str) -> None:
    assert changed(old, new).hash != plan().hash


def texts(old: Plan, new: Plan) -> list[str]:
    return [change.text for change in diff(old, new)]


def test_equal_versions_have_no_changes() -> None:
    assert diff(plan(), changed("timeout: 20s", "timeout: 20s, doc: New words")) == []


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("timeout: 20s", "timeout: 30s", "~ fetch.timeout: 20s → 30s"),
        ("tool: read", "tool: write", "~ fetch.name: read → write"),
        ("{url: =inputs.n}", "{url: =inputs.n + 1}", "~ fetch.with.url: =inputs.n → =inputs.n + 1"),
        ("model: a/b", "model: a/c", "~ score.model: a/b → a/c"),
        ("{score: number}", "{score: integer}", "~ score.output.properties.score.type: number → integer"),
        ("{v: =loop.index}", "{v: 5}", "~ improve.judge.set.v: =loop.index → 5"),
        ("max: 3", "max: 5", "~ improve.max: 3 → 5"),
        (", needs: score}", "}", '- mail.needs: ["score"]'),
        ("outputs: {v: =mail}", "outputs: {w: =mail}", "+ workflow.outputs.w: =mail"),
        ("default: 1", "default: 2", "~ workflow.inputs.n.default: 1 → 2"),
        ("needs: score}", "needs: score, if: inputs.n > 1}", "+ mail.if: inputs.n > 1"),
    ],
)  # fmt: skip
def test_a_change_is_told_where_it_is_in_the_authors_words(old: str, new: str, told: str) -> None:
    assert told in texts(plan(), changed(old, new))


def test_nodes_come_go_and_are_renamed() -> None:
    before = parse("nodes: {a: {wait: 1s}, b: {set: {v: 1}}, c: {wait: 3s}}").plan
    after = parse("nodes: {a: {wait: 1s}, bee: {set: {v: 1}}, d: {listen: e}}").plan
    assert texts(before, after) == ["~ b is now bee", "+ d (listen)", "- c (wait)"]


def test_a_change_says_whether_old_results_still_hold() -> None:
    assert [change.meaning for change in diff(plan(), changed("timeout: 20s", "timeout: 30s"))] == [False]
    assert [change.meaning for change in diff(plan(), changed("tool: read", "tool: write"))] == [True]


def test_a_condition_is_told_as_one_thing() -> None:
    before, after = (parse(f"inputs: [n]\nnodes: {{a: {{wait: 1s, if: inputs.n > {n}}}}}").plan for n in (1, 2))
    assert texts(before, after) == ["~ a.if: inputs.n > 1 → inputs.n > 2"]


def test_another_order_of_arguments_is_told() -> None:
    one = parse("nodes: {a: {aggregate: concat, with: {x: a, y: b}}}").plan
    two = parse("nodes: {a: {aggregate: concat, with: {y: b, x: a}}}").plan
    assert [change.field for change in diff(one, two)] == ["order"]


def test_kinds_that_change_are_told_as_such() -> None:
    before = parse("nodes: {a: {wait: 1s}}").plan
    after = parse("nodes: {a: {set: {v: 1}}}").plan
    assert "~ a.kind: wait → set" in texts(before, after)


MACHINE = """
name: m
machine:
  initial: a
  context: {n: 0}
  states:
    a: {invoke: {tool: read, with: {url: "one"}, as: page}, events: {done.page: b, error.page: b}, after: {5s: z}}
    b: {entry: {run: {set: {v: 1}}, as: r}, events: {done.r: {to: z, if: ctx.n > 2}}, label: second}
    z: final
"""


@pytest.mark.parametrize(
    ("before", "after", "texts"),
    [
        ('"one"', '"two"', ["~ machine.page.with.url: one → two"]),
        ("ctx.n > 2", "ctx.n > 3", ['~ machine.b.events.done.r: [{"to": "z", "if": "ctx.n > 2"}] → [{"to": "z", "if": "ctx.n > 3"}]']),
        ("{v: 1}", "{v: 2}", ["~ machine.r.set.v: 1 → 2"]),
        ("{5s: z}", "{6s: z}", ['+ machine.a.after.6s: ["z"]', '- machine.a.after.5s: ["z"]']),
        ("z: final", "z: final\n    y: {events: {go: z}}", ["+ machine.y (state)"]),
        ("{n: 0}", "{n: 1}", ["~ machine.context.n: 0 → 1"]),
        ("label: second", "label: other", ["~ machine.b.label: second → other"]),
    ],
)  # fmt: skip
def test_a_machine_is_compared_state_by_state(before: str, after: str, texts: list[str]) -> None:
    found = diff(parse(MACHINE).plan, parse(MACHINE.replace(before, after)).plan)
    assert [change.text for change in found] == texts
    assert all(change.meaning is ("label" not in before) for change in found)
