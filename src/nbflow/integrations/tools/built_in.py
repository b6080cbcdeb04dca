"""The tools that come with nbflow, each family loaded when one of its tools is first asked for."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

from nbflow.errors import NodeError
from nbflow.integrations.tools.lazy import LazyFamily
from nbflow.integrations.tools.registry import ToolRegistry
from nbflow.ports.clock import Clock
from nbflow.ports.tools import Tool

HTTP = ("get", "post", "put", "patch", "delete", "request")


class Chosen(Protocol):
    """What an operator may set for tools."""

    @property
    def http_private(self) -> bool: ...

    @property
    def http_allow(self) -> tuple[str, ...]: ...

    @property
    def store(self) -> str: ...

    @property
    def databases(self) -> Mapping[str, str]: ...

    @property
    def smtp(self) -> str | None: ...

    @property
    def mail_from(self) -> str | None: ...

    @property
    def mail_to(self) -> tuple[str, ...]: ...

    @property
    def mcp(self) -> Mapping[str, Mapping[str, Any]]: ...


def add_built_in(
    registry: ToolRegistry, secrets: Mapping[str, str], clock: Clock, chosen: Callable[[], Chosen]
) -> None:
    """Let the registry find ``http.* database.* email.send mcp.*``; `chosen` is asked when a family is first used."""

    def http() -> Sequence[Tool]:
        from nbflow.integrations.tools.http.tools import Connections, http_tools

        return http_tools(Connections(("*",) if chosen().http_private else chosen().http_allow))

    def database() -> Sequence[Tool]:
        from nbflow.integrations.tools.database.tools import Databases, database_tools

        return database_tools(Databases(chosen().databases, secrets, _is_ours, chosen().store))

    def mail() -> Sequence[Tool]:
        from nbflow.integrations.tools.mail.tools import EmailTool

        said = chosen()
        return (EmailTool(said.smtp, said.mail_from, secrets, clock, recipients=said.mail_to),)

    registry.add_family(LazyFamily("http", HTTP, http))
    registry.add_family(LazyFamily("database", ("query", "execute"), database))
    registry.add_family(LazyFamily("email", ("send",), mail))
    registry.add_family(_LazyMcp(secrets, chosen))


def _is_ours(path: Path) -> bool:
    """Whether a file belongs to a store of executions."""
    return ".nbflow" in path.absolute().parts


class _LazyMcp:
    """``mcp.*``, read from the settings when the first name of the family is looked for."""

    def __init__(self, secrets: Mapping[str, str], chosen: Callable[[], Chosen]) -> None:
        self._secrets, self._chosen = secrets, chosen
        self._made: Any = None

    def find(self, name: str) -> Tool | None:
        found: Tool | None = self._family().find(name) if name.startswith("mcp.") else None
        return found

    def _family(self) -> Any:
        if self._made is None:
            from nbflow.integrations.tools.mcp.tools import McpFamily

            self._made = McpFamily(self._chosen().mcp, self._secrets)
        return self._made

    async def learn(self) -> Sequence[NodeError]:
        failures: Sequence[NodeError] = await self._family().learn_all() if self._chosen().mcp else ()
        return failures

    def names(self) -> tuple[str, ...]:
        return tuple(self._made.names()) if self._made is not None else ()

    async def close(self) -> None:
        if self._made is not None:
            await self._made.close()
