"""Which providers there are: OpenAI, Anthropic, and servers an operator names; each made when first asked for."""

from __future__ import annotations

from collections.abc import Mapping

from nbflow.errors import ExecutorError
from nbflow.integrations.agents.anthropic import AnthropicRuntime
from nbflow.integrations.agents.openai import Api, OpenAIRuntime
from nbflow.integrations.agents.registry import AgentRegistry
from nbflow.ports.agents import AgentRuntime
from nbflow.spec.names import did_you_mean, listed

FIELDS = ("base_url", "key", "api")
APIS = ("responses", "chat", "messages")
DEFAULTS: dict[str, dict[str, str]] = {
    "openai": {"key": "OPENAI_API_KEY"},
    "anthropic": {"key": "ANTHROPIC_API_KEY", "api": "messages"},
}


def connect(
    registry: AgentRegistry, secrets: Mapping[str, str], environment: Mapping[str, str],
    providers: Mapping[str, Mapping[str, str]] | None = None,
) -> None:  # fmt: skip
    """Let the registry find models of ``openai/``, ``anthropic/`` and of the servers in `providers`.

    A server is ``{base_url, key, api}``: `key` names the secret that holds its key (default ``NAME_API_KEY``),
    `api` is the protocol: ``chat`` (default), ``responses`` or ``messages``. ``OPENAI_BASE_URL`` and
    ``ANTHROPIC_BASE_URL`` are heeded as by the SDKs; a server that stands in for OpenAI and has no Responses is spoken
    to by Chat Completions. Raises `ExecutorError` for a field that is not known.
    """
    for name in dict.fromkeys([*DEFAULTS, *(providers or {})]):
        fields = {**DEFAULTS.get(name, {}), **(providers or {}).get(name, {})}
        _check(name, fields)
        registry.add_lazy(name, _Maker(name, secrets, _base_url(name, fields, environment), fields))


def own_names(environment: Mapping[str, str], providers: Mapping[str, Mapping[str, str]]) -> tuple[str, ...]:
    """The providers whose models have the names of the price list: those not spoken to at another's address."""
    return tuple(name for name in DEFAULTS if not _base_url(name, providers.get(name, {}), environment))


def _base_url(name: str, fields: Mapping[str, str], environment: Mapping[str, str]) -> str | None:
    return fields.get("base_url") or environment.get(f"{name.upper()}_BASE_URL")


class _Maker:
    """Makes a runtime when it is called."""

    def __init__(self, name: str, secrets: Mapping[str, str], base_url: str | None, fields: Mapping[str, str]) -> None:
        self._name, self._secrets, self._base_url, self._fields = name, secrets, base_url, fields

    def __call__(self) -> AgentRuntime:
        key = self._fields.get("key") or f"{self._name.upper().replace('-', '_')}_API_KEY"
        api = self._fields.get("api") or (None if self._name in DEFAULTS else "chat")
        if api == "messages":
            return AnthropicRuntime(self._secrets, provider=self._name, base_url=self._base_url, key=key)
        known: Api | None = "responses" if api == "responses" else "chat" if api == "chat" else None
        return OpenAIRuntime(self._secrets, provider=self._name, base_url=self._base_url, key=key, api=known)


def _check(name: str, fields: Mapping[str, str]) -> None:
    for field in fields:
        if field not in FIELDS:
            hint = did_you_mean(field, FIELDS) or f"fields: {listed(FIELDS)}"
            raise ExecutorError(f"provider '{name}' has no field '{field}'; {hint}")
    if fields.get("api", "chat") not in APIS:
        raise ExecutorError(f"provider '{name}': api is {listed(APIS)}, not {fields['api']!r}")
    if name not in DEFAULTS and not fields.get("base_url"):
        raise ExecutorError(f"provider '{name}' needs a base_url")
