"""CPython is the oracle: what `eval` gives, brought into JSON, is what an expression gives, and both raise together."""

import ast
import random
import warnings

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from spec.generator import RAISES, Writer, by_nbflow, by_python, disagreement

SEEDS, EACH = 8, 12_500


def valid(text: str) -> bool:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            ast.parse(text, mode="eval")
        except SyntaxError:
            return False
    return True


@pytest.mark.parametrize("seed", range(SEEDS))
@pytest.mark.filterwarnings("ignore::SyntaxWarning", "ignore::DeprecationWarning")
def test_a_hundred_thousand_expressions_give_what_cpython_gives(seed: int) -> None:
    writer = Writer(random.Random(f"nbflow {seed}"))
    texts = [text for text in (writer.expression() for _ in range(EACH)) if valid(text)]
    assert len(texts) > EACH * 0.99
    found = [different for text in texts if (different := disagreement(text))]
    assert not found, "\n".join(found[:5])


@given(st.randoms(use_true_random=False))
@settings(max_examples=400, deadline=None, suppress_health_check=list(HealthCheck))
@pytest.mark.filterwarnings("ignore::SyntaxWarning", "ignore::DeprecationWarning")
def test_no_expression_that_hypothesis_finds_differs_from_cpython(source: random.Random) -> None:
    text = Writer(source).expression()
    if valid(text):
        assert disagreement(text) is None


@pytest.mark.filterwarnings("ignore::SyntaxWarning", "ignore::DeprecationWarning")
def test_the_generator_writes_expressions_that_work_and_expressions_that_fail() -> None:
    writer = Writer(random.Random("nbflow"))
    texts = [text for text in (writer.expression() for _ in range(2_000)) if valid(text)]
    failing = sum(by_python(text) is RAISES for text in texts)
    assert 0.1 < failing / len(texts) < 0.5
    assert len(set(texts)) > 1_200


@pytest.mark.parametrize("text", ["n + 1", "m.a", "[x for x in xs]", "{'a': (1, 2)}", "sorted({3, 1})", "f'{pi:.1f}'"])
def test_the_oracle_tells_a_wrong_answer(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert disagreement(text) is None
    monkeypatch.setattr("spec.generator.by_nbflow", lambda _: [by_nbflow(text)])
    assert disagreement(text) is not None
