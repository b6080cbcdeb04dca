"""How a conversation begins: the inputs of an agent node as messages."""

from __future__ import annotations

import base64
import binascii
import json
import mimetypes
from collections.abc import Mapping, Sequence
from typing import Any

from nbflow.errors import NodeError
from nbflow.ports.agents import Attachment, Message

ROLES = ("system", "user", "assistant")
SIGNATURES = (
    (b"\x89PNG", "image/png"),
    (b"\xff\xd8", "image/jpeg"),
    (b"GIF8", "image/gif"),
    (b"%PDF", "application/pdf"),
)


def opening(inputs: Mapping[str, Any], memory: Sequence[Mapping[str, Any]] = ()) -> list[Message]:
    """System, what is remembered, the author's messages, then the prompt with its images.

    Raises `NodeError` (`InvalidInput`) for inputs that are no conversation.
    """
    messages = [Message("system", as_text(inputs["system"]))] if inputs.get("system") is not None else []
    messages += [_message(turn) for turn in memory]
    given = inputs.get("messages") or ()
    if not isinstance(given, list | tuple):
        raise _wrong("'messages' is a list of {role, content}")
    messages += [_message(turn) for turn in given]
    images = tuple(map(_attachment, _listed(inputs.get("images"))))
    if inputs.get("prompt") is not None:
        messages.append(Message("user", as_text(inputs["prompt"]), attachments=images))
    elif images:
        messages.append(Message("user", "", attachments=images))
    if not any(message.role == "user" for message in messages):
        raise _wrong("the agent has neither a prompt nor a message of the user")
    return messages


def as_text(value: Any) -> str:
    """Text as it is, anything else as compact JSON."""
    if isinstance(value, str):
        return value
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), default=str)


def _message(turn: Any) -> Message:
    if not isinstance(turn, Mapping) or turn.get("role") not in ROLES:
        raise _wrong("a message is {role: system|user|assistant, content: …}")
    images = tuple(map(_attachment, _listed(turn.get("images"))))
    return Message(turn["role"], as_text(turn.get("content", "")), attachments=images)


def _listed(value: Any) -> Sequence[Any]:
    if value is None:
        return ()
    return value if isinstance(value, list | tuple) else (value,)


def _attachment(value: Any) -> Attachment:
    if isinstance(value, Mapping):
        content, name, media = value.get("content"), value.get("name"), value.get("media")
        if isinstance(value.get("url"), str):
            return _by_address(value["url"], media, name)
        if isinstance(content, bytes):
            return Attachment(media or _media(content, name), content=content, name=name)
        if isinstance(content, str):
            return Attachment(media or "text/plain", content=content.encode(), name=name)
    if isinstance(value, bytes):
        return Attachment(_media(value, None), content=value)
    if isinstance(value, str):
        return _by_address(value, None, None)
    raise _wrong("an image is an address, bytes, or {url or content, media, name}")


def _by_address(url: str, media: str | None, name: str | None) -> Attachment:
    if url.startswith("data:"):
        head, _, body = url.partition(",")
        try:
            content = base64.b64decode(body, validate=True) if head.endswith(";base64") else body.encode()
        except binascii.Error:
            raise _wrong("a data: address of an image is not base64") from None
        return Attachment(media or head[5:].partition(";")[0] or "text/plain", content=content, name=name)
    if url.startswith(("https://", "http://")):
        guessed = mimetypes.guess_type(url.partition("?")[0])[0]
        return Attachment(media or guessed or "image/*", url=url, name=name)
    raise _wrong("the address of an image begins with https:, http: or data:", "files are given as bytes")


def _media(content: bytes, name: str | None) -> str:
    for start, media in SIGNATURES:
        if content.startswith(start):
            return media
    if content[:4] == b"RIFF" and content[8:12] == b"WEBP":
        return "image/webp"
    guessed = mimetypes.guess_type(name)[0] if name else None
    return guessed or "application/octet-stream"


def _wrong(message: str, hint: str | None = None) -> NodeError:
    return NodeError("InvalidInput", message, code="agent.inputs", hint=hint)


def shown(message: Message) -> dict[str, Any]:
    """A message as it is recorded: attachments by what they are, not by their bytes."""
    said: dict[str, Any] = {"role": message.role, "content": message.text}
    if message.requests:
        said["calls"] = [{"id": call.id, "name": call.name, "arguments": call.arguments} for call in message.requests]
    if message.answers is not None:
        said["answers"] = message.answers
    if message.attachments:
        said["attachments"] = [
            {"media": item.media, "name": item.name, "url": item.url, "bytes": len(item.content or b"")}
            for item in message.attachments
        ]
    return said
