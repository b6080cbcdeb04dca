"""One MCP server, as long as a loop needs it: a process of ours by stdio, or an address.

A session belongs to the task that opened it; so each has a task of its own, which others ask by a queue. A
server that died is started again by the next call.
"""

from __future__ import annotations

import asyncio
import contextlib
import importlib
import logging
import tempfile
import weakref
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from nbflow.errors import NodeError

STARTING = 30.0  # seconds
MAX_PAGES = 100
_SILENT = logging.NullHandler()


@dataclass(frozen=True, slots=True)
class Address:
    """How a server is reached: `command` with `env`, or `url` with `headers`."""

    name: str
    command: tuple[str, ...] = ()
    env: Mapping[str, str] = field(default_factory=dict, repr=False)
    cwd: str | None = None
    url: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)


@dataclass(slots=True)
class _Open:
    """A session that a task holds open."""

    task: asyncio.Task[None]
    client: asyncio.Future[Any]
    stop: asyncio.Event


class McpServer:
    """A server's sessions by loop."""

    def __init__(self, address: Address) -> None:
        self.address = address
        self._open: weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, _Open] = weakref.WeakKeyDictionary()

    async def tools(self) -> list[Any]:
        """All tools that the server lists. Raises `NodeError`."""
        client = await self._client()
        found: list[Any] = []
        cursor: str | None = None
        for _ in range(MAX_PAGES):
            page = await self._asked(client.list_tools(cursor=cursor))
            found += page.tools
            cursor = page.next_cursor
            if cursor is None:
                break
        return found

    async def call(self, tool: str, arguments: Mapping[str, Any]) -> Any:
        """The result of a call as the SDK gives it. Raises `NodeError`."""
        client = await self._client()
        return await self._asked(client.call_tool(tool, dict(arguments)))

    async def close(self) -> None:
        """End the running loop's session, and the process with it."""
        opened = self._open.pop(asyncio.get_running_loop(), None)
        if opened is not None:
            opened.stop.set()
            if not opened.client.done():
                opened.task.cancel()  # it has not begun, and whoever waited for it has gone
            await asyncio.wait([opened.task])

    async def _asked(self, question: Any) -> Any:
        try:
            return await question
        except Exception as problem:  # noqa: BLE001 - whatever the SDK or the transport raises
            failure = self._failed(problem)
        if failure.code == "mcp.lost":
            await self.close()
        raise failure

    def _failed(self, problem: Exception) -> NodeError:
        """An answer that is an error; anything else means that the session is of no more use."""
        from mcp import MCPError
        from mcp.types import CONNECTION_CLOSED

        words = str(problem) or type(problem).__name__
        if isinstance(problem, MCPError) and problem.code != CONNECTION_CLOSED:
            return NodeError("Refused", f"MCP server '{self.address.name}': {words}", code="mcp.error")
        return NodeError("Unavailable", f"MCP server '{self.address.name}' was lost: {words}", code="mcp.lost")

    async def _client(self) -> Any:
        loop = asyncio.get_running_loop()
        opened = self._open.get(loop)
        if opened is None or opened.task.done():
            ready: asyncio.Future[Any] = loop.create_future()
            ready.add_done_callback(lambda done: done.cancelled() or done.exception())  # perhaps nobody waits any more
            stop = asyncio.Event()
            opened = self._open[loop] = _Open(loop.create_task(self._hold(ready, stop)), ready, stop)
        return await asyncio.shield(opened.client)

    async def _hold(self, ready: asyncio.Future[Any], stop: asyncio.Event) -> None:
        """Open a session, say so, and keep it until told to stop."""
        with tempfile.TemporaryFile("w+", errors="replace") as said:
            try:
                async with contextlib.AsyncExitStack() as stack:
                    async with asyncio.timeout(STARTING):
                        client = await stack.enter_async_context(self._session(said))
                    ready.set_result(client)
                    await stop.wait()
            except Exception as problem:  # noqa: BLE001 - carried to whoever waits for the session
                if not ready.done():
                    ready.set_exception(self._not_started(problem, said))
            finally:
                ready.cancel()

    @contextlib.asynccontextmanager
    async def _session(self, said: Any) -> AsyncIterator[Any]:
        try:
            await asyncio.to_thread(importlib.import_module, "mcp")  # it takes most of a second
            logging.getLogger("mcp").addHandler(_SILENT)  # what a server babbles is no news for the terminal
            from mcp import Client, StdioServerParameters, stdio_client
            from mcp.client.streamable_http import streamable_http_client
        except ImportError:
            hint = "pip install 'nbflow[mcp]'"
            raise NodeError(
                "InvalidInput", "MCP needs the package mcp, which is not installed", code="mcp.driver", hint=hint
            ) from None
        where = self.address
        async with contextlib.AsyncExitStack() as stack:
            if where.url is not None:
                import httpx2

                http = await stack.enter_async_context(httpx2.AsyncClient(headers=dict(where.headers), timeout=60.0))
                transport = streamable_http_client(where.url, http_client=http)
            else:
                command, *rest = where.command
                parameters = StdioServerParameters(command=command, args=rest, env=dict(where.env), cwd=where.cwd)
                transport = stdio_client(parameters, errlog=said)
            yield await stack.enter_async_context(Client(transport))

    def _not_started(self, problem: Exception, said: Any) -> NodeError:
        if isinstance(problem, NodeError):
            return problem
        said.seek(0)
        last = " ".join(said.read().split())[-300:]
        words = last or _innermost(problem)
        return NodeError("Unavailable", f"MCP server '{self.address.name}' did not start: {words}", code="mcp.start")


def _innermost(problem: BaseException) -> str:
    while isinstance(problem, BaseExceptionGroup) and problem.exceptions:
        problem = problem.exceptions[0]
    if isinstance(problem, TimeoutError):
        return f"no answer in {STARTING:g} s"
    return str(problem) or type(problem).__name__
