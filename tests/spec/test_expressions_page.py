"""docs/expressions.md says what is so: each line of its tables is evaluated, and nothing of the language is missing."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from nbflow.spec.document import load
from nbflow.spec.expressions import FUNCTIONS, METHODS, compile_expression, compile_value
from nbflow.spec.expressions.budget import BITS, DEPTH, LENGTH, STEPS, TEXT
from nbflow.spec.names import ROOTS

PAGE = (Path(__file__).parents[2] / "docs" / "expressions.md").read_text(encoding="utf-8")
SCOPE: dict[str, Any] = load(re.search(r"```yaml\n(.*?)```", PAGE, re.DOTALL).group(1)).plain()  # type: ignore[union-attr]
ROWS = re.findall(r"^\| `(.+)` \| `(.+)` \|$", PAGE, re.MULTILINE)
TEXTS = PAGE.index("## In a text")


@pytest.mark.parametrize(("written", "expected"), ROWS)
def test_a_line_of_the_page_is_so(written: str, expected: str) -> None:
    found: list[object] = []
    if PAGE.index(f"| `{written}` |") > TEXTS:
        value = compile_value(load(f"x: {written}\n").value["x"], found.append).evaluate(SCOPE)  # type: ignore[index, call-overload]
    else:
        value = compile_expression(written).evaluate(SCOPE)
    assert found == []
    assert value == json.loads(expected)
    assert type(value) is type(json.loads(expected))


def test_the_page_has_every_function_method_and_root() -> None:
    for name in FUNCTIONS:
        assert re.search(rf"^\| `.*\b{name}\(", PAGE, re.MULTILINE), name
    for name in METHODS:
        assert re.search(rf"^\| `.*\.{name}\(", PAGE, re.MULTILINE), name
    assert " ".join(ROOTS) in " ".join(PAGE.split())


def test_the_page_names_the_limits_that_hold() -> None:
    assert (LENGTH, DEPTH, STEPS, TEXT, BITS) == (10_000, 100, 1_000_000, 10_000_000, 10_000)
    assert len(ROWS) > 50
