"""Edges come from three places, one a pair; bodies read what is around them through the node that holds them."""

from __future__ import annotations

import pytest

from nbflow.plan.plan import Body, Edge, ForEach, Loop, Plan
from nbflow.plan.workflow import parse


def plan(text: str) -> Plan:
    return parse(text).plan


def edge(body: Body, source: str, target: str) -> Edge | None:
    index = body.index[target]
    return next((each for each in body.nodes[body.index[source]].out if each.target == index), None)


def edges(body: Body) -> set[tuple[str, str]]:
    return {(node.id, body.nodes[each.target].id) for node in body.nodes for each in node.out}


def test_a_reference_is_a_data_edge_that_activates_when_there_is_nothing_else() -> None:
    body = plan("nodes: {a: {set: {v: 1}}, b: {set: {v: =a.v}}}").body
    assert edge(body, "a", "b") == Edge(1, True, False, ("data",))
    assert (body.nodes[1].activating, body.nodes[1].delaying) == (1, 0)
    assert body.roots == (0,)
    assert body.sources == ((), (0,))


def test_needs_activates_and_makes_data_edges_delay() -> None:
    body = plan("nodes: {a: {set: {v: 1}}, b: {wait: 1s}, c: {set: {v: =a.v}, needs: b}}").body
    assert edge(body, "b", "c") == Edge(2, True, False, ("order",))
    assert edge(body, "a", "c") == Edge(2, False, False, ("data",))
    assert (body.nodes[2].activating, body.nodes[2].delaying) == (1, 1)


def test_a_reference_and_an_order_to_one_node_are_one_edge() -> None:
    body = plan("nodes: {a: {set: {v: 1}}, b: {set: {v: =a.v}, needs: [a]}}").body
    assert edge(body, "a", "b") == Edge(1, True, False, ("data", "order"))
    assert (body.nodes[1].activating, body.nodes[1].delaying) == (1, 0)


def test_two_cases_of_one_switch_that_name_a_node_are_one_gate() -> None:
    body = plan(
        """
        inputs: {n: integer}
        nodes:
          s: {switch: [{when: inputs.n > 3, then: a, label: big}, {when: inputs.n > 1, then: [a, b]}, {else: b}]}
          a: {set: {v: 1}}
          b: {set: {v: =s.chose}}
        """
    ).body
    assert edge(body, "s", "a") == Edge(1, True, True, ("gate",), "big / inputs.n > 1")
    assert edge(body, "s", "b") == Edge(2, True, True, ("data", "gate"), "inputs.n > 1 / else")


def test_on_error_then_is_a_gate() -> None:
    body = plan("nodes: {a: {wait: 1s, on_error: {then: b}}, b: {set: {v: =error.kind}}}").body
    assert edge(body, "a", "b") == Edge(1, True, True, ("gate",), "error")


@pytest.mark.parametrize(
    "field",
    [
        "with: {v: =a}", "with: {v: '${{ a }} and more'}", "if: a > 1", "on_error: {value: =a}", "mock: =a",
        "with: {deep: [{deeper: =a.b.c}]}", "with: {v: \"=[x for x in a if x > 1]\"}",
    ],
)  # fmt: skip
def test_every_field_with_an_expression_makes_an_edge(field: str) -> None:
    body = plan(f"nodes: {{a: {{listen: e}}, b: {{tool: f, {field}}}}}").body
    assert edges(body) == {("a", "b")}


@pytest.mark.parametrize(
    "node",
    [
        "{agent: 'Say ${{ a }}'}", "{agent: {prompt: x, system: =a}}", "{agent: {prompt: x, messages: =a}}",
        "{agent: {prompt: x, images: [=a]}}", "{switch: [{when: a > 1, then: z}]}", "{set: {v: =a}}",
        "{aggregate: best, with: [1], by: item > a}", "{aggregate: reduce, with: [1], start: =a, step: acc + item}",
        "{aggregate: reduce, with: [1], step: acc + item + a}", "{ask: '${{ a }}?'}", "{ask: {prompt: x, to: =a}}",
        "{ask: {prompt: x, default: =a}}", "{wait: {until: =a}}", "{emit: {event: e, key: =a}}", "{emit: e, with: {v: =a}}",
        "{listen: {event: e, if: event.v == a}}", "{workflow: other, with: {v: =a}}",
        "{workflow: {inputs: [v], nodes: {x: {set: {v: =inputs.v}}}}, with: {v: =a}}",
        "{parallel: {for_each: a}, nodes: {x: {set: {v: =item}}}}",
        "{parallel: {for_each: '[1]', collect: =a}, nodes: {x: {set: {v: =item}}}}",
        "{parallel: {branches: {l: {set: {v: =a}}, r: {nodes: {x: {wait: 1s}}, result: =a}}}}",
        "{loop: {max: 1, start: {v: =a}}, nodes: {x: {set: {v: =loop.v}}}}",
        "{loop: {max: 1, until: x.v > a}, nodes: {x: {set: {v: 1}}}}",
        "{loop: {max: 1, while: a > 1}, nodes: {x: {set: {v: 1}}}}",
        "{loop: {max: 1, start: {v: 1}, next: {v: =a}}, nodes: {x: {set: {v: =loop.v}}}}",
        "{loop: {max: 1}, nodes: {x: {set: {v: 1}}}, result: =a}",
        "{loop: {max: 1}, nodes: {x: {loop: {max: 1}, nodes: {y: {set: {v: =a}}}}}}",
        "{machine: {initial: s, context: {v: =a}, states: {s: {type: final}}}}",
        "{machine: {initial: s, states: {s: {always: {to: t, if: a > 1}}, t: {type: final}}}}",
        "{machine: {initial: s, states: {s: {invoke: {set: {v: =a}}, events: {go: t}}, t: {type: final}}}}",
    ],
)  # fmt: skip
def test_every_verb_reads_wherever_it_has_an_expression(node: str) -> None:
    body = plan(f"nodes: {{a: {{listen: e}}, z: {{wait: 1s, join: active}}, b: {node}}}").body
    assert ("a", "b") in edges(body)


def test_a_breakpoint_makes_no_edge() -> None:
    body = plan("nodes: {a: {set: {v: 1}}, b: {wait: 1s, breakpoint: a.v > 1}}").body
    assert edges(body) == set()


def test_a_body_has_its_own_graph_and_its_reads_from_around_are_its_owners() -> None:
    body = plan(
        """
        nodes:
          a: {set: {v: 1}}
          l:
            loop: {max: 2, until: y.v > 1}
            nodes:
              x: {set: {v: =a.v}}
              y: {set: {v: =x.v}}
            result: {last: =y.v}
        """
    ).body
    work = body.nodes[1].work
    assert edges(body) == {("a", "l")}
    assert isinstance(work, Loop)
    assert edges(work.body) == {("x", "y")}
    assert work.body.roots == (0,)
    assert work.body.result is not None


def test_undo_steps_read_what_is_around_without_an_edge_and_run_in_order() -> None:
    body = plan(
        """
        nodes:
          a: {set: {v: 1}}
          b:
            tool: pay
            compensate:
              - {tool: refund, with: {id: =b.id, later: =c.v, why: =error.message}}
              - {tool: note}
          c: {set: {v: 2}}
        """
    ).body
    undo = body.nodes[1].compensate
    assert edges(body) == set()
    assert undo is not None
    assert [node.id for node in undo.nodes] == ["undo_1", "undo_2"]
    assert edges(undo) == {("undo_1", "undo_2")}


def test_ids_of_undo_steps_hide_no_node() -> None:
    body = plan("nodes: {undo: {set: {v: 1}}, b: {tool: pay, compensate: {tool: back, with: {v: =undo.v}}}}").body
    step = body.nodes[1].compensate
    assert step is not None
    assert step.nodes[0].id == "undo_"


def test_a_branch_of_one_node_gives_what_the_node_gives() -> None:
    made = plan("nodes: {p: {parallel: {branches: {left: {set: {v: 1}}, right: {nodes: {x: {wait: 1s}}}}}}}")
    left, right = made.body.nodes[0].work.bodies  # type: ignore[union-attr]
    assert left[1].result.evaluate({"left": {"v": 1}}) == {"v": 1}
    assert right[1].result is None


def test_items_may_be_written_out() -> None:
    work = (
        plan("nodes: {p: {parallel: {for_each: [1, two, {three: 3}]}, nodes: {x: {set: {v: =item}}}}}")
        .body.nodes[0]
        .work
    )
    assert isinstance(work, ForEach)
    assert work.items.evaluate({}) == [1, "two", {"three": 3}]


def test_outputs_without_a_name_are_those_nothing_reads_or_needs() -> None:
    made = plan(
        """
        inputs: {n: integer}
        nodes:
          read: {set: {v: 1}}
          reader: {set: {v: =read.v}, on_error: {then: instead}}
          instead: {set: {v: 2}}
          s: {switch: [{when: inputs.n > 1, then: taken}]}
          taken: {set: {v: 3}}
          alone: {set: {v: 4}}
        """
    )
    assert [made.body.nodes[index].id for index in made.final] == ["reader", "instead", "taken", "alone"]


def test_ranks_are_the_longest_way_to_the_end_and_bodies_count() -> None:
    body = plan(
        """
        nodes:
          a: {set: {v: 1}}
          b: {set: {v: =a.v}}
          l: {loop: {max: 2}, nodes: {x: {set: {v: =a.v}}, y: {set: {v: =x.v}}}}
          c: {set: {v: =l}}
        """
    ).body
    assert {node.id: node.rank for node in body.nodes} == {"a": 5, "b": 1, "l": 4, "c": 1}


def test_the_workflows_on_error_is_a_graph_of_its_own() -> None:
    made = plan(
        """
        nodes: {a: {set: {v: 1}}}
        on_error:
          nodes:
            tell: {tool: note, with: {at: =error.node, v: =a.v}}
            then: {tool: note, needs: tell}
        """
    )
    assert made.on_error is not None
    assert edges(made.on_error) == {("tell", "then")}
    assert edges(made.body) == set()
    assert [made.body.nodes[index].id for index in made.final] == ["a"]


def test_defaults_fill_in_what_a_node_leaves_out() -> None:
    body = plan(
        """
        defaults:
          agent: {model: a/b, temperature: 0, timeout: 60s, retry: {max: 2, delay: 1s}}
          tool: {effects: none}
        nodes:
          one: {agent: Hello}
          two: {agent: {prompt: Hello, model: c/d}, timeout: 5s, retry: 1}
          three: {tool: f}
        """
    ).body
    one, two, three = body.nodes
    assert (one.work.model, one.work.temperature, one.policies.timeout, one.policies.retry.max) == ("a/b", 0, 60.0, 2)
    assert (two.work.model, two.work.temperature, two.policies.timeout, two.policies.retry.max) == ("c/d", 0, 5.0, 1)
    assert two.policies.retry.delay == 0
    assert three.effects == "none"
