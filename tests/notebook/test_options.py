"""The magic line: words, options, inputs; and one clear line for each mistake."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nbflow.notebook.arguments import read_arguments
from nbflow.notebook.errors import MagicError
from nbflow.notebook.options import read_options, words


def refused(line, namespace=None):
    with pytest.raises(MagicError) as caught:
        read_options(line, namespace or {})
    return caught.value


def test_a_line_with_everything():
    options = read_options(
        "demo -i n=3 -i who=$name --as result --break a,b --break c --store memory: --mock --background",
        {"name": "Ada"},
    )
    assert options.name == "demo"
    assert options.inputs == {"n": 3, "who": "Ada"}
    assert options.variable == "result"
    assert options.breaks == ["a", "b", "c"]
    assert options.store == "memory:"
    assert options.mock
    assert options.background
    assert options.run


def test_nothing_is_taken_from_the_notebook_unasked():
    assert read_options("demo -i n=name", {"name": 1}).inputs == {"n": "name"}


@pytest.mark.parametrize(
    ("written", "means"),
    [
        ("3", 3), ("3.5", 3.5), ("true", True), ("null", None), ("text", "text"), ("'two words'", "two words"),
        ('"two words"', "two words"), ('{"a": [1, 2]}', {"a": [1, 2]}), ("[1, 2, 3]", [1, 2, 3]), ("O'Brien", "O'Brien"),
        ("https://x.test/?a=b&c=d", "https://x.test/?a=b&c=d"), ("", ""), ("NaN", "NaN"), ("Infinity", "Infinity"),
        ("'{\"a\": 1}'", {"a": 1}), ("$5", "$5"), ("a=b", "a=b"),
    ],
)  # fmt: skip
def test_a_value_is_json_or_text(written, means):
    assert read_options(f"demo -i key={written}", {}).inputs == {"key": means}


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
        max_leaves=8,
    )
)
def test_any_json_comes_through_the_line_as_it_is(value):
    written = json.dumps(value)
    assert read_options(f"demo -i key={written} --mock", {}).inputs == {"key": value}


@given(st.text(alphabet="ab ={}[]\"'-$\\", max_size=30))
def test_any_line_is_read_or_refused_in_one_message(line):
    try:
        read_options(line, {})
    except MagicError as problem:
        assert problem.code.startswith("magic.")


def test_a_file_of_inputs(tmp_path):
    path = tmp_path / "inputs.json"
    path.write_text('{"a": 1, "b": "x"}')
    assert read_options(f"demo -i @{path} -i a=2", {}).inputs == {"a": 2, "b": "x"}


def test_reuse_takes_an_id_but_never_the_name():
    assert read_options("demo --reuse", {}).reuse == ""
    assert read_options("--reuse demo", {}).name == "demo"
    assert read_options("demo --reuse 20261124-101010-ab --mock", {}).reuse == "20261124-101010-ab"
    assert read_options("demo", {}).reuse is None


def test_reuse_takes_the_name_of_another_workflow_after_the_cells_own():
    found = read_options("demo --reuse other --mock", {})
    assert (found.name, found.reuse, found.mock) == ("demo", "other", True)


def test_quotes_around_a_whole_word_are_the_lines_and_not_the_values():
    assert read_options('-i "s=a b"', {}).inputs == {"s": "a b"}
    assert read_options("-i 's=\"q\"'", {}).inputs == {"s": "q"}
    assert read_options("--break 'l.s' --as \"x\"", {}).breaks == ["l.s"]
    assert read_arguments("""'x' --at "a" -i "s=a b\"""", {}).flags == {"--at": "a"}


def test_a_variable_in_braces_is_filled_in_and_json_is_not():
    class Made:
        id = "20261124-101010-ab"

    names = {"x": Made(), "n": 3}
    found = read_arguments('{x} {x.id} {n} {"n": 1} {} --at {n}', names)
    assert found.words == [Made.id, Made.id, "3", '{"n": 1}', "{}"]
    assert found.flags["--at"] == "3"
    with pytest.raises(MagicError, match="no variable y"):
        read_arguments("{y.id}", names)


def test_an_unknown_option_offers_the_one_that_was_meant():
    problem = refused("demo --norun")
    assert problem.code == "magic.option"
    assert "--no-run" in problem.hint


def test_an_input_without_a_value_says_how():
    problem = refused("demo -i threshold")
    assert problem.code == "magic.option"
    assert problem.hint == "-i threshold=VALUE"


def test_a_variable_that_python_cannot_bind_is_refused():
    assert "1result" in str(refused("demo --as 1result"))
    assert refused("demo --as class").code == "magic.option"


def test_a_variable_that_is_not_there_is_named_with_a_near_one():
    problem = refused("demo -i a=$thresold", {"threshold": 1})
    assert problem.code == "magic.variable"
    assert "$threshold" in problem.hint


def test_an_input_without_its_flag_is_recognised():
    assert refused("a=1").hint == "-i a=1"
    assert refused("demo a=1").hint == "-i a=1"


def test_an_open_quote_is_said():
    assert "not closed" in str(refused("demo -i a='x"))


def test_blanks_inside_brackets_and_quotes_do_not_end_a_word():
    assert words("""a -i k={"x": [1, 2]} 'b c'""") == ["a", "-i", 'k={"x": [1, 2]}', "'b c'"]
