"""Fields that are bare expressions, and what people write there instead."""

import pytest

from nbflow.errors import Diagnostic
from nbflow.spec.document import load
from nbflow.spec.expressions import Expression, compile_condition


def condition(written: str, *, test: bool = True) -> tuple[Expression | None, list[Diagnostic]]:
    found: list[Diagnostic] = []
    root = load(f"when: {written}\n").value
    assert isinstance(root, dict)
    return compile_condition(root["when"], found.append, test=test), found


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("n > 1", True),
        ("'n > 1'", True),
        ("=n > 1", True),
        ("true", True),
        ("false", False),
        ("0", 0),
        ("|\n  n > 1\n  and n < 3\n", True),
        ("'''a'' in [''a'']'", True),
        ("n", 2),
    ],
)
def test_a_condition_is_an_expression(written: str, expected: object) -> None:
    made, found = condition(written)
    assert found == []
    assert made is not None
    assert made.evaluate({"n": 2}) == expected


def test_delimiters_around_the_whole_are_accepted_with_a_warning() -> None:
    made, found = condition('"${{ n > 1 }}"')
    assert made is not None
    assert made.evaluate({"n": 2}) is True
    assert [(one.code, one.severity) for one in found] == [("expr.delimiter", "warning")]
    assert "n > 1" in (found[0].hint or "")


def test_where_no_truth_is_asked_for_delimiters_are_no_matter() -> None:
    made, found = condition('"${{ [1, 2] }}"', test=False)
    assert found == []
    assert made is not None
    assert made.evaluate({}) == [1, 2]


@pytest.mark.parametrize(
    ("written", "code", "column", "said"),
    [
        ("n = 1", "expr.syntax", 9, "=="),
        ("[x for x in y]", "expr.syntax", 7, '"[x for x in y]"'),
        ("[a, b]", "expr.syntax", 7, "quotes"),
        ("{a: 1}", "expr.syntax", 7, "a mapping"),
        ("''", "expr.empty", 8, "empty"),
        ("'${{ }}'", "expr.empty", 8, "empty"),
        ("", "expr.empty", 1, "missing"),
        ("${{ a }} > ${{ b }}", "expr.syntax", 7, "${{ }}"),
        ("a > 'x", "expr.syntax", 11, "quote"),
        ("n > 1 #x and (", None, 0, ""),
        ("(n > 1 # x)", "expr.syntax", 13, "comment"),
        ("n &&  m", "expr.syntax", 9, "'and'"),
    ],
)
def test_what_is_no_condition_is_explained_at_its_place(written: str, code: str | None, column: int, said: str) -> None:
    made, found = condition(written)
    if code is None:
        assert made is not None
        return
    assert made is None
    assert [(one.code, one.line, one.column) for one in found if one.severity == "error"] == [(code, 1, column)]
    assert said in f"{found[-1].message} {found[-1].hint}"


@pytest.mark.parametrize("written", ["\"'false'\"", "\"'No.'\"", '\'"x" + "y"\''])
def test_a_text_as_a_condition_gets_a_warning(written: str) -> None:
    made, found = condition(written)
    assert made is not None
    assert [(one.code, one.severity) for one in found] == [("expr.truthiness", "warning")]
    assert "true" in found[0].message


def test_a_text_where_no_truth_is_asked_for_is_fine() -> None:
    assert condition("\"'abc'\"", test=False)[1] == []


def test_a_constant_that_fails_is_left_to_the_checks() -> None:
    made, found = condition("1 / 0")
    assert made is not None
    assert made.constant
    assert found == []


def test_a_condition_knows_where_it_stands() -> None:
    made, _ = condition('"=fetch.n > 1"')
    assert made is not None
    assert (made.line, made.column) == (1, 7)
    assert made.references[0].at is not None
    assert made.references[0].offset == 1
