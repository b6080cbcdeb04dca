"""Providers that installed packages bring: a class under the entry point group ``nbflow.agents``.

The entry's name is the provider's, before the slash in ``model: provider/name``. The class is called with the
secrets by name and gives an `AgentRuntime`. It is loaded when a model of it is first asked for, never by a text.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from nbflow.errors import ExecutorError
from nbflow.integrations.agents.registry import AgentRegistry
from nbflow.ports.agents import AgentRuntime

NEEDED = ("complete", "takes", "close")


def add_runtimes(registry: AgentRegistry, secrets: Mapping[str, str], loaders: Mapping[str, Callable[[], Any]]) -> None:
    """Let the registry find models of these providers."""
    for name, load in loaders.items():
        registry.add_lazy(name, _maker(name, load, secrets))


def _maker(name: str, load: Callable[[], Any], secrets: Mapping[str, str]) -> Callable[[], AgentRuntime]:
    def make() -> AgentRuntime:
        """Raises `ExecutorError` for a class that is no runtime."""
        try:
            made = load()(secrets)
        except Exception as problem:
            raise ExecutorError(
                f"agent runtime '{name}' cannot be made: {type(problem).__name__}: {problem}"
            ) from problem
        missing = [part for part in NEEDED if not callable(getattr(made, part, None))]
        if missing:
            raise ExecutorError(f"agent runtime '{name}' has no {' and no '.join(missing)}")
        if getattr(made, "provider", None) != name:
            raise ExecutorError(f"agent runtime '{name}' calls itself {getattr(made, 'provider', None)!r}")
        found: AgentRuntime = made
        return found

    return make
