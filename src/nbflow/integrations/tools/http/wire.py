"""The wire: an httpx transport whose connections are opened to checked addresses only.

The check stands where the connection is made, so that the address that was checked is the address that is
spoken to, whatever a name server says a moment later; Host and TLS name stay those of the URL. Hosts that an
author listed have connections of their own, which no other request can come to use. No cookies, no proxies of
the environment, no netrc: a request carries what the workflow gave it and nothing else.
"""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Iterable, Iterator
from typing import Any

import httpcore
import httpx

from nbflow.errors import NodeError
from nbflow.integrations.tools.http.addresses import open_addresses, resolve
from nbflow.integrations.tools.http.bodies import truncated

CONNECTIONS = 100


class CheckedBackend(httpcore.AsyncNetworkBackend):
    """Opens connections: to the open internet only, unless `listed`."""

    def __init__(self, listed: bool) -> None:
        self._listed = listed
        self._inner = httpcore.AnyIOBackend()

    async def connect_tcp(
        self, host: str, port: int, timeout: float | None = None, local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.AsyncNetworkStream:  # fmt: skip
        addresses = await (resolve(host, port) if self._listed else open_addresses(host, port))
        for address in addresses[:-1]:
            with contextlib.suppress(httpcore.ConnectError, httpcore.ConnectTimeout):
                return await self._inner.connect_tcp(address, port, timeout, local_address, socket_options)
        return await self._inner.connect_tcp(addresses[-1], port, timeout, local_address, socket_options)

    async def connect_unix_socket(
        self, path: str, timeout: float | None = None, socket_options: Iterable[Any] | None = None
    ) -> httpcore.AsyncNetworkStream:
        raise NodeError("Refused", "sockets of this machine are not reached from here", code="http.blocked")

    async def sleep(self, seconds: float) -> None:
        await self._inner.sleep(seconds)


class CheckedTransport(httpx.AsyncBaseTransport):
    """Requests over connections to checked addresses, pooled by host."""

    def __init__(self, listed: bool) -> None:
        self._pool = httpcore.AsyncConnectionPool(
            ssl_context=httpx.create_ssl_context(), max_connections=CONNECTIONS, max_keepalive_connections=20,
            keepalive_expiry=30.0, network_backend=CheckedBackend(listed),
        )  # fmt: skip

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        url = httpcore.URL(
            scheme=request.url.raw_scheme, host=request.url.raw_host, port=request.url.port, target=request.url.raw_path
        )
        assert isinstance(request.stream, httpx.AsyncByteStream)
        with _remade(request.url):
            answer = await self._pool.handle_async_request(
                httpcore.Request(
                    request.method,
                    url,
                    headers=request.headers.raw,
                    content=request.stream,
                    extensions=request.extensions,
                )
            )
        stream = _Body(answer.stream, request.url)
        return httpx.Response(answer.status, headers=answer.headers, stream=stream, extensions=answer.extensions)

    async def aclose(self) -> None:
        await self._pool.aclose()


class _Body(httpx.AsyncByteStream):
    def __init__(self, stream: Any, url: httpx.URL) -> None:
        self._stream, self._url = stream, url

    async def __aiter__(self) -> AsyncIterator[bytes]:
        with _remade(self._url):
            async for piece in self._stream:
                yield piece

    async def aclose(self) -> None:
        await self._stream.aclose()


@contextlib.contextmanager
def _remade(url: httpx.URL) -> Iterator[None]:
    """What goes wrong on the wire as one of our kinds, without the request."""
    try:
        yield
    except httpcore.TimeoutException:
        failure = NodeError("Timeout", f"{url.host} did not answer in time", code="http.timeout")
    except httpcore.ConnectError as problem:
        failure = _no_connection(url, problem)
    except httpcore.RemoteProtocolError as problem:
        failure = _bad_response(url, str(problem))
    except (httpcore.NetworkError, httpcore.ProtocolError, OSError) as problem:
        failure = NodeError("Unavailable", f"the connection to {url.host} was lost: {problem}", code="http.lost")
    else:
        return
    raise failure


def _no_connection(url: httpx.URL, problem: Exception) -> NodeError:
    port = url.port or (443 if url.scheme == "https" else 80)
    text = str(problem)
    if "CERTIFICATE" in text.upper() or "SSL" in text.upper():
        return NodeError("Unavailable", f"no safe connection to {url.host}: {text}", code="http.tls")
    return NodeError("Unavailable", f"nothing listens at {url.host}:{port}", code="http.connect")


def _bad_response(url: httpx.URL, text: str) -> NodeError:
    if "complete message body" in text or "incomplete chunked" in text:
        return truncated()
    words = "too many headers" if "too long" in text or "too large" in text else f"no HTTP ({text})"
    return NodeError("Unavailable", f"{url.host} sent a reply with {words}", code="http.bad_response")
