"""Which agents `model:` may name: functions and aliases by their name, models as ``provider/name``."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, TypeVar, overload

from nbflow.errors import ExecutorError
from nbflow.integrations.agents.functions import AgentByFunction
from nbflow.integrations.tools.threads import Threads
from nbflow.plan.plan import Effects
from nbflow.ports.agents import AgentFunction, AgentRuntime
from nbflow.spec.names import nearest

NAME = re.compile(r"[A-Za-z_][\w.-]*\Z")

F = TypeVar("F", bound=Callable[..., Any])


class AgentRegistry:
    """The agents of a process.

    >>> registry = AgentRegistry()
    >>> @registry.agent("echo")
    ... def echo(prompt: str) -> str:
    ...     return prompt
    >>> registry.find("echo").name
    'echo'
    """

    def __init__(self, threads: Threads | None = None) -> None:
        self.threads = threads or Threads()
        self._functions: dict[str, AgentFunction] = {}
        self._aliases: dict[str, str] = {}
        self._runtimes: dict[str, AgentRuntime] = {}
        self._makers: dict[str, Callable[[], AgentRuntime]] = {}

    @overload
    def agent(self, name: F, /) -> F: ...

    @overload
    def agent(self, name: str | None = None, /, *, effects: Effects = "idempotent") -> Callable[[F], F]: ...

    def agent(self, name: Any = None, /, *, effects: Effects = "idempotent") -> Any:
        """Register a function as the agent that ``model: name`` means: plain, async, or a generator that streams.

        It gets by name what its signature asks for: ``prompt system messages images`` and the keys of `with:`.
        """

        def register(function: F) -> F:
            given = name if isinstance(name, str) else getattr(function, "__name__", "")
            self.register(function, given, effects=effects)
            return function

        return register(name) if callable(name) else register

    def register(self, function: Callable[..., Any], name: str, *, effects: Effects = "idempotent") -> None:
        """Register a function; a later one of that name takes its place."""
        _check_name(name)
        self._functions[name] = AgentByFunction(function, name, self.threads, effects=effects)

    def alias(self, name: str, model: str) -> None:
        """Let `name` mean another model."""
        _check_name(name)
        self._aliases[name] = model

    def add(self, runtime: AgentRuntime) -> None:
        """A provider, found by its name before the slash."""
        self._runtimes[runtime.provider] = runtime

    def add_lazy(self, provider: str, make: Callable[[], AgentRuntime]) -> None:
        """A provider that is made when a model of it is first asked for."""
        self._makers[provider] = make

    async def close(self) -> None:
        """Close the connections of the running loop."""
        for runtime in self._runtimes.values():
            await runtime.close()

    def find(self, model: str) -> AgentFunction | tuple[AgentRuntime, str] | None:
        seen: list[str] = []
        while model in self._aliases and model not in self._functions and model not in seen:
            seen.append(model)
            model = self._aliases[model]
        if model in self._functions:
            return self._functions[model]
        provider, slash, name = model.partition("/")
        if not slash or not name:
            return None
        if provider not in self._runtimes and provider in self._makers:
            self._runtimes[provider] = self._makers[provider]()
        runtime = self._runtimes.get(provider)
        return None if runtime is None else (runtime, name)

    def names(self) -> tuple[str, ...]:
        return (*dict.fromkeys([*self._functions, *self._aliases]), *(f"{name}/" for name in self.providers))

    @property
    def functions(self) -> tuple[str, ...]:
        return tuple(self._functions)

    @property
    def aliases(self) -> Mapping[str, str]:
        return dict(self._aliases)

    @property
    def providers(self) -> tuple[str, ...]:
        """Their names; none is made for it."""
        return tuple({**self._makers, **self._runtimes})

    def suggest(self, model: str) -> str | None:
        provider, slash, name = model.partition("/")
        if not slash:
            return nearest(model, self.names())
        near = nearest(provider, [known[:-1] for known in self.names() if known.endswith("/")])
        return f"{near}/{name}" if near else None


def _check_name(name: str) -> None:
    if not NAME.match(name):
        raise ExecutorError(f"'{name}' cannot be an agent's name: letters, digits, _, - and dots, without a slash")
