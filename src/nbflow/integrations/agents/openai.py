"""OpenAI, and every server that speaks its protocol."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Literal

from nbflow.errors import NodeError
from nbflow.integrations.agents import chat, responses
from nbflow.integrations.agents.clients import Clients
from nbflow.integrations.agents.failures import remade
from nbflow.integrations.agents.guarded import guarded_client
from nbflow.ports.agents import ModelReply, ModelRequest

if TYPE_CHECKING:
    from openai import AsyncOpenAI

Api = Literal["responses", "chat"]
PROTOCOLS = {"responses": responses.complete, "chat": chat.complete}
NO_SUCH_ROUTE = (404, 405, 501)  # HTTP statuses of a server that has no such protocol (or no such model, in both)


class OpenAIRuntime:
    """Models by the protocol that `api` says. Without it: Responses, or Chat Completions where the server at
    `base_url` has no Responses, which its first answer tells.

    `secrets` gives the key by the name `key`; a server without keys needs none.
    """

    def __init__(
        self, secrets: Mapping[str, str], *, provider: str = "openai", base_url: str | None = None,
        key: str = "OPENAI_API_KEY", api: Api | None = None,
    ) -> None:  # fmt: skip
        self.provider = provider
        self._secrets, self._key, self._base_url = secrets, key, base_url
        self._api: Api | None = api or ("responses" if base_url is None else None)
        self._clients: Clients[AsyncOpenAI] = Clients(self._make)

    @property
    def address(self) -> str:
        """Where its replies come from."""
        return self._base_url or "https://api.openai.com/v1"

    def _make(self) -> AsyncOpenAI:
        from openai import AsyncOpenAI

        return AsyncOpenAI(api_key="none", base_url=self._base_url, max_retries=0, http_client=guarded_client())

    async def complete(self, request: ModelRequest, on_text: Callable[[str], None]) -> ModelReply:
        outcome = await self._attempt(request, on_text)
        if isinstance(outcome, NodeError):
            raise outcome  # outside of any `except`, so that nothing hangs on it
        return outcome

    async def _attempt(self, request: ModelRequest, on_text: Callable[[str], None]) -> ModelReply | NodeError:
        try:
            await self._clients.load("openai")
            return await self._speak(self._client(request.key), request, on_text)
        except Exception as error:  # noqa: BLE001 - whatever the SDK or the wire raises becomes one of our kinds
            return remade(error, self.provider)

    async def _speak(self, client: Any, request: ModelRequest, on_text: Callable[[str], None]) -> ModelReply:
        if self._api is not None:
            return await PROTOCOLS[self._api](client, request, on_text, self.provider)
        try:
            reply = await responses.complete(client, request, on_text, self.provider)
            self._api = "responses"
        except Exception as error:
            if getattr(error, "status_code", None) not in NO_SUCH_ROUTE:
                raise
            reply = await chat.complete(client, request, on_text, self.provider)
            self._api = "chat"
        return reply

    def _client(self, given: str | None) -> Any:
        key = given or self._secrets.get(self._key)
        if key is None and self._base_url is None:
            raise NodeError("InvalidInput", f"{self.provider} needs a key", code="llm.no_key", hint=f"set {self._key}")
        return self._clients.get().with_options(api_key=key or "none")

    def takes(self, schema: Mapping[str, Any]) -> bool:
        return True

    async def close(self) -> None:
        await self._clients.close()
