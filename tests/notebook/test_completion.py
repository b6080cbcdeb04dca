"""Tab in a cell of ours: options and inputs on the first line, keys, verbs, ids and roots in the text."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from nbflow import assembly
from nbflow.notebook.completion import Completer
from nbflow.notebook.session import Session
from nbflow.spec.language import language_schema

TEXT = """%%workflow demo
name: demo
inputs:
  url: string
  threshold: {type: number, default: 0.8}
nodes:
  fetch: {tool: http.get, with: {url: =inputs.url}}
  check:
    switch:
      - {when: fetch.status > 300, then: refine}
  refine:
    loop: {max: 3}
    nodes:
      rewrite: {set: {v: 1}}
      scored:
        """


@dataclass
class Context:
    full_text: str
    cursor_line: int
    cursor_position: int


@pytest.fixture
def complete():
    session = Session({"threshold": 1, "thing": 2, "_hidden": 3}, kernel=False)
    completer = Completer(session)

    def complete(text):
        """The words offered at ‖, the cursor."""
        before, _, after = text.partition("‖")
        line, position = before.count("\n"), len(before.rpartition("\n")[2])
        found = completer.match(Context(before + after, line, position))
        return [each.text for each in found["completions"]], found

    complete.session = session
    return complete


def offered(complete, text):
    return complete(text)[0]


def test_options_on_the_magic_line(complete):
    assert offered(complete, "%%workflow demo --b‖\nnodes: {}") == ["--break", "--background"]
    assert "--no-run" in offered(complete, "%%workflow demo --n‖")


def test_an_option_that_is_whole_is_not_offered_again(complete):
    assert offered(complete, "%%workflow --mock‖") == []


def test_inputs_of_the_text_after_i(complete):
    assert offered(complete, TEXT.replace("demo\nname", "demo -i ‖\nname", 1)) == ["url=", "threshold="]


def test_variables_of_the_notebook_after_a_dollar_sign(complete):
    assert offered(complete, "%%workflow demo -i a=$th‖\n") == ["$threshold", "$thing"]
    assert offered(complete, "%%workflow demo -i a=$_h‖\n") == []


def test_nodes_after_break(complete):
    found = offered(complete, TEXT.replace("demo\nname", "demo --break ‖\nname", 1))
    assert found == ["fetch", "check", "refine", "rewrite", "scored"]


def test_fields_of_a_workflow_at_the_margin(complete):
    assert offered(complete, "%%workflow demo\nno‖") == ["nodes:"]
    assert "inputs:" in offered(complete, "%%workflow demo\nin‖")


def test_verbs_and_fields_in_a_node(complete):
    found = offered(complete, TEXT + "‖")
    assert {"tool:", "agent:", "switch:", "needs:", "retry:"} <= set(found)
    assert offered(complete, TEXT + "ag‖") == ["agent:", "aggregate:"]


def test_no_ids_are_made_up(complete):
    assert offered(complete, "%%workflow demo\nnodes:\n  ‖") == []


def test_ids_where_one_refers(complete):
    assert "fetch" in offered(complete, TEXT + "needs: ‖")
    assert offered(complete, TEXT + "needs: [fe‖") == ["fetch"]


def test_tools_after_tool(complete):
    assert set(offered(complete, TEXT + "tool: ‖")) == set(assembly.tools.names())
    assert "http.get" in offered(complete, TEXT + "tool: http.‖")


@pytest.mark.parametrize("line", ["with: {v: =‖", "if: ‖", "set: {v: '${{ ‖"])
def test_roots_in_an_expression(complete, line):
    assert {"fetch", "inputs.url", "inputs.threshold", "loop", "previous"} <= set(offered(complete, TEXT + line))


def test_aggregates_and_joins(complete):
    assert offered(complete, TEXT + "aggregate: me‖") == ["merge", "mean"]
    assert offered(complete, TEXT + "join: a‖") == ["all", "active"]


def test_parameters_of_a_verb(complete):
    found = offered(complete, "%%workflow demo\nnodes:\n  a:\n    agent:\n      mo‖")
    assert found == ["model:"]


def test_verbs_of_the_line_magic(complete):
    assert offered(complete, "%workflow ca‖") == ["cancel"]
    assert "history" in offered(complete, "x = %workflow ‖")


def test_names_and_nodes_after_a_verb(complete):
    workflow = assembly.parse("name: known\nnodes: {first: {set: {v: 1}}, second: {set: {v: 1}}}")
    complete.session.workflows["known"] = workflow
    assert "known" in offered(complete, "%workflow show kn‖")
    assert offered(complete, "%workflow skip known s‖") == ["second"]


def test_other_cells_are_left_to_ipython(complete):
    words, found = complete("import os\nos.pa‖")
    assert words == []
    assert not found["suppress"]


def test_the_text_need_not_be_valid(complete):
    for text in (
        "%%workflow\n\t: ‖",
        "%%workflow\n- - - ‖",
        "%%workflow\n{‖",
        "%%workflow ‖",
        "%workflow ‖",
        "%%workflow x\n'''‖",
    ):
        complete(text)


@pytest.mark.parametrize(
    ("line", "wanted"),
    [
        ("effects: ‖", ["none", "idempotent", "once"]),
        ("effects: o‖", ["once"]),
        ("on_error: ‖", ["fail", "continue"]),
        ("retry:\n          m‖", ["max:", "max_delay:"]),
        ("retry: {‖", ["max:", "delay:", "factor:", "max_delay:", "jitter:", "on:"]),
        ("retry: {jitter: ‖", ["true", "false"]),
        ("cache: t‖", ["true"]),
        ("switch:\n          - wh‖", ["when:"]),
        ("switch: [{when: x > 1, th‖", ["then:"]),
        ("needs:\n          - fe‖", ["fetch"]),
        ("needs: [check, fe‖", ["fetch"]),
        ("output: te‖", ["text"]),
        ("output: {score: {type: n‖", ["number"]),
        ("machine:\n          ini‖", ["initial:"]),
        ("machine:\n          states:\n            s:\n              ev‖", ["events:"]),
    ],
)
def test_values_and_fields_come_from_the_schema(complete, line, wanted):
    assert offered(complete, TEXT + line) == wanted


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("inputs:\n  a: {type: ‖", ["integer", "number", "text", "string", "boolean", "any", "object"]),
        ("inputs:\n  a: te‖", ["text"]),
        ("inputs:\n  a:\n    defa‖", ["default:"]),
        ("defaults:\n  ag‖", ["agent:", "aggregate:"]),
        ("defaults: {agent: {mo‖", ["model:"]),
        ("triggers:\n - cr‖", ["cron:"]),
        ("triggers:\n  - cron: '0 * * * *'\n    catch_up: l‖", ["latest"]),
        ("budget: {tok‖", ["tokens:"]),
    ],
)
def test_what_stands_at_the_top_comes_from_the_schema_too(complete, text, wanted):
    assert offered(complete, f"%%workflow demo\n{text}") == wanted


def test_the_arguments_of_what_is_called(complete):
    def slowly(seconds: float, label: str = "") -> dict:
        return {"slept": seconds}

    assembly.tools.register_all({"slowly": slowly})
    node = "%%workflow demo\nnodes:\n  a:\n    tool: slowly\n    with:"
    assert offered(complete, node + " {‖") == ["seconds:", "label:"]
    assert offered(complete, node + "\n      se‖") == ["seconds:"]
    assert offered(complete, "%%workflow demo\nnodes: {a: {tool: slowly, with: {la‖") == ["label:"]
    complete.session.workflows["inner"] = assembly.parse(
        "name: inner\ninputs: {topic: text}\nnodes: {a: {set: {v: 1}}}"
    )
    assert offered(complete, "%%workflow demo\nnodes: {a: {workflow: inner, with: {‖") == ["topic:"]


@pytest.mark.parametrize("written", ["=a.‖", '"=a.‖"', "'${{ a.‖"])
def test_the_names_in_an_output_that_the_text_says(complete, written):
    text = f"%%workflow demo\nnodes:\n  a: {{set: {{value: 1, words: two}}}}\n  b:\n    set: {{v: {written}"
    assert offered(complete, text) == ["a.value", "a.words"]


def test_behind_an_expression_that_is_whole_there_are_fields_again(complete):
    assert offered(complete, "%%workflow x\nnodes: {a: {tool: http.get, with: {url: =inputs.url}, jo‖") == ["join:"]
    assert offered(complete, TEXT + "when: f(1, fet‖") == ["fetch"]
    assert offered(complete, TEXT + "mock: =min(1, -fet‖") == ["fetch"]


def test_every_field_of_the_language_is_offered_where_it_may_stand(complete):
    schema = language_schema(assembly.installed())
    places = list(_places(schema, schema["$ref"], ()))
    assert len(places) > 60
    for path, names in places:
        text = "".join(f"{'  ' * depth}{key}:\n" for depth, key in enumerate(path))
        found = offered(complete, f"%%workflow demo\n{text}{'  ' * len(path)}‖")
        assert {f"{name}:" for name in names} <= set(found), path


def _places(schema, part, path, seen=()):
    """Where a mapping with fields may stand, with its fields; every definition is followed once a way."""
    if isinstance(part, str):
        if part not in seen:
            yield from _places(schema, schema["$defs"][part.rpartition("/")[2]], path, (*seen, part))
        return
    if "$ref" in part:
        yield from _places(schema, part["$ref"], path, seen)
    for each in (*part.get("anyOf", ()), *([part["items"]] if "items" in part else ())):
        yield from _places(schema, each, path, seen)
    if part.get("properties"):
        yield path, list(part["properties"])
    for name, inner in part.get("properties", {}).items():
        yield from _places(schema, inner, (*path, name), seen)
    if isinstance(part.get("additionalProperties"), dict):
        yield from _places(schema, part["additionalProperties"], (*path, "some"), seen)


@pytest.mark.parametrize(
    "text", ["%%workflow x --break ‖", "%%workflow x\ndoc: ‖", "%%workflow x\nnodes:\n  a:\n    doc: pr‖"]
)
def test_in_a_cell_of_ours_there_are_no_other_words_even_where_there_are_none(complete, text):
    words, found = complete(text)
    assert words == []
    assert found["suppress"]
    assert len(found["completions"]) == 1, "IPython asks for the length"


def test_the_outputs_of_another_workflow(complete):
    complete.session.workflows["inner"] = assembly.parse("name: inner\nnodes: {a: {set: {v: 1}}}\noutputs: {got: =a.v}")
    assert offered(complete, "%%workflow x\nnodes:\n  w: {workflow: inner}\n  b: {set: {v: =w.‖") == ["w.got"]
