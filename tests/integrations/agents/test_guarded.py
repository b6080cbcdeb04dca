"""The SDKs' requests go to the server that was named and to no other, and a reply has an end."""

from __future__ import annotations

import gzip
import json
import zlib

import pytest

from nbflow.errors import NodeError
from nbflow.integrations.agents.anthropic import AnthropicRuntime
from nbflow.integrations.agents.openai import OpenAIRuntime
from nbflow.ports.agents import Message, ModelRequest
from tests.integrations.tools.http.server import answering, moved, reply

KEYS = {"OPENAI_API_KEY": "sk-a-key-of-openai", "ANTHROPIC_API_KEY": "sk-a-key-of-anthropic"}
COMPLETION = {
    "id": "x", "object": "chat.completion", "created": 1, "model": "m",
    "choices": [{"index": 0, "message": {"role": "assistant", "content": "hello"}, "finish_reason": "stop"}],
}  # fmt: skip
JSON = "application/json"


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
    async with answering(reply()) as other, answering(moved(f"{other.url}/x", status)) as server:
        error = await fails(kind, server.url, stream=stream)
        assert (error.kind, error.code, len(server.asked), other.asked) == ("Refused", "llm.redirect", 1, [])
        assert "127.0.0.1" in str(error) and "base_url" in (error.hint or "")


@pytest.fixture(scope="module")
def bomb() -> bytes:
    return gzip.compress(b"data: " + b"a" * 250_000_000, 1)


@pytest.mark.parametrize("media", ["application/json", "text/event-stream"])
@pytest.mark.parametrize("kind", ["chat", "messages"])
async def test_a_reply_that_unpacks_without_end_is_refused(kind, media, bomb):
    async with answering(reply(bomb, media=media, Content_Encoding="gzip")) as server:
        error = await fails(kind, server.url, stream=media == "text/event-stream")
    assert (error.kind, error.code) == ("InvalidOutput", "limit.output")


def bare(content: bytes) -> bytes:
    packer = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return packer.compress(content) + packer.flush()


PACKERS = [("gzip", gzip.compress), ("deflate", zlib.compress), ("deflate", bare), ("identity", bytes)]


@pytest.mark.parametrize(("packed", "pack"), PACKERS)
async def test_a_reply_is_unpacked(packed, pack):
    body = pack(json.dumps(COMPLETION).encode())
    async with answering(reply(body, media=JSON, Content_Encoding=packed)) as server:
        asked = runtime("chat", server.url)
        heard = await asked.complete(ModelRequest("m", (Message("user", "hi"),), stream=False), lambda text: None)
        await asked.close()
    assert heard.text == "hello"


@pytest.mark.parametrize("body", [b"no gzip at all", gzip.compress(json.dumps(COMPLETION).encode())[:-20]])
async def test_a_reply_that_cannot_be_unpacked_is_malformed(body):
    async with answering(reply(body, media=JSON, Content_Encoding="gzip")) as server:
        assert (await fails("chat", server.url)).code == "llm.malformed"


@pytest.mark.parametrize("packed", ["gzip", "deflate"])
@pytest.mark.parametrize("kind", ["responses", "chat", "messages"])
async def test_a_refusal_without_words_says_how_long_to_wait_however_it_is_packed(kind, packed):
    refusal = reply(status="429 Too Many Requests", Content_Encoding=packed, Retry_After="7")
    async with answering(refusal) as server:
        error = await fails(kind, server.url)
    assert (error.kind, error.code, error.retry_after) == ("RateLimited", "llm.rate_limit", 7)


async def test_a_packing_nobody_asked_for_is_refused():
    async with answering(reply(b"x", media=JSON, Content_Encoding="br")) as server:
        assert (await fails("chat", server.url)).code == "llm.malformed"


async def test_an_answer_without_choices_is_malformed():
    nothing = json.dumps({"id": "x", "object": "chat.completion.chunk", "choices": None})
    async with answering(reply(nothing.encode(), media=JSON)) as server:
        assert (await fails("chat", server.url)).code == "llm.malformed"
    body = f"data: {nothing}\n\ndata: [DONE]\n\n".encode()
    async with answering(reply(body, media="text/event-stream")) as server:
        assert (await fails("chat", server.url, stream=True)).code == "llm.malformed"
