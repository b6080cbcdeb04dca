"""One request and what follows from it: redirects one at a time, each checked; a reply within limits.

What a workflow gave for one host goes to that host: on a redirect elsewhere everything but a few harmless
headers is left behind.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import httpx

from nbflow.errors import NodeError
from nbflow.integrations.tools.http.addresses import carries_key, checked_url, is_listed, masked, shown
from nbflow.integrations.tools.http.bodies import beginning, content_type, gather, parse
from nbflow.integrations.tools.http.saving import File, save
from nbflow.integrations.tools.http.wire import CheckedTransport
from nbflow.integrations.waits import retry_after

HARMLESS = frozenset({"accept", "accept-language", "user-agent", "content-type"})
REDIRECTS = (301, 302, 303, 307, 308)
MAX_HEADERS = 1_000
MAX_SHOWN = 2_000  # characters of an error's body that are kept


@dataclass(frozen=True, slots=True)
class Ask:
    """A request as the workflow wants it. `content` has json, data, files or content, as httpx names them."""

    method: str
    url: str
    headers: Mapping[str, str] = field(default_factory=dict)
    params: Mapping[str, Any] | None = None
    content: Mapping[str, Any] = field(default_factory=dict)
    allowed: tuple[str, ...] = ()  # hosts that may have any address
    only: tuple[str, ...] | None = None  # hosts there are; None: all
    seconds: float = 30.0
    most: int = 10_000_000
    redirects: int = 5
    parse: str = "auto"
    save: File | None = None  # the file that takes the body
    accept: Collection[int] | None = ()  # statuses from 400 on that are no failure; None: all


class Transports:
    """The connections of one loop: to listed hosts, and to all others."""

    def __init__(self) -> None:
        self._made: dict[bool, CheckedTransport] = {}

    def for_host(self, listed: bool) -> CheckedTransport:
        if listed not in self._made:
            self._made[listed] = CheckedTransport(listed)
        return self._made[listed]

    async def close(self) -> None:
        for transport in self._made.values():
            await transport.aclose()
        self._made.clear()


async def exchange(ask: Ask, transports: Transports) -> dict[str, Any]:
    """The reply as ``{status, headers, body, url}``, with `notes` on what was mended. Raises `NodeError`."""
    try:
        async with asyncio.timeout(ask.seconds):
            return await _follow(ask, transports)
    except TimeoutError:
        failure = NodeError("Timeout", f"{shown(ask.url)} took longer than {ask.seconds:g} s", code="http.timeout")
    raise failure


async def _follow(ask: Ask, transports: Transports) -> dict[str, Any]:
    seen = 0
    while True:
        request = _request(ask)
        host = request.url.host
        if ask.only is not None and not is_listed(host, ask.only):
            message = f"{host} is none of the hosts that the workflow names"
            raise NodeError("Refused", message, code="http.host", hint="list it under the agent's options: allow_hosts")
        response = await transports.for_host(is_listed(host, ask.allowed)).handle_async_request(request)
        try:
            where = response.headers.get("location")
            if response.status_code not in REDIRECTS or where is None or ask.redirects == 0:
                return await _reply(ask, request.url, response)
        finally:
            await response.aclose()
        seen += 1
        if seen > ask.redirects:
            raise NodeError("Unavailable", f"more than {ask.redirects} redirects", code="http.redirects")
        ask = _redirected(ask, request.url, response.status_code, where)


def _request(ask: Ask) -> httpx.Request:
    url = checked_url(ask.url)
    timeout = httpx.Timeout(ask.seconds).as_dict()
    headers = {"accept": "*/*", "accept-encoding": "gzip, deflate", "user-agent": "nbflow", **ask.headers}
    try:
        params = {name: value for name, value in (ask.params or {}).items() if value is not None}
        target = httpx.URL(url).copy_merge_params(params) if params else httpx.URL(url)
        return httpx.Request(ask.method, target, headers=headers, extensions={"timeout": timeout}, **ask.content)
    except (httpx.InvalidURL, UnicodeError) as problem:
        failure = NodeError("InvalidInput", f"the URL cannot be read: {problem}", code="http.url")
    except (TypeError, ValueError) as problem:
        failure = NodeError("InvalidInput", f"the request cannot be made: {problem}", code="http.request")
    raise failure


def _redirected(ask: Ask, url: httpx.URL, status: int, where: str) -> Ask:
    try:
        target = str(url.join(where))
        checked_url(target)
        moved = httpx.URL(target)
    except (httpx.InvalidURL, UnicodeError):
        failure = NodeError("Unavailable", "the redirect leads to no address", code="http.url")
    except NodeError as problem:
        failure = NodeError("Refused", f"the redirect leads astray: {problem}", code=problem.code)
    else:
        return _carried(ask, url, moved, status)
    raise failure


def _carried(ask: Ask, url: httpx.URL, moved: httpx.URL, status: int) -> Ask:
    """What goes along: the method and body as the status says, the headers to the same host only."""
    method, content = ask.method, ask.content
    if status == 303 or (status in (301, 302) and method == "POST"):
        method, content = ("HEAD" if method == "HEAD" else "GET"), {}
    same = (url.scheme, url.host, url.port) == (moved.scheme, moved.host, moved.port)
    headers = ask.headers if same else {name: value for name, value in ask.headers.items() if name.lower() in HARMLESS}
    if not content:
        headers = {name: value for name, value in headers.items() if name.lower() != "content-type"}
    if content and not same:
        raise NodeError("Refused", f"the redirect would carry the body to {moved.host}", code="http.redirects")
    return replace(ask, url=str(moved), method=method, content=content, headers=headers, params=None)


async def _reply(ask: Ask, url: httpx.URL, response: httpx.Response) -> dict[str, Any]:
    headers = _headers(response)
    encoding = headers.get("content-encoding", "").strip().lower() if ask.method != "HEAD" else ""
    assert isinstance(response.stream, httpx.AsyncByteStream)
    pieces = aiter(response.stream)
    if response.status_code >= 400 and ask.accept is not None and response.status_code not in ask.accept:
        raise _failure(ask, response.status_code, headers, await beginning(pieces, encoding, MAX_SHOWN), str(url))
    content = b""
    saved: dict[str, Any] | None = None
    if ask.save is not None and response.status_code < 400 and ask.method != "HEAD":
        saved = await save(pieces, encoding, ask.most, ask.save)
    else:
        content = await gather(pieces, encoding, ask.most)
    notes = ["secret.in_url: a key in a URL ends up in logs and errors"] if carries_key(str(url)) else []
    media, charset = content_type(headers)
    how = "text" if response.status_code >= 400 and ask.parse == "json" else ask.parse
    body = saved if saved or ask.method == "HEAD" else parse(content, media, charset, how, notes)
    result = {"status": response.status_code, "headers": headers, "body": body, "url": masked(str(url))}
    return result | {"notes": list(dict.fromkeys(notes))} if notes else result


def _headers(response: httpx.Response) -> dict[str, str]:
    if len(response.headers.raw) > MAX_HEADERS:
        raise NodeError("Unavailable", "a reply with too many headers", code="http.bad_response")
    return {name.lower(): value for name, value in response.headers.items()}


def _failure(ask: Ask, status: int, headers: Mapping[str, str], body: str, url: str) -> NodeError:
    """The failure that a status stands for."""
    wait = retry_after(headers)
    detail = {"status": status, "body": body}
    said = f"{ask.method} {shown(url)} answered {status}"
    if status == 429:
        asked = f"; the server asks for a wait of {wait:g} s" if wait is not None else ""
        return NodeError("RateLimited", said + asked, code="http.rate_limit", retry_after=wait, detail=detail)
    if status in (408, 425) or status >= 500:
        return NodeError("Unavailable", said, code=f"http.status_{status}", retry_after=wait, detail=detail)
    hint = "list it under accept: to take it as an answer" if status in (404, 409, 410) else None
    return NodeError("Refused", said, code=f"http.status_{status}", detail=detail, hint=hint)
