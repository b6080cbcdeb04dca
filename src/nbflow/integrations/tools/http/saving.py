"""A reply's body as a file of the working directory: written while it comes, under its name only when it is whole.

The path may come from what others wrote; so it stays below the working directory, whatever it looks like.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import os
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

from nbflow.errors import NodeError
from nbflow.integrations.tools.http.bodies import Unpacker

PIECE = 1_000_000  # bytes that are gathered before they are written
OURS = ".nbflow"


class File(NamedTuple):
    """Where a body goes: the whole path, and the name below the working directory."""

    path: Path
    name: str


def checked_file(text: str, folder: Path) -> File:
    """The file that `text` names below `folder`. Raises `NodeError` (`InvalidInput`, ``http.file``) for others."""
    path = Path(text)
    if (
        not text.strip()
        or "\0" in text
        or path.is_absolute()
        or text.endswith(("/", os.sep))
        or path.name in ("", "..")
    ):
        raise _wrong(f"'{text}' is no file below the working directory")
    home = folder.resolve()
    whole = (home / path).resolve()
    if not whole.is_relative_to(home) or whole == home or OURS in whole.relative_to(home).parts or whole.is_dir():
        raise _wrong(f"'{text}' is no file below the working directory")
    return File(whole, str(whole.relative_to(home)))


async def save(pieces: AsyncIterator[bytes], encoding: str, most: int, file: File) -> dict[str, Any]:
    """Write the body, unpacked, and return ``{file, bytes, sha256}``; stopped at `most` bytes.

    A body that does not come to its end leaves no file, and a file that was there as it was. Raises `NodeError`.
    """
    path = file.path
    beside = path.with_name(f".{path.name}.{os.getpid()}.{id(pieces):x}.part")
    try:
        await asyncio.to_thread(path.parent.mkdir, parents=True, exist_ok=True)
        facts = await _write(pieces, Unpacker(encoding, most), beside)
        await asyncio.to_thread(beside.replace, path)
    except OSError as problem:
        failure = NodeError("Unavailable", f"cannot write {path.name}: {problem.strerror}", code="http.file")
    else:
        return {"file": file.name, **facts}
    finally:
        with contextlib.suppress(OSError):
            beside.unlink(missing_ok=True)
    raise failure


async def _write(pieces: AsyncIterator[bytes], unpacker: Unpacker, path: Path) -> dict[str, Any]:
    digest, size, waiting = hashlib.sha256(), 0, bytearray()
    with path.open("wb") as file:
        async for piece in pieces:
            waiting += unpacker.feed(piece)
            if len(waiting) >= PIECE:
                size += await asyncio.to_thread(_append, file, digest, bytes(waiting))
                waiting.clear()
        unpacker.close()
        size += await asyncio.to_thread(_append, file, digest, bytes(waiting))
    return {"bytes": size, "sha256": digest.hexdigest()}


def _append(file: BinaryIO, digest: Any, content: bytes) -> int:
    digest.update(content)
    return file.write(content)


def _wrong(message: str) -> NodeError:
    hint = "save: a relative path, as data/report.csv"
    return NodeError("InvalidInput", message, code="http.file", hint=hint)
