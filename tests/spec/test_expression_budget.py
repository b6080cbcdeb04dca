"""No expression runs for ever, makes anything huge, or breaks the process: each ends as an ordinary error."""

import contextlib
import itertools
import time
from typing import Any

import pytest

from nbflow.spec.expressions import EvaluationError, ExpressionError, compile_expression
from nbflow.spec.expressions.budget import STEPS

SCOPE: dict[str, Any] = {
    "text": "a" * 1_000_000,
    "xs": list(range(2_000)),
    "words": ["ab"] * 2_000,
    "deep": None,
    "n": 10**6,
    "n2": [-1, -2],
    "m": {str(i): i for i in range(2_000)},
}
deep: Any = "end"
for _ in range(5_000):
    deep = [deep]
SCOPE["deep"] = deep

BOMBS = [
    "[v for v in range(10**9)]",
    "sum(range(10**12))",
    "range(-10**30, 10**30)",
    "9**9**9",
    "2**100000",
    "(2**9000) * (2**9000)",
    "'a' * 10**10",
    "10**10 * [0]",
    "[[0] * 1000000 for x in range(1000)]",
    "('a' * 1000).replace('a', 'b' * 1000).replace('b', 'c' * 1000)",
    "text.replace('', 'abcdefghijk')",
    "text.join(words)",
    "(text * 9).join(['', '', '', ''])",
    "f'{1:>1000000000}'",
    "f'{1:{10**9}}'",
    "f'{1.5:.99999999f}'",
    "[x for x in xs for y in xs for z in xs]",
    "[y for x in xs for y in [x] * 1000 for z in xs]",
    "any(x == y for x in xs for y in xs if false)",
    "sum([[1] * 100000 for x in xs], [])",
    "[sorted(xs) for x in xs]",
    "[text.upper() for x in xs]",
    "[text in text for x in xs for y in xs]",
    "[text == text + 'b' for x in xs for y in xs]",
    "[words.count('ab') for x in xs]",
    "[xs.index(1999) for x in xs]",
    "[list(m) for x in xs]",
    "[m.items() for x in xs]",
    "[xs[:] for x in xs]",
    "[xs + xs for x in xs]",
    "[xs == xs for x in xs]",
    "[max(xs) for x in xs]",
    "[str(xs) for x in xs]",
    "[f'{xs}' for x in xs]",
    "[dict(m) for x in xs]",
    "[list(zip(xs, xs)) for x in xs]",
    "[list(enumerate(xs)) for x in xs]",
    "[[x] in [xs] * 1000 for x in xs]",
    "[text.split('a') for x in xs]",
    "[text.splitlines() for x in range(100000)]",
    "[text.count('b') for x in range(100000)]",
    "[text.find('b') for x in range(100000)]",
    "[set(xs) for x in xs]",
    "[reversed(xs) for x in xs]",
    "[(x + 1 + 1 + 1 + 1 + 1 + 1 + 1 + 1 + 1 + 1 + 1 + 1) for x in xs for y in range(100)]",
    "[[[[[[xs] * 100] * 100] * 100] * 100] * 100] == 1",
    "str([[[[xs] * 100] * 100] * 100])",
    "[[[[xs] * 100] * 100] * 100]",
    "len(str(2**9999)) * text",
    "{(x, y, z): 1 for x in xs for y in xs for z in xs}",
    "{x * 2305843009213693951 for x in range(200000)}",
    "{x * 2305843009213693951: 1 for x in range(200000)}",
    "set([x * 2305843009213693951 for x in range(200000)])",
    "dict([[x * 2305843009213693951, 1] for x in range(200000)])",
    "{((a, b, c, d, e, f), (g, h, i, j, k)) for a in n2 for b in n2 for c in n2 for d in n2 for e in n2 for f in n2"
    " for g in n2 for h in n2 for i in n2 for j in n2 for k in n2}",
]


@pytest.mark.parametrize("text", BOMBS)
def test_a_bomb_ends_by_a_limit_within_moments(text: str) -> None:
    expression = compile_expression(text)
    begun = time.process_time()
    with pytest.raises(EvaluationError) as caught:
        expression.evaluate(SCOPE)
    assert caught.value.code == "expr.limit"
    assert time.process_time() - begun < 5  # a fraction of a second on an idle machine


@pytest.mark.parametrize("text", ["round(5, -10**9)", "round(7, -10**18)", "round(1.5, 10**9)", "round(-3, -400)"])
def test_rounding_to_absurd_places_takes_no_time(text: str) -> None:
    assert compile_expression(text).evaluate({}) in (0, 1.5)


@pytest.mark.parametrize(
    "text", ["deep == deep", "str(deep)", "[deep, 1]", "deep < deep", "deep in [deep]", "{'a': deep}"]
)
def test_data_nested_thousands_deep_ends_as_an_error_or_a_value(text: str) -> None:
    try:
        compile_expression(text).evaluate(SCOPE)
    except EvaluationError as error:
        assert error.code == "expr.limit"


def test_deep_data_that_is_only_passed_on_is_passed_on() -> None:
    assert compile_expression("deep").evaluate(SCOPE) is SCOPE["deep"]
    assert compile_expression("deep if n else 1").evaluate({"deep": 3, "n": 1}) == 3


HUGE = {
    "brackets": "(" * 3000 + "1" + ")" * 3000,
    "open brackets": "[" * 10_000,
    "a sum": "1+" * 500_000 + "1",
    "a shorter sum": "1+" * 4_000 + "1",
    "powers": "1**" * 3_000 + "1",
    "nots": "not " * 2_400 + "1",
    "minuses": "-" * 9_000 + "1",
    "fields": "a" + ".b" * 4_900,
    "subscripts": "a" + "[0]" * 3_000,
    "calls": "a" + ".get(1)" * 1_400,
    "conditionals": "1 if 1 else " * 800 + "1",
    "comparisons": "1<" * 4_900 + "1",
    "ands": "1 and " * 1_600 + "1",
    "texts": "'a' " * 2_400,
    "numbers": "1" * 9_999,
    "lambdas": "lambda:" * 1_400 + "1",
    "comprehensions": "[x for x in [1]" * 600,
    "fors": "[1" + " for x in [1]" * 700 + "]",
    "ifs": "[1 for x in [1]" + " if 1" * 1_900 + "]",
    "f-strings": "f'" + "{1}" * 3_000 + "'",
    "nested f-strings": 'f\'{f"{f"""{1}"""}"}\'',
    "nested formats": "f'{1:{1:{1}}}'",
    "backslashes": "'" + "\\" * 9_000 + "'",
    "names": ",".join(f"n{i}" for i in range(1_600)),
    "a mapping": "{" + ",".join(f"{i}:{i}" for i in range(900)) + "}",
    "awaits": "await " * 1_600 + "1",
    "walruses": "(a:=" * 49 + "1" + ")" * 49,
    "stars": "[" + "*" * 9_000 + "a]",
    "dots": "." * 9_999,
    "newlines": "1\n" * 4_000,
    "nul": "\x00" * 100,
    "surrogates": "'\ud800' + a\udfff",
}


@pytest.mark.parametrize("name", HUGE)
def test_a_huge_text_is_read_or_refused_and_never_breaks_the_parser(name: str) -> None:
    begun = time.process_time()
    with contextlib.suppress(ExpressionError, EvaluationError):
        compile_expression(HUGE[name]).evaluate({"a": {}})
    assert time.process_time() - begun < 2


@pytest.mark.parametrize(
    "text",
    [
        "[x * 2 + 1 for x in range(100000)]",
        "sum(range(400000))",
        "{(x % 7, x) for x in range(50000)}",
        "{x * 2 ** 61: 1 for x in range(9000)} == {}",
        "'ab' * 4000000",
        "2 ** 9998",
    ],
)
def test_ordinary_amounts_of_work_are_within_the_budget(text: str) -> None:
    compile_expression(text).evaluate({})


def test_the_budget_is_that_of_one_evaluation() -> None:
    expression = compile_expression(f"len(range({STEPS - 1}))")
    for _ in range(3):
        assert expression.evaluate({}) == STEPS - 1


def test_a_bomb_among_arguments_is_found_whatever_the_function() -> None:
    for function, argument in itertools.product(
        ("list", "sorted", "sum", "max", "set", "tuple", "all"), ("range(10**9)",)
    ):
        with pytest.raises(EvaluationError) as caught:
            compile_expression(f"{function}({argument})").evaluate({})
        assert caught.value.code == "expr.limit"
