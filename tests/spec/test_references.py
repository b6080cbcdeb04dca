"""What an expression reads is found without running it."""

import pytest

from nbflow.spec.expressions import Reference, compile_expression


def read(text: str) -> list[tuple[str, tuple[str | int, ...]]]:
    return [(one.root, one.path) for one in compile_expression(text).references]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a", [("a", ())]),
        (" a.b.c ", [("a", ("b", "c"))]),
        ("a['b'][0].c[-1]", [("a", ("b", 0, "c", -1))]),
        ("a[b.c].d", [("a", ()), ("b", ("c",))]),
        ("a[1:n]", [("a", ()), ("n", ())]),
        ("a.b.upper()", [("a", ("b",))]),
        ("a.items()", [("a", ())]),
        ("a.get(b.c, d)", [("a", ()), ("b", ("c",)), ("d", ())]),
        ("len(len)", [("len", ())]),
        ("1 + 2", []),
        ("true and null is None", []),
        ("[x.y for x in xs]", [("xs", ())]),
        ("[x for x in x]", [("x", ())]),
        ("[x + y for x in xs for y in x]", [("xs", ())]),
        ("[y for x in xs for y in ys if x == z]", [("xs", ()), ("ys", ()), ("z", ())]),
        ("[a for a in b] + [a]", [("b", ()), ("a", ())]),
        ("{k: v.n for k, (v, w) in m.items()}", [("m", ())]),
        ("any(x > limit for x in xs)", [("limit", ()), ("xs", ())]),
        ("[[y for y in x] for x in xs]", [("xs", ())]),
        ("f'{a.b:>{width}} {c!r}'", [("a", ("b",)), ("width", ()), ("c", ())]),
        ("{'a': b, c: 1}", [("b", ()), ("c", ())]),
        ("sorted(a, reverse=b)", [("a", ()), ("b", ())]),
        ("(a or b).c", [("a", ()), ("b", ())]),
        ("secrets.TOKEN", [("secrets", ("TOKEN",))]),
    ],
)
def test_references_are_roots_with_what_is_written_after_them(text: str, expected: list[object]) -> None:
    assert sorted(read(text), key=str) == sorted(expected, key=str)


def test_offsets_are_those_of_the_roots_and_come_in_order() -> None:
    text = "'é' + a.b + [x for x in b][0] + f'{c}'"
    found = compile_expression(text).references
    assert [text[one.offset] for one in found] == ["a", "b", "c"]
    assert [one.offset for one in found] == sorted(one.offset for one in found)


def test_offsets_over_several_lines_count_every_character() -> None:
    text = "[\n  alpha,\n\n  'é', beta.x]"
    assert [(one.root, text[one.offset : one.offset + 4]) for one in compile_expression(text).references] == [
        ("alpha", "alph"),
        ("beta", "beta"),
    ]


@pytest.mark.parametrize(
    ("text", "tested", "truth"),
    [
        ("a.b", False, False),
        ("a is None", True, False),
        ("a is not None", True, False),
        ("None != a", True, False),
        ("a == null", True, False),
        ("a == 1", False, False),
        ("a.b is None", False, False),
        ("a.b if a is not None else c", True, False),
        ("c if a is None else a.b", True, False),
        ("a.b if a is None else c", None, False),
        ("a.b if a else c", True, True),
        ("a.b if not a else c", None, None),
        ("c if not a else a.b", True, True),
        ("a is not None and a.b > 1", True, False),
        ("a is None or a.b > 1", True, False),
        ("a is None and a.b > 1", None, False),
        ("a and a.b", True, True),
        ("a or c", True, True),
        ("not a or a.b", True, True),
        ("a.b > 1 if a is not None and c else 2", True, False),
        ("a.b > 1 if a is not None or c else 2", None, False),
        ("2 if a is None or c else a.b", True, False),
        ("[x for x in xs if a is not None and a.b == x]", True, False),
        ("[a.b for x in xs if a is not None]", True, False),
        ("[a.b for x in xs if x]", False, False),
        ("len(a.b) if (a is not None) else 0", True, False),
    ],
)
def test_a_reference_is_tested_where_a_test_says_that_it_is_there(
    text: str, tested: bool | None, truth: bool | None
) -> None:
    """None: some references to `a` are tested and some are not."""
    found = [one for one in compile_expression(text).references if one.root == "a"]
    each = {one.tested for one in found}
    assert each == ({True, False} if tested is None else {tested})
    if truth is not None:
        assert {one.truth for one in found if one.tested} <= {truth}


def test_a_constant_expression_reads_nothing() -> None:
    assert compile_expression("[x * 2 for x in range(3)]").constant
    assert not compile_expression("a").constant


def test_a_reference_is_a_plain_value() -> None:
    assert compile_expression(" a.b").references == (Reference("a", ("b",), 1),)
