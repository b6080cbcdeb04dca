"""A secret that nobody has set fails its node at once, and says where it can be set."""

from __future__ import annotations

import pytest

GREET = """
def greet(name: str, token: str) -> str:
    return f"{name}: {len(token)}"
"""


@pytest.mark.parametrize(
    "node",
    [
        "{tool: greet, with: {name: x, token: =secrets.NOPE_TOKEN}}",
        '{tool: greet, with: {name: x, token: "Bearer ${{ secrets.NOPE_TOKEN }}"}, retry: 2}',
        "{agent: {prompt: x, model: openai/gpt-5-mini, auth: =secrets.NOPE_TOKEN}}",
    ],
)
def test_a_missing_secret_says_where_it_can_be_set(shell, node):
    tools = shell.write("tools_secret.py", GREET)
    said = shell("run", shell.write("w.yaml", f"name: w\nnodes:\n  a: {node}\n"), "--tools", tools, "--json")
    a = said.document["nodes"]["a"]
    assert (said.code, a["attempts"]) == (1, 1)
    assert a["error"] == {
        "kind": "InvalidInput",
        "message": "there is no secret 'NOPE_TOKEN'",
        "code": "secret.missing",
        "hint": "set NOPE_TOKEN in the environment, in .env or in the keyring (service nbflow)",
    }
    assert "in the keyring" in shell("run", "w.yaml", "--tools", tools).err
