"""No bytes whatever make the readers raise anything but their own errors, hang, or end the process."""

import itertools
import random
import subprocess
import sys
import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from spec.mutations import EXPRESSIONS, TOKENS, Mutator

from nbflow.errors import Diagnostic, SpecError, render
from nbflow.spec.document import Located, finding, load
from nbflow.spec.durations import read_duration, read_rate
from nbflow.spec.expressions import (
    EvaluationError,
    ExpressionError,
    compile_condition,
    compile_expression,
    compile_value,
)
from nbflow.spec.schema import read_inputs, read_schema

SECONDS = 2.5  # for each of the long tests
SCOPE: dict[str, Any] = {
    "a": {"b": [1, "x", None]},
    "xs": [[1, [2, 3]]],
    "ys": [],
    "score": 1,
    "items": "text",
    "x": None,
    "inputs": {},
}


def read_everything(content: bytes) -> None:
    """Whatever reads a text, reads it; findings are shown too."""
    try:
        root = load(content)
    except SpecError as error:
        _sound(content, error.diagnostics)
        str(error)
        return
    found: list[Diagnostic] = []
    value = compile_value(root, found.append)
    _evaluated(value.evaluate)
    for at in itertools.islice(_leaves(root), 200):
        made = compile_condition(at, found.append)
        if made is not None:
            _evaluated(made.evaluate)
        read_schema(at, found.append)
        read_duration(at, found.append)
        read_rate(at, found.append)
        found += [finding(at, "x", "x", offset=offset) for offset in (0, 1, 7)]
    read_inputs(root, found.append)
    _sound(content, found)
    for reference in value.references:
        assert reference.at is not None
        assert str(reference.at.value)[reference.offset :].startswith(reference.root)


def _leaves(root: Located) -> Any:
    waiting = [root]
    while waiting:
        at = waiting.pop()
        yield at
        if isinstance(at.value, dict):
            waiting.extend(at.value.values())
        elif isinstance(at.value, list):
            waiting.extend(at.value)


def _evaluated(evaluate: Any) -> None:
    try:
        evaluate(SCOPE)
    except EvaluationError as error:
        assert 0 <= error.offset <= len(error.expression)
        assert "\n    " in str(error)


def _sound(content: bytes, found: Any) -> None:
    lines = content.count(b"\n") + content.count(b"\r") + 1
    for one in found:
        assert 1 <= one.line <= lines + 1, one
        assert one.column >= 1, one
        assert "." in one.code or one.code == "x"
        render(one)


@pytest.mark.parametrize("seed", range(3))
def test_no_mutation_of_a_text_breaks_the_readers(seed: int) -> None:
    ends = time.monotonic() + SECONDS
    done = 0
    for content in Mutator(seed):
        begun = time.process_time()
        read_everything(content)
        assert time.process_time() - begun < 5, content  # milliseconds on an idle machine
        done += 1
        if time.monotonic() > ends:
            break
    assert done > 100


@pytest.mark.parametrize("seed", range(2))
def test_no_mutation_of_an_expression_breaks_its_reading(seed: int) -> None:
    pick = random.Random(f"expressions {seed}")
    tokens = [token.decode("utf-8", "replace") for token in TOKENS]
    ends = time.monotonic() + SECONDS
    while time.monotonic() < ends:
        text = pick.choice(EXPRESSIONS)
        for _ in range(pick.choice((1, 2, 4, 8))):
            at = pick.randrange(len(text) + 1)
            end = at + pick.choice((0, 0, 1, 3, 9))
            text = text[:at] + pick.choice([*tokens, text[at:end] * 3, pick.choice(EXPRESSIONS), ""]) + text[end:]
        try:
            expression = compile_expression(text)
        except ExpressionError as error:
            assert 0 <= error.offset <= len(text)
            continue
        _evaluated(expression.evaluate)
        for reference in expression.references:
            assert text[reference.offset :].startswith(reference.root)


@given(st.binary(max_size=60))
def test_no_bytes_break_the_readers(content: bytes) -> None:
    read_everything(content)


@given(st.text(max_size=40))
def test_no_text_breaks_an_expression(text: str) -> None:
    try:
        compile_expression(text)
    except ExpressionError as error:
        assert 0 <= error.offset <= len(text)


LARGE = {
    "a flat mapping": lambda n: "".join(f"k{i}: v\n" for i in range(n // 12)),
    "a flat list": lambda n: "- x\n" * (n // 4),
    "a flow list": lambda n: "[" + "x, " * (n // 3) + "x]",
    "one text": lambda n: "a: '" + "x" * n + "'",
    "quotes": lambda n: "a: '" + "''" * (n // 2) + "'",
    "escapes": lambda n: 'a: "' + "\\n" * (n // 2) + '"',
    "block text": lambda n: "a: |\n" + "  line\n" * (n // 7),
    "folded text": lambda n: "a: >\n" + "  line\n" * (n // 7),
    "comments": lambda n: "# x\n" * (n // 4) + "a: 1",
    "duplicates": lambda n: "a: 1\n" * (n // 5),
    "tags": lambda n: "- !x y\n" * (n // 7),
    "anchors": lambda n: "".join(f"- &a{i} x\n" for i in range(n // 10)),
    "expressions": lambda n: "".join(f"k{i}: =a.b + {i}\n" for i in range(n // 16)),
    "bad expressions": lambda n: "".join(f"k{i}: =a.b +\n" for i in range(n // 14)),
    "templates": lambda n: "a: |\n" + "  ${{ a.b }}\n" * (n // 13),
    "open templates": lambda n: "a: '" + "${{ " * (n // 4) + "'",
    "look-alikes": lambda n: "a: '" + "{{ x }} " * (n // 8) + "'",
    "open look-alikes": lambda n: "a: '" + "{{ x " * (n // 5) + "'",
    "brackets in a template": lambda n: "a: '${{ " + "(" * n + " }}'",
    "json": lambda n: '{"a": [' + "1," * (n // 2) + "1]}",
    "bad json": lambda n: '{"a": [' + "1," * (n // 2) + "]]",
    "flow expressions": lambda n: "[" + "=a(b, " * (n // 6) + "]",
    "keys without values": lambda n: "{" + "a b, " * (n // 5) + "}",
    "missing spaces": lambda n: "{" + "a:b, " * (n // 5) + "}",
    "spaces": lambda n: "a:" + " " * n + "1",
    "line ends": lambda n: "a: 'x" + "\n" * n + "y'",
    "an alias for many": lambda n: "a: &a [" + "x, " * (n // 10) + "x]\nb: [" + "*a, " * 200 + "]",
    "odd line ends": lambda n: "a: 'x" + "\u2028" * (n // 3) + "y'\nb: 1",
    "an open quote": lambda n: "a: '" + "x y: z\n" * (n // 7),
    "an open bracket": lambda n: "a: [" + "x, " * (n // 3),
    "secrets": lambda n: "a: !x " + "sk-" * (n // 3),
    "urls": lambda n: "a: !x " + "://a:" * (n // 5),
    "a condition": lambda n: "'" + "a + " * (n // 4) + "'",
}  # fmt: skip


@pytest.mark.parametrize("name", LARGE)
def test_a_large_text_is_read_or_refused_in_a_second_a_megabyte(name: str) -> None:
    text = LARGE[name](100_000)
    begun = time.process_time()
    read_everything(text.encode())
    assert time.process_time() - begun < 1.5  # of this process, for a tenth of a megabyte, read by every reader


def test_the_deepest_texts_do_not_end_the_process() -> None:
    script = (
        "import sys, threading\n"
        "from nbflow.spec.document import load, Limits\n"
        "from nbflow.spec.expressions import compile_expression\n"
        "texts = ['[' * 900_000, '{a: ' * 200_000, '- ' * 400_000, '? ' * 400_000, 'a: ' + '[{' * 300_000,\n"
        "         '{\"a\":' * 150_000, '[' * 400_000 + ']' * 400_000, '{' + '\"a\":[' * 100_000]\n"
        "pieces = ['(' * 9_999, 'not ' * 2_400, '-' * 9_999, '[' * 9_999, 'a.' * 4_900 + 'a', 'a**' * 3_000 + 'a', 'a if a else ' * 800 + 'a',\n"
        "          'lambda:' * 1_400, '[x for x in ' * 800, 'a(' * 4_900, 'f\"{' * 3_000, 'a[' * 4_900, '{' * 9_999, 'a<' * 4_900 + 'a', 'a,' * 4_900]\n"
        "def work():\n"
        "    for text in texts:\n"
        "        try: load(text)\n"
        "        except Exception as error: assert type(error).__name__ == 'SpecError', error\n"
        "    for piece in pieces:\n"
        "        try: compile_expression(piece).evaluate({'a': 1})\n"
        "        except Exception as error: assert type(error).__name__ in ('ExpressionError', 'EvaluationError'), error\n"
        "    print('alive')\n"
        "work()\n"
        "def deep(n):\n"
        "    return work() if n == 0 else deep(n - 1)\n"
        "deep(500)\n"
        "threading.stack_size(512 * 1024)\n"
        "thread = threading.Thread(target=work)\n"
        "thread.start(); thread.join()\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout.split()) == (0, ["alive"] * 3), done.stderr[-2000:]
