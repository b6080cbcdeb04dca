"""Each text of the corpus gets the outcome, code, place and words that its case asks for."""

from __future__ import annotations

import pytest

from nbflow.errors import SpecError
from nbflow.plan.workflow import diagnose, parse
from tests import corpus
from tests.workflows.running import run_text

GROUPS = ("yaml_types", "schema", "graph", "cron", "database", "email")
CASES = corpus.cases(*GROUPS)
RUN = [case for case in CASES if {"outputs", "phases"} & case["expect"].keys()]
LIMITS = [case for case in CASES if "limit" in case["expect"]["outcome"]]


def ids(case):
    return case["id"]


@pytest.mark.parametrize("case", CASES, ids=ids)
def test_a_bad_text_is_explained_where_it_is_wrong(case) -> None:
    found = diagnose(corpus.text_of(case))
    outcomes = case["expect"]["outcome"].split("|")
    verdict = corpus.verdict(found)
    if verdict == "reject":
        assert {"reject", "limit"} & set(outcomes), [str(each) for each in found]
        with pytest.raises(SpecError) as refused:
            parse(corpus.text_of(case))
        assert refused.value.diagnostics == found
    elif not {"accept", "error", "limit"} & set(outcomes):
        assert "warn" in outcomes, "it is accepted"
    if verdict == "reject" or outcomes == ["warn"]:
        assert corpus.faults(case, found) == []


@pytest.mark.parametrize("case", RUN, ids=ids)
async def test_an_odd_but_good_text_runs_as_it_says(case) -> None:
    ran = await run_text(case["input"])
    expect = case["expect"]
    assert ran.phase == "completed"
    if "outputs" in expect:
        assert ran.outputs == expect["outputs"]
    for node, phase in expect.get("phases", {}).items():
        assert ran.phases[node] == phase


@pytest.mark.parametrize("case", LIMITS, ids=ids)
async def test_a_fan_without_bounds_meets_a_limit(case, monkeypatch) -> None:
    monkeypatch.setattr("nbflow.runtime.limits.MAX_NODE_RUNS", 2_000)
    text = corpus.text_of(case)
    assert isinstance(text, str)
    ran = await run_text(text)
    assert ran.phase == "failed"
    assert ran.error is not None
    assert ran.error["code"] in ("limit.fanout", "expr.limit")
