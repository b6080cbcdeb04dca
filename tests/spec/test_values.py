"""Templates: where expressions stand in data, what they give, and where their errors point."""

from typing import Any

import pytest

from nbflow.errors import Diagnostic
from nbflow.spec.document import load
from nbflow.spec.expressions import EvaluationError, Value, compile_value, literal

SCOPE: dict[str, Any] = {
    "inputs": {"n": 3, "s": "text", "xs": [1, 2.5, None, True], "m": {"a": "é"}},
    "fetch": {"body": "hello\nworld", "empty": ""},
    "skipped": None,
    "secrets": {"TOKEN": "t0p"},
}


def compiled(text: str) -> tuple[Value, list[Diagnostic]]:
    found: list[Diagnostic] = []
    return compile_value(load(text), found.append), found


def given(text: str, scope: dict[str, Any] = SCOPE) -> Any:
    value, found = compiled(text)
    assert found == []
    return value.evaluate(scope)


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("=inputs.n + 1", 4),
        ('"=inputs.n"', 3),
        ("'=inputs.n'", 3),
        ("= inputs.n ", 3),
        (r"\=inputs.n", "=inputs.n"),
        (r"'\=x'", "=x"),
        ("a=b", "a=b"),
        ("==", None),
        ("${{ inputs.n }}", 3),
        ("${{inputs.n}}", 3),
        ("'${{ inputs.xs }}'", [1, 2.5, None, True]),
        ("n=${{ inputs.n }}", "n=3"),
        ("${{ inputs.n }} ", 3),
        ("'${{ inputs.n }} '", "3 "),
        ("${{ inputs.n }}${{ inputs.s }}", "3text"),
        ("'${{ true }} ${{ null }} ${{ inputs.xs }} ${{ inputs.m }}'", 'true null [1,2.5,null,true] {"a":"é"}'),
        ("'${{ skipped }}!'", "null!"),
        ("'[${{ fetch.empty }}]'", "[]"),
        ("'${{ (1, 2) }}.'", "[1,2]."),
        ("'${{ 1.0 }} ${{ 2 ** 70 }}'", "1.0 1180591620717411303424"),
        ("$${{ inputs.n }}", "${{ inputs.n }}"),
        ("a $${{ b }} ${{ inputs.n }} $${{", "a ${{ b }} 3 ${{"),
        ("$$ 5 ${{ inputs.n }}", "$$ 5 3"),
        ("${{ '}}' + inputs.s }}", "}}text"),
        ('${{ "}}" }}x', "}}x"),
        ("\"${{ {'a': {'b': 1}} }}\"", {"a": {"b": 1}}),
        ("'${{ {inputs.s: inputs.n}}}'", {"text": 3}),
        ("${{ '${{ 1 }}' }}", "${{ 1 }}"),
        ("'${{ inputs.s }}: ${{ inputs.n > 2 }}'", "text: true"),
        ("{a: [1, '=inputs.n', {b: '${{ inputs.s }}'}], c: null}", {"a": [1, 3, {"b": "text"}], "c": None}),
        ("{'=inputs.n': 1}", {"=inputs.n": 1}),
        ("plain text", "plain text"),
        ("1.5", 1.5),
        ("[]", []),
    ],
)
def test_a_template_gives(written: str, expected: Any) -> None:
    if written == "==":
        assert compiled(written)[1][0].code == "expr.syntax"
        return
    found = given(written)
    assert found == expected
    assert type(found) is type(expected)


def test_block_text_keeps_its_lines_around_expressions() -> None:
    assert given("|\n  Summarise:\n    ${{ fetch.body }}\n  ${{ inputs.n }}\n") == "Summarise:\n  hello\nworld\n3\n"
    assert given(">-\n  a\n  ${{ inputs.n }}\n") == "a 3"
    assert given("|\n  ${{ [\n    inputs.n,\n    1] }}\n") == [3, 1]


def test_one_expression_with_a_line_end_after_it_is_still_one_expression() -> None:
    assert given("|\n  ${{ inputs.n }}\n") == 3
    assert given("|\n  = inputs.n\n") == 3


def test_what_is_rendered_is_never_rendered_again() -> None:
    scope = {"a": "${{ b }}", "b": "never"}
    assert given("${{ a }}", scope) == "${{ b }}"
    assert given("x ${{ a }}", scope) == "x ${{ b }}"
    assert given("=a", scope) == "${{ b }}"


def test_plain_data_is_given_as_it_is_every_time() -> None:
    value, _ = compiled("{a: [1, 2], b: {c: text}}")
    assert value.constant
    assert value.literal
    assert value.evaluate({}) is value.evaluate({})


def test_only_what_has_expressions_is_made_anew() -> None:
    value, _ = compiled("{plain: {a: [1]}, made: ['=inputs.n']}")
    first, second = value.evaluate(SCOPE), value.evaluate(SCOPE)
    assert first == second
    assert first["made"] is not second["made"]
    assert first["plain"] is second["plain"]


def test_a_constant_expression_that_fails_fails_when_it_is_run() -> None:
    value, found = compiled("{a: '=1 / 0'}")
    assert found == []
    assert value.constant
    assert not value.literal
    with pytest.raises(EvaluationError):
        value.evaluate({})


def test_a_value_knows_what_it_reads_and_where_that_stands() -> None:
    value, _ = compiled("a: x ${{ fetch.body }} ${{ inputs.n }}\nb: [=inputs.s]\n")
    assert [(one.root, one.path) for one in value.references] == [
        ("fetch", ("body",)),
        ("inputs", ("n",)),
        ("inputs", ("s",)),
    ]
    for one in value.references:
        assert one.at is not None
        assert str(one.at.value)[one.offset :].startswith(one.root)


def test_a_value_knows_the_leaves_that_mention_secrets() -> None:
    value, found = compiled("{headers: {auth: 'Bearer ${{ secrets.TOKEN }}'}, b: [1, =secrets.TOKEN], c: =inputs.n}")
    assert found == []
    assert value.secret_paths == (("headers", "auth"), ("b", 1))
    assert value.evaluate(SCOPE)["headers"] == {"auth": "Bearer t0p"}
    assert compiled("=secrets.TOKEN")[0].secret_paths == ((),)


def test_a_secret_may_be_shown_as_a_reference_to_itself() -> None:
    class References(dict[str, str]):
        def __missing__(self, name: str) -> str:
            return f"${{{{ secrets.{name} }}}}"

    value, _ = compiled("'Bearer ${{ secrets.TOKEN }}'")
    assert value.evaluate({"secrets": References()}) == "Bearer ${{ secrets.TOKEN }}"


def test_an_opaque_value_passes_whole_but_is_not_written_into_text() -> None:
    class Frame:
        pass

    frame = Frame()
    assert given("=load", {"load": frame}) is frame
    assert given("{a: =load}", {"load": frame}) == {"a": frame}
    with pytest.raises(EvaluationError) as caught:
        given("a ${{ load }}", {"load": frame})
    assert caught.value.code == "expr.opaque"
    assert "Frame" in str(caught.value)


def test_a_literal_is_what_it_is() -> None:
    marker = object()
    assert literal(marker).evaluate({}) is marker
    assert literal("=a").evaluate({}) == "=a"
    assert literal(1).constant


PLACES = [
    ("a: =fetch. \n", 1, 11, "expr.syntax"),
    ("a: ${{ fetch.body\n", 1, 4, "expr.unclosed"),
    ("a: text ${{ fetch.body\n", 1, 9, "expr.unclosed"),
    ('a: "text ${{ fetch.body"\n', 1, 10, "expr.unclosed"),
    ("a: ${{ }}\n", 1, 4, "expr.empty"),
    ('a: "${{ }}"\n', 1, 5, "expr.empty"),
    ("a: ${{ lenght(xs) }}\n", 1, 8, "expr.unknown_function"),
    ("a: 'it''s ${{ lenght(xs) }}'\n", 1, 15, "expr.unknown_function"),
    ('a: "\\u00e9\\n${{ lenght(xs) }}"\n', 1, 17, "expr.unknown_function"),
    ('a: "one\n   two ${{ lenght(xs) }}"\n', 2, 12, "expr.unknown_function"),
    ("a: one\n   two\n   ${{ lenght(xs) }}\n", 3, 8, "expr.unknown_function"),
    ("a: |\n  one\n\n    ${{ lenght(xs) }}\n", 4, 9, "expr.unknown_function"),
    ("a: |-\n  ${{ 1 +\n      lenght(xs) }}\n", 3, 7, "expr.unknown_function"),
    ("a: >\n  one\n  two ${{ lenght(xs) }}\n", 3, 11, "expr.unknown_function"),
    ("a: | # why\n  ${{ lenght(xs) }}\n", 2, 7, "expr.unknown_function"),
    ("a: {b: [1, '${{ lenght(xs) }}']}\n", 1, 17, "expr.unknown_function"),
    ("a: !!str '${{ lenght(xs) }}'\n", 1, 15, "expr.unknown_function"),
    ("a: &x '${{ lenght(xs) }}'\n", 1, 12, "expr.unknown_function"),
    ("\ufeffa: ${{ lenght(xs) }}\r\n", 1, 8, "expr.unknown_function"),
    ("x: 1\r\na: |\r\n  é ${{ lenght(xs) }}\r\n", 3, 9, "expr.unknown_function"),
    ('{"a": "x ${{ lenght(xs) }}"}', 1, 14, "expr.unknown_function"),
    ("a: '=''é'' + lenght(xs)'\n", 1, 14, "expr.unknown_function"),
    ("a: =x + 1 && 2\n", 1, 11, "expr.syntax"),
    ("a: .nan\n", 1, 4, "type.number"),
    ("a: [1, -.inf]\n", 1, 8, "type.number"),
]


@pytest.mark.parametrize(("text", "line", "column", "code"), PLACES)
def test_an_error_points_into_the_text_as_it_is_written(text: str, line: int, column: int, code: str) -> None:
    _, found = compiled(text)
    assert [(one.code, one.line, one.column) for one in found] == [(code, line, column)]
    assert all(one.severity == "error" for one in found)


def test_all_errors_of_a_value_are_found_at_once() -> None:
    _, found = compiled(
        "a: ${{ x.. }}\nb: =len(\nc: [${{ ok }}, 'x ${{ fine.y }} ${{ 1 + }} ${{ g() }}']".replace("[${{ ok }}, ", "[")
    )
    assert [one.line for one in found] == [1, 2, 3, 3]


@pytest.mark.parametrize(
    ("text", "column", "hint"),
    [
        ("a: '{{ fetch.body }}'", 5, "${{ fetch.body }}"),
        ("a: 'x {{fetch.body}} y'", 7, "${{ fetch.body }}"),
        ("a: ${fetch.body}", 4, "${{ fetch.body }}"),
        ("a: 'to ${NAME}'", 8, "${{ NAME }}"),
    ],
)
def test_templates_of_other_engines_are_plain_text_with_a_warning(text: str, column: int, hint: str) -> None:
    value, found = compiled(text)
    assert [(one.code, one.severity, one.line) for one in found] == [("expr.delimiter", "warning", 1)]
    assert found[0].column == column
    assert hint in (found[0].hint or "")
    assert value.evaluate({})["a"] == load(text).plain()["a"]


@pytest.mark.parametrize(
    "text", ["a: '{ fetch.body }'", "a: '{}'", "a: '{{}}'", "a: '$5'", 'a: \'{"b": {"c": 1}}\'', "a: f{x}"]
)
def test_braces_that_are_no_template_are_left_alone(text: str) -> None:
    assert compiled(text)[1] == []


def test_an_expression_cut_by_a_comment_says_so() -> None:
    for text in ("a: =x['a'] + 'b #c'\n", "a: ${{ x['#'] + ' #1' }}\n", "a: =[1, #2\n"):
        _, found = compiled(text)
        assert "comment" in found[0].message
        assert "quotes" in (found[0].hint or "")


def test_an_error_at_run_shows_the_expression_of_the_leaf() -> None:
    value, _ = compiled("{a: 'x ${{ fetch.bdy }}'}")
    with pytest.raises(EvaluationError) as caught:
        value.evaluate(SCOPE)
    assert caught.value.expression.strip() == "fetch.bdy"
    assert "did you mean 'body'" in str(caught.value)


def test_a_text_that_would_grow_without_end_is_refused() -> None:
    value, _ = compiled("'" + "${{ t }}" * 2_000 + "'")
    with pytest.raises(EvaluationError) as caught:
        value.evaluate({"t": "x" * 10_000})
    assert caught.value.code == "expr.limit"
