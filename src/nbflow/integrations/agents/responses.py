"""OpenAI's Responses protocol: our messages to its items, its response to our reply."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from nbflow.errors import NodeError
from nbflow.integrations.agents.failures import cut_short, remade_event
from nbflow.integrations.agents.limits import Gathered
from nbflow.integrations.agents.wire import as_json, data_url, is_strict
from nbflow.ports.agents import Message, ModelReply, ModelRequest, ToolRequest, Usage

NATIVE = "responses"


async def complete(client: Any, request: ModelRequest, on_text: Callable[[str], None], provider: str) -> ModelReply:
    """One response. Raises what the SDK raises, or `NodeError`."""
    gathered = Gathered(on_text)
    arguments = _arguments(request)
    if not request.stream:
        response = await client.responses.create(**arguments)
        gathered.count(response.output_text)
        return _reply(response, provider)
    async with await client.responses.create(stream=True, **arguments) as stream:
        async for event in stream:
            match event.type:
                case "response.output_text.delta":
                    gathered.add(event.delta)
                case "response.function_call_arguments.delta":
                    gathered.count(event.delta)
                case "response.completed" | "response.incomplete":
                    return _reply(event.response, provider)
                case "response.failed":
                    raise remade_event(as_json(event.response.error) or {}, provider)
                case "error":
                    raise remade_event(as_json(event), provider)
                case _:
                    pass
    raise cut_short(provider)


def _arguments(request: ModelRequest) -> dict[str, Any]:
    arguments: dict[str, Any] = {
        "model": request.model,
        "input": [item for m in request.messages for item in _items(m)],
    }
    if request.temperature is not None:
        arguments["temperature"] = request.temperature
    if request.max_tokens is not None:
        arguments["max_output_tokens"] = request.max_tokens
    if request.tools:
        arguments["tools"] = [
            {
                "type": "function",
                "name": tool.name,
                "description": tool.description,
                "parameters": dict(tool.parameters),
                "strict": is_strict(tool.parameters),
            }
            for tool in request.tools
        ]
    if request.schema is not None:
        shape = {
            "type": "json_schema",
            "name": "output",
            "schema": dict(request.schema),
            "strict": is_strict(request.schema),
        }
        arguments["text"] = {"format": shape}
    if request.settings:
        arguments["extra_body"] = dict(request.settings)
    if request.headers:
        arguments["extra_headers"] = dict(request.headers)
    return arguments


def _items(message: Message) -> list[dict[str, Any]]:
    if message.role == "tool":
        return [{"type": "function_call_output", "call_id": message.answers, "output": message.text}]
    if message.role == "assistant":
        if isinstance(message.native, dict) and NATIVE in message.native:
            return list(message.native[NATIVE])
        calls = [
            {"type": "function_call", "call_id": call.id, "name": call.name, "arguments": call.arguments}
            for call in message.requests
        ]
        said = [{"role": "assistant", "content": message.text}] if message.text else []
        return [*said, *calls]
    if not message.attachments:
        return [{"role": message.role, "content": message.text}]
    content = [{"type": "input_text", "text": message.text}] if message.text else []
    return [{"role": message.role, "content": [*content, *map(_attachment, message.attachments)]}]


def _attachment(attachment: Any) -> dict[str, Any]:
    if attachment.media.startswith("image/"):
        return {"type": "input_image", "image_url": data_url(attachment), "detail": "auto"}
    if attachment.url is not None:
        return {"type": "input_file", "file_url": attachment.url}
    return {"type": "input_file", "filename": attachment.name or "file", "file_data": data_url(attachment)}


def _reply(response: Any, provider: str) -> ModelReply:
    requests = tuple(
        ToolRequest(item.call_id, item.name, item.arguments) for item in response.output if item.type == "function_call"
    )
    refusal = next((part.refusal for item in response.output if item.type == "message" for part in item.content
                    if part.type == "refusal"), None)  # fmt: skip
    if refusal is not None:
        raise NodeError("Refused", f"{provider}: the model refused: {refusal}", code="llm.refused")
    if response.status == "failed":
        raise remade_event(as_json(response.error) or {}, provider)
    stop = _stop(response) or ("tools" if requests else "end")
    native = {NATIVE: [as_json(item) for item in response.output]}
    return ModelReply(
        response.output_text, requests, _usage(response.usage), stop, response.model, native, as_json(response)
    )


def _stop(response: Any) -> str | None:
    """Why a response is not complete."""
    if response.status != "incomplete":
        return None
    reason = response.incomplete_details.reason if response.incomplete_details else None
    return {"max_output_tokens": "length", "content_filter": "filtered"}.get(reason or "max_output_tokens", reason)


def _usage(usage: Any) -> Usage:
    if usage is None:
        return Usage()
    read, made = usage.input_tokens_details, usage.output_tokens_details
    return Usage(
        usage.input_tokens,
        usage.output_tokens,
        getattr(read, "cached_tokens", None),
        getattr(made, "reasoning_tokens", None),
    )
