"""A provider that says what a test wrote down, and keeps what it was asked: an adapter of the port like any other."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from nbflow.ports.agents import ModelReply, ModelRequest, ToolRequest, Usage

Line = str | ModelReply | Exception | Callable[[ModelRequest], ModelReply]


class Scripted:
    def __init__(self, *lines: Line, provider: str = "scripted", takes: bool = True) -> None:
        self.provider = provider
        self.lines = list(lines)
        self.asked: list[ModelRequest] = []
        self._takes = takes

    def takes(self, schema: Any) -> bool:
        return self._takes

    async def complete(self, request: ModelRequest, on_text: Callable[[str], None]) -> ModelReply:
        self.asked.append(request)
        await asyncio.sleep(0)
        line = self.lines.pop(0)
        if isinstance(line, Exception):
            raise line
        if callable(line):
            line = line(request)
        reply = ModelReply(line, usage=Usage(10, 5), model="m-1") if isinstance(line, str) else line
        if request.stream and reply.text:
            on_text(reply.text)
        return reply

    async def close(self) -> None: ...


def wants(*calls: tuple[str, str]) -> ModelReply:
    """The model asks for tools: (name, arguments as it wrote them)."""
    requests = tuple(ToolRequest(f"c{number}", name, arguments) for number, (name, arguments) in enumerate(calls))
    return ModelReply("", requests, Usage(10, 5), "tools", "m-1")
