"""Who answers agent nodes of this process: what the settings name, with what a notebook prefers before them.

Nothing is made or loaded here: servers and packages are when one of their models is first asked.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from typing import Protocol

from nbflow.integrations.agents.prices import near
from nbflow.integrations.agents.providers import connect, own_names
from nbflow.integrations.agents.registry import AgentRegistry
from nbflow.plan.checks.models import Models


class Chosen(Protocol):
    """What an operator may set for agents."""

    @property
    def agent_model(self) -> str | None: ...

    @property
    def providers(self) -> Mapping[str, Mapping[str, str]]: ...

    @property
    def aliases(self) -> Mapping[str, str]: ...


class Answering:
    """The models of a process; `chosen` is asked each time."""

    def __init__(self, agents: AgentRegistry, secrets: Mapping[str, str], chosen: Callable[[], Chosen]) -> None:
        self._agents, self._secrets, self._chosen = agents, secrets, chosen
        self._default: str | None = None
        self._aliases: dict[str, str] = {}

    def prefer(self, *, default: str | None = None, aliases: Mapping[str, str] | None = None) -> None:
        """A default model and names of models that go before those of the settings."""
        self._default, self._aliases = default, dict(aliases or {})
        self.connect()

    def connect(self) -> None:
        """Let the agents find the servers and names that are set. Raises `ExecutorError` for one that cannot be."""
        connect(self._agents, self._secrets, os.environ, self._chosen().providers)
        for name, model in {**self._chosen().aliases, **self._aliases}.items():
            self._agents.alias(name, model)

    def default(self) -> str | None:
        """The model of nodes that name none."""
        return self._default or self._chosen().agent_model

    def known(self, *, complete: bool) -> Models:
        """Who may answer, for the checker."""
        self.connect()
        own, agents = own_names(os.environ, self._chosen().providers), self._agents
        return Models(
            self.default(), agents.aliases, agents.functions, agents.providers, complete,
            lambda provider, model: near(provider, model) if provider in own else None,
        )  # fmt: skip
