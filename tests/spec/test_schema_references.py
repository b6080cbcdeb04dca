"""References in schemas: they lead within the schema, nothing is fetched, and no schema takes for ever."""

import socket
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from nbflow.errors import Diagnostic
from nbflow.plan.workflow import diagnose
from nbflow.spec.document import load
from nbflow.spec.schema import check, read_inputs, read_schema


def inputs(written: str) -> tuple[Any, list[Diagnostic]]:
    found: list[Diagnostic] = []
    return read_inputs(load(written), found.append), found


def output(written: str) -> tuple[Any, list[Diagnostic]]:
    found: list[Diagnostic] = []
    root = load(f"x: {written}").value
    assert isinstance(root, dict)
    return read_schema(root["x"], found.append), found


@pytest.fixture
def listener() -> Iterator[tuple[str, list[Any]]]:
    """An address, and who called."""
    server = socket.create_server(("127.0.0.1", 0))
    callers: list[Any] = []

    def listen() -> None:
        try:
            caller, _ = server.accept()
        except OSError:
            return
        callers.append(caller)
        caller.close()

    thread = threading.Thread(target=listen, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.getsockname()[1]}/schema.json", callers
    server.shutdown(socket.SHUT_RDWR)
    server.close()
    thread.join(5)


def test_nothing_is_fetched_to_check_a_text(listener: tuple[str, list[Any]]) -> None:
    address, callers = listener
    found = diagnose(f"inputs: {{a: {{$ref: '{address}', default: 1}}}}\nnodes: {{n: {{set: {{v: =inputs.a}}}}}}\n")
    assert [(each.code, each.line, each.column) for each in found] == [("schema.reference", 1, 20)]
    assert callers == []


def test_nothing_is_fetched_for_a_schema_that_came_with_a_tool(listener: tuple[str, list[Any]]) -> None:
    address, callers = listener
    (problem,) = check({"a": 1}, {"properties": {"a": {"$ref": address}}})
    assert problem.code == "input.schema"
    assert callers == []


@pytest.mark.parametrize("reference", ["file:///etc/passwd", "other.json", "#/$defs/none", "#none", "#/type"])
def test_a_reference_that_leads_nowhere_is_a_finding(reference: str) -> None:
    made, found = output(f"{{type: object, properties: {{a: {{$ref: '{reference}'}}}}}}")
    assert [each.code for each in found] == ["schema.reference"]
    assert check({"a": 1}, made) == []


def test_a_mistaken_reference_is_told_the_near_one() -> None:
    _, (found,) = output("{type: object, properties: {a: {$ref: '#/$defs/cuont'}}, $defs: {count: {type: integer}}}")
    assert "#/$defs/count" in (found.hint or "")
    assert found.column == 42


@pytest.mark.parametrize(
    ("read", "written", "good", "bad"),
    [
        (output, "{$ref: '#/$defs/n', $defs: {n: integer}}", 1, "x"),
        (output, "{k: {$ref: '#/$defs/n', $defs: {n: integer}}}", {"k": 1}, {"k": "x"}),
        (output, "{'k/m~%': {$ref: '#/$defs/n', $defs: {n: integer}}}", {"k/m~%": 1}, {"k/m~%": "x"}),
        (output, "[{$ref: '#/$defs/n', $defs: {n: integer}}]", [1], ["x"]),
        (output, "{type: array, items: {$ref: '#some'}, $defs: {n: {type: integer, $anchor: some}}}", [1], ["x"]),
        (output, "{type: object, properties: {k: {q: {$ref: '#/$defs/n'}}}, $defs: {n: integer}}",
         {"k": {"q": 1}}, {"k": {"q": "x"}}),
        (inputs, "a: {$ref: '#/$defs/n', $defs: {n: integer}}", {"a": 1}, {"a": "x"}),
        (inputs, "a: {type: object, properties: {below: {$ref: '#'}, n: integer}}",
         {"a": {"below": {"below": {"n": 1}}}}, {"a": {"below": {"below": {"n": "x"}}}}),
    ],
)  # fmt: skip
def test_a_reference_points_within_the_schema_it_is_written_in(read: Any, written: str, good: Any, bad: Any) -> None:
    made, found = read(written)
    assert found == []
    assert check(good, made) == []
    assert [problem.code for problem in check(bad, made)] == ["input.type"]


def test_a_schema_that_goes_round_in_a_circle_is_a_problem_of_the_value() -> None:
    made, found = output("{$ref: '#'}")
    assert found == []
    assert [problem.code for problem in check(1, made)] == ["input.schema"]


def test_a_schema_that_doubles_at_each_step_is_stopped() -> None:
    levels = {f"n{n}": {"allOf": [{"$ref": f"#/$defs/n{n + 1}"}] * 2} for n in range(60)}
    doubling = {"$ref": "#/$defs/n0", "$defs": {**levels, "n60": {"type": "integer"}}}
    assert [problem.code for problem in check(1, doubling)] == ["input.schema"]


def test_a_long_list_may_take_its_steps() -> None:
    made, found = output("{type: array, items: {oneOf: [{type: integer}, {type: string}]}}")
    assert found == []
    assert check(list(range(30_000)), made) == []


def test_an_older_law_of_json_schema_does_not_lift_the_strict_one() -> None:
    made, found = output("{allOf: [{$schema: 'http://json-schema.org/draft-07/schema#', type: integer}]}")
    assert found == []
    old = {"allOf": [{"$schema": "http://json-schema.org/draft-07/schema#", "type": "integer"}]}
    assert [problem.code for problem in (*check(3.0, made), *check(3.0, old))] == ["input.type"] * 2
