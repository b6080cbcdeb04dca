"""The embedded catalog: one file of facts beside the database, appended under a lock that all processes share.

It needs no DuckDB, so saving never waits for a query. Each line has a checksum; a torn last line was never
acknowledged and is overwritten, a damaged one stays, is named and nothing behind it is lost.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TypeVar
from zlib import crc32

from nbflow.storage.catalog import DAMAGED, LogCatalog
from nbflow.storage.duckdb.folder import Folder, sync_folder
from nbflow.storage.duckdb.values import FileValues

Answer = TypeVar("Answer")

_SAVED = b'"fact":"Saved"'
_TORN = re.compile(rb"([0-9a-f]{0,8}|[0-9a-f]{8} (\{.*)?)\Z", re.DOTALL)
_CRC = 9  # eight digits of the checksum, a space


class FileFacts:
    """Lines ``crc fact`` in ``catalog.jsonl``."""

    def __init__(self, folder: Folder) -> None:
        self.folder = folder
        self.path = folder.catalog

    async def read(self, after: int) -> list[bytes]:
        return (await _in_thread(self._lines))[after:]

    async def append(self, number: int, fact: bytes) -> bool:
        return await _in_thread(partial(self._append, number, fact))

    async def close(self) -> None:
        """Nothing is held."""

    def _lines(self) -> list[bytes]:
        try:
            content = self.path.read_bytes()
        except FileNotFoundError:
            return []
        return [line[_CRC:] if _intact(line) else DAMAGED + line for line in _lines_of(content)]

    def all(self) -> list[bytes]:
        """All facts, in order."""
        return [line for line in self._lines() if not line.startswith(DAMAGED)]

    def take_in(self, facts: list[bytes]) -> int:
        """Add facts of another catalog: all when this one is empty, else the versions it does not have.

        The number of versions added. A version that has another meaning here is left out.
        """
        if not self._lines():
            for number, fact in enumerate(facts, 1):
                self._append(number, fact)
            return sum(_SAVED in fact for fact in facts)
        added = 0
        for fact in facts:
            here = self.all()
            if _SAVED in fact and fact not in here and not _takes(here, fact):
                self._append(len(self._lines()) + 1, fact)
                added += 1
        return added

    def damage(self) -> list[str]:
        """What cannot be read, in words."""
        lost = [number for number, line in enumerate(self._lines(), 1) if line.startswith(DAMAGED)]
        return [f"{self.path.name}: line {number} is damaged; what it said of a workflow is lost" for number in lost]

    def _append(self, number: int, fact: bytes) -> bool:
        self.folder.create()
        with self.folder.held("catalog"):
            if number != len(self._lines()) + 1:
                return False
            new = not self.path.exists()
            with self.path.open("r+b" if not new else "w+b") as file:
                before = b"".join(line + b"\n" for line in _lines_of(file.read()))
                file.seek(max(0, len(before) - 1))
                file.truncate()
                file.write(before[-1:] + b"%08x %b\n" % (crc32(fact), fact))
                file.flush()
                os.fsync(file.fileno())
            if new:
                sync_folder(self.path.parent)
            return True


class DuckDBCatalog(LogCatalog):
    """The catalog of the embedded store whose database is `path`."""

    def __init__(self, path: str | Path) -> None:
        folder = Folder(Path(path).absolute())
        values = FileValues(folder.values, folder.lock_of("values"))
        super().__init__(FileFacts(folder), values.put, values.get)


def _takes(here: list[bytes], fact: bytes) -> bool:
    """Whether the version of a fact is here already."""
    version = json.loads(fact)["fields"]["version"]
    named = {(each["name"], each["version"]) for each in map(_version, here) if each}
    return (version["name"], version["version"]) in named


def _version(fact: bytes) -> dict[str, str] | None:
    if _SAVED not in fact:
        return None
    found: dict[str, str] = json.loads(fact)["fields"]["version"]
    return found


def _intact(line: bytes) -> bool:
    return line[: _CRC - 1] == b"%08x" % crc32(line[_CRC:])


def _lines_of(content: bytes) -> list[bytes]:
    """The lines of the file. What stands behind the last one is a line too, unless it is the beginning of one."""
    *lines, rest = content.split(b"\n")
    return lines if _TORN.match(rest) and not _intact(rest) else [*lines, rest]


async def _in_thread(work: Callable[[], Answer]) -> Answer:
    return await asyncio.get_running_loop().run_in_executor(None, work)
