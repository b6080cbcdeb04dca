"""What comes in from the command line."""

import json

import pytest

from nbflow.access.cli.reading import UsageProblem, load_module, public_functions, read_inputs, read_source


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("n=3", 3),
        ("n=3.0", 3.0),
        ("n=true", True),
        ("n=null", None),
        ("n=[1, 2]", [1, 2]),
        ('n={"a": 1}', {"a": 1}),
        ('n="3"', "3"),
        ("n=text", "text"),
        ("n=a=b", "a=b"),
        ("n=", ""),
        ("n=NaN", "NaN"),
        ("n=[1", "[1"),
    ],
)
def test_a_value_is_json_when_it_is_json_and_else_text(option, value):
    assert read_inputs([option]) == {"n": value}


def test_a_file_of_inputs_is_a_mapping_and_later_options_win(tmp_path):
    file = tmp_path / "inputs.json"
    file.write_text(json.dumps({"a": 1, "b": 2}))
    assert read_inputs([f"@{file}", "b=3"]) == {"a": 1, "b": 3}


@pytest.mark.parametrize(("content", "says"), [("[1]", "mapping"), ("{", "not JSON"), (None, "cannot read")])
def test_a_file_of_inputs_that_is_none_is_named(tmp_path, content, says):
    file = tmp_path / "inputs.json"
    if content is not None:
        file.write_text(content)
    with pytest.raises(UsageProblem, match=says):
        read_inputs([f"@{file}"])


@pytest.mark.parametrize("option", ["novalue", "=3"])
def test_an_input_without_a_name_or_value_is_refused(option):
    with pytest.raises(UsageProblem, match="name=value"):
        read_inputs([option])


def test_a_missing_workflow_is_named(tmp_path):
    with pytest.raises(UsageProblem, match=r"nothing\.yaml"):
        read_source(str(tmp_path / "nothing.yaml"))


def test_only_public_functions_of_the_file_itself_become_tools(tmp_path):
    file = tmp_path / "shop_tools.py"
    file.write_text(
        "from os.path import join\nimport json\nLIMIT = 3\ndef buy(n: int): ...\nasync def sell(): ...\ndef _own(): ...\n"
    )
    assert sorted(public_functions(load_module(str(file)))) == ["buy", "sell"]


def test_a_function_that_yields_may_stand_beside_tools(tmp_path):
    file = tmp_path / "yielding.py"
    file.write_text(
        "def pairs():\n    yield 1\n\nasync def more():\n    yield 1\n\ndef buy() -> int:\n    return sum(pairs())\n"
    )
    assert list(public_functions(load_module(str(file)))) == ["buy"]


def test_a_file_finds_its_neighbours(tmp_path):
    (tmp_path / "neighbour_of_tools.py").write_text("N = 41\n")
    file = tmp_path / "tools_with_neighbour.py"
    file.write_text("import neighbour_of_tools\ndef one(): return neighbour_of_tools.N + 1\n")
    assert public_functions(load_module(str(file)))["one"]() == 42


def test_a_file_that_fails_to_import_is_the_callers_problem(tmp_path):
    file = tmp_path / "broken_tools.py"
    file.write_text("1 / 0\n")
    with pytest.raises(UsageProblem, match="ZeroDivisionError") as caught:
        load_module(str(file))
    assert caught.value.code == "tool.import"
