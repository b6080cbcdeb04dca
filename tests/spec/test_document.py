"""Reading a text: YAML 1.2 and JSON as data that knows where it stands, within limits."""

import gc
import json
import math
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from nbflow.errors import Diagnostic, SpecError, render
from nbflow.spec.document import Limits, Located, conceal, find_secret, finding, glued_colon, load, loading


@pytest.fixture(params=["libyaml", "pure"])
def parser(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Both parsers of PyYAML: the one over libyaml, and the one that is there when libyaml is not."""
    if request.param == "pure":
        monkeypatch.setattr(loading, "_Loader", yaml.SafeLoader)
    return str(request.param)


def refused(text: str | bytes, limits: Limits = Limits()) -> tuple[Diagnostic, ...]:
    with pytest.raises(SpecError) as caught:
        load(text, limits)
    return caught.value.diagnostics


def inner(root: Located, *path: str | int) -> Located:
    for step in path:
        assert isinstance(root.value, (dict, list))
        root = root.value[step]  # type: ignore[call-overload, index]
    return root


SCALARS = [
    ("text", "text"), ("", None), ("~", None), ("null", None), ("Null", None), ("NULL", None), ("nUll", "nUll"),
    ("true", True), ("True", True), ("TRUE", True), ("tRUE", "tRUE"), ("false", False), ("False", False), ("FALSE", False),
    ("yes", "yes"), ("no", "no"), ("NO", "NO"), ("on", "on"), ("off", "off"), ("y", "y"), ("n", "n"),
    ("0", 0), ("12", 12), ("-12", -12), ("+12", 12), ("010", 10), ("0o10", 8), ("0x1F", 31), ("0b1", "0b1"), ("-0x1F", "-0x1F"),
    ("1_000", "1_000"), ("12:30", "12:30"), ("12:30:45", "12:30:45"), ("1.2.3", "1.2.3"),
    ("1.5", 1.5), ("-1.5", -1.5), ("1.", 1.0), (".5", 0.5), ("+.5", 0.5), ("1e3", 1000.0), ("1E-3", 0.001), ("1.5e+3", 1500.0),
    (".", "."), ("-x", "-x"), ("+", "+"), ("1e", "1e"), ("e3", "e3"), (".inf", math.inf), ("-.INF", -math.inf), (".infinity", ".infinity"),
    ("2026-02-30", "2026-02-30"), ("2026-11-24T09:30:00Z", "2026-11-24T09:30:00Z"), ("=", "="), ("<<", "<<"), ("0x", "0x"),
    ("١٢", "١٢"), ("1" * 30, int("1" * 30)),
]  # fmt: skip


@pytest.mark.parametrize(("written", "expected"), SCALARS)
def test_plain_scalars_are_those_of_the_core_schema(written: str, expected: Any, parser: str) -> None:
    found = load(f"a: {written}\n").plain()["a"]
    assert found == expected
    assert type(found) is type(expected)


def test_nan_is_read_for_others_to_refuse() -> None:
    assert math.isnan(load("a: .NaN").plain()["a"])


@pytest.mark.parametrize("written", [one for one, value in SCALARS if not isinstance(value, str)])
def test_quoted_scalars_are_text_always(written: str, parser: str) -> None:
    assert load(f"[\"{written}\", '{written}']").plain() == [written, written]


def test_keys_are_text_as_written(parser: str) -> None:
    assert load("1: a\ntrue: b\n~: c\n010: d\non: e\n").plain() == {
        "1": "a",
        "true": "b",
        "~": "c",
        "010": "d",
        "on": "e",
    }


def test_tags_of_the_core_schema_are_understood(parser: str) -> None:
    text = "[!!str 010, !!int 010, !!float 1, !!bool true, !!null ~, ! 1, !!map {a: 1}, !!seq [1], !!str ~]"
    assert load(text).plain() == ["010", 10, 1.0, True, None, "1", {"a": 1}, [1], "~"]


TEXT = """\
# a workflow
name: w
nodes:
  a: {tool: http.get, with: {url: "https://x.test", n: 3}}
  b:
    - one
    - two: 2
      more: 'x'
  c: |
    text
  d: &anchor [1]
  e: *anchor
list:
- x
"""

PLACES = [
    ((), 2, 1, "block"), (("name",), 2, 7, "plain"), (("nodes",), 4, 3, "block"), (("nodes", "a"), 4, 6, "flow"),
    (("nodes", "a", "tool"), 4, 13, "plain"), (("nodes", "a", "with"), 4, 29, "flow"), (("nodes", "a", "with", "url"), 4, 35, "quoted"),
    (("nodes", "b"), 6, 5, "block"), (("nodes", "b", 0), 6, 7, "plain"), (("nodes", "b", 1), 7, 7, "block"),
    (("nodes", "b", 1, "two"), 7, 12, "plain"), (("nodes", "b", 1, "more"), 8, 13, "quoted"), (("nodes", "c"), 9, 6, "block"),
    (("nodes", "d"), 11, 6, "flow"), (("nodes", "e"), 12, 6, "alias"), (("list",), 14, 1, "block"), (("list", 0), 14, 3, "plain"),
]  # fmt: skip


@pytest.mark.parametrize(("path", "line", "column", "style"), PLACES)
@pytest.mark.parametrize("form", ["plain", "bom", "crlf", "bytes"])
def test_every_value_knows_its_place(
    path: tuple[str | int, ...], line: int, column: int, style: str, form: str, parser: str
) -> None:
    text: str | bytes = {"bom": "\ufeff" + TEXT, "crlf": TEXT.replace("\n", "\r\n")}.get(form, TEXT)
    at = inner(load(text.encode() if form == "bytes" else text), *path)  # type: ignore[union-attr]
    assert (at.line, at.column, at.style) == (line, column, style)


def test_every_value_of_a_mapping_knows_the_place_of_its_key() -> None:
    root = load(TEXT)
    assert (inner(root, "nodes").key_line, inner(root, "nodes").key_column) == (3, 1)
    assert (inner(root, "nodes", "a", "with", "n").key_line, inner(root, "nodes", "a", "with", "n").key_column) == (
        4,
        53,
    )
    assert (inner(root, "nodes", "e").key_line, inner(root, "nodes", "e").key_column) == (12, 3)
    assert (inner(root, "nodes", "b", 0).key_line, inner(root, "nodes", "b", 0).key_column) == (6, 7)


def test_columns_count_characters_and_lines_are_those_of_an_editor(parser: str) -> None:
    root = load('é😀: [日本, x]\nb: "\u2028y" # \u2029\nc: 1\n')
    assert [(one.line, one.column) for one in inner(root, "é😀").value] == [(1, 6), (1, 10)]  # type: ignore[union-attr]
    assert (inner(root, "c").line, inner(root, "c").column) == (3, 4)
    assert inner(root, "c").source.line(3) == "c: 1"


def test_a_scalar_can_be_had_as_it_was_written() -> None:
    root = load("{a: 1.10, b: 010, c: true , d: ~}\n")
    assert [inner(root, key).written() for key in "abcd"] == ["1.10", "010", "true", "~"]


def test_json_is_read_as_json_with_places(parser: str) -> None:
    text = '{"a":1,"b":[true,null,-1.5e3,"x\\n\\u00e9\\/\\ud83d\\ude00"],\n\t"c":{"d":"#","e":""}}'
    root = load(text)
    assert root.plain() == json.loads(text)
    assert (inner(root, "b", 3).line, inner(root, "b", 3).column) == (1, 30)
    assert (inner(root, "c").line, inner(root, "c").column, inner(root, "c").key_column) == (2, 6, 2)


def test_text_in_braces_that_is_no_json_is_yaml(parser: str) -> None:
    assert load("{a: 1, 'b': [x]}").plain() == {"a": 1, "b": ["x"]}
    assert load('{"a": NaN}').plain() == {"a": "NaN"}


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda items: st.lists(items, max_size=4) | st.dictionaries(st.text(), items, max_size=4),
    max_leaves=12,
)


@given(st.dictionaries(st.text(), json_values, min_size=1, max_size=4))
def test_whatever_json_writes_is_read_back(value: dict[str, Any]) -> None:
    text = json.dumps(value)
    assert load(text).plain() == value
    assert load(json.dumps(value, indent=2)).plain() == value


@given(st.lists(json_values, min_size=1, max_size=4))
def test_whatever_yaml_writes_is_read_back(value: list[Any]) -> None:
    text = yaml.safe_dump(value, allow_unicode=False, default_style='"', width=40, sort_keys=False)
    if yaml.safe_load(text) == value:  # PyYAML does not read all that it writes
        assert json.dumps(load(text).plain()) == json.dumps(value)


def test_aliases_are_the_value_they_name(parser: str) -> None:
    root = load("a: &x {v: [1, 2]}\nb: *x\nc: [*x, &y 3, *y]\n")
    assert root.plain() == {"a": {"v": [1, 2]}, "b": {"v": [1, 2]}, "c": [{"v": [1, 2]}, 3, 3]}
    assert inner(root, "b").value is inner(root, "a").value
    assert (inner(root, "b").line, inner(root, "b").column) == (2, 4)


def test_data_of_an_alias_is_its_own_when_taken_out() -> None:
    plain = load("a: &x [1]\nb: *x\n").plain()
    plain["a"].append(2)
    assert plain["b"] == [1]


def test_aliases_may_stand_for_so_many_values(parser: str) -> None:
    text = "a: &a [" + "1, " * 98 + "1]\nb: [" + "*a, " * 9 + "*a]\n"
    assert len(load(text).plain()["b"]) == 10  # ten times a hundred values
    found = refused(text + "c: *a\n")
    assert [one.code for one in found] == ["yaml.too_many_aliases"]
    assert (found[0].line, found[0].column) == (3, 4)
    load(text + "c: *a\n", Limits(aliases=2_000))


def test_depth_counts_what_aliases_stand_for(parser: str) -> None:
    deep = "a: &a " + "[" * 60 + "]" * 60 + "\n"
    load(deep + "b: " + "[" * 30 + "*a" + "]" * 30)
    assert [one.code for one in refused(deep + "b: " + "[" * 50 + "*a" + "]" * 50)] == ["yaml.too_deep"]


@pytest.mark.parametrize(
    ("text", "limits", "code"),
    [
        ("a: " + "[" * 101 + "]" * 101, Limits(), "yaml.too_deep"),
        ("a: " + "[" * 60 + "]" * 60, Limits(depth=50), "yaml.too_deep"),
        ('{"a": ' + "[" * 101 + "]" * 101 + "}", Limits(), "yaml.too_deep"),
        ("[" * 200_000, Limits(), "yaml.too_deep"),
        ("- " * 50_000, Limits(), "yaml.too_deep"),
        ("a: 'b'\n" * 5, Limits(size=20), "yaml.too_large"),
        ("é" * 15, Limits(size=20), "yaml.too_large"),
        ("a: " + "1" * 5_000, Limits(), "yaml.number"),
        ("a: -0x" + "1", Limits(), ""),
        ("a: 0x" + "f" * 5_000, Limits(), "yaml.number"),
    ],
)
def test_each_limit_has_its_own_code(text: str, limits: Limits, code: str, parser: str) -> None:
    if code:
        assert code in [one.code for one in refused(text, limits)]
    else:
        load(text, limits)


def test_limits_can_be_set_higher() -> None:
    load("a: " + "[" * 300 + "]" * 300, Limits(depth=400))
    load("a: '" + "x" * 2_000_000 + "'", Limits(size=3_000_000))


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("a: 1".encode("utf-16"), "UTF-16"),
        ("a: 1".encode("utf-16-le"), "UTF-16"),
        ("a: 1".encode("utf-16-be"), "UTF-16"),
        ("a: 1".encode("utf-32"), "UTF-32"),
        (b"a: caf\xe9\n", "0xe9"),
        (b"a: 1\nb: \xff\xff\n", "0xff"),
        (b"a: \xed\xa0\x80\n", "0xed"),
    ],
)
def test_only_utf_8_is_read(content: bytes, said: str) -> None:
    found = refused(content)
    assert [one.code for one in found] == ["yaml.encoding"]
    assert said in found[0].message
    assert "UTF-8" in (found[0].hint or "")


def test_a_byte_that_is_not_utf_8_has_its_place() -> None:
    found = refused(b"a: 1\nb: \xc3\xa9\xff\n")[0]
    assert (found.line, found.column) == (2, 5)


@pytest.mark.parametrize("character", ["\x00", "\x08", "\x1b", "\x7f", "\x86", "\ufffe", "\ud800"])
def test_characters_that_are_none_are_refused_at_their_place(character: str, parser: str) -> None:
    found = refused(f"a: 1\nb: é{character}\n")[0]
    assert (found.code, found.line, found.column) == ("yaml.bad_character", 2, 5)
    assert f"{ord(character):04X}" in found.message
    assert character not in (found.excerpt or "")


def test_all_that_is_wrong_but_readable_is_found_at_once(parser: str) -> None:
    found = refused("a: !x 1\nb: {<<: {c: 1}, d: 1, d: 2}\nb: 3\n\u00a0e: 1\n")
    assert [(one.code, one.line, one.column) for one in found] == [
        ("yaml.tag", 1, 4),
        ("yaml.merge_key", 2, 5),
        ("yaml.duplicate_key", 2, 23),
        ("yaml.duplicate_key", 3, 1),
        ("yaml.odd_space", 4, 1),
    ]


def test_a_thousand_duplicates_are_not_a_thousand_findings() -> None:
    assert len(refused("a: 1\n" * 1_000)) <= 101


def test_a_finding_quotes_its_line_and_stands_at_the_value_its_key_or_inside_it() -> None:
    at = inner(load("a: 1\nkey: 'some ''text'' here'\n"), "key")
    assert render(finding(at, "x.y", "no")) == (
        "error: no [x.y]\n  at line 2, column 6\n    key: 'some ''text'' here'\n         ^"
    )
    assert finding(at, "x.y", "no", key=True).column == 1
    assert finding(at, "x.y", "no", offset=0).column == 7
    assert finding(at, "x.y", "no", offset=5).column == 12
    assert finding(at, "x.y", "no", offset=6).column == 14
    assert finding(at, "x.y", "no", hint="h", severity="warning", length=3).length == 3


def _aligned(text: str) -> None:
    """Every character of the value that is not white space is found where it stands."""
    root = load(text)
    for at in root.value.values():  # type: ignore[union-attr]
        assert isinstance(at.value, str)
        for offset, character in enumerate(at.value):
            place = finding(at, "x", "x", offset=offset)
            if not character.isspace():
                line = at.source.line(place.line)
                assert line[place.column - 1 :].startswith((character, "\\", "''")), (text, offset)


@pytest.mark.parametrize(
    "text",
    [
        "a: some plain text\n", "a: plain\n  over\n\n  lines\n", "a: 'it''s ''quoted'''\n", "a: 'over\n\n  lines ''x'' '\n",
        'a: "x\\ty\\u00e9\\x41\\"z\\\\ \\\n   more"\n', 'a: "a b\n  c\\nd"\n', "a: |\n  x\n    y\n\n  z\n", "a: |2-\n    x\n   y\n",
        "a: >\n  folded\n  text\n\n    kept\n  end\n", "a: !!str &x 'tagged'\n", "a: &x |\n  anchored\n", "  \n\na: x\n",
        'a: "\\N\\_\\L\\P\\e\\0x"\n', "{a: x y, b: 'z'}\n", "a: |\r\n  one\r\n  two\r\n",
    ],
)  # fmt: skip
def test_places_inside_a_scalar_are_right_in_every_style(text: str, parser: str) -> None:
    _aligned(text)


@given(st.text(alphabet=st.sampled_from("ab é'\"\\\n\t:#{}${=%日😀"), min_size=1, max_size=30))
def test_places_inside_whatever_yaml_writes_are_right(value: str) -> None:
    for style in ("'", '"', "|", ">"):
        text = yaml.safe_dump({"a": value}, default_style=style, allow_unicode=True, width=12)
        if load(text).plain() == {"a": value}:
            _aligned(text)


def test_one_word_where_a_mapping_is_wanted_may_lack_a_space() -> None:
    root = load("a:\n  tool:http.get\nb: https://x.test\nc: 'tool:x'\nd: {e: tool:x}\nf: word\n")
    assert glued_colon(inner(root, "a")) == "tool: http.get"
    assert [glued_colon(inner(root, key)) for key in "bcf"] == [None, None, None]


def test_what_looks_like_a_key_is_never_repeated() -> None:
    key = "sk-proj-" + "A" * 32
    assert find_secret(f"Bearer {key}") is not None
    assert conceal(f"x {key} y") == f"x {'•' * len(key)} y"
    assert find_secret("postgresql://user:hunter22@db/x") is not None
    assert find_secret("https://example.com/a:b@c sk-short ${{ secrets.TOKEN }}") is None
    at = inner(load(f"a: {key}\n"), "a")
    found = finding(at, "x", f"this is {key}", hint=key)
    assert key not in render(found)
    assert found.column == 4


def test_what_moves_the_cursor_or_turns_the_line_is_not_shown() -> None:
    at = inner(load('a: "safe\u202etxet"\n'), "a")
    found = finding(at, "x", f"this: {at.value}\x1b[2J")
    assert "\u202e" not in render(found)
    assert "\x1b" not in render(found)


def test_the_collector_is_left_as_it_was() -> None:
    assert gc.isenabled()
    load("a: 1")
    assert gc.isenabled()
    gc.disable()
    try:
        load("a: 1")
        assert not gc.isenabled()
    finally:
        gc.enable()
    with pytest.raises(SpecError):
        load("a: [")
    assert gc.isenabled()
