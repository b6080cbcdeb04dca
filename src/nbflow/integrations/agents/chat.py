"""The Chat Completions protocol, which most servers of models speak."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from nbflow.errors import NodeError
from nbflow.integrations.agents.failures import cut_short
from nbflow.integrations.agents.limits import Gathered
from nbflow.integrations.agents.wire import as_json, data_url, encoded, is_strict
from nbflow.ports.agents import Message, ModelReply, ModelRequest, ToolRequest, Usage

STOPS = {
    "stop": "end",
    "tool_calls": "tools",
    "function_call": "tools",
    "length": "length",
    "content_filter": "filtered",
}


async def complete(client: Any, request: ModelRequest, on_text: Callable[[str], None], provider: str) -> ModelReply:
    """One completion. Raises what the SDK raises, or `NodeError`."""
    gathered = Gathered(on_text)
    arguments = _arguments(request)
    if not request.stream:
        completion = await client.chat.completions.create(**arguments)
        if not completion.choices:
            raise NodeError("Unavailable", f"{provider} sent what is no answer of its protocol", code="llm.malformed")
        choice = completion.choices[0]
        gathered.count(choice.message.content or "")
        calls = tuple(ToolRequest(c.id, c.function.name, c.function.arguments) for c in choice.message.tool_calls or ())
        _refused(choice.message.refusal, provider)
        reply = (choice.message.content or "", calls, _usage(completion.usage), _stop(choice.finish_reason, calls))
        return ModelReply(*reply, completion.model, None, as_json(completion))
    pieces = _Pieces(gathered)
    stream_options = {"include_usage": True}
    async with await client.chat.completions.create(stream=True, stream_options=stream_options, **arguments) as stream:
        async for chunk in stream:
            pieces.take(chunk)
    return pieces.reply(provider)


class _Pieces:
    """A streamed completion, put together."""

    def __init__(self, gathered: Gathered) -> None:
        self._gathered = gathered
        self._calls: dict[int, dict[str, str]] = {}
        self._usage: Any = None
        self._finish: str | None = None
        self._refusal: list[str] = []
        self._model = ""

    def take(self, chunk: Any) -> None:
        self._usage = chunk.usage or self._usage
        self._model = chunk.model or self._model
        if chunk.choices is None and chunk.usage is None:
            raise NodeError("Unavailable", "the server sent a piece without choices", code="llm.malformed")
        for choice in (chunk.choices or ())[:1]:
            delta = choice.delta
            self._finish = choice.finish_reason or self._finish
            if delta is None:
                continue
            self._gathered.add(delta.content)
            if delta.refusal:
                self._refusal.append(delta.refusal)
            for call in delta.tool_calls or ():
                self._take_call(call)

    def _take_call(self, piece: Any) -> None:
        call = self._calls.setdefault(piece.index, {"id": "", "name": "", "arguments": ""})
        call["id"] = piece.id or call["id"]
        if piece.function is not None:
            call["name"] += piece.function.name or ""
            call["arguments"] += piece.function.arguments or ""
            self._gathered.count(piece.function.arguments or "")

    def reply(self, provider: str) -> ModelReply:
        if self._finish is None:
            raise cut_short(provider)
        _refused("".join(self._refusal), provider)
        calls = tuple(ToolRequest(**self._calls[index]) for index in sorted(self._calls))
        text, stop, usage = self._gathered.text, _stop(self._finish, calls), _usage(self._usage)
        raw = {"content": text, "finish_reason": self._finish, "usage": as_json(self._usage)}
        return ModelReply(text, calls, usage, stop, self._model, None, raw)


def _refused(refusal: str | None, provider: str) -> None:
    if refusal:
        raise NodeError("Refused", f"{provider}: the model refused: {refusal}", code="llm.refused")


def _stop(reason: str | None, calls: tuple[ToolRequest, ...]) -> str:
    return "tools" if calls and reason in (None, "stop") else STOPS.get(reason or "stop", reason or "end")


def _arguments(request: ModelRequest) -> dict[str, Any]:
    arguments: dict[str, Any] = {
        "model": request.model,
        "messages": [_message(message) for message in request.messages if not _is_empty(message)],
    }
    if request.temperature is not None:
        arguments["temperature"] = request.temperature
    if request.max_tokens is not None:
        arguments["max_tokens"] = request.max_tokens
    if request.tools:
        arguments["tools"] = [
            {
                "type": "function",
                "function": {"name": tool.name, "description": tool.description, "parameters": dict(tool.parameters)},
            }
            for tool in request.tools
        ]
    if request.schema is not None:
        shape = {"name": "output", "schema": dict(request.schema), "strict": is_strict(request.schema)}
        arguments["response_format"] = {"type": "json_schema", "json_schema": shape}
    if request.settings:
        arguments["extra_body"] = dict(request.settings)
    if request.headers:
        arguments["extra_headers"] = dict(request.headers)
    return arguments


def _is_empty(message: Message) -> bool:
    """Whether a turn of the model says nothing and asks for nothing: no server takes one back."""
    return message.role == "assistant" and not message.text and not message.requests


def _message(message: Message) -> dict[str, Any]:
    if message.role == "tool":
        return {"role": "tool", "tool_call_id": message.answers, "content": message.text}
    if message.role == "assistant":
        said: dict[str, Any] = {"role": "assistant", "content": message.text or None}
        if message.requests:
            said["tool_calls"] = [
                {"id": call.id, "type": "function", "function": {"name": call.name, "arguments": call.arguments}}
                for call in message.requests
            ]
        return said
    if not message.attachments:
        return {"role": message.role, "content": message.text}
    content = [{"type": "text", "text": message.text}] if message.text else []
    return {"role": message.role, "content": [*content, *map(_attachment, message.attachments)]}


def _attachment(attachment: Any) -> dict[str, Any]:
    if attachment.media.startswith("image/"):
        return {"type": "image_url", "image_url": {"url": data_url(attachment)}}
    if attachment.media.startswith("audio/") and attachment.content is not None:
        form = attachment.media.partition("/")[2].removeprefix("x-")
        return {"type": "input_audio", "input_audio": {"data": encoded(attachment), "format": form}}
    return {"type": "file", "file": {"filename": attachment.name or "file", "file_data": data_url(attachment)}}


def _usage(usage: Any) -> Usage:
    if usage is None:
        return Usage()
    read, made = usage.prompt_tokens_details, usage.completion_tokens_details
    return Usage(
        usage.prompt_tokens, usage.completion_tokens, getattr(read, "cached_tokens", None),
        getattr(made, "reasoning_tokens", None),
    )  # fmt: skip
