"""Texts of the corpus that are good, or bad only when they run, through `nbflow run --json`."""

from __future__ import annotations

import pytest
import yaml
from tests.corpus import cases, document, text_of, workflow

GROUPS = ("yaml_syntax", "yaml_bombs", "yaml_types", "schema", "graph", "expression")
ALL = cases(*GROUPS, kinds=("dsl", "expression"))
GOOD = [case for case in ALL if {"outputs", "phases"} & case["expect"].keys()]
FAILS = [case for case in ALL if {"error", "limit"} & set(case["expect"]["outcome"].split("|"))]


def ids(case):
    return case["id"]


def stdin(case):
    text = workflow(case) if case["kind"] == "expression" else text_of(case)
    return text if isinstance(text, bytes) else text.encode()


def is_of(code, families):
    return any(code == family or code.startswith(f"{family}.") for family in families.split("|"))


@pytest.mark.parametrize("case", GOOD, ids=ids)
def test_an_odd_but_good_text_gives_what_its_case_says(shell, case):
    said = shell("run", "-", "--json", "--store", "memory:", stdin=stdin(case))
    ran = said.document
    assert (said.code, ran["phase"]) == (0, "completed"), ran
    if "outputs" in case["expect"]:
        assert ran["outputs"] == case["expect"]["outputs"]
    for node, phase in case["expect"].get("phases", {}).items():
        assert ran["nodes"][node]["phase"] == phase


@pytest.mark.parametrize("case", FAILS, ids=ids)
def test_what_fails_or_goes_past_a_limit_ends_at_its_node_and_says_why(shell, case):
    said = shell("run", "-", "--json", "--store", "memory:", stdin=stdin(case))
    assert "Traceback" not in said.err
    outcomes = case["expect"]["outcome"].split("|")
    if said.code == 2:  # seen before it ran
        assert {"reject", "limit"} & set(outcomes), said.document
        return
    assert said.code == 1, said.document
    error = said.document["error"]
    assert is_of(error["code"], case["expect"]["code"]), error
    assert error["node"]
    assert said.document["nodes"][error["node"]]["phase"] == "failed"


def test_workflows_that_call_each_other_for_ever_meet_the_limit_of_depth(shell):
    (case,) = [case for case in document()["cases"] if case["kind"] == "dsl_pair"]
    for text in case["input"].split("---\n"):
        shell.write(f"{yaml.safe_load(text)['name']}.yaml", text)
    said = shell("run", "one.yaml", "--json", "--store", "memory:")
    assert said.code == 1
    assert said.document["error"]["code"] == case["expect"]["code"]
    assert "one -> two -> one" in said.document["error"]["message"]
