"""``mcp.<server>.<tool>``: the tools of servers that an operator has named.

Naming one starts nothing: a server is started when its tool is first called, or offered to a model. Until it
has told its schema, its tools take any arguments and count as `once`.
"""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from nbflow.errors import ExecutorError, NodeError
from nbflow.integrations.tools.mcp.server import Address, McpServer
from nbflow.plan.plan import Effects
from nbflow.ports.arguments import check_arguments
from nbflow.ports.executors import Call
from nbflow.ports.tools import Tool
from nbflow.spec.names import did_you_mean, listed

FIELDS = ("command", "env", "cwd", "url", "headers", "effects")
ANY: dict[str, Any] = {"type": "object", "properties": {}}
LISTING = 8.0  # seconds for a list of tools; a call waits longer, since a server may have to be fetched first
MAX_TEXT = 10_000_000  # characters of a result


class McpTool:
    """One tool of a server."""

    authors_only = ()

    def __init__(self, family: McpFamily, server: str, tool: str) -> None:
        self._family, self._server, self._tool = family, server, tool
        self.name = f"mcp.{server}.{tool}"

    @property
    def description(self) -> str:
        told = self._told()
        return (told.description or told.title or "") if told is not None else ""

    @property
    def parameters(self) -> Mapping[str, Any]:
        told = self._told()
        return told.input_schema if told is not None else ANY

    def effects(self, arguments: Mapping[str, Any] | None = None) -> Effects:
        """What the operator says; else what the server says of it, and `once` while it is silent."""
        said = self._family.effects(self._server, self._tool)
        if said is not None:
            return said
        told = self._told()
        notes = told.annotations if told is not None else None
        return "idempotent" if notes is not None and (notes.read_only_hint or notes.idempotent_hint) else "once"

    async def prepare(self) -> None:
        """Ask the server for its tools, once. Raises `NodeError` (``mcp.tool``) when this one is not among them."""
        await self._family.learn(self._server)
        known = self._family.known(self._server)
        if self._tool not in known:
            hint = did_you_mean(self._tool, known) or f"tools: {listed(known) or 'none'}"
            message = f"MCP server '{self._server}' has no tool '{self._tool}'"
            raise NodeError("InvalidInput", message, code="mcp.tool", hint=hint)

    async def call(self, arguments: Mapping[str, Any], call: Call) -> Any:
        await self.prepare()
        check_arguments(arguments, self.parameters, self.name)
        result = await self._family.servers[self._server].call(self._tool, arguments)
        if result.is_error:
            words = " ".join(str(part) for part in _parts(result.content)) or "the tool failed"
            raise NodeError("Refused", f"{self.name}: {words[:2000]}", code="mcp.failed")
        return _value(result)

    def _told(self) -> Any:
        return self._family.known(self._server).get(self._tool)


def _value(result: Any) -> Any:
    """The structured result; else the one text; else all parts as a list."""
    if result.structured_content is not None:
        content = result.structured_content
        return content["result"] if isinstance(content, dict) and set(content) == {"result"} else content
    parts = _parts(result.content)
    return parts[0] if len(parts) == 1 else parts


def _parts(content: Sequence[Any]) -> list[Any]:
    parts: list[Any] = []
    for part in content:
        if part.type == "text":
            if len(part.text) > MAX_TEXT:
                raise NodeError(
                    "InvalidOutput", f"the result is longer than {MAX_TEXT:,} characters", code="limit.output"
                )
            parts.append(part.text)
        elif part.type in ("image", "audio"):
            parts.append({"media": part.mime_type, "content": base64.b64decode(part.data)})
        else:
            parts.append(part.model_dump(mode="json", exclude_none=True))
    return parts


class McpFamily:
    """Servers by name: ``{command: [...], env, cwd}`` or ``{url, headers}``; `effects` by tool for what is known.

    In `env` and `headers` ``{NAME}`` stands for a secret. Raises `ExecutorError` for what cannot be a server.
    """

    def __init__(self, servers: Mapping[str, Mapping[str, Any]], secrets: Mapping[str, str] | None = None) -> None:
        self._given = {name: dict(fields) for name, fields in servers.items()}
        self._secrets = secrets if secrets is not None else {}
        for name, fields in self._given.items():
            _check(name, fields)
        self.servers = {name: McpServer(self._address(name, fields)) for name, fields in self._given.items()}
        self._known: dict[str, dict[str, Any]] = {}

    def find(self, name: str) -> Tool | None:
        family, _, rest = name.partition(".")
        server, _, tool = rest.partition(".")
        return McpTool(self, server, tool) if family == "mcp" and server in self.servers and tool else None

    def names(self) -> tuple[str, ...]:
        """The tools of servers that have told them."""
        return tuple(f"mcp.{server}.{tool}" for server, tools in self._known.items() for tool in tools)

    def known(self, server: str) -> Mapping[str, Any]:
        return self._known.get(server, {})

    def effects(self, server: str, tool: str) -> Effects | None:
        said: Mapping[str, Effects] = self._given[server].get("effects") or {}
        return said.get(tool)

    async def learn(self, server: str) -> None:
        if server not in self._known:
            self._known[server] = {tool.name: tool for tool in await self.servers[server].tools()}

    async def learn_all(self) -> list[NodeError]:
        """Ask every server for its tools, all at the same time; returns why some gave no answer in time."""
        told = await asyncio.gather(*map(self._learn_soon, self.servers), return_exceptions=True)
        found: list[NodeError] = []
        for server, problem in zip(self.servers, told, strict=True):
            if isinstance(problem, NodeError):
                words = str(problem) if "MCP server" in str(problem) else f"MCP server '{server}': {problem}"
                found.append(NodeError(problem.kind, words, code=problem.code, hint=problem.hint))
            elif problem is not None:
                raise problem
        return found

    async def _learn_soon(self, server: str) -> None:
        try:
            async with asyncio.timeout(LISTING):
                await self.learn(server)
        except TimeoutError:
            message = f"MCP server '{server}' has not told its tools in {LISTING:g} s"
            raise NodeError("Timeout", message, code="mcp.start") from None

    async def close(self) -> None:
        await asyncio.gather(*(server.close() for server in self.servers.values()))

    def _address(self, name: str, fields: Mapping[str, Any]) -> Address:
        env, headers = (_Filled(fields.get(field) or {}, self._secrets) for field in ("env", "headers"))
        return Address(name, tuple(fields.get("command") or ()), env, fields.get("cwd"), fields.get("url"), headers)


class _Filled(Mapping[str, str]):
    """Texts with ``{NAME}`` for secrets, which are looked up when they are used."""

    def __init__(self, given: Mapping[str, str], secrets: Mapping[str, str]) -> None:
        self._given, self._secrets = dict(given), secrets

    def __getitem__(self, name: str) -> str:
        text = self._given[name]
        for secret in {part.partition("}")[0] for part in text.split("{")[1:]}:
            text = text.replace(f"{{{secret}}}", self._secrets[secret])
        return text

    def __iter__(self) -> Iterator[str]:
        return iter(self._given)

    def __len__(self) -> int:
        return len(self._given)


def _check(name: str, fields: Mapping[str, Any]) -> None:
    for field in fields:
        if field not in FIELDS:
            hint = did_you_mean(field, FIELDS) or f"fields: {listed(FIELDS)}"
            raise ExecutorError(f"MCP server '{name}' has no field '{field}'; {hint}")
    command = fields.get("command")
    if bool(command) == bool(fields.get("url")):
        raise ExecutorError(f"MCP server '{name}' has a command or a url, one of them")
    if command and not (isinstance(command, list | tuple) and all(isinstance(part, str) for part in command)):
        raise ExecutorError(f"the command of MCP server '{name}' is a list of texts")
