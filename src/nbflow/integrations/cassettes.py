"""Cassettes: what models and tools replied, in a file of readable YAML, played back without them.

A call is found by what it asked, with secrets taken out on both sides; so a cassette holds none and needs
none. A call that asks something else is named with what changed. Calls that ask the same come back in the order
in which they were recorded.
"""

from __future__ import annotations

import asyncio
import difflib
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit

import yaml

from nbflow.errors import NbflowError, NodeError
from nbflow.integrations.recorded_values import restored, same, stored
from nbflow.ports.agents import (
    AgentFunction,
    AgentRuntime,
    Agents,
    Message,
    ModelReply,
    ModelRequest,
    ToolRequest,
    Usage,
)
from nbflow.ports.clock import Clock
from nbflow.ports.executors import Asks, Call
from nbflow.ports.plain import plain
from nbflow.ports.tools import Tool, Tools

FORMAT = 1
ANSWERS = ("gave", "failed")
Clean = Callable[[Any], Any]
Entry = dict[str, Any]


class CassetteError(NbflowError):
    """A file that is no cassette, or cannot be written."""

    code = "cassette.invalid"


class Cassette:
    """One file: recorded into, or played back from. Raises `CassetteError` for a file that cannot be read."""

    def __init__(self, path: Path, mode: Literal["record", "replay"], clean: Clean, clock: Clock) -> None:
        self.path, self.mode, self._clean = path, mode, clean
        self.calls: list[Entry] = _read(path) if mode == "replay" else []
        self._left = list(self.calls)
        self._at = datetime.fromtimestamp(clock.now(), UTC).isoformat(timespec="seconds")
        self._writing = asyncio.Lock()
        self.servers: dict[str, str] = {}  # by provider: whose replies these are

    async def add(self, entry: Entry) -> None:
        """Keep a call; the file has it when this returns."""
        self.calls.append(self._clean(stored(self._clean(plain(entry)))))
        async with self._writing:
            await asyncio.to_thread(self._write)

    def take(self, asked: Entry) -> Entry:
        """The next recorded call that asked the same. Raises `NodeError` (``cassette.miss``) that says what differs."""
        wanted = self._clean(stored(self._clean(plain(asked))))
        for place, entry in enumerate(self._left):
            if same(_only(entry), wanted):
                del self._left[place]
                return {name: restored(value) for name, value in entry.items()}
        raise self._miss(wanted)

    def _miss(self, wanted: Entry) -> NodeError:
        (kind, name), text = next(iter(wanted.items())), _text(wanted)
        of_it = [entry for entry in self.calls if entry.get(kind) == name]
        asked = sum(same(_only(entry), wanted) for entry in of_it)
        if asked:
            message = f"{kind} {name}: the cassette {self.path.name} has this call {asked} times, and all were used"
            hint = "play it from its beginning: nbflow.tape(replay=FILE)"
            return NodeError("InvalidInput", message, code="cassette.miss", hint=hint)
        if not of_it:
            message = f"the cassette {self.path.name} has no call of {kind} {name}"
        else:
            left = [entry for entry in self._left if entry.get(kind) == name] or of_it
            near = max(left, key=lambda entry: difflib.SequenceMatcher(None, _text(_only(entry)), text).ratio())
            changes = _changes(_text(_only(near)), text)
            message = f"{kind} {name} is asked something else than in {self.path.name}: {changes}"
        return NodeError("InvalidInput", message, code="cassette.miss", hint="record it again with --record")

    def _write(self) -> None:
        document = {"cassette": FORMAT, "recorded": self._at, "servers": self._clean(self.servers), "calls": self.calls}
        text = yaml.dump(document, Dumper=_Dumper, allow_unicode=True, sort_keys=False, width=100)
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            beside = self.path.with_suffix(self.path.suffix + ".part")
            beside.write_text(text, encoding="utf-8")
            beside.replace(self.path)
        except OSError as problem:
            raise CassetteError(f"cannot write {self.path}: {problem.strerror}") from None


class _Dumper(yaml.SafeDumper):
    """Long texts as blocks, so that a person can read them."""


def _represent_text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    block = "|" if "\n" in text and not any(line != line.rstrip() for line in text.split("\n")) else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=block)


_Dumper.add_representer(str, _represent_text)


def _read(path: Path) -> list[Entry]:
    try:
        document = yaml.load(path.read_text(encoding="utf-8"), Loader=yaml.CSafeLoader)
    except (OSError, yaml.YAMLError, UnicodeDecodeError) as problem:
        raise CassetteError(f"cannot read the cassette {path}: {problem}") from None
    if (
        not isinstance(document, dict)
        or document.get("cassette") != FORMAT
        or not isinstance(document.get("calls"), list)
    ):
        raise CassetteError(f"{path} is no cassette of this version")
    return [entry for entry in document["calls"] if isinstance(entry, dict)]


def _only(entry: Entry) -> Entry:
    return {name: value for name, value in entry.items() if name not in ANSWERS}


def _text(entry: Entry) -> str:
    return yaml.dump(entry, Dumper=_Dumper, allow_unicode=True, sort_keys=False, width=100)


def _changes(old: str, new: str) -> str:
    """The first lines that differ, as they were and as they are."""
    lines = [line for line in difflib.ndiff(old.splitlines(), new.splitlines()) if line[:1] in "+-"]
    was = next((line[2:].strip() for line in lines if line[0] == "-"), "nothing")
    is_now = next((line[2:].strip() for line in lines if line[0] == "+"), "nothing")
    return f"{was[:200]!r} became {is_now[:200]!r}"


# --- around what is called -------------------------------------------------------------------------------


class Cassettes:
    """Puts the cassette in use, if there is one, between nodes and what they call."""

    def __init__(self, clean: Clean, clock: Clock) -> None:
        self._clean, self._clock = clean, clock
        self.current: Cassette | None = None

    def record(self, path: str | Path) -> Cassette:
        """From now on every reply of a model or tool is kept in this file, which begins anew."""
        self.current = Cassette(Path(path), "record", self._clean, self._clock)
        return self.current

    def replay(self, path: str | Path) -> Cassette:
        """From now on replies come from this file. Raises `CassetteError` when it cannot be read."""
        self.current = Cassette(Path(path), "replay", self._clean, self._clock)
        return self.current

    def stop(self) -> None:
        """Call the real ones again."""
        self.current = None

    def secret(self, name: str) -> str | None:
        """While replies are played back a secret may stand for itself: nobody sees it."""
        return f"[secret {name}]" if self.current is not None and self.current.mode == "replay" else None

    async def around(self, asked: Entry, make: Callable[[], Any]) -> Any:
        """What `make` gives or raises, through the cassette in use."""
        cassette = self.current
        if cassette is None:
            return await make()
        if cassette.mode == "replay":
            return _played(cassette.take(asked))
        try:
            result = await make()
        except (Asks, asyncio.CancelledError):
            raise
        except Exception as error:
            await cassette.add({**asked, "failed": _failure(error)})
            raise
        await cassette.add({**asked, "gave": result})
        return result


def _played(entry: Entry) -> Any:
    failed = entry.get("failed")
    if failed is None:
        return entry.get("gave")
    more = {name: failed.get(name) for name in ("hint", "retry_after", "detail")}
    raise NodeError(failed["kind"], failed["message"], code=failed["code"], **more)


def _failure(error: Exception) -> Entry:
    if isinstance(error, NodeError):
        facts: Entry = {"kind": error.kind, "message": str(error), "code": error.code}
        more = {"hint": error.hint, "retry_after": error.retry_after, "detail": error.detail}
        return facts | {name: value for name, value in more.items() if value is not None}
    return {"kind": type(error).__name__, "message": str(error), "code": "node.failed"}


class TapedTools:
    """Tools whose calls go through the cassette in use."""

    def __init__(self, tools: Tools, cassettes: Cassettes) -> None:
        self._tools, self._cassettes = tools, cassettes

    def find(self, name: str) -> Tool | None:
        tool = self._tools.find(name)
        return tool if tool is None or self._cassettes.current is None else _TapedTool(tool, self._cassettes)

    def names(self) -> Sequence[str]:
        return self._tools.names()

    def suggest(self, name: str) -> str | None:
        return self._tools.suggest(name)


class _TapedTool:
    def __init__(self, tool: Tool, cassettes: Cassettes) -> None:
        self._tool, self._cassettes = tool, cassettes

    def __getattr__(self, name: str) -> Any:
        return getattr(self._tool, name)

    async def call(self, arguments: Mapping[str, Any], call: Call) -> Any:
        asked = {"tool": self._tool.name, "with": dict(arguments)}
        return await self._cassettes.around(asked, lambda: self._tool.call(arguments, call))


class TapedAgents:
    """Agents whose replies go through the cassette in use."""

    def __init__(self, agents: Agents, cassettes: Cassettes) -> None:
        self._agents, self._cassettes = agents, cassettes

    def find(self, model: str) -> AgentFunction | tuple[AgentRuntime, str] | None:
        found = self._agents.find(model)
        if isinstance(found, tuple):
            return _TapedRuntime(found[0], self._cassettes), found[1]
        return None if found is None else _TapedFunction(found, self._cassettes)

    def names(self) -> Sequence[str]:
        return self._agents.names()

    def suggest(self, model: str) -> str | None:
        return self._agents.suggest(model)


class _TapedFunction:
    def __init__(self, agent: AgentFunction, cassettes: Cassettes) -> None:
        self._agent, self._cassettes = agent, cassettes

    def __getattr__(self, name: str) -> Any:
        return getattr(self._agent, name)

    async def answer(self, inputs: Mapping[str, Any], call: Call) -> Any:
        asked = {"agent": self._agent.name, "asked": dict(inputs)}
        return await self._cassettes.around(asked, lambda: self._agent.answer(inputs, call))


class _TapedRuntime:
    def __init__(self, runtime: AgentRuntime, cassettes: Cassettes) -> None:
        self._runtime, self._cassettes = runtime, cassettes

    def __getattr__(self, name: str) -> Any:
        return getattr(self._runtime, name)

    async def complete(self, request: ModelRequest, on_text: Callable[[str], None]) -> ModelReply:
        if self._cassettes.current is None:
            return await self._runtime.complete(request, on_text)

        async def make() -> Entry:
            return _kept(await self._runtime.complete(request, on_text))

        played = self._cassettes.current.mode == "replay"
        address = getattr(self._runtime, "address", None)
        if address is not None:
            self._cassettes.current.servers[self._runtime.provider] = shown_address(address)
        reply = _reply(await self._cassettes.around(_asked(self._runtime.provider, request), make))
        if played and request.stream and reply.text:
            on_text(reply.text)
        return reply


def shown_address(address: str) -> str:
    """A server's address without what may be a key in it."""
    parts = urlsplit(address)
    return f"{parts.scheme}://{parts.hostname or ''}{f':{parts.port}' if parts.port else ''}{parts.path}"


def _asked(provider: str, request: ModelRequest) -> Entry:
    asked: Entry = {"model": f"{provider}/{request.model}", "messages": [_message(turn) for turn in request.messages]}
    if request.tools:
        asked["tools"] = [tool.name for tool in request.tools]
    if request.schema is not None:
        asked["schema"] = dict(request.schema)
    return asked


def _message(turn: Message) -> Entry:
    said: Entry = {"role": turn.role, "content": turn.text}
    if turn.requests:
        said["calls"] = [{"name": call.name, "arguments": call.arguments} for call in turn.requests]
    if turn.attachments:
        said["attachments"] = [
            {"media": each.media, "url": each.url, "content": each.content} for each in turn.attachments
        ]
    return said


def _kept(reply: ModelReply) -> Entry:
    kept: Entry = {"text": reply.text, "stop": reply.stop, "model": reply.model}
    if reply.requests:
        kept["calls"] = [{"id": call.id, "name": call.name, "arguments": call.arguments} for call in reply.requests]
    usage = {name: getattr(reply.usage, name) for name in ("input", "output", "cached", "reasoning")}
    return kept | {"usage": {name: count for name, count in usage.items() if count is not None}}


def _reply(kept: Entry) -> ModelReply:
    requests = tuple(ToolRequest(call["id"], call["name"], call["arguments"]) for call in kept.get("calls", ()))
    return ModelReply(kept["text"], requests, Usage(**kept.get("usage", {})), kept["stop"], kept.get("model", ""))
