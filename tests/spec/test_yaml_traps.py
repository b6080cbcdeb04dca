"""YAML says something else than its author meant, or refuses it: what is said, where, and what to write instead."""

import pytest
import yaml

from nbflow.errors import Diagnostic, SpecError
from nbflow.spec.document import load, loading

TRAPS = [
    ("a:\n  b: 1\n\tc: 2\n", "yaml.tab", 3, 1, "spaces"),
    ("a:\n  b: x\n    \tc: 2\n", "yaml.tab", 3, 5, "spaces"),
    ("a:\n \tb: x\n", "yaml.tab", 2, 2, "spaces"),
    ('a: "x\nb: 1\n', "yaml.syntax", 1, 4, "never closed"),
    ("a: 'x\nb: 1\n", "yaml.syntax", 1, 4, "never closed"),
    ('a: "x\nb: "y"\n', "yaml.syntax", 1, 4, "ends only on line 2"),
    ("a: {b: 1\nc: 2\n", "yaml.syntax", 1, 4, "not closed with }"),
    ("a: [b, c\nd: 2\n", "yaml.syntax", 1, 4, "not closed with ]"),
    ("a: [1, 2}\n", "yaml.syntax", 1, 9, "] is expected"),
    ("a: [1]]\n", "yaml.syntax", 1, 7, "closes nothing"),
    ("a: [1,,2]\n", "yaml.syntax", 1, 7, "missing"),
    ("a:\n  b: 1\n c: 2\n", "yaml.indent", 3, 2, "levels"),
    ("a:\n  b: 1\n    c: 2\n", "yaml.indent", 3, 5, "more than line 2"),
    ("name: w\n  nodes:\n", "yaml.indent", 2, 3, "more than line 1"),
    ("- a\nb: 1\n", "yaml.syntax", 2, 1, "items of a list"),
    ("b: 1\n- a\n", "yaml.syntax", 2, 1, "keys of a mapping"),
    ("a: - b\n", "yaml.syntax", 1, 4, "next line"),
    ("a: b: c\n", "yaml.syntax", 1, 4, '"b: c"'),
    ("a: Note: see b: c # why\n", "yaml.syntax", 1, 4, '"Note: see b: c"'),
    ('- a: it\'s: "x"\n', "yaml.syntax", 1, 6, "'it''s: \"x\"'"),
    ("a: =f(x: 1)\n", "yaml.unquoted_expression", 1, 4, '"=f(x: 1)"'),
    ("a: ={'k': 1}\n", "yaml.unquoted_expression", 1, 4, "\"={'k': 1}\""),
    ('a: ${{ {"k": 1} }}\n', "yaml.syntax", 1, 4, "'${{ {\"k\": 1} }}'"),
    ("a: {b: ${{ c }}}\n", "yaml.unquoted_template", 1, 8, '"${{ c }}"'),
    ("a: {b: x ${{ c }} y, d: 1}\n", "yaml.unquoted_template", 1, 8, '"x ${{ c }} y"'),
    ("a: [1, ${{ c['}}'] }}]\n", "yaml.unquoted_template", 1, 8, "\"${{ c['}}'] }}\""),
    ("a: {b: ${{ {'x': 1}.x }}}\n", "yaml.unquoted_template", 1, 8, "\"${{ {'x': 1}.x }}\""),
    ("a: {{ b }}\n", "yaml.unquoted_template", 1, 5, "${{ b }}"),
    ("a: {b: =f(x, y)}\n", "yaml.unquoted_expression", 1, 8, '"=f(x, y)"'),
    ("a: {b: =x[0], c: 1}\n", "yaml.unquoted_expression", 1, 8, '"=x[0]"'),
    ("a: {b: =x['k'], c: 1}\n", "yaml.unquoted_expression", 1, 8, "\"=x['k']\""),
    ("a: [=f(x, y)]\n", "yaml.unquoted_expression", 1, 5, '"=f(x, y)"'),
    ("a: {b: =[x for x in y]}\n", "yaml.unquoted_expression", 1, 8, '"=[x for x in y]"'),
    ("a: {when: max(x, 1) > 2, then: b}\n", "yaml.unquoted_expression", 1, 11, '"max(x, 1) > 2"'),
    ("a: {when: xs[0] > 2, then: b}\n", "yaml.unquoted_expression", 1, 11, '"xs[0] > 2"'),
    ("a: {tool:http.get}\n", "yaml.missing_space", 1, 5, "tool: http.get"),
    ("a:\n  tool:http.get\n  with: {b: 1}\n", "yaml.missing_space", 2, 3, "tool: http.get"),
    ("a: 'b' in c\n", "yaml.syntax", 1, 4, "\"'b' in c\""),
    ('a: "b" in c\n', "yaml.syntax", 1, 4, "'\"b\" in c'"),
    ("{when: 'b' in c, then: d}\n", "yaml.syntax", 1, 8, "\"'b' in c\""),
    ("a: > 3\n", "yaml.syntax", 1, 4, '"> 3"'),
    ("a: >= 3\n", "yaml.syntax", 1, 4, '">= 3"'),
    ("a: | text\n  more\n", "yaml.syntax", 1, 4, "nothing may follow |"),
    ("a: %d\n", "yaml.syntax", 1, 4, '"%d"'),
    ("a: @x\n", "yaml.syntax", 1, 4, '"@x"'),
    ("a: [@x, 1]\n", "yaml.syntax", 1, 5, '"@x"'),
    ("a: `x`\n", "yaml.syntax", 1, 4, '"`x`"'),
    ("a: *bold* text\n", "yaml.syntax", 1, 4, '"*bold* text"'),
    ("a: ? b\n", "yaml.syntax", 1, 4, '"? b"'),
    ("a: * x\n", "yaml.syntax", 1, 4, '"* x"'),
    ("a: & x\n", "yaml.syntax", 1, 4, '"& x"'),
    ("a: *x\n", "yaml.unknown_alias", 1, 4, "&x"),
    ("a: &x [*x]\n", "yaml.alias_cycle", 1, 8, "itself"),
    ("nodes:\n  a\n  b: 1\n", "yaml.syntax", 2, 3, "write a:"),
    ("a: b\nc\n", "yaml.syntax", 2, 1, "write c:"),
    (": b\n", "yaml.syntax", 1, 1, "key before"),
    ('a: "\\d"\n', "yaml.syntax", 1, None, "escape"),
    ("a: !!python/name:os x\n", "yaml.tag", 1, 4, "!!python/name:os"),
    ("a: !secret token\n", "yaml.tag", 1, 4, "${{ secrets.token }}"),
    ("a: !x!y z\n", "yaml.tag", 1, 4, "!x!y"),
    ("a: !<tag:yaml.org,2002:binary> x\n", "yaml.tag", 1, 4, "not allowed"),
    ("a: !!int ten\n", "yaml.tag", 1, 4, "!!int"),
    ("!x a: 1\n", "yaml.tag", 1, 1, "!x"),
    ("<<: {a: 1}\n", "yaml.merge_key", 1, 1, "merge"),
    ("a: &b {c: 1}\nd:\n  <<: *b\n  e: 2\n", "yaml.merge_key", 3, 3, "merge"),
    ("? [a]\n: b\n", "yaml.key", 1, 3, "a list"),
    ("a: {[b]: c}\n", "yaml.key", 1, 5, "a list"),
    ("&a x: 1\n*a : 2\n", "yaml.key", 2, 1, "alias"),
    ("a: 1\n---\nb: 2\n", "yaml.documents", 2, 1, "second"),
    ("a: 1\n...\n---\n", "yaml.documents", 3, 1, "second"),
    ("%YAML 3.0\n---\na: 1\n", "yaml.syntax", 1, 1, "directive"),
    ("", "yaml.empty", 1, 1, "empty"),
    ("\n\n", "yaml.empty", 1, 1, "empty"),
    ("---\n", "yaml.empty", 1, 1, "empty"),
    ("# only\n", "yaml.empty", 1, 1, "comments"),
    ("a: 1\na: 2\n", "yaml.duplicate_key", 2, 1, "line 1"),
    ("nodes:\n  x: 1\n  x: 2\n", "yaml.duplicate_key", 3, 3, "node 'x'"),
    ('{"a": 1,\n "a": 2}', "yaml.duplicate_key", 2, 2, "line 1"),
    ("a:\n\u3000b: 1\n", "yaml.odd_space", 2, 1, "U+3000"),
    ("a: x\n \u200bb: 1\n", None, 2, None, ""),
]


def refused(text: str) -> tuple[Diagnostic, ...]:
    with pytest.raises(SpecError) as caught:
        load(text)
    return caught.value.diagnostics


@pytest.mark.parametrize("parser", ["libyaml", "pure"])
@pytest.mark.parametrize(("text", "code", "line", "column", "said"), TRAPS)
def test_the_author_is_told_what_and_where(
    text: str, code: str | None, line: int, column: int | None, said: str, parser: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if parser == "pure":
        monkeypatch.setattr(loading, "_Loader", yaml.SafeLoader)
    found = refused(text)
    assert len(found) == 1
    one = found[0]
    if code is not None:
        assert one.code == code
    assert one.line == line
    if column is not None and not (parser == "pure" and "quoted" in said):
        assert one.column == column
    assert said in f"{one.message} {one.hint}"
    for word in ("simple key", "token", "block mapping", "scalar", "context"):
        assert word not in one.message


FINE = [
    "a: ${{ b }}", "a: =b + 1", "a: =f(x, y)", "a: =x[0]", "a: x{y}", "a: b:c", "a: http://x.test:80/y?z#w", "a: it's",
    "a: {b: =c.d, e: 1}", "a: {b: (c) d}", "a: [b (c), d]", "a: 'x' # y", "a: {b}", "a: [=b, =c]", "a: x - y", "a: -1",
    "a: {url: https://x.test}", "a: {b: , c: 1}", "a: {b: null}", "a:\n- b\n- c", "a: |\n  x\n  \tb\n", "a: \"x\n  y\"",
    "a: =f('x)')", "{a: =b > 1}", "a: {when: x > 1, then: [b, c]}",
]  # fmt: skip


@pytest.mark.parametrize("parser", ["libyaml", "pure"])
@pytest.mark.parametrize("text", FINE)
def test_what_is_meant_as_it_stands_is_left_alone(text: str, parser: str, monkeypatch: pytest.MonkeyPatch) -> None:
    if parser == "pure":
        monkeypatch.setattr(loading, "_Loader", yaml.SafeLoader)
    assert load(text).plain() is not None
