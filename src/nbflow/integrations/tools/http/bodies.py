"""What a reply's body is: decompressed within a limit, then JSON, text or bytes by what it says it is."""

from __future__ import annotations

import json
import zlib
from collections.abc import AsyncIterator, Mapping
from typing import Any, NoReturn

from nbflow.errors import NodeError
from nbflow.integrations.inflating import inflater

LARGEST = 2**63 - 1  # whole numbers past this are kept as text: not every store holds them


class Unpacker:
    """Undoes ``Content-Encoding`` (gzip, deflate) and never makes more than `most` bytes in all."""

    def __init__(self, encoding: str, most: int) -> None:
        self._most, self._size = most, 0
        try:
            self._inflater = inflater(encoding)
        except ValueError:
            message = f"the body is encoded as {encoding}, which was not asked for"
            raise NodeError("InvalidOutput", message, code="http.encoding") from None

    def feed(self, piece: bytes) -> bytes:
        """More of the body. Raises `NodeError` (``http.too_large``, ``http.bad_response``)."""
        if self._inflater is None:
            return self._counted(piece)
        try:
            made = self._inflater.decompress(piece, self._most - self._size + 1)
        except zlib.error:
            raise NodeError("Unavailable", "the compressed body is damaged", code="http.bad_response") from None
        return self._counted(made)

    def close(self) -> None:
        """Raises `NodeError` (``http.truncated``) when compressed data has no end."""
        if self._inflater is not None and not self._inflater.is_whole:
            raise truncated()

    def _counted(self, made: bytes) -> bytes:
        self._size += len(made)
        if self._size > self._most:
            message = f"the body is larger than {megabytes(self._most)}: stopped"
            raise NodeError("InvalidOutput", message, code="http.too_large", hint="raise max_bytes, or ask for less")
        return made


def truncated() -> NodeError:
    return NodeError("Unavailable", "the body is cut short", code="http.truncated")


def megabytes(size: int) -> str:
    return f"{size / 1_000_000:g} MB" if size >= 100_000 else f"{size:,} bytes"


async def gather(pieces: AsyncIterator[bytes], encoding: str, most: int) -> bytes:
    """The whole body, unpacked; stopped at `most` bytes."""
    unpacker, made = Unpacker(encoding, most), bytearray()
    async for piece in pieces:
        made += unpacker.feed(piece)
    unpacker.close()
    return bytes(made)


async def beginning(pieces: AsyncIterator[bytes], encoding: str, size: int) -> str:
    """How a body begins, as text; what follows is left."""
    made = b""
    try:
        unpacker = Unpacker(encoding, size)
        async for piece in pieces:
            made += unpacker.feed(piece[:size])
            if len(made) >= size:
                break
    except NodeError:
        pass  # the status is what failed; its body is only shown
    return made[:size].decode("utf-8", "replace")


def parse(content: bytes, media: str, charset: str | None, how: str, notes: list[str]) -> Any:
    """The body as `how` says: ``auto`` by its type, ``json``, ``text`` or ``bytes``. What was mended is noted.

    Raises `NodeError` (`InvalidOutput`, ``http.not_json``) when JSON was wanted or announced and is not there.
    """
    is_json = media.endswith(("/json", "+json"))
    if how == "json" or (how == "auto" and is_json):
        if not content.strip() and how == "auto":
            return None
        return _json(content, media, notes)
    if how == "bytes":
        return content
    if how == "text" or _is_text(media) or not content:
        return _text(content, charset, notes)
    return content


def _is_text(media: str) -> bool:
    return media.startswith("text/") or media.endswith(
        ("/xml", "+xml", "/javascript", "/x-www-form-urlencoded", "/yaml")
    )


def _text(content: bytes, charset: str | None, notes: list[str]) -> str:
    for name in dict.fromkeys((charset or "utf-8", "utf-8")):
        try:
            return content.decode(name)
        except (UnicodeDecodeError, LookupError):
            notes.append(f"http.encoding: the body is not {name.upper()}")
    return content.decode("utf-8", "replace")


def _json(content: bytes, media: str, notes: list[str]) -> Any:
    def whole(text: str) -> Any:
        if len(text) < 19:
            return int(text)
        if len(text) <= 20 and -LARGEST - 1 <= int(text) <= LARGEST:
            return int(text)
        notes.append("type.number: a number outside the range of the store is kept as text")
        return text

    def real(text: str) -> Any:
        number = float(text)
        if number in (float("inf"), float("-inf")):
            notes.append("type.number: a number outside the range of the store is kept as text")
            return text
        return number

    try:
        return json.loads(content, parse_int=whole, parse_float=real, parse_constant=_not_json)
    except (ValueError, RecursionError):
        start = " ".join(content[:200].decode("utf-8", "replace").split())[:60]
        kind = "HTML" if start.lower().startswith(("<html", "<!doctype")) else media or "something else"
        message = f"expected JSON; got {kind} that begins '{start}'" if start else "expected JSON; got an empty body"
        detail = {"raw": content[:100_000].decode("utf-8", "replace")}
        raise NodeError("InvalidOutput", message, code="http.not_json", detail=detail) from None


def _not_json(name: str) -> NoReturn:
    raise ValueError(name)


def content_type(headers: Mapping[str, str]) -> tuple[str, str | None]:
    """The media type in lower case, and the charset it names."""
    media, *parameters = headers.get("content-type", "").split(";")
    for parameter in parameters:
        name, _, value = parameter.partition("=")
        if name.strip().lower() == "charset":
            return media.strip().lower(), value.strip().strip("\"'").lower() or None
    return media.strip().lower(), None
