"""Tools, their arguments and secrets: severity depends on what is known, and a secret is never repeated."""

from __future__ import annotations

import pytest

from nbflow import assembly
from nbflow.errors import render
from nbflow.plan.checks.tools import BUILT_IN
from nbflow.plan.workflow import diagnose

KNOWN = {
    "send": {
        "type": "object", "properties": {"to": {"type": "string"}, "times": {"type": "integer"}}, "required": ["to"],
        "additionalProperties": False,
    },
    "free": None,
}  # fmt: skip


def found(text: str, **more) -> list[tuple[str, str]]:
    return [(each.code, each.severity) for each in diagnose(text, **more) if each.severity != "info"]


def test_an_unknown_function_is_a_warning_when_functions_are_not_known() -> None:
    assert found("nodes: {a: {tool: my_function}}") == [("tool.unresolved", "warning")]


def test_an_unknown_function_is_an_error_when_they_are() -> None:
    assert found("nodes: {a: {tool: sned}}", tools=KNOWN) == [("tool.unresolved", "error")]
    (finding,) = diagnose("nodes: {a: {tool: sned}}", tools=KNOWN)
    assert finding.hint == "did you mean 'send'?"
    assert (finding.line, finding.column) == (1, 19)


@pytest.mark.parametrize("tools", [None, KNOWN])
@pytest.mark.parametrize("name", ["http.gett", "database.select", "email.sent", "mcp.server", "mcp.", "http."])
def test_a_built_in_family_is_always_checked(name: str, tools) -> None:
    assert found(f"nodes: {{a: {{tool: {name}}}}}", tools=tools) == [("tool.unknown", "error")]


def test_what_an_mcp_server_offers_is_known_only_when_it_runs() -> None:
    text = "nodes: {a: {tool: mcp.files.read, with: {path: x}}}"
    assert found(text) == []
    assert found(text, tools={**KNOWN, "mcp.files.read": {}}) == []


def test_a_dotted_name_of_no_family_is_like_any_other() -> None:
    assert found("nodes: {a: {tool: my.tool}}") == [("tool.unresolved", "warning")]


@pytest.mark.parametrize(
    ("arguments", "wrong"),
    [
        ("{to: x}", 0), ("{to: x, times: 2}", 0), ("{to: =b}", 0), ("=b", 0), ("{}", 1), ("{to: x, tmies: 2}", 1),
        ("{to: 3}", 1), ("{to: x, times: two}", 1), ("{to: x, times: =b}", 0), ("[x]", 1), ("{to: '${{ b }}'}", 0),
    ],
)  # fmt: skip
def test_arguments_are_held_against_the_schema(arguments: str, wrong: int) -> None:
    text = f"nodes: {{b: {{listen: e}}, a: {{tool: send, with: {arguments}}}}}"
    assert len(found(text, tools=KNOWN)) == wrong


def test_a_tool_without_a_schema_takes_anything() -> None:
    assert found("nodes: {a: {tool: free, with: {v: 1}}}", tools=KNOWN) == []


def test_the_tools_of_an_agent_are_looked_for_too() -> None:
    text = "nodes: {a: {agent: {prompt: x, tools: [send, sned, http.gett]}}}"
    assert [code for code, _ in found(text, tools=KNOWN)] == ["tool.unresolved", "tool.unknown"]


@pytest.mark.parametrize(
    "node",
    [
        "{tool: f, with: {key: =secrets.KEY}}", "{tool: f, with: {headers: {a: 'Bearer ${{ secrets.KEY }}'}}}",
        "{agent: {prompt: x, headers: {a: =secrets.KEY}}}", "{agent: {prompt: x, auth: =secrets.KEY}}",
    ],
)  # fmt: skip
def test_secrets_stand_where_they_are_resolved_at_the_last_moment(node: str) -> None:
    assert [code for code, _ in found(f"nodes: {{a: {node}}}") if code.startswith("secret")] == []


@pytest.mark.parametrize(
    "node",
    [
        "{agent: 'Use ${{ secrets.KEY }}'}", "{agent: {prompt: x, system: =secrets.KEY}}", "{agent: {prompt: x}, with: {k: =secrets.KEY}}",
        "{set: {v: =secrets.KEY}}", "{switch: [{when: secrets.KEY == 'x', then: z}]}", "{tool: f, if: secrets.KEY == 'x'}",
        "{tool: f, mock: =secrets.KEY}", "{tool: f, on_error: {value: =secrets.KEY}}", "{tool: f, transform: secrets.KEY}",
        "{aggregate: list, with: [=secrets.KEY]}", "{emit: e, with: {k: =secrets.KEY}}", "{ask: '${{ secrets.KEY }}?'}",
        "{parallel: {for_each: '[secrets.KEY]'}, nodes: {x: {set: {v: =item}}}}",
        "{loop: {max: 1, start: {k: =secrets.KEY}}, nodes: {x: {wait: 1s}}}",
    ],
)  # fmt: skip
def test_secrets_stand_nowhere_else(node: str) -> None:
    text = f"nodes: {{a: {node}, z: {{wait: 1s, join: active}}}}"
    assert ("secret.exposed", "error") in found(text)


def test_secrets_are_no_outputs() -> None:
    assert ("secret.exposed", "error") in found("nodes: {a: {wait: 1s}}\noutputs: {k: =secrets.KEY}")


def test_a_secret_signs_a_webhook_and_gives_no_input() -> None:
    good = (
        "inputs: [k]\ntriggers: [{webhook: w, secret: =secrets.KEY, inputs: {k: 1}}]\nnodes: {a: {set: {v: =inputs.k}}}"
    )
    assert found(good) == []
    assert ("secret.exposed", "error") in found(good.replace("{k: 1}", "{k: =secrets.KEY}"))


@pytest.mark.parametrize(
    "secret",
    ["sk-proj-" + "A1b2" * 10, "ghp_" + "A1b2" * 9, "AKIA" + "A1B2" * 4, "xoxb-" + "1a2b" * 5],
)
def test_a_key_in_the_text_is_warned_of_and_not_repeated(secret: str) -> None:
    for text in (f"nodes: {{a: {{tool: f, with: {{k: {secret}}}}}}}", f"nodes: {{a: {{tool: f, oops: {secret}}}}}"):
        findings = diagnose(text)
        shown = "\n".join(map(render, findings))
        assert secret not in shown
    assert ("secret.literal", "warning") in found(f"nodes: {{a: {{set: {{k: {secret}}}}}}}")


def test_what_the_checker_knows_of_built_in_tools_is_what_they_take() -> None:
    schemas = assembly.tools.schemas()
    for name, known in BUILT_IN.items():
        if name in schemas:
            taken = schemas[name]
            assert set(known["properties"]) == set(taken["properties"]), name
            assert set(known["required"]) == set(taken["required"]), name


def test_the_reply_of_an_http_tool_is_known() -> None:
    text = "nodes: {a: {tool: http.get, with: {url: 'https://example.com'}}, b: {set: {v: =a.%s}}}"
    assert found(text % "body.anything") == []
    assert found(text % "bdy") == [("expr.unknown_field", "error")]


def test_triggers_read_events_only() -> None:
    text = "triggers: [{webhook: w, inputs: {k: =a.v}, if: item > 1}]\ninputs: [k]\nnodes: {a: {set: {v: =inputs.k}}}"
    assert [code for code, _ in found(text)] == ["expr.scope", "expr.scope"]


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ("customer: 42", "the argument 'customer' of 'charge' must be text; 42 is a number"),
        ("customer: [a]", "the argument 'customer' of 'charge' must be text; it is a list"),
        ("customer: =inputs.n", "the argument 'customer' of 'charge' must be text; '=inputs.n' is a number"),
    ],
)
def test_a_wrong_argument_is_named_with_what_it_must_be_and_what_came(given: str, words: str) -> None:
    schema = {"type": "object", "properties": {"customer": {"type": "string"}}, "required": ["customer"]}
    text = f"name: w\ninputs: {{n: number}}\nnodes: {{a: {{tool: charge, with: {{{given}}}}}}}"
    told = diagnose(text, tools={"charge": schema})
    assert [each.message for each in told if each.code == "tool.arguments"] == [words]


def test_a_server_that_is_not_set_is_said_when_it_is_known_which_there_are() -> None:
    text = "name: w\nnodes: {a: {tool: mcp.shop.price, with: {item: pen}}}"
    assert found(text) == []
    assert found(text, tools={"mcp.shop.price": {}}) == []
    (one,) = diagnose(text, tools={})
    assert (one.code, one.message, one.hint) == (
        "tool.unknown", "no MCP server 'shop' is set", "name it in the settings: [tool.nbflow.mcp.shop]",
    )  # fmt: skip
