"""What is known of types before anything runs, and what does not go together."""

from __future__ import annotations

import pytest

from nbflow.plan.workflow import diagnose

HEAD = """
inputs: {n: {type: integer, default: 1}, s: {type: text, default: x}, l: {type: array, default: []}, any: any}
nodes:
  scored: {agent: x, output: {score: number, why: [string], "more?": {a: integer}}}
  made: {set: {a: 1, b: {c: x}, d: =inputs.any}}
  text: {agent: {prompt: x, model: a/b}}
  free: {tool: f}
  fan: {parallel: {for_each: inputs.l}, nodes: {x: {set: {v: 1}}}}
  sides: {parallel: {branches: {l: {set: {v: 1}}, r: {nodes: {y: {set: {v: 1}}}, result: {w: =y.v}}}}}
  loop1: {loop: {max: 2}, nodes: {z: {set: {v: 1}}}}
  asked: {ask: {prompt: x, output: {yes_or_no: boolean}}}
  sub: {workflow: {nodes: {i: {set: {v: 1}}}, outputs: {o: =i.v}}}
  safe: {agent: x, output: {score: number}, on_error: {value: {other: 1}}}
"""


def found(nodes: str) -> list[str]:
    ignored = ("graph.unused_input", "tool.unresolved")
    return [each.code for each in diagnose(HEAD + nodes) if each.code not in ignored]


@pytest.mark.parametrize(
    "path",
    [
        "scored.score", "scored.why[0]", "scored.more.a", "made.a", "made.b.c", "made.d.anything", "free.anything[3].at",
        "fan[0].x", "sides.l.v", "sides.r.w", "loop1.z.v", "asked.yes_or_no", "sub.o", "safe.other", "inputs.any.x",
        "text.upper()", "scored.why", "made.b.keys()", "made.items()",
    ],
)  # fmt: skip
def test_a_field_that_may_be_there_may_be_read(path: str) -> None:
    assert found(f'  out: {{set: {{v: "={path}"}}}}\n') == []


@pytest.mark.parametrize(
    "path",
    [
        "scored.scor", "scored.more.b", "made.c", "made.b.d", "made.a.x", "sides.m", "sides.r.v", "loop1.y", "asked.yes",
        "sub.p", "inputs.m", "inputs.n.x", "text.score", "inputs.s.x",
    ],
)  # fmt: skip
def test_a_field_that_cannot_be_there_is_said(path: str) -> None:
    assert found(f'  out: {{set: {{v: "={path}"}}}}\n') == ["expr.unknown_field"]


@pytest.mark.parametrize(
    "expression",
    [
        "inputs.n > 'ten'", "'ten' < inputs.n", "inputs.s == 3", "inputs.l != 'x'", "'total: ' + inputs.n",
        "inputs.s + scored.score", "scored.why > 2", "inputs.n if inputs.n == 'x' else 0",
    ],
)  # fmt: skip
def test_types_that_do_not_go_together_are_warned_of(expression: str) -> None:
    assert found(f'  out: {{set: {{v: "={expression}"}}}}\n') == ["expr.type"]


@pytest.mark.parametrize(
    "expression",
    [
        "inputs.n > 3", "inputs.n == 3.5", "inputs.s + '!'", "inputs.any > 3", "inputs.any + 'x'", "free.x == 3",
        "inputs.l == None", "inputs.s is not None", "len(inputs.l) > 3", "inputs.l + inputs.l", "inputs.n == true",
    ],
)  # fmt: skip
def test_types_that_may_go_together_are_not(expression: str) -> None:
    wrong = ["expr.type"] if expression == "inputs.n == true" else []
    assert found(f'  out: {{set: {{v: "={expression}"}}}}\n') == wrong


def test_the_place_is_where_the_comparison_begins() -> None:
    text = "inputs: {n: integer}\nnodes:\n  a: {set: {v: 1}, if: 1 < 2 and inputs.n > 'x'}\n"
    (finding,) = [each for each in diagnose(text) if each.code == "expr.type"]
    assert (finding.line, finding.column) == (3, 34)


@pytest.mark.parametrize(
    ("node", "codes"),
    [
        ("{parallel: {for_each: inputs.n}, nodes: {q: {wait: 1s}}}", ["type.list"]),
        ("{parallel: {for_each: made}, nodes: {q: {wait: 1s}}}", ["type.list"]),
        ("{parallel: {for_each: fan}, nodes: {q: {wait: 1s}}}", []),
        ("{wait: 1s, if: text}", ["expr.truthiness"]),
        ("{wait: 1s, if: inputs.n}", []),
        ("{tool: http.get, with: {url: =inputs.n}}", ["tool.arguments"]),
        ("{tool: http.get, with: {url: =inputs.s}}", []),
        ("{tool: http.get, with: {url: '${{ inputs.n }}'}}", ["tool.arguments"]),
        ("{tool: http.get, with: {url: 'https://${{ inputs.n }}'}}", []),
    ],
)
def test_a_value_is_held_against_what_takes_it(node: str, codes: list[str]) -> None:
    assert found(f"  out: {node}\n") == codes


LOOP = 'nodes: {{l: {{loop: {{max: 2, start: {{n: 1}}, next: {{n: =loop.n + 1}}}}, nodes: {{x: {{set: {{v: "{0}"}}}}}}}}}}\n'


@pytest.mark.parametrize(
    ("expression", "codes"),
    [
        ("=loop.n + loop.index", []),
        ("=loop.m", ["expr.unknown_field"]),
        ("=previous.x.v if previous is not None else 0", []),
        ("=previous.x.v", ["graph.maybe_skipped"]),
        ("=previous.y if previous is not None else 0", ["expr.unknown_field"]),
        ("=execution.id", []),
        ("=execution.name", ["expr.unknown_field"]),
    ],
)
def test_what_a_round_can_read_is_known(expression: str, codes: list[str]) -> None:
    assert [each.code for each in diagnose(LOOP.format(expression))] == codes


def test_the_fields_of_an_error_are_known() -> None:
    text = "nodes: {{a: {{tool: f, on_error: {{then: b}}}}, b: {{set: {{v: =error.{0}}}}}}}"
    assert [each.code for each in diagnose(text.format("message"))] == ["tool.unresolved"]
    assert [each.code for each in diagnose(text.format("mesage"))] == ["tool.unresolved", "expr.unknown_field"]


INLINE = """
nodes:
  a: {{set: {{v: 1}}}}
  sub:
    workflow:
      inputs: {{n: integer, s: {{type: text, default: x}}}}
      nodes: {{i: {{set: {{v: {0}}}}}}}
    with: {1}
"""


@pytest.mark.parametrize(
    ("inside", "given", "codes"),
    [
        ("=inputs.n", "{n: 1, s: y}", ["graph.unused_input"]),
        ("=inputs.n", "{n: =a.v}", ["graph.unused_input"]),
        ("=inputs.m", "{n: 1}", ["graph.unused_input", "graph.unused_input", "expr.unknown_field"]),
        ("=a.v", "{n: 1}", ["graph.unused_input", "graph.unused_input", "expr.unknown_name"]),
        ("=inputs.n", "{}", ["graph.unused_input", "schema.missing_input"]),
        ("=inputs.n", "{n: 1, m: 2}", ["graph.unused_input", "schema.unknown_input"]),
        ("=inputs.n", "{n: one}", ["graph.unused_input", "input.type"]),
    ],
)
def test_a_workflow_inside_a_node_is_checked_as_one(inside: str, given: str, codes: list[str]) -> None:
    assert [each.code for each in diagnose(INLINE.format(inside, given))] == codes


@pytest.mark.parametrize(
    ("text", "code", "severity"),
    [
        ("nodes: {a: {wait: {until: nonsense}}}", "type.time", "error"),
        ("nodes: {a: {wait: {until: 10m}}}", "type.time", "error"),
        ("nodes: {a: {wait: {until: true}}}", "type.time", "error"),
        ("nodes: {a: {wait: {until: [1]}}}", "type.time", "error"),
        ('nodes: {a: {parallel: {for_each: "5"}, nodes: {b: {set: {v: 1}}}}}', "type.list", "warning"),
        ("nodes: {a: {parallel: {for_each: \"{'a': 1}\"}, nodes: {b: {set: {v: 1}}}}}", "type.list", "warning"),
    ],
)
def test_what_is_written_and_can_never_do_is_said_before_it_runs(text: str, code: str, severity: str) -> None:
    assert [(each.code, each.severity) for each in diagnose(text)] == [(code, severity)]


@pytest.mark.parametrize(
    "until", ["2030-01-31", "2030-01-31T09:00:00Z", "=inputs.d", '"${{ inputs.d }}T08:00"', '"=inputs.d"']
)
def test_times_that_are_written_or_read_are_taken(until: str) -> None:
    found = diagnose(f"inputs: [d]\nnodes: {{a: {{wait: {{until: {until}}}, if: inputs.d}}}}")
    assert [each.code for each in found] == []
