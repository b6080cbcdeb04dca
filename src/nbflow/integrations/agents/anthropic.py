"""Anthropic's Messages protocol: our messages to its blocks, its message to our reply."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from nbflow.errors import NodeError
from nbflow.integrations.agents.clients import Clients
from nbflow.integrations.agents.failures import cut_short, remade
from nbflow.integrations.agents.guarded import guarded_client
from nbflow.integrations.agents.limits import Gathered
from nbflow.integrations.agents.wire import as_json, encoded, is_typed
from nbflow.ports.agents import Message, ModelReply, ModelRequest, ToolRequest, Usage

if TYPE_CHECKING:
    from anthropic import AsyncAnthropic

MAX_TOKENS = 8192  # of a reply, where the node sets none; the protocol wants a number
NATIVE = "messages"
STOPS = {
    "end_turn": "end", "stop_sequence": "end", "tool_use": "tools", "max_tokens": "length",
    "model_context_window_exceeded": "length", "refusal": "refused",
}  # fmt: skip


class AnthropicRuntime:
    """Models of Anthropic, or of a server at `base_url` that speaks its protocol."""

    def __init__(
        self, secrets: Mapping[str, str], *, provider: str = "anthropic", base_url: str | None = None,
        key: str = "ANTHROPIC_API_KEY",
    ) -> None:  # fmt: skip
        self.provider = provider
        self._secrets, self._key, self._base_url = secrets, key, base_url
        self._clients: Clients[AsyncAnthropic] = Clients(self._make)

    @property
    def address(self) -> str:
        """Where its replies come from."""
        return self._base_url or "https://api.anthropic.com"

    def _make(self) -> AsyncAnthropic:
        from anthropic import AsyncAnthropic

        return AsyncAnthropic(api_key="none", base_url=self._base_url, max_retries=0, http_client=guarded_client())

    async def complete(self, request: ModelRequest, on_text: Callable[[str], None]) -> ModelReply:
        outcome = await self._attempt(request, on_text)
        if isinstance(outcome, NodeError):
            raise outcome  # outside of any `except`, so that nothing hangs on it
        return outcome

    async def _attempt(self, request: ModelRequest, on_text: Callable[[str], None]) -> ModelReply | NodeError:
        try:
            await self._clients.load("anthropic")
            client = self._client(request.key)
            arguments = _arguments(request)
            if request.stream:
                return await _streamed(client, arguments, Gathered(on_text), self.provider)
            message = await client.messages.create(**arguments)
            reply = _reply(message)
            Gathered(on_text).count(reply.text)
            return reply
        except Exception as error:  # noqa: BLE001 - whatever the SDK or the wire raises becomes one of our kinds
            return remade(error, self.provider)

    def _client(self, given: str | None) -> Any:
        key = given or self._secrets.get(self._key)
        if key is None and self._base_url is None:
            raise NodeError("InvalidInput", f"{self.provider} needs a key", code="llm.no_key", hint=f"set {self._key}")
        return self._clients.get().with_options(api_key=key or "none")

    def takes(self, schema: Mapping[str, Any]) -> bool:
        return is_typed(schema)

    async def close(self) -> None:
        await self._clients.close()


async def _streamed(client: Any, arguments: dict[str, Any], gathered: Gathered, provider: str) -> ModelReply:
    ended = False
    async with client.messages.stream(**arguments) as stream:
        async for event in stream:
            if event.type == "text":
                gathered.add(event.text)
            elif event.type == "input_json":
                gathered.count(event.partial_json)
            elif event.type == "message_stop":
                ended = True
        if not ended:
            raise cut_short(provider)
        return _reply(await stream.get_final_message())


def _arguments(request: ModelRequest) -> dict[str, Any]:
    from anthropic import transform_schema

    system = "\n\n".join(message.text for message in request.messages if message.role == "system")
    arguments: dict[str, Any] = {
        "model": request.model,
        "max_tokens": request.max_tokens or MAX_TOKENS,
        "messages": _turns(request.messages),
    }
    if system:
        arguments["system"] = system
    if request.tools:
        arguments["tools"] = [
            {"name": tool.name, "description": tool.description, "input_schema": dict(tool.parameters)}
            for tool in request.tools
        ]
    if request.schema is not None:
        shape = {"type": "json_schema", "schema": transform_schema(dict(request.schema))}
        arguments["output_config"] = {"format": shape}
    body = dict(request.settings)
    if request.temperature is not None:
        body["temperature"] = request.temperature
    if body:
        arguments["extra_body"] = body
    if request.headers:
        arguments["extra_headers"] = dict(request.headers)
    return arguments


def _turns(messages: tuple[Message, ...]) -> list[dict[str, Any]]:
    """Turns by user and assistant in alternation: results of tools that were called together go back together."""
    turns: list[dict[str, Any]] = []
    for message in messages:
        if message.role == "system":
            continue
        role = "assistant" if message.role == "assistant" else "user"
        blocks = _blocks(message)
        if not blocks:  # a turn without content is refused; what the next one says of it is enough
            continue
        if turns and turns[-1]["role"] == role:
            turns[-1]["content"] += blocks
        else:
            turns.append({"role": role, "content": blocks})
    return turns


def _blocks(message: Message) -> list[dict[str, Any]]:
    if message.role == "tool":
        result = {"type": "tool_result", "tool_use_id": message.answers, "content": message.text}
        return [result | {"is_error": True} if message.failed else result]
    text = [{"type": "text", "text": message.text}] if message.text else []
    if message.role == "assistant":
        if isinstance(message.native, dict) and NATIVE in message.native:
            return list(message.native[NATIVE])
        return [*text, *(_use(call) for call in message.requests)]
    return [*map(_attachment, message.attachments), *text]


def _use(call: ToolRequest) -> dict[str, Any]:
    try:
        given = json.loads(call.arguments or "{}")
    except ValueError:
        given = {}
    return {"type": "tool_use", "id": call.id, "name": call.name, "input": given}


def _attachment(attachment: Any) -> dict[str, Any]:
    kind = "image" if attachment.media.startswith("image/") else "document"
    title = {"title": attachment.name} if attachment.name and kind == "document" else {}
    source: dict[str, Any] = {"type": "base64", "media_type": attachment.media}
    if attachment.url is not None:
        source = {"type": "url", "url": attachment.url}
    elif attachment.media.startswith("text/"):  # texts of all kinds are one kind there
        text = (attachment.content or b"").decode("utf-8", "replace")
        source = {"type": "text", "media_type": "text/plain", "data": text}
    else:
        source["data"] = encoded(attachment)
    return {"type": kind, **title, "source": source}


def _reply(message: Any) -> ModelReply:
    text = "".join(block.text for block in message.content if block.type == "text")
    requests = tuple(
        ToolRequest(block.id, block.name, json.dumps(block.input))
        for block in message.content
        if block.type == "tool_use"
    )
    raw = as_json(message)
    stop = STOPS.get(message.stop_reason, message.stop_reason or "end")
    return ModelReply(text, requests, _usage(message.usage), stop, message.model, {NATIVE: raw["content"]}, raw)


def _usage(usage: Any) -> Usage:
    if usage is None or usage.input_tokens is None:
        return Usage()
    cached, written = usage.cache_read_input_tokens or 0, usage.cache_creation_input_tokens or 0
    details = getattr(usage, "output_tokens_details", None)
    thought = getattr(details, "thinking_tokens", None)
    return Usage(usage.input_tokens + cached + written, usage.output_tokens, cached, thought)
