"""Which tools a workflow may name, and in which order they are looked for:
built-in ones, functions registered by `@nbflow.tool` or `--tools`, functions of the notebook's namespace.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Protocol, TypeVar, overload

from nbflow.errors import ExecutorError, NodeError
from nbflow.integrations.tools.functions import FunctionTool
from nbflow.integrations.tools.threads import Threads
from nbflow.plan.plan import Effects
from nbflow.ports.tools import Tool
from nbflow.spec.names import nearest

NAME = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_][\w-]*)*\Z")
SHELL = ("IPython", "ipykernel", "builtins", "io", "_io", "_sitebuiltins", "nbflow")  # whose functions are no tools
FAMILIES = ("http", "database", "email", "mcp")

F = TypeVar("F", bound=Callable[..., Any])


class Family(Protocol):
    """Built-in tools that are found by the part of their name after ``family.``"""

    def find(self, name: str) -> Tool | None: ...

    def names(self) -> Sequence[str]: ...

    async def learn(self) -> Sequence[NodeError]:
        """Ask what only the outside knows; what could not be asked is returned."""
        ...

    async def close(self) -> None: ...


class ToolRegistry:
    """The tools of a process.

    >>> registry = ToolRegistry()
    >>> @registry.tool(effects="none")
    ... def double(x: int) -> int:
    ...     "Twice a number."
    ...     return 2 * x
    >>> registry.find("double").description
    'Twice a number.'
    """

    def __init__(self, threads: Threads | None = None) -> None:
        self.threads = threads or Threads()
        self._built_in: dict[str, Tool] = {}
        self._families: list[Family] = []
        self._registered: dict[str, Tool] = {}
        self._namespace: Callable[[], Mapping[str, Any]] | None = None
        self._seen: dict[str, FunctionTool] = {}
        self._refuse: Callable[[Any], bool] = lambda function: False

    # --- registering ---------------------------------------------------------------------------------

    def add(self, tool: Tool) -> None:
        """A built-in tool."""
        self._built_in[tool.name] = tool

    def add_family(self, family: Family) -> None:
        """Built-in tools that are found when asked for (`mcp.<server>.<tool>`)."""
        self._families.append(family)

    @overload
    def tool(self, function: F, /) -> F: ...

    @overload
    def tool(
        self, *, name: str | None = None, effects: Effects = "idempotent", description: str | None = None
    ) -> Callable[[F], F]: ...

    def tool(
        self, function: Any = None, *, name: str | None = None, effects: Effects = "idempotent",
        description: str | None = None,
    ) -> Any:  # fmt: skip
        """Register a function: ``@tool`` or ``@tool(effects="once", name="charge")``. It stays what it is.

        `effects` says what a call does to the world: ``none``, ``idempotent`` (may be repeated after a crash)
        or ``once`` (must not be: in doubt a person decides). Raises `ExecutorError` for what cannot be a tool.
        """

        def register(function: F) -> F:
            self.register(function, name, effects=effects, description=description)
            return function

        return register if function is None else register(function)

    def register(
        self, function: Callable[..., Any], name: str | None = None, *, effects: Effects = "idempotent",
        description: str | None = None,
    ) -> Tool:  # fmt: skip
        """Register a function under a name, its own if none is given; a later one of that name takes its place."""
        name = name or str(getattr(function, "__name__", ""))
        _check_name(name)
        tool = FunctionTool(function, name, self.threads, effects=effects, description=description)
        self._registered[name] = tool
        return tool

    def register_all(self, functions: Mapping[str, Callable[..., Any]]) -> None:
        """Register functions of a module by name; what `@tool` has registered keeps what it declared there."""
        known = [tool.function for tool in self._registered.values() if isinstance(tool, FunctionTool)]
        for name, function in functions.items():
            if not any(function is other for other in known):
                self.register(function, name)

    def use_namespace(self, namespace: Callable[[], Mapping[str, Any]] | None) -> None:
        """Where functions of the notebook are; asked at every look-up, so that a cell run again counts."""
        self._namespace = namespace

    def never(self, refuse: Callable[[Any], bool]) -> None:
        """Which functions of a namespace are no tools, whatever their name."""
        self._refuse = refuse

    async def close(self) -> None:
        """Close what tools keep open in the running loop (connections, servers)."""
        for family in self._families:
            await family.close()

    # --- looking up ----------------------------------------------------------------------------------

    def find(self, name: str) -> Tool | None:
        tool = self._built_in.get(name)
        if tool is not None:
            return tool
        for family in self._families if "." in name else ():
            tool = family.find(name)
            if tool is not None:
                return tool
        tool = self._registered.get(name)
        if isinstance(tool, FunctionTool) and tool.stale:
            tool = self._registered[name] = tool.anew()
        return tool or self._in_namespace(name)

    def names(self) -> tuple[str, ...]:
        found = dict.fromkeys(self._built_in)
        for family in self._families:
            found |= dict.fromkeys(family.names())
        found |= dict.fromkeys(self._registered)
        if self._namespace is not None:
            found |= {name: None for name, value in self._namespace().items() if self._is_own(name, value)}
        return tuple(found)

    def suggest(self, name: str) -> str | None:
        return nearest(name, self.names())

    async def look_up(self, name: str) -> Tool:
        """One tool with all that is known of it; a server that has it is asked. Raises `NodeError`."""
        tool = self.find(name)
        if tool is None:
            near = self.suggest(name)
            hint = f"did you mean '{near}'?" if near else None
            raise NodeError("InvalidInput", f"there is no tool '{name}'", code="tool.unknown", hint=hint)
        await tool.prepare()
        return tool

    async def look_up_all(self) -> tuple[list[Tool], list[NodeError]]:
        """Every tool, those of servers too, which are started for it; and why some could not be asked."""
        failures = [failure for family in self._families for failure in await family.learn()]
        return [tool for tool in map(self.find, self.names()) if tool is not None], failures

    def schemas(self) -> Mapping[str, Mapping[str, Any]]:
        """Every tool's argument schema by name, made when looked at: what the checker wants."""
        return _Schemas(self)

    def _in_namespace(self, name: str) -> Tool | None:
        value = self._namespace().get(name) if self._namespace is not None else None
        if not callable(value) or inspect.isclass(value) or name.startswith("_") or self._is_foreign(value):
            return None
        seen = self._seen.get(name)
        if seen is None or seen.function is not value or seen.stale:
            seen = self._seen[name] = FunctionTool(value, name, self.threads)
        return seen

    def _is_own(self, name: str, value: Any) -> bool:
        yields = inspect.isgeneratorfunction(value) or inspect.isasyncgenfunction(value)
        is_function = inspect.isfunction(value) and not yields and not name.startswith("_")
        return is_function and not self._is_foreign(value)

    def _is_foreign(self, value: Any) -> bool:
        """Whether nobody put it there as a tool: what IPython and Python bring along (such as `open`), and sources of
        secrets.
        """
        return str(getattr(value, "__module__", "")).partition(".")[0] in SHELL or self._refuse(value)


class _Schemas(Mapping[str, Mapping[str, Any]]):
    def __init__(self, registry: ToolRegistry) -> None:
        self._registry = registry

    def __getitem__(self, name: str) -> Mapping[str, Any]:
        tool = self._registry.find(name)
        if tool is None:
            raise KeyError(name)
        return tool.parameters

    def __iter__(self) -> Iterator[str]:
        return iter(self._registry.names())

    def __len__(self) -> int:
        return len(self._registry.names())


def _check_name(name: str) -> None:
    if not NAME.match(name):
        raise ExecutorError(f"'{name}' cannot be a tool's name: letters, digits and _, parts joined by dots")
    family = name.partition(".")[0]
    if "." in name and family in FAMILIES:
        raise ExecutorError(f"'{name}': names that begin with '{family}.' are those of built-in tools")
