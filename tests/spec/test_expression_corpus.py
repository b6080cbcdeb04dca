"""Every expression of the corpus: what is said of it when it is read, what it gives, and what it says when it fails."""

from typing import Any

import pytest

from nbflow.errors import Diagnostic
from nbflow.spec.document import Limits, load
from nbflow.spec.expressions import EvaluationError, compile_value
from tests import corpus

Case = dict[str, Any]

ALL = corpus.cases("expression", kinds=("expression",))
SCOPE: dict[str, Any] = {
    "inputs": {"n": 3, "zero": 0, "s": "text", "xs": [3, 1, 2]},
    "fetch": {"body": "hello", "status": 200, "items": [7, 8], "keys": 3, "rows": [{"id": 1}, {"id": 2}, {"id": 3}]},
}
OF_THE_GRAPH = {"expression.reads_itself"}  # no fault of the expression


@pytest.mark.parametrize("case", ALL, ids=lambda case: case["id"])
def test_an_expression_of_the_corpus_is_answered_as_it_wants(case: Case) -> None:
    outcomes = case["expect"]["outcome"].split("|")
    found: list[Diagnostic] = []
    at = load(corpus.quoted(case), Limits(size=2_000_000))
    value = compile_value(at, found.append)
    if any(one.severity == "error" for one in found):
        assert "reject" in outcomes
        assert corpus.faults(case, tuple(found), (0, 1)) == []
        return
    if outcomes[0] == "warn" and "accept" not in outcomes:
        assert corpus.faults(case, tuple(found), (0, 1)) == []
    if case["id"] in OF_THE_GRAPH:
        return
    try:
        given = value.evaluate(SCOPE)
    except EvaluationError as error:
        assert {"error", "limit", "reject"} & set(outcomes), error
        said = Diagnostic(error.code, str(error), 1, error.offset + 4, hint=error.hint)
        assert corpus.faults(case, (said,)) == []
    else:
        assert {"accept", "warn"} & set(outcomes)
        if "outputs" in case["expect"]:
            assert given == case["expect"]["outputs"]["value"]
            assert type(given) is type(case["expect"]["outputs"]["value"])
