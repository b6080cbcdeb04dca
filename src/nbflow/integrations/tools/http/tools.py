"""``http.get post put patch delete request``: what the author writes, as a request and back.

GET is `idempotent` and not `none`: someone outside sees it, so what led to it is on disk before. PUT and DELETE
are by their definition; POST and PATCH are `once`, unless they carry an idempotency key.
"""

from __future__ import annotations

import asyncio
import weakref
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nbflow.errors import NodeError
from nbflow.integrations.tools.http.addresses import checked_url
from nbflow.plan.plan import AgentCall, Effects
from nbflow.ports.arguments import check_arguments
from nbflow.ports.executors import Call
from nbflow.spec.durations import parse_duration

if TYPE_CHECKING:
    from nbflow.integrations.tools.http.exchange import Ask, Transports
    from nbflow.integrations.tools.http.saving import File

METHODS = ("GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE")
REPEATABLE = frozenset({"GET", "HEAD", "OPTIONS", "PUT", "DELETE"})
AUTHORS = (
    "allow_hosts",
    "auth",
    "max_bytes",
    "redirects",
    "save",
    "timeout",
    "idempotency_key",
)  # not for a model to set

FRAMING = frozenset({"content-length", "transfer-encoding", "connection", "te", "trailer", "upgrade"})
"""Headers that say where a request ends; one of a workflow could hide a second request in a body."""

_MAPPING = {"type": "object", "additionalProperties": {"type": ["string", "number", "boolean", "null"]}}
_PROPERTIES: dict[str, Any] = {
    "url": {"type": "string", "description": "The address, http or https."},
    "params": {**_MAPPING, "description": "The query, by name."},
    "headers": {**_MAPPING, "description": "Headers, by name."},
    "json": {"description": "A body, sent as JSON."},
    "form": {**_MAPPING, "description": "A body, sent as a form."},
    "files": {
        "type": "array",
        "description": "Files of a form: {name, filename, content, media}.",
        "items": {"type": "object", "required": ["name", "content"]},
    },
    "body": {"description": "A body: text, or bytes as they are."},
    "auth": {
        "type": "object",
        "description": "{bearer: TOKEN} or {basic: [user, password]}; goes to the host of url only.",
        "properties": {"bearer": {"type": "string"}, "basic": {"type": "array", "items": {"type": "string"}}},
        "additionalProperties": False,
    },
    "parse": {"enum": ["auto", "json", "text", "bytes"], "description": "What the reply is; auto goes by its type."},
    "save": {
        "type": "string",
        "description": "A file below the working directory that takes the body; body is then {file, bytes, sha256}.",
    },
    "accept": {"description": "Statuses from 400 on that are no failure: a list, or any."},
    "timeout": {"type": "string", "description": "For the whole exchange, as 20s; default 30s."},
    "max_bytes": {
        "type": "integer",
        "minimum": 1,
        "description": "The most of a reply, unpacked; default 10 MB, 1 GB with save.",
    },
    "redirects": {"type": "integer", "minimum": 0, "description": "How many are followed; default 5."},
    "allow_hosts": {
        "type": "array",
        "items": {"type": "string"},
        "description": "Hosts that may have a private address.",
    },
    "idempotency_key": {"description": "true: a key that is the same for all attempts; or a text."},
}
_BODIES = ("json", "form", "files", "body")


class Connections:
    """Connections by loop, and what an operator allows: hosts with private addresses."""

    def __init__(self, allow: Sequence[str] = ()) -> None:
        self.allow = tuple(allow)
        self._made: weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, Transports] = weakref.WeakKeyDictionary()

    def get(self) -> Transports:
        """Those of the running loop."""
        from nbflow.integrations.tools.http.exchange import Transports

        loop = asyncio.get_running_loop()
        if loop not in self._made:
            self._made[loop] = Transports()
        return self._made[loop]

    async def close(self) -> None:
        """Close those of the running loop."""
        made = self._made.pop(asyncio.get_running_loop(), None)
        if made is not None:
            await made.close()


class HttpTool:
    """One of the tools; `method` is None for ``http.request``, which takes it as an argument."""

    def __init__(self, name: str, method: str | None, connections: Connections) -> None:
        self.name, self._method, self._connections = name, method, connections
        self.description = f"{method or 'A request'} over HTTP. Gives {{status, headers, body, url}}."
        self.authors_only = AUTHORS
        taken = {name: words for name, words in _PROPERTIES.items() if method != "GET" or name not in _BODIES}
        if method is None:
            taken = {"method": {"enum": list(METHODS)}, **taken}
        self.parameters: dict[str, Any] = {
            "type": "object",
            "properties": taken,
            "required": ["method", "url"] if method is None else ["url"],
            "additionalProperties": False,
        }

    def effects(self, arguments: Mapping[str, Any] | None = None) -> Effects:
        given = arguments or {}
        method = self._method or given.get("method", "POST")
        return "idempotent" if method in REPEATABLE or given.get("idempotency_key") else "once"

    async def prepare(self) -> None: ...

    async def call(self, arguments: Mapping[str, Any], call: Call) -> Any:
        """The reply as ``{status, headers, body, url}``. Raises `NodeError` with a code of ``http.*``."""
        outcome = await self._attempt(arguments, call)
        if isinstance(outcome, NodeError):
            outcome.__context__ = None
            raise outcome
        return outcome

    async def _attempt(self, arguments: Mapping[str, Any], call: Call) -> dict[str, Any] | NodeError:
        from nbflow.integrations.tools.http.exchange import exchange

        try:
            check_arguments(arguments, self.parameters, self.name)
            return await exchange(self._ask(arguments, call), self._connections.get())
        except NodeError as error:
            return error

    async def close(self) -> None:
        """Close the connections of the running loop, which all http tools share."""
        await self._connections.close()

    def _ask(self, given: Mapping[str, Any], call: Call) -> Ask:
        from nbflow.integrations.tools.http.exchange import Ask

        method = self._method or str(given["method"])
        bodies = [name for name in ("json", "form", "body") if name in given]
        if len(bodies) > 1 or ("files" in given and bodies not in ([], ["form"])):
            raise _wrong(f"a request has one body, not {' and '.join(name for name in _BODIES if name in given)}")
        return Ask(
            method,
            checked_url(given["url"]),
            headers=_headers(given, call),
            params=given.get("params"),
            content=_content(given),
            allowed=(*self._connections.allow, *given.get("allow_hosts", ())),
            only=_named_hosts(call),
            seconds=_seconds(given.get("timeout")),
            most=given.get("max_bytes", 10_000_000 if "save" not in given else 1_000_000_000),
            save=_file_of(given),
            redirects=given.get("redirects", 5),
            parse=given.get("parse", "auto"),
            accept=_accepted(given.get("accept")),
        )


def _file_of(given: Mapping[str, Any]) -> File | None:
    from nbflow.integrations.tools.http.saving import checked_file

    if "save" not in given:
        return None
    if given.get("parse", "auto") != "auto":
        raise _wrong("'save' keeps the body as it comes: there is nothing to parse")
    return checked_file(given["save"], Path())


def _named_hosts(call: Call) -> tuple[str, ...] | None:
    """The hosts a model may reach: those its node names; a workflow's own nodes reach all."""
    work = call.node.work
    return tuple(work.options.get("allow_hosts") or ()) if isinstance(work, AgentCall) else None


def _headers(given: Mapping[str, Any], call: Call) -> dict[str, str]:
    import base64

    headers = {name: _text(value) for name, value in given.get("headers", {}).items() if value is not None}
    for name, value in headers.items():
        if any(ord(character) < 32 or ord(character) == 127 for character in name + value):
            raise _wrong(f"there is a line break or another control character in the header {name!r}")
        if name.strip().lower() in FRAMING or (
            name.strip().lower() == "host" and isinstance(call.node.work, AgentCall)
        ):
            raise _wrong(f"the header {name!r} is not given: it follows from the address and the body")
    auth = given.get("auth") or {}
    if "bearer" in auth:
        headers["Authorization"] = f"Bearer {auth['bearer']}"
    elif "basic" in auth:
        if len(auth["basic"]) != 2:
            raise _wrong("auth: {basic: [user, password]} has two texts")
        headers["Authorization"] = "Basic " + base64.b64encode(":".join(auth["basic"]).encode()).decode()
    key = given.get("idempotency_key")
    if key:
        headers["Idempotency-Key"] = call.key if key is True else _text(key)
    return headers


def _content(given: Mapping[str, Any]) -> dict[str, Any]:
    """The body as httpx names it."""
    if "json" in given:
        return {"json": given["json"]}
    if "body" in given:
        body = given["body"]
        if not isinstance(body, str | bytes):
            raise _wrong("'body' is text or bytes", "for data write json:")
        return {"content": body.encode() if isinstance(body, str) else body}
    content: dict[str, Any] = {}
    if "form" in given:
        content["data"] = {name: _text(value) for name, value in given["form"].items() if value is not None}
    if "files" in given:
        content["files"] = [_file(file) for file in given["files"]]
    return content


def _file(file: Mapping[str, Any]) -> tuple[str, tuple[str, bytes, str]]:
    content = file["content"]
    raw = content.encode() if isinstance(content, str) else content
    if not isinstance(raw, bytes):
        raise _wrong(f"the content of file '{file['name']}' is text or bytes")
    return str(file["name"]), (
        str(file.get("filename") or file["name"]),
        raw,
        str(file.get("media") or "application/octet-stream"),
    )


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def _seconds(text: str | None) -> float:
    if text is None:
        return 30.0
    try:
        return parse_duration(text)
    except ValueError as problem:
        raise _wrong(f"timeout: {problem}") from None


def _accepted(value: Any) -> tuple[int, ...] | None:
    if value is None:
        return ()
    if value == "any":
        return None
    statuses = value if isinstance(value, list) else [value]
    if not all(isinstance(status, int) and not isinstance(status, bool) for status in statuses):
        raise _wrong("'accept' is a list of statuses, or any")
    return tuple(statuses)


def _wrong(message: str, hint: str | None = None) -> NodeError:
    return NodeError("InvalidInput", message, code="http.request", hint=hint)


def http_tools(connections: Connections) -> tuple[HttpTool, ...]:
    """All of them, over the same connections."""
    named = [HttpTool(f"http.{name.lower()}", name, connections) for name in ("GET", "POST", "PUT", "PATCH", "DELETE")]
    return (*named, HttpTool("http.request", None, connections))
