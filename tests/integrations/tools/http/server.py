"""A real server on this machine that answers byte by byte what a test wants."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable


class Request:
    def __init__(self, head: bytes, body: bytes):
        line, *headers = head.decode("latin-1").rstrip("\r\n").split("\r\n")
        self.method, self.target, _ = line.split(" ", 2)
        self.path = self.target.partition("?")[0]
        self.headers = {name.lower(): value for name, value in (header.split(": ", 1) for header in headers)}
        self.body = body


Answer = bytes | Callable[[Request, asyncio.StreamWriter], Awaitable[None]]


class Server:
    """``routes`` give raw answers by path, ``*`` those of all other paths; what was asked is kept."""

    def __init__(self, **routes: Answer):
        self.routes: dict[str, Answer] = {f"/{path}": answer for path, answer in routes.items()}
        self.asked: list[Request] = []
        self.closed = asyncio.Event()

    async def __aenter__(self) -> Server:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        return self

    async def __aexit__(self, *exc) -> None:
        self._server.close()
        await self._server.wait_closed()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                size = next(
                    (int(line[16:]) for line in head.split(b"\r\n") if line[:15].lower() == b"content-length:"), 0
                )
                request = Request(head, await reader.readexactly(size))
                self.asked.append(request)
                answer = self.routes.get(request.path) or self.routes.get("/*") or MISSING
                if callable(answer):
                    await answer(request, writer)
                    return
                writer.write(answer)
                await writer.drain()
                if b"connection: close" in answer.lower():
                    return
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            self.closed.set()
            writer.close()


def reply(
    body: bytes = b"", *, status: str = "200 OK", media: str = "text/plain; charset=utf-8", **headers: str
) -> bytes:
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", f"Content-Type: {media}"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def answering(answer: Answer) -> Server:
    """A server that answers every request alike."""
    return Server(**{"*": answer})


def moved(where: str, status: str = "302 Found") -> bytes:
    return reply(status=status, Location=where)


MISSING = reply(b"not here", status="404 Not Found")
