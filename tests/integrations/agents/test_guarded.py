"""The SDKs' requests go to the server that was named and to no other, and a reply has an end."""

from __future__ import annotations

import asyncio
import contextlib
import gzip
import json
import zlib

import pytest

from nbflow.errors import NodeError
from nbflow.integrations.agents.anthropic import AnthropicRuntime
from nbflow.integrations.agents.openai import OpenAIRuntime
from nbflow.ports.agents import Message, ModelRequest

KEYS = {"OPENAI_API_KEY": "sk-a-key-of-openai", "ANTHROPIC_API_KEY": "sk-a-key-of-anthropic"}
COMPLETION = {
    "id": "x", "object": "chat.completion", "created": 1, "model": "m",
    "choices": [{"index": 0, "message": {"role": "assistant", "content": "hello"}, "finish_reason": "stop"}],
}  # fmt: skip


@contextlib.asynccontextmanager
async def serving(status: str, headers: dict[str, str], body: bytes = b""):
    """A server that answers every request alike: its address, and what it was asked."""
    asked: list[bytes] = []

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        length = next(
            (int(line.split(b":")[1]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length")), 0
        )
        asked.append(head + await reader.readexactly(length))
        fields = {**headers, "Content-Length": str(len(body)), "Connection": "close"}
        writer.write(f"HTTP/1.1 {status}\r\n".encode())
        writer.write("".join(f"{name}: {value}\r\n" for name, value in fields.items()).encode() + b"\r\n" + body)
        with contextlib.suppress(OSError):
            await writer.drain()
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", asked


def runtime(kind: str, url: str):
    if kind == "messages":
        return AnthropicRuntime(KEYS, base_url=url)
    return OpenAIRuntime(KEYS, base_url=f"{url}/v1", api=kind)


async def fails(kind: str, url: str, *, stream: bool = False) -> NodeError:
    request = ModelRequest("m", (Message("user", "a private question"),), stream=stream, headers={"X-Own": "private"})
    asked = runtime(kind, url)
    try:
        with pytest.raises(NodeError) as caught:
            await asked.complete(request, lambda text: None)
    finally:
        await asked.close()
    return caught.value


@pytest.mark.parametrize("status", ["302 Found", "307 Temporary Redirect", "308 Permanent Redirect"])
@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.parametrize("kind", ["responses", "chat", "messages"])
async def test_a_redirect_is_not_followed(kind, stream, status):
    async with serving("200 OK", {}) as (other, stolen), serving(status, {"Location": f"{other}/x"}) as (url, asked):
        error = await fails(kind, url, stream=stream)
        assert (error.kind, error.code, len(asked), stolen) == ("Refused", "llm.redirect", 1, [])
        assert "127.0.0.1" in str(error) and "base_url" in (error.hint or "")


@pytest.fixture(scope="module")
def bomb() -> bytes:
    return gzip.compress(b"data: " + b"a" * 250_000_000, 1)


@pytest.mark.parametrize("media", ["application/json", "text/event-stream"])
@pytest.mark.parametrize("kind", ["chat", "messages"])
async def test_a_reply_that_unpacks_without_end_is_refused(kind, media, bomb):
    async with serving("200 OK", {"Content-Type": media, "Content-Encoding": "gzip"}, bomb) as (url, _):
        error = await fails(kind, url, stream=media == "text/event-stream")
    assert (error.kind, error.code) == ("InvalidOutput", "limit.output")


@pytest.mark.parametrize(("packed", "pack"), [("gzip", gzip.compress), ("deflate", zlib.compress), ("identity", bytes)])
async def test_a_reply_is_unpacked(packed, pack):
    body = pack(json.dumps(COMPLETION).encode())
    async with serving("200 OK", {"Content-Type": "application/json", "Content-Encoding": packed}, body) as (url, _):
        asked = runtime("chat", url)
        reply = await asked.complete(ModelRequest("m", (Message("user", "hi"),), stream=False), lambda text: None)
        await asked.close()
    assert reply.text == "hello"


@pytest.mark.parametrize("body", [b"no gzip at all", gzip.compress(json.dumps(COMPLETION).encode())[:-20]])
async def test_a_reply_that_cannot_be_unpacked_is_malformed(body):
    async with serving("200 OK", {"Content-Type": "application/json", "Content-Encoding": "gzip"}, body) as (url, _):
        assert (await fails("chat", url)).code == "llm.malformed"


async def test_a_packing_nobody_asked_for_is_refused():
    async with serving("200 OK", {"Content-Type": "application/json", "Content-Encoding": "br"}, b"x") as (url, _):
        assert (await fails("chat", url)).code == "llm.malformed"


async def test_an_answer_without_choices_is_malformed():
    nothing = json.dumps({"id": "x", "object": "chat.completion.chunk", "choices": None})
    async with serving("200 OK", {"Content-Type": "application/json"}, nothing.encode()) as (url, _):
        assert (await fails("chat", url)).code == "llm.malformed"
    body = f"data: {nothing}\n\ndata: [DONE]\n\n".encode()
    async with serving("200 OK", {"Content-Type": "text/event-stream"}, body) as (url, _):
        assert (await fails("chat", url, stream=True)).code == "llm.malformed"
