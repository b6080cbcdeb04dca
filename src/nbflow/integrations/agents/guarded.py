"""The HTTP client that both SDKs are given: it goes nowhere but to the server it was pointed at, and reads so much.

A redirect is not followed: an agent's headers, its key and what it says belong to the server that an operator named.
What a server compressed is counted as it is unpacked, so that a small reply cannot become a large one in memory.
"""

from __future__ import annotations

import zlib
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from nbflow.errors import NodeError
from nbflow.integrations.inflating import Inflater, inflater

if TYPE_CHECKING:
    from httpx2 import AsyncByteStream, AsyncClient, Response

MOST = 16_000_000  # bytes of a reply in one piece, and of one line of a stream
MOST_STREAMED = 200_000_000  # bytes of a reply in events, each of which says a word and repeats what it belongs to
PACKED = ("gzip", "deflate")
AT_ONCE = 1_000_000  # bytes unpacked in one go
TIMEOUT = 600.0  # seconds of silence; the time of a node is its own


def guarded_client() -> AsyncClient:
    """A client of its own for a loop. Replies that it will not have end in `NodeError`."""
    import httpx2

    return httpx2.AsyncClient(
        follow_redirects=False, headers={"Accept-Encoding": ", ".join(PACKED)}, event_hooks={"response": [_guard]},
        timeout=httpx2.Timeout(TIMEOUT, connect=5.0),
        limits=httpx2.Limits(max_connections=1000, max_keepalive_connections=100),
    )  # fmt: skip


async def _guard(response: Response) -> None:
    """Let a reply in, which is read later. Raises `NodeError` (``llm.redirect``, ``llm.malformed``)."""
    from httpx2 import AsyncByteStream

    host = response.request.url.host
    if response.status_code in (301, 302, 303, 307, 308):
        to = urlsplit(response.headers.get("location", "")).hostname or "another address"
        hint = "set the server's own address as base_url"
        message = f"{host} sends requests on to {to} (HTTP {response.status_code}), which is not followed"
        raise NodeError("Refused", message, code="llm.redirect", hint=hint)
    packed = response.headers.pop("content-encoding", "identity").strip().lower()
    try:
        unpack = inflater(packed)
    except ValueError:
        message = f"{host} sent a reply packed as {packed}, unasked"
        raise NodeError("Unavailable", message, code="llm.malformed") from None
    is_stream = response.headers.get("content-type", "").startswith("text/event-stream")
    most = MOST_STREAMED if is_stream else MOST
    assert isinstance(response.stream, AsyncByteStream)
    response.stream = _counted(response.stream, unpack, most)


def _counted(stream: AsyncByteStream, unpack: Inflater | None, most: int) -> AsyncByteStream:
    """The bytes of a stream as they are meant, `most` of them. Raises `NodeError` (``limit.output``) for more."""
    from httpx2 import AsyncByteStream

    class Counted(AsyncByteStream):
        async def __aiter__(self) -> AsyncIterator[bytes]:
            size = line = 0
            async for part in _unpacked(stream, unpack) if unpack is not None else stream:
                size += len(part)
                ended = part.rfind(b"\n")
                line = len(part) + line if ended < 0 else len(part) - ended - 1
                if size > most or line > MOST:
                    raise NodeError("InvalidOutput", f"the reply is longer than {most:,} bytes", code="limit.output")
                yield part

        async def aclose(self) -> None:
            await stream.aclose()

    return Counted()


async def _unpacked(stream: AsyncByteStream, unpack: Inflater) -> AsyncIterator[bytes]:
    """Some bytes at a time. Raises `NodeError` (``llm.malformed``) for what is not packed, or not to its end."""
    try:
        async for piece in stream:
            while piece:
                yield unpack.decompress(piece, AT_ONCE)
                piece = unpack.rest
        yield unpack.flush()
    except zlib.error:
        raise NodeError("Unavailable", "the reply cannot be unpacked", code="llm.malformed") from None
    if not unpack.is_whole:
        raise NodeError("Unavailable", "the reply cannot be unpacked", code="llm.malformed")
