"""Every bad text of the corpus that YAML itself makes bad: found while reading, at its place, with what to do."""

import time
import tracemalloc
from typing import Any

import pytest
import yaml

from nbflow.errors import Diagnostic, SpecError, render
from nbflow.spec.document import load, loading
from tests import corpus

Case = dict[str, Any]

ALL = corpus.cases("yaml_syntax", "yaml_bombs", "yaml_types")
BAD = [case for case in ALL if any(family.startswith("yaml.") for family in str(case["expect"]["code"]).split("|"))]
LATER = {"yaml_syntax.missing_space_after_colon"}  # only who wants a mapping there can tell


def read(case: Case) -> tuple[Diagnostic, ...]:
    try:
        load(corpus.text_of(case))
    except SpecError as error:
        return error.diagnostics
    return ()


def test_the_corpus_is_there() -> None:
    assert len(ALL) > 50
    assert len(BAD) > 25


@pytest.mark.parametrize("parser", ["libyaml", "pure"])
@pytest.mark.parametrize("case", [case for case in BAD if case["id"] not in LATER], ids=lambda case: case["id"])
def test_a_bad_text_is_refused_with_what_its_author_needs(
    case: Case, parser: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if parser == "pure":
        monkeypatch.setattr(loading, "_Loader", yaml.SafeLoader)
    begun = time.process_time()
    found = read(case)
    assert time.process_time() - begun < 5  # tenths of a second on an idle machine
    assert corpus.faults(case, found) == []
    assert all(len(render(one).splitlines()) <= 6 for one in found)


@pytest.mark.parametrize(
    "case", [case for case in ALL if case not in BAD or case["id"] in LATER], ids=lambda case: case["id"]
)
def test_a_text_that_is_wrong_otherwise_is_read(case: Case) -> None:
    assert read(case) == ()


@pytest.mark.parametrize("case", [case for case in BAD if case["group"] == "yaml_bombs"], ids=lambda case: case["id"])
def test_a_bomb_takes_little_memory(case: Case) -> None:
    content = corpus.text_of(case)
    tracemalloc.start()
    try:
        read(case)
        assert tracemalloc.get_traced_memory()[1] < 200 * 2**20 + len(content)
    finally:
        tracemalloc.stop()
