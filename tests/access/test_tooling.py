"""`nbflow tools list` and `show`: built-in tools, functions, and those of real MCP servers."""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path

import pytest

SHOP = Path(__file__).parents[1] / "integrations" / "tools" / "mcp" / "shop.py"
FUNCTIONS = '''
def charge(customer: str, euros: float = 1.5) -> dict:
    """Charge a customer.

    Args:
        customer: number in the shop
    """
'''


@pytest.fixture
def servers(shell):
    """Sets servers for the commands of a test, each in a process of its own."""

    def set_them(**servers):
        lines = [
            f"[tool.nbflow.mcp.{name}]\n"
            + "".join(f"{field} = {json.dumps(value)}\n" for field, value in fields.items())
            for name, fields in servers.items()
        ]
        shell.write("pyproject.toml", "\n".join(lines))

    return set_them


def said(shell, *arguments):
    process = shell.start("tools", *arguments)
    out, err = process.communicate(timeout=60)
    return process.returncode, out.decode(), err.decode()


def test_list_names_the_tools_of_a_server_that_is_set(shell, servers):
    pytest.importorskip("mcp", reason="mcp is not installed")
    shutil.copy(SHOP, shell.folder / "shop.py")
    servers(
        shop={"command": [sys.executable, "shop.py"]},
        broken={"command": [sys.executable, "shop.py", "--broken"]},
        secret={"command": [sys.executable, "shop.py", "{NOPE_TOKEN}"], "cwd": ".", "env.TOKEN": "{NOPE_TOKEN}"},
    )
    code, out, err = said(shell, "list", "--json")
    found = {tool["name"]: tool for tool in json.loads(out)}
    assert code == 0
    assert found["mcp.shop.price"]["effects"] == "idempotent"
    assert found["mcp.shop.price"]["parameters"]["required"] == ["item"]
    assert "http.get" in found
    words = " ".join(err.split())
    assert "warning: MCP server 'broken' did not start: the shop is closed today" in words
    assert "warning: MCP server 'secret': there is no secret 'NOPE_TOKEN' (set NOPE_TOKEN in the environment" in words


def test_show_asks_the_server_for_one(shell, servers):
    pytest.importorskip("mcp", reason="mcp is not installed")
    shutil.copy(SHOP, shell.folder / "shop.py")
    servers(shop={"command": [sys.executable, "shop.py"]})
    code, out, _ = said(shell, "show", "mcp.shop.price")
    assert (code, out.splitlines()) == (
        0, ["mcp.shop.price (idempotent)", "What an item costs.", "", "  item  string, required"],
    )  # fmt: skip
    code, _, err = said(shell, "show", "mcp.shop.prise")
    assert (code, "did you mean 'price'?" in err) == (1, True)


def test_show_says_what_a_function_takes(shell):
    shown = shell("tools", "show", "charge", "--tools", shell.write("tools_show.py", FUNCTIONS))
    assert shown.out.splitlines() == [
        "charge (idempotent)",
        "Charge a customer.",
        "",
        "  customer  string, required: number in the shop",
        "  euros     number, default 1.5",
    ]


def test_a_tool_that_is_not_there_is_named_with_what_is_near(shell):
    said = shell("tools", "show", "http.gett", "--json")
    assert said.code == 1
    assert said.document["error"] == {
        "code": "tool.unknown", "message": "there is no tool 'http.gett'", "hint": "did you mean 'http.get'?",
    }  # fmt: skip
