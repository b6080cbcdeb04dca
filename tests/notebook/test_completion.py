"""Tab in a cell of ours: options and inputs on the first line, keys, verbs, ids and roots in the text."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from nbflow import assembly
from nbflow.notebook.completion import Completer
from nbflow.notebook.session import Session

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
