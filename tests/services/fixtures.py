"""What the model server answers to what. The answer is looked up by the last words of the user."""

from __future__ import annotations

from typing import Any

USAGE = {
    "prompt_tokens": 11, "completion_tokens": 7, "total_tokens": 18, "input_tokens": 11, "output_tokens": 7,
}  # fmt: skip


def when(words: str, response: dict[str, Any], **more: Any) -> dict[str, Any]:
    match = {"userMessage": words, **more.pop("match", {})}
    return {"match": match, "response": response, **more}


def said(text: str, **more: Any) -> dict[str, Any]:
    return {"content": text, "usage": USAGE, **more}


def calls(*tools: tuple[str, dict[str, Any] | str]) -> dict[str, Any]:
    made = [{"id": f"call_{n}_{name}", "name": name, "arguments": given} for n, (name, given) in enumerate(tools)]
    return {"toolCalls": made, "usage": USAGE}


def error(status: int, type: str, message: str) -> dict[str, Any]:
    return {"error": {"message": message, "type": type}, "status": status}


FIXTURES: list[dict[str, Any]] = [
    when("say hello", said("Hello over the wire, in a few pieces of text.")),
    when("score it", said('{"score": 0.75, "reasons": ["short"]}')),
    when("repair me", said('{"score": "high", "reasons": []}')),
    when("Answer again", said('{"score": 1, "reasons": []}')),
    when("only others", error(503, "api_error", "not today")),
    when("one number", said('{"value": 7}')),
    when(
        "weather twice",
        calls(("weather", {"city": "Ulm"}), ("weather", {"city": "Bonn"})),
        match={"hasToolResult": False},
    ),
    when("weather twice", said("Ulm is wet, Bonn is dry."), match={"hasToolResult": True}),
    when("too many", error(429, "rate_limit_error", "slow down"), chaos={}),
    when("broken server", error(500, "api_error", "it broke")),
    when("overloaded", error(529, "overloaded_error", "busy")),
    when("wrong key", error(401, "authentication_error", "bad key")),
    when("bad request", error(400, "invalid_request_error", "no such model")),
    when("malformed", said("x"), chaos={"malformedRate": 1}),
    when("cut off", said("word " * 200), truncateAfterChunks=3),
    when("dropped", said("x"), chaos={"dropRate": 1}),
    when("disconnected", said("x"), chaos={"disconnectRate": 1}),
    when("run long", said("half a", finishReason="length")),
    when("forbidden words", said("", finishReason="content_filter")),
]
