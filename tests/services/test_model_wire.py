"""The real SDKs of OpenAI and Anthropic over the wire: what they bring back, and how they fail."""

from __future__ import annotations

import asyncio
import gc
import json

import pytest

from nbflow.errors import NodeError
from nbflow.integrations.agents.anthropic import AnthropicRuntime
from nbflow.integrations.agents.openai import OpenAIRuntime
from nbflow.ports.agents import Attachment, Message, ModelRequest, ToolOffer, Usage
from tests.integrations.tools.http.server import Server, answering, reply

pytestmark = pytest.mark.services

KEYS = {"OPENAI_API_KEY": "sk-CANARY-openai-key", "ANTHROPIC_API_KEY": "sk-CANARY-anthropic-key"}
KINDS = ["responses", "chat", "anthropic"]
WEATHER = ToolOffer(
    "weather",
    "The weather of a city",
    {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"], "additionalProperties": False},
)
SCORE = {
    "type": "object",
    "properties": {"score": {"type": "number"}, "reasons": {"type": "array", "items": {"type": "string"}}},
    "required": ["score", "reasons"],
    "additionalProperties": False,
}


def make(kind: str, url: str):
    if kind == "anthropic":
        return AnthropicRuntime(KEYS, base_url=url)
    return OpenAIRuntime(KEYS, base_url=f"{url}/v1", api=kind)


@pytest.fixture(params=KINDS)
async def runtime(request, models):
    runtime = make(request.param, models.url)
    yield runtime
    await runtime.close()


def ask(words: str, **more) -> ModelRequest:
    return ModelRequest("gpt-test", (Message("system", "Be brief."), Message("user", words)), **more)


@pytest.mark.parametrize("stream", [True, False])
async def test_text_comes_back_with_its_usage(runtime, stream):
    heard: list[str] = []
    reply = await runtime.complete(ask("say hello", stream=stream), heard.append)
    assert reply.text == "Hello over the wire, in a few pieces of text."
    assert (reply.usage.input, reply.usage.output) == (11, 7)
    assert reply.stop == "end"
    if stream:
        assert len(heard) > 1
        assert "".join(heard) == reply.text


@pytest.mark.parametrize("stream", [True, False])
async def test_tools_are_asked_for_together_and_their_results_go_back(runtime, stream):
    request = ask("weather twice", tools=(WEATHER,), stream=stream)
    reply = await runtime.complete(request, lambda text: None)
    assert reply.stop == "tools"
    assert [(call.name, call.arguments.replace(" ", "")) for call in reply.requests] == [
        ("weather", '{"city":"Ulm"}'),
        ("weather", '{"city":"Bonn"}'),
    ]
    results = tuple(
        Message("tool", text, answers=call.id) for call, text in zip(reply.requests, ("wet", "dry"), strict=True)
    )
    turn = Message("assistant", reply.text, requests=reply.requests, native=reply.native)
    request = ModelRequest("gpt-test", (*request.messages, turn, *results), tools=(WEATHER,), stream=stream)
    assert (await runtime.complete(request, lambda text: None)).text == "Ulm is wet, Bonn is dry."


async def test_a_schema_is_sent_in_the_providers_own_mode(runtime, models):
    reply = await runtime.complete(ask("score it", schema=SCORE), lambda text: None)
    assert '"score": 0.75' in reply.text
    assert '"reasons"' in str(models.asked()[-1])


async def test_settings_images_and_limits_are_taken(runtime):
    words = Message("user", "say hello", attachments=(Attachment("image/png", content=b"\x89PNG"),))
    request = ModelRequest("gpt-test", (words,), temperature=0.5, max_tokens=50, settings={"top_p": 0.9})
    assert (await runtime.complete(request, lambda text: None)).text.startswith("Hello")


@pytest.mark.parametrize(
    ("words", "kind", "code"),
    [
        ("too many", "RateLimited", "llm.rate_limit"),
        ("broken server", "Unavailable", "llm.unavailable"),
        ("overloaded", "Unavailable", "llm.overloaded"),
        ("wrong key", "Refused", "llm.key"),
        ("bad request", "InvalidInput", "llm.request"),
        ("dropped", "Unavailable", "llm.unavailable"),
        ("disconnected", "Unavailable", None),
        ("malformed", "Unavailable", None),
        ("cut off", "Unavailable", "llm.cut"),
    ],
)
async def test_a_failure_has_a_kind_and_nothing_of_the_request(runtime, words, kind, code):
    with pytest.raises(NodeError) as caught:
        await runtime.complete(ask(words), lambda text: None)
    error = caught.value
    assert error.kind == kind
    assert code in (None, error.code)
    assert error.__cause__ is None
    assert error.__context__ is None
    assert "CANARY" not in repr(vars(error)) + str(error)


async def test_a_rate_limit_tells_how_long_to_wait(runtime):
    with pytest.raises(NodeError) as caught:
        await runtime.complete(ask("too many"), lambda text: None)
    assert caught.value.retry_after is not None


async def test_a_reply_that_was_too_long_says_so(runtime):
    reply = await runtime.complete(ask("run long"), lambda text: None)
    assert reply.stop == "length"


async def test_the_sdks_own_retries_are_off(runtime, models):
    before = len(models.asked())
    with pytest.raises(NodeError):
        await runtime.complete(ask("broken server"), lambda text: None)
    assert len(models.asked()) == before + 1


class Silent:
    """A server that accepts and never answers; it sees when the other side hangs up."""

    async def __aenter__(self):
        self.hung_up, self.asked = asyncio.Event(), asyncio.Event()
        self.server = await asyncio.start_server(self.serve, "127.0.0.1", 0)
        self.url = f"http://127.0.0.1:{self.server.sockets[0].getsockname()[1]}"
        return self

    async def __aexit__(self, *exc):
        self.server.close()
        await self.server.wait_closed()

    async def serve(self, reader, writer):
        try:
            await reader.readuntil(b"\r\n\r\n")
            await self.answer(writer)
            self.asked.set()
            while await reader.read(65536):
                pass
        except ConnectionError:
            pass
        finally:
            self.hung_up.set()
            writer.close()

    async def answer(self, writer): ...


class Endless(Silent):
    """A server that begins a stream and never ends it."""

    START = {
        "chat": b'data: {"id":"1","object":"chat.completion.chunk","created":1,"model":"m","choices":[{"index":0,"delta":{"content":"hi"}}]}\n\n',
        "responses": b'event: response.output_text.delta\ndata: {"type":"response.output_text.delta","delta":"hi","item_id":"1","output_index":0,"content_index":0,"sequence_number":1,"logprobs":[]}\n\n',
        "anthropic": b'event: message_start\ndata: {"type":"message_start","message":{"id":"1","type":"message","role":"assistant","content":[],"model":"m","stop_reason":null,"stop_sequence":null,"usage":{"input_tokens":1,"output_tokens":1}}}\n\n'
        b'event: content_block_start\ndata: {"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}}\n\n'
        b'event: content_block_delta\ndata: {"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"hi"}}\n\n',
    }

    def __init__(self, kind: str, more: bytes = b""):
        self.start = self.START[kind] + more

    async def answer(self, writer):
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\n" + self.start)
        await writer.drain()


@pytest.mark.parametrize("kind", KINDS)
async def test_a_server_that_never_answers_is_left_when_the_time_is_up(kind):
    async with Silent() as server:
        runtime = make(kind, server.url)
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(3):
                task = asyncio.create_task(runtime.complete(ask("hello"), lambda text: None))
                await server.asked.wait()
                async with asyncio.timeout(0.05):
                    await task
        await asyncio.wait_for(server.hung_up.wait(), 3)
        await runtime.close()


RESPONSE = {
    "id": "r", "object": "response", "created_at": 1, "model": "m", "status": "completed", "parallel_tool_calls": True,
    "tool_choice": "auto", "tools": [],
    "output": [
        {"type": "reasoning", "id": "rs", "summary": []},
        {"type": "message", "id": "ms", "role": "assistant", "status": "completed",
         "content": [{"type": "output_text", "text": "hi", "annotations": []}]},
    ],
    "usage": {"input_tokens": 100, "output_tokens": 50, "total_tokens": 150,
              "input_tokens_details": {"cached_tokens": 60}, "output_tokens_details": {"reasoning_tokens": 40}},
}  # fmt: skip
CHAT_USAGE = {
    "prompt_tokens": 100, "completion_tokens": 50, "total_tokens": 150, "prompt_tokens_details": {"cached_tokens": 60},
    "completion_tokens_details": {"reasoning_tokens": 40},
}  # fmt: skip
CHAT = {
    "id": "1", "object": "chat.completion", "created": 1, "model": "m", "usage": CHAT_USAGE,
    "choices": [{"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": "hi"}}],
}  # fmt: skip
CHUNK = {"id": "1", "object": "chat.completion.chunk", "created": 1, "model": "m"}
THOUGHT = {"output_tokens_details": {"thinking_tokens": 40}}
MESSAGE = {
    "id": "1", "type": "message", "role": "assistant", "model": "m", "content": [{"type": "text", "text": "hi"}],
    "stop_reason": "end_turn", "stop_sequence": None,
    "usage": {"input_tokens": 30, "cache_read_input_tokens": 60, "cache_creation_input_tokens": 10, "output_tokens": 50,
              **THOUGHT},
}  # fmt: skip


def in_json(answer) -> bytes:
    return reply(json.dumps(answer).encode(), media="application/json")


def events(*items) -> bytes:
    return b"".join(f"event: {item.get('type', 'message')}\ndata: {json.dumps(item)}\n\n".encode() for item in items)


STREAMS = {
    "responses": events({"type": "response.completed", "sequence_number": 1, "response": RESPONSE}),
    "chat": b"".join(
        f"data: {json.dumps({**CHUNK, **more})}\n\n".encode()
        for more in (
            {"choices": [{"index": 0, "delta": {"content": "hi"}, "finish_reason": "stop"}]},
            {"choices": [], "usage": CHAT_USAGE},
        )
    )
    + b"data: [DONE]\n\n",
    "anthropic": events(
        {"type": "message_start", "message": {**MESSAGE, "content": [], "stop_reason": None}},
        {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
        {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "hi"}},
        {"type": "content_block_stop", "index": 0},
        {
            "type": "message_delta",
            "delta": {"stop_reason": "end_turn", "stop_sequence": None},
            "usage": MESSAGE["usage"],
        },
        {"type": "message_stop"},
    ),
}
WHOLE = {"responses": RESPONSE, "chat": CHAT, "anthropic": MESSAGE}


@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.parametrize("kind", KINDS)
async def test_cached_and_reasoning_tokens_are_counted(kind, stream):
    body = STREAMS[kind] if stream else json.dumps(WHOLE[kind]).encode()
    async with answering(reply(body, media="text/event-stream" if stream else "application/json")) as server:
        runtime = make(kind, server.url)
        heard = await runtime.complete(ask("hello", stream=stream), lambda text: None)
        assert heard.text == "hi"
        assert heard.usage == Usage(100, 50, 60, 40)
        await runtime.close()


async def test_files_go_to_anthropic_as_it_takes_them():
    files = (
        Attachment("application/pdf", content=b"%PDF", name="a.pdf"),
        Attachment("text/csv", content="ä,b".encode(), name="b.csv"),
        Attachment("image/png", content=b"\x89PNG"),
        Attachment("image/png", url="https://x.test/a.png"),
    )
    async with answering(in_json(MESSAGE)) as server:
        runtime = make("anthropic", server.url)
        request = ModelRequest("m", (Message("user", "read", attachments=files),), stream=False)
        await runtime.complete(request, lambda text: None)
        await runtime.close()
    *blocks, words = json.loads(server.asked[0].body)["messages"][0]["content"]
    assert words == {"type": "text", "text": "read"}
    assert blocks == [
        {"type": "document", "title": "a.pdf",
         "source": {"type": "base64", "media_type": "application/pdf", "data": "JVBERg=="}},
        {"type": "document", "title": "b.csv", "source": {"type": "text", "media_type": "text/plain", "data": "ä,b"}},
        {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "iVBORw=="}},
        {"type": "image", "source": {"type": "url", "url": "https://x.test/a.png"}},
    ]  # fmt: skip


@pytest.mark.parametrize("kind", KINDS)
async def test_an_empty_answer_that_goes_back_is_one_that_the_provider_takes(kind):
    """No provider takes a turn of the model without content."""
    async with answering(in_json(WHOLE[kind])) as server:
        runtime = make(kind, server.url)
        turns = (Message("user", "hello"), Message("assistant", "", native={"messages": [], "responses": []}))
        request = ModelRequest("m", (*turns, Message("user", "Answer again.")), stream=False)
        await runtime.complete(request, lambda text: None)
        sent = json.loads(server.asked[0].body)
        for turn in sent.get("messages") or sent["input"]:
            assert turn["content"]
        await runtime.close()


async def test_openai_at_another_address_is_spoken_to_as_it_can(models):
    """By Responses where the server has them, else by Chat Completions, and found out once."""
    async with Server(**{"v1/chat/completions": in_json(CHAT)}) as server:
        runtime = OpenAIRuntime(KEYS, base_url=f"{server.url}/v1")
        for _ in range(2):
            assert (await runtime.complete(ask("hello", stream=False), lambda text: None)).text == "hi"
        paths = [request.path for request in server.asked]
        assert paths == ["/v1/responses", "/v1/chat/completions", "/v1/chat/completions"]
        await runtime.close()
    runtime = OpenAIRuntime(KEYS, base_url=f"{models.url}/v1")
    assert (await runtime.complete(ask("say hello"), lambda text: None)).text.startswith("Hello")
    assert models.asked()[-1]["path"] == "/v1/responses"
    await runtime.close()


@pytest.mark.parametrize("kind", KINDS)
async def test_cancelling_closes_the_stream_at_the_wire(kind):
    async with Endless(kind) as server:
        runtime, heard = make(kind, server.url), asyncio.Event()
        task = asyncio.create_task(runtime.complete(ask("hello"), lambda text: heard.set()))
        await asyncio.wait_for(heard.wait(), 10)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await asyncio.wait_for(server.hung_up.wait(), 3)
        await runtime.close()


@pytest.mark.parametrize(
    ("kind", "event"),
    [
        ("chat", b'data: {"error": {"type": "overloaded_error", "message": "busy"}}\n\n'),
        (
            "responses",
            b'event: error\ndata: {"type":"error","code":"overloaded","message":"busy","param":null,"sequence_number":2}\n\n',
        ),
        ("anthropic", b'event: error\ndata: {"type":"error","error":{"type":"overloaded_error","message":"busy"}}\n\n'),
    ],
)
async def test_an_error_inside_a_stream_is_the_providers(kind, event):
    async with Endless(kind, event) as server:
        runtime = make(kind, server.url)
        with pytest.raises(NodeError) as caught:
            await runtime.complete(ask("hello"), lambda text: None)
        assert (caught.value.kind, caught.value.code) == ("Unavailable", "llm.overloaded")
        await runtime.close()


@pytest.mark.parametrize("kind", KINDS)
async def test_a_reply_without_end_is_refused_and_the_stream_closed(kind):
    piece = (
        Endless.START[kind].rpartition(b"event: content_block_delta")[2] if kind == "anthropic" else Endless.START[kind]
    )
    piece = b"event: content_block_delta" + piece if kind == "anthropic" else piece
    async with Endless(kind, piece.replace(b'"hi"', b'"' + b"x" * 60_000 + b'"') * 20) as server:
        runtime = make(kind, server.url)
        with pytest.raises(NodeError) as caught:
            await runtime.complete(ask("hello"), lambda text: None)
        assert caught.value.code == "limit.output"
        await asyncio.wait_for(server.hung_up.wait(), 3)
        await runtime.close()


@pytest.mark.parametrize("kind", KINDS)
async def test_nobody_at_the_address_is_unavailable(kind):
    runtime = make(kind, "http://127.0.0.1:9")
    with pytest.raises(NodeError) as caught:
        await runtime.complete(ask("hello"), lambda text: None)
    assert (caught.value.kind, caught.value.code) == ("Unavailable", "llm.connect")
    await runtime.close()


async def test_a_missing_key_says_which():
    for runtime, name in ((OpenAIRuntime({}), "OPENAI_API_KEY"), (AnthropicRuntime({}), "ANTHROPIC_API_KEY")):
        with pytest.raises(NodeError) as caught:
            await runtime.complete(ask("hello"), lambda text: None)
        assert caught.value.code == "llm.no_key"
        assert name in caught.value.hint
        await runtime.close()


def test_a_client_belongs_to_its_loop(models):
    runtime = OpenAIRuntime(KEYS, base_url=f"{models.url}/v1", api="chat")

    async def once() -> str:
        try:
            return (await runtime.complete(ask("say hello"), lambda text: None)).text
        finally:
            await runtime.close()

    assert asyncio.run(once()) == asyncio.run(once())
    gc.collect()
