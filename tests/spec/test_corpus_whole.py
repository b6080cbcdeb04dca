"""Texts and expressions of the corpus through everything: checked as workflows, and run when that is possible."""

from typing import Any

import pytest

from nbflow.plan.workflow import diagnose
from tests import corpus
from tests.workflows.running import run_text

Case = dict[str, Any]
TEXTS = corpus.cases("yaml_syntax", "yaml_bombs", "expression")
EXPRESSIONS = corpus.cases("expression", kinds=("expression",))
WHOLE = [(case, corpus.text_of(case), (0, 0)) for case in TEXTS] + [
    (case, corpus.workflow(case), (13, 14)) for case in EXPRESSIONS
]
OUTCOMES = {
    "reject": {"reject", "limit"},
    "warn": {"warn", "accept", "error", "limit"},
    "accept": {"accept", "error", "limit"},
}


@pytest.mark.parametrize(("case", "text", "shift"), WHOLE, ids=[case["id"] for case, _, _ in WHOLE])
async def test_a_case_ends_as_the_corpus_says(case: Case, text: str | bytes, shift: tuple[int, int]) -> None:
    outcomes = set(case["expect"]["outcome"].split("|"))
    found = diagnose(text)
    verdict = corpus.verdict(found)
    assert OUTCOMES[verdict] & outcomes, [str(one) for one in found]
    if verdict == "reject" or outcomes == {"warn"}:
        assert corpus.faults(case, found, shift) == []
    if verdict != "reject":
        await _run(case, text if isinstance(text, str) else text.decode("utf-8-sig"), outcomes)


async def _run(case: Case, text: str, outcomes: set[str]) -> None:
    ran = await run_text(text)
    if ran.phase == "completed":
        assert {"accept", "warn"} & outcomes
        if "outputs" in case["expect"]:
            assert ran.outputs == case["expect"]["outputs"]
        return
    assert {"error", "limit"} & outcomes, ran.error
    assert ran.error is not None
    said = str(ran.error).lower()
    for word in case["expect"].get("words", ()):
        assert any(str(each).lower() in said for each in (word if isinstance(word, list) else [word])), (word, said)
    assert not [never for never in case["expect"].get("never", ()) if never in said]
