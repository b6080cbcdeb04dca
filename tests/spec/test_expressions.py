"""The expression language, point by point. What agrees with CPython is left to the oracle; here stands what is ours."""

from typing import Any

import pytest

from nbflow.spec.expressions import EvaluationError, ExpressionError, compile_expression

SCOPE: dict[str, Any] = {
    "inputs": {"n": 3, "s": "text", "xs": [3, 1, 2], "a b": 1, "empty": []},
    "fetch": {"body": "hello", "items": [7, 8], "keys": 3, "rows": [{"id": 1}, {"id": 2}], "_id": 5, "get": None},
    "skipped": None,
    "tags": ["b", "a"],
}


def value(text: str, scope: dict[str, Any] = SCOPE) -> Any:
    return compile_expression(text).evaluate(scope)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("fetch.body", "hello"),
        (" fetch . body ", "hello"),
        ("fetch['body']", "hello"),
        ("fetch._id", 5),
        ("inputs['a b']", 1),
        ("fetch.items[0] + fetch.keys", 10),
        ("fetch.keys", 3),
        ("len(fetch.items)", 2),
        ("[k for k, v in fetch.items()][0]", "body"),
        ("fetch.get('nothing', 4)", 4),
        ("fetch.get", None),
        ("true and not false", True),
        ("null is None and None == null", True),
        ("[true, false, null]", [True, False, None]),
        ("(1, 2)", [1, 2]),
        ("1, 2", [1, 2]),
        ("range(3)", [0, 1, 2]),
        ("range(5, 0, -2)", [5, 3, 1]),
        ("zip([1], ['a'])", [[1, "a"]]),
        ("enumerate(tags)", [[0, "b"], [1, "a"]]),
        ("fetch.rows[0].keys()", ["id"]),
        ("fetch.rows[0].values()", [1]),
        ("{'b', 'a', 'b'}", ["b", "a"]),
        ("{x % 2 for x in inputs.xs}", [1, 0]),
        ("set(tags + tags)", ["b", "a"]),
        ("{t: len(t) for t in tags}", {"b": 1, "a": 1}),
        ("any(x > 2 for x in inputs.xs)", True),
        ("[\n  x\n  for x in inputs.xs\n]", [3, 1, 2]),
        ("inputs.n >\n 2\n and true", True),
        ("'it''s'", "its"),
        ("r'\\d'", "\\d"),
        ("'\\d'", "\\d"),
        ("f'{inputs.n:03d} {inputs.s!r} {{}}'", "003 'text' {}"),
        ("'$' + '{' + '{ 1 + 1 }' + '}'", "${{ 1 + 1 }}"),
        ("0.1 + 0.2 == 0.3", False),
        ("1 < inputs.n < 10", True),
        ("float('nan') == float('nan')", False),
        ("[x for x in [1.0, float('inf')] if x < 2]", [1.0]),
        ("'a' in 'abc' and 'b' in {'b': 1} and 3 in inputs.xs", True),
        ("skipped is None", True),
        ("skipped.body if skipped is not None else 'none'", "none"),
        ("dict(fetch.rows[0], more=1)", {"id": 1, "more": 1}),
        ("max(inputs.empty, default=None)", None),
        ("'é'.upper() + '日本'", "É日本"),
        ("inputs.xs[-1]", 2),
        ("inputs.xs[::-1]", [2, 1, 3]),
        ("inputs.s[1:3]", "ex"),
        ("str({1})", "{1}"),
        ("len(x for x in tags) if false else 1", None),
    ],
)
def test_an_expression_gives(text: str, expected: Any) -> None:
    if expected is None and "len(x" in text:
        with pytest.raises(ExpressionError):
            value(text)
        return
    found = value(text)
    assert found == expected
    assert type(found) is type(expected)


def test_a_called_name_is_a_function_and_any_other_a_root() -> None:
    scope = {"len": [1, 2], "max": 3}
    assert value("len(len) + max", scope) == 5


def test_a_comprehension_hides_roots_only_inside_itself() -> None:
    assert value("[fetch for fetch in tags] + [fetch.keys]") == ["b", "a", 3]


def test_a_plain_path_gives_the_object_that_is_there() -> None:
    assert value("fetch.rows") is SCOPE["fetch"]["rows"]


def test_mappings_of_the_engine_are_asked_for_one_name_at_a_time() -> None:
    class Asked(dict[str, str]):
        def __missing__(self, name: str) -> str:
            return f"value of {name}"

    assert value("secrets.TOKEN", {"secrets": Asked()}) == "value of TOKEN"
    assert value("'Bearer ' + secrets.TOKEN", {"secrets": Asked()}) == "Bearer value of TOKEN"
    assert value("env['HOME']", {"env": Asked()}) == "value of HOME"


@pytest.mark.parametrize(
    "text", ["secrets", "[secrets]", "len(secrets)", "secrets[inputs.n]", "secrets if true else 1"]
)
def test_secrets_cannot_be_read_as_a_whole(text: str) -> None:
    with pytest.raises(ExpressionError) as caught:
        compile_expression(text)
    assert caught.value.code == "secret.exposed"


@pytest.mark.parametrize(
    ("text", "offset"),
    [
        ("secrets.A == inputs.n", 0), ("inputs.n in secrets.A", 12), ("len(secrets.A)", 4), ("secrets.A[0:3]", 0),
        ("secrets.A.upper()", 0), ("1 if secrets.A else 2", 5), ("secrets.A or 1", 0), ("not secrets.A", 4),
        ("[x for x in secrets.A]", 12), ("{secrets.A: 1}", 1), ("secrets.A * 2", 0), ("str(secrets.A)", 4),
        ("inputs[secrets.A]", 7), ("secrets.A.b", 0), ("'x'.replace('x', secrets.A)", 17), ("secrets['A'] is None", 0),
        ("f'{secrets.A[0]}'", 3), ("secrets.A + secrets.B[:1]", 12),
    ],
)  # fmt: skip
def test_a_secret_cannot_be_looked_into(text: str, offset: int) -> None:
    with pytest.raises(ExpressionError) as caught:
        compile_expression(text)
    assert caught.value.code == "secret.exposed"
    assert caught.value.offset == offset


@pytest.mark.parametrize(
    "text",
    ["secrets.A", "'Bearer ' + secrets.A", "f'Bearer {secrets.A}'", "secrets.A if inputs.n else secrets.B",
     "[secrets.A, 1]", "{'key': secrets['A']}", "'a' + 'b' + secrets.A + 'c'"],
)  # fmt: skip
def test_a_secret_is_passed_on_whole_or_in_a_text(text: str) -> None:
    found = compile_expression(text).evaluate({"secrets": {"A": "t0p", "B": "other"}, "inputs": {"n": 1}})
    assert "t0p" in str(found)


def test_env_cannot_be_read_as_a_whole() -> None:
    with pytest.raises(ExpressionError):
        compile_expression("env")


@pytest.mark.parametrize(
    "text",
    ["float('nan')", "[1, float('inf')]", "{'a': -float('inf')}", "(1e308 * 10,)", "{'a': [{'b': float('nan')}]}"],
)
def test_nan_and_infinity_do_not_leave(text: str) -> None:
    with pytest.raises(EvaluationError) as caught:
        value(text)
    assert caught.value.code == "expr.not_json"


@pytest.mark.parametrize("text", ["{1: 2}", "{None: 1}", "[{(1, 2): 3}]", "{x: x for x in inputs.xs}"])
def test_keys_that_leave_are_text(text: str) -> None:
    with pytest.raises(EvaluationError) as caught:
        value(text)
    assert caught.value.code == "expr.not_json"


def test_the_same_expression_is_read_once_and_compiled_when_it_is_first_run() -> None:
    first, second = compile_expression("inputs.n + 41"), compile_expression("inputs.n + 41")
    assert first._core is second._core
    assert first._core.run is None
    assert first.evaluate(SCOPE) == 44
    assert second._core.run is not None


def test_an_evaluation_does_not_change_what_it_reads() -> None:
    scope = {"xs": [3, 1], "m": {"a": [1]}}
    value("sorted(xs) + xs * 2 + [dict(m, b=1)]", scope)
    assert scope == {"xs": [3, 1], "m": {"a": [1]}}


@pytest.mark.parametrize(
    ("text", "code", "offset", "said"),
    [
        ("", "expr.empty", 0, "empty"),
        ("  ", "expr.empty", 0, "empty"),
        ("a +", "expr.syntax", 3, "missing"),
        ("a b", "expr.syntax", None, "missing"),
        ("(a", "expr.syntax", 0, "never closed"),
        ("a)", "expr.syntax", 1, "closes nothing"),
        ("(a]", "expr.syntax", 2, "does not close"),
        ("1) + (2", "expr.syntax", 1, "closes nothing"),
        ("'a", "expr.syntax", 0, "quote"),
        ("a # b", "expr.syntax", 2, "comment"),
        ("n = 3", "expr.syntax", 2, "use == to compare"),
        ("a && b", "expr.syntax", 2, "write 'and'"),
        ("a || b", "expr.syntax", 2, "write 'or'"),
        ("!a", "expr.syntax", 0, "write 'not'"),
        ("a ? b : c", "expr.syntax", 2, "if condition else"),
        ("a ?? b", "expr.syntax", 2, "is not None else"),
        ("a?.b", "expr.syntax", 1, "is not None"),
        ("a === b", "expr.syntax", 2, "write =="),
        ("a <> b", "expr.syntax", 2, "write !="),
        ("a => b", "expr.syntax", 2, ">="),
        ("${{ a }} + 1", "expr.syntax", 0, "${{"),
        ("event.from", "expr.syntax", 6, '["from"]'),
        ("a.0", "expr.syntax", 1, "[0]"),
        ("if a", "expr.syntax", 0, "statement"),
        ("for x in y", "expr.syntax", 0, "[… for"),
        ("import os", "expr.syntax", 0, "statement"),
        ("010", "expr.syntax", None, "0"),
        ("x for x in y", "expr.forbidden", 0, "[ ]"),
        ("lambda: 1", "expr.forbidden", 0, "lambda"),
        ("(lambda: 1)()", "expr.forbidden", 1, "lambda"),
        ("(x := 1)", "expr.forbidden", 1, ":="),
        ("a | b", "expr.forbidden", 2, "|"),
        ("a & b", "expr.forbidden", 2, "and"),
        ("~a", "expr.forbidden", 0, "not"),
        ("a << b", "expr.forbidden", 2, "<<"),
        ("a @ b", "expr.forbidden", 2, "@"),
        ("[*a]", "expr.forbidden", 1, "*"),
        ("f(*a)", "expr.unknown_function", 0, "'f'"),
        ("max(*a)", "expr.forbidden", 4, "*"),
        ("max(**a)", "expr.forbidden", 0, "**"),
        ("{**a}", "expr.forbidden", 0, "dict("),
        ("a is 3", "expr.forbidden", 5, "=="),
        ("a is not true", "expr.forbidden", 9, "!="),
        ("a.__class__", "expr.forbidden", 2, "__"),
        ("__import__('os')", "expr.unknown_function", 0, "__import__"),
        ("__builtins__", "expr.forbidden", 0, "__"),
        ("a.b.__dict__.c", "expr.forbidden", 4, "__"),
        ("b'x'", "expr.forbidden", 0, "bytes"),
        ("1j", "expr.forbidden", 0, "imaginary"),
        ("...", "expr.forbidden", 0, "..."),
        ("a[1:2, 3]", "expr.forbidden", 2, "dimension"),
        ("[x for a.b in y]", "expr.forbidden", 7, "name"),
        ("[x for *a, b in y]", "expr.forbidden", 7, "name"),
        ("await a", "expr.forbidden", 0, "await"),
        ("[x async for x in y]", "expr.forbidden", None, "async"),
        ("lenght(a)", "expr.unknown_function", 0, "'len'"),
        ("eval('1')", "expr.unknown_function", 0, "eval"),
        ("upper(a)", "expr.unknown_function", 0, "value.upper"),
        ("a.uper()", "expr.unknown_function", 2, "'upper'"),
        ("a.append(1)", "expr.unknown_function", 2, "append"),
        ("a['f']()", "expr.forbidden", 0, "called"),
        ("sorted(a, key=len)", "expr.forbidden", 10, "key"),
        ("len(a, b)", "expr.forbidden", 7, "takes 1 argument; 2 given"),
        ("len()", "expr.forbidden", 4, "takes 1 argument; 0 given"),
        ("a.replace('x')", "expr.forbidden", 13, "takes 2 to 3 arguments"),
        ("a.get(1, 2, 3)", "expr.forbidden", 12, "takes 1 to 2 arguments"),
        ("max()", "expr.forbidden", 4, "at least 1"),
        ("sorted(a, revers=1)", "expr.forbidden", 10, "reverse"),
        ("ｆetch.body", "expr.odd_character", 0, "FF46"),
        ("naïve", "expr.odd_character", 2, "00EF"),
        ("a\u00a0+ b", "expr.odd_character", 1, "00A0"),
        ("a\x00", "expr.odd_character", 1, "0000"),
        ("a – b", "expr.odd_character", 2, "2013"),
        ("“a”", "expr.odd_character", 0, "201C"),
        ("1" * 4400, "expr.syntax", None, "digits"),
        ("9" * 4000, "expr.limit", 0, "large"),
        ("(" * 60 + "1" + ")" * 60, "expr.limit", 50, "nested"),
        ("not " * 60 + "a", "expr.limit", 0, "nested"),
        ("a" + ".b" * 200 + "()", "expr.limit", 0, "nested"),
        ("-a" + "+a" * 300, "expr.limit", None, "nested"),
        ("a" * 10_001, "expr.limit", 0, "long"),
    ],
)
def test_what_is_not_in_the_language_is_refused_at_its_place(
    text: str, code: str, offset: int | None, said: str
) -> None:
    with pytest.raises(ExpressionError) as caught:
        compile_expression(text)
    error = caught.value
    assert error.code == code
    assert said in f"{error.message} {error.hint}"
    if offset is not None:
        assert error.offset == offset


@pytest.mark.parametrize(
    ("text", "code", "caret", "said"),
    [
        ("fetch.bdy", "expr.missing", "bdy", "fetch has no 'bdy' (it has: body"),
        ("fetch.bdy", "expr.missing", "bdy", "did you mean 'body'?"),
        ("fetch.rows[0].idd", "expr.missing", "idd", "fetch.rows[0] has no 'idd' (it has: id)"),
        ("fetch.rows[5].id", "expr.missing", "5]", "fetch.rows has 2 items; [5] is past the end"),
        ("fetch['nope']", "expr.missing", "'nope'", "fetch has no 'nope'"),
        ("skipped.body", "expr.missing", "body", "skipped is null, so it has no 'body'"),
        ("skipped.upper()", "expr.missing", "upper", "skipped is null"),
        ("skipped[0]", "expr.missing", "0]", "skipped is null"),
        ("unknown + 1", "expr.unknown_name", "unknown", "'unknown'"),
        ("1 / (inputs.n - 3)", "expr.value", "/", "division by zero"),
        ("inputs.n % 0", "expr.value", "%", "division by zero"),
        ("inputs.n > 'ten'", "expr.type", "'ten'", "cannot compare a number with text"),
        ("skipped > 1", "expr.type", "1", "cannot compare null with a number"),
        ("'total: ' + inputs.n", "expr.type", "+", "str(…)"),
        ("skipped + 1", "expr.type", "+", "is not None"),
        ("inputs.s % 3", "expr.type", "%", "numbers only"),
        ("inputs.xs.id", "expr.type", "id", "a list has no field 'id'"),
        ("inputs.s.upper", "expr.type", "upper", "call it"),
        ("inputs.xs.upper()", "expr.type", "upper", "a list has no upper()"),
        ("fetch.rows.keys()", "expr.type", "keys", "take one of its items"),
        ("inputs.n.id", "expr.type", "id", "a number has no field 'id'"),
        ("len(inputs.n)", "expr.type", "len", "a number has no length"),
        ("[x for x in inputs.n]", "expr.type", "n]", "cannot be walked through"),
        ("[a for a, b in inputs.xs]", "expr.type", None, "taken apart"),
        ("[a for a, b in ['abc']]", "expr.value", None, "taken apart"),
        ("inputs.xs['a']", "expr.type", "'a'", "whole number"),
        ("{[1]: 2}", "expr.type", "[1]", "key"),
        ("{fetch.rows[0]}", "expr.type", "{", "key"),
        ("', '.join(inputs.xs)", "expr.type", "join", "str(…)"),
        ("int('ten')", "expr.value", "int", "ten"),
        ("max([])", "expr.value", "max", "default"),
        ("inputs.xs.index(9)", "expr.value", "index", "no such item"),
        ("(-8) ** 0.5", "expr.value", "**", "real"),
        ("'é' + fetch.bdy", "expr.missing", "bdy", "body"),
        ("[\n  1,\n  fetch.bdy\n]", "expr.missing", "bdy", "body"),
        ("-inputs.s", "expr.type", "-", "number"),
        ("round('a')", "expr.type", "round", "number"),
        ("zip([1], [1, 2], strict=True)", "expr.value", "zip", "zip"),
        ("inputs.s.split('')", "expr.value", "split", "empty separator"),
        ("f'{inputs.s:d}'", "expr.value", None, "format"),
        ("1e400 * 0 == 1 or int(1e400)", "expr.value", "int", "too large"),
    ],
)
def test_what_fails_at_run_says_what_is_there(text: str, code: str, caret: str | None, said: str) -> None:
    with pytest.raises(EvaluationError) as caught:
        value(text)
    error = caught.value
    assert error.code == code
    assert said in f"{error.message} {error.hint}"
    assert error.expression == text
    if caret is not None:
        assert text[error.offset :].startswith(caret)


def test_an_error_is_shown_with_the_expression_and_a_caret() -> None:
    with pytest.raises(EvaluationError) as caught:
        value("'é' + fetch.bdy")
    assert str(caught.value) == (
        "fetch has no 'bdy' (it has: body, items, keys, rows, _id and get) [expr.missing]\n"
        "    'é' + fetch.bdy\n"
        "                ^\n"
        "  hint: did you mean 'body'?"
    )


def test_an_error_of_a_long_expression_is_shown_around_its_place() -> None:
    with pytest.raises(EvaluationError) as caught:
        value("[" + "1, " * 100 + "fetch.bdy, " + "1, " * 100 + "]")
    shown, caret = str(caught.value).splitlines()[1:3]
    assert len(shown) < 120
    assert shown[caret.index("^") :].startswith("bdy")


def test_no_internals_show_in_errors() -> None:
    for text in ("fetch.bdy", "max([])", "int('x')", "1 < 'a'", "sorted([1, 'a'])", "zip([1], [], strict=1)"):
        with pytest.raises(EvaluationError) as caught:
            value(text)
        assert "nbflow" not in str(caught.value)
        assert "<locals>" not in str(caught.value)
        assert "budget" not in str(caught.value)
        assert caught.value.__cause__ is None
        assert caught.value.__suppress_context__
