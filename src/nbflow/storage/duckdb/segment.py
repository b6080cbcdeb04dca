"""A segment: the append-only file that one writer writes, and how anybody reads it.

The first line is a header of fixed length that says how far the file is on disk: while its writer lives,
readers believe nothing beyond that, so nobody sees a record before it is durable. When the writer is dead all whole
lines count. A torn last line was never acknowledged, and is no damage.
"""

from __future__ import annotations

import json
import os
import re
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from nbflow.errors import StorageError
from nbflow.storage.codec import intact
from nbflow.storage.duckdb.folder import sync_folder

HEADER = 128  # bytes, with the newline
FORMAT = 1
CHUNK = 64 * 1024 * 1024  # at most so much is read at once

_sync = getattr(os, "fdatasync", os.fsync)
_NAME = re.compile(r"^(?P<writer>.+)-(?P<number>\d{6})(\.cut-(?P<cut>\d+))?\.jsonl$")


class Segment:
    """A segment being written. Only its writer's thread touches it."""

    def __init__(self, folder: Path, writer: str, number: int) -> None:
        self.path = folder / f"{writer}-{number:06d}.jsonl"
        self._descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o666)
        self.synced = HEADER
        self.spoiled = False  # what is in it is safe, but it must not be written any more
        try:
            _write(self._descriptor, _header(HEADER), 0)
            os.fsync(self._descriptor)
            sync_folder(folder)
        except OSError:
            self.abandon()
            raise

    def append(self, content: bytes) -> None:
        """Write whole lines; on disk when it returns. Raises `OSError`; then the segment must be abandoned."""
        _write(self._descriptor, content, self.synced)
        _sync(self._descriptor)
        self.synced += len(content)
        try:
            _write(self._descriptor, _header(self.synced), 0)
        except OSError:
            self.spoiled = True

    def close(self) -> None:
        os.close(self._descriptor)

    def abandon(self) -> None:
        """Give up after an error: what was not acknowledged is cut off, and the file is never written again.

        The name says where it ends, in case that it cannot be cut; and that nobody writes it.
        """
        with suppress(OSError):
            os.ftruncate(self._descriptor, self.synced)
            os.fsync(self._descriptor)
        with suppress(OSError):
            self.path.rename(self.path.with_name(f"{self.path.stem}.cut-{self.synced}.jsonl"))
            sync_folder(self.path.parent)
        with suppress(OSError):
            os.close(self._descriptor)


@dataclass(frozen=True, slots=True)
class Chunk:
    """What was read of a segment: whole and intact lines, and where the next reading begins."""

    lines: bytes
    end: int
    more: bool = False
    damage: tuple[tuple[int, str], ...] = field(default=())  # (offset, what is wrong)


@dataclass(frozen=True, slots=True)
class Name:
    """What a segment's name says."""

    writer: str
    number: int
    cut: int | None


def name_of(path: Path) -> Name | None:
    """The parts of a segment's name; None for any other file."""
    match = _NAME.match(path.name)
    if match is None:
        return None
    return Name(match["writer"], int(match["number"]), None if match["cut"] is None else int(match["cut"]))


def read(path: Path, start: int, *, live: bool) -> Chunk:
    """The lines of a segment from an offset on. Raises `StorageError` ``store.version`` for a newer format."""
    with path.open("rb") as file:
        head = file.read(HEADER)
        synced = check_header(path, head)
        limit = synced if live else (_cut(path) or file.seek(0, os.SEEK_END))
        begin = max(start, HEADER)
        file.seek(begin)
        content = file.read(max(0, min(limit - begin, CHUNK)))
    more = begin + len(content) < limit
    whole = content.rfind(b"\n") + 1
    if whole == 0 and more:
        return Chunk(b"", begin + len(content), True, ((begin, "no line ends here"),))
    lines, damage = _sift(content[:whole], begin)
    end = begin + whole
    if not live and not more and end < synced:
        damage.append((end, f"the segment is cut short: {synced - end} bytes at its end are missing or damaged"))
    return Chunk(lines, end, more, tuple(damage))


def _sift(content: bytes, begin: int) -> tuple[bytes, list[tuple[int, str]]]:
    """The lines that are intact, and where something is not."""
    lines = content[:-1].split(b"\n") if content else []
    good = [intact(line) for line in lines]
    if all(good):
        return content, []
    kept, damage, offset = [], [], begin
    for line, whole in zip(lines, good, strict=True):
        if whole:
            kept.append(line + b"\n")
        else:
            damage.append((offset, f"a line of {len(line)} bytes is damaged: {line[:60]!r}"))
        offset += len(line) + 1
    return b"".join(kept), damage


def _header(synced: int) -> bytes:
    """The length twice, so that a reader sees when it looks in the middle of a change."""
    text = json.dumps({"nbflow": "segment", "format": FORMAT, "synced": f"{synced:015d}", "again": f"{synced:015d}"})
    return text.ljust(HEADER - 1).encode() + b"\n"


def check_header(path: Path, head: bytes) -> int:
    """How far a segment is on disk; what cannot be read says: not at all, ask when the writer is dead."""
    try:
        parts = json.loads(head)
        version, synced, again = parts["format"], parts["synced"], parts["again"]
    except (ValueError, KeyError, TypeError):
        return 0
    if version > FORMAT:
        raise StorageError(
            "store.version",
            f"{path} is of format {version}; this nbflow reads up to {FORMAT}",
            "it was written by a newer nbflow; upgrade to read it",
        )
    return int(synced) if synced == again else 0


def _cut(path: Path) -> int | None:
    name = name_of(path)
    return name.cut if name else None


def _write(descriptor: int, content: bytes, offset: int) -> None:
    view = memoryview(content)
    while view:
        written = os.pwrite(descriptor, view, offset)
        offset += written
        view = view[written:]
