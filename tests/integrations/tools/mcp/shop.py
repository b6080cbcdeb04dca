"""A real MCP server, run as a process by the tests."""

from __future__ import annotations

import os
import sys

from mcp.server.mcpserver import MCPServer
from mcp.types import ToolAnnotations
from pydantic import BaseModel

server = MCPServer("shop")


class Price(BaseModel):
    item: str
    euros: float


@server.tool(annotations=ToolAnnotations(read_only_hint=True))
def price(item: str) -> Price:
    """What an item costs."""
    if item == "nothing":
        raise ValueError("no such item")
    return Price(item=item, euros=3.5)


@server.tool()
def order(item: str, count: int = 1) -> str:
    """Order an item."""
    return f"{count} x {item} for {os.environ.get('SHOP_USER', 'nobody')}"


@server.tool()
def crash() -> str:
    """End the process."""
    os._exit(3)


if __name__ == "__main__":
    if "--broken" in sys.argv:
        sys.exit("the shop is closed today")
    server.run()
