"""Patterns mean what Python's `re` says they mean, in time that grows with the text alone."""

import re
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nbflow.spec.schema.patterns import PatternError, compile_pattern

atoms = st.sampled_from(
    ["a", "b", "c", ".", "[ab]", "[^a]", r"\d", r"\w", r"\s", "[a-c1]", r"\.", "-", "1", "(?:b)", r"\x61"]
)
patterns = st.recursive(
    st.lists(atoms, max_size=3).map("".join),
    lambda inner: st.one_of(
        st.tuples(inner, st.sampled_from(["*", "+", "?", "{2}", "{1,2}", "{0,}", "*?", "+?"])).map(
            lambda two: f"({two[0]}){two[1]}"
        ),
        st.tuples(inner, inner).map("|".join).map(lambda text: f"(?:{text})"),
        st.tuples(inner, inner).map("".join),
    ),
    max_leaves=6,
).map(lambda text: text)
anchored = st.tuples(st.sampled_from(["", "^"]), patterns, st.sampled_from(["", "$"])).map("".join)


@given(anchored, st.text(alphabet="abc1. -x", max_size=8))
@settings(max_examples=600, deadline=None)
def test_a_pattern_matches_what_python_matches(pattern: str, text: str) -> None:
    expected = re.search(pattern.replace("$", r"\Z"), text) is not None
    assert compile_pattern(pattern).search(text) == expected


@pytest.mark.parametrize(
    ("pattern", "yes", "no"),
    [
        (r"^[a-z][a-z0-9_-]*$", "my-name_1", "My"),
        (r"^\d{4}-\d{2}$", "2026-11", "2026-1"),
        (r"^(foo|bar)+$", "foobarfoo", "foobaz"),
        (r"^a{0}b$", "b", "ab"),
        (r"^$", "", "x"),
        (r"", "anything", None),
        (r"^[^@]+@[^@]+$", "a@b", "a@b@c"),
        (r"[\]\\]", "]", "x"),
        (r"[]a]", "]", "b"),
        (r"^a$|^b$", "b", "ab"),
        (r"^x{2,}$", "xxxx", "x"),
        (r"\u00e9", "é", "e"),
        (r"^a$", "a", "a\n"),
        (r"{", "{", "x"),
        (r"^é+$", "ééé", "e"),
    ],
)
def test_a_pattern_takes_this_and_not_that(pattern: str, yes: str, no: str | None) -> None:
    assert compile_pattern(pattern).search(yes)
    if no is not None:
        assert not compile_pattern(pattern).search(no)


@pytest.mark.parametrize(
    "pattern", ["(a+)+$", "(a|aa)+$", "(a*)*b", "a*a*a*a*a*b", "^(([a-z])+.)+[A-Z]([a-z])+$", "(.*)*(.*)*x"]
)
def test_no_pattern_takes_for_ever(pattern: str) -> None:
    begun = time.process_time()
    compile_pattern(pattern).search("a" * 20_000 + "!")
    assert time.process_time() - begun < 3  # hundredths of a second on an idle machine


@pytest.mark.parametrize(
    ("pattern", "offset"),
    [("[", 0), ("(a", 0), ("a)", 1), ("*a", 0), ("a**", 2), ("a{2,1}", 1), (r"\1", 0), (r"(a)\1", 3), ("(?=a)", 0), ("(?<x>a)", 0),
     (r"a\b", 1), (r"\p{L}", 0), ("[b-a]", 0), ("(" * 60 + ")" * 60, 0), ("a{9999}", 0), ("((a{90}){90}){90}", 0), ("\\", 0)],
)  # fmt: skip
def test_what_cannot_be_matched_in_one_go_is_refused_at_its_place(pattern: str, offset: int) -> None:
    with pytest.raises(PatternError) as caught:
        compile_pattern(pattern)
    assert caught.value.offset == offset


@given(st.text(alphabet="ab()[]{}*+?|^$\\d.,-1", max_size=14))
def test_no_text_breaks_the_reading_of_patterns(pattern: str) -> None:
    try:
        compiled = compile_pattern(pattern)
    except PatternError:
        return
    compiled.search("aab")
