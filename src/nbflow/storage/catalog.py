"""The catalog over any store that keeps facts in order: read what is new, decide, and write at the next number.

Two who save at once both find the same number; the one who comes second reads what the first wrote and decides anew.
So no version is ever lost, whatever the store.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import asdict
from typing import Protocol

from nbflow.errors import CatalogConflict, StorageError
from nbflow.ports.catalog import Entry, Version, Wanted
from nbflow.spec.names import wrong_workflow_name
from nbflow.storage import tags
from nbflow.storage.shelves import FACTS, Aliased, Annotated, Archived, Fact, Lost, Renamed, Shelves, as_fact
from nbflow.storage.tags import Fetch, Keep

FORMAT = 1
DAMAGED = b"!"
_SAID = {key: re.compile(rb'"version":.*"%b":"([^"\\]+)"' % key.encode()) for key in ("name", "version", "hash")}
_PATIENCE = 1000  # times that others may come first


class FactLog(Protocol):
    """Facts in order, numbered from 1 without gaps; each is written once and never changed."""

    async def read(self, after: int) -> list[bytes]:
        """The facts after a number; of one that is damaged, `DAMAGED` and the line as it is."""
        ...

    async def append(self, number: int, fact: bytes) -> bool:
        """Write the fact of this number, on disk when it returns; False when it is there already."""
        ...

    async def close(self) -> None: ...


class LogCatalog:
    """The port `Catalog` over a log of facts; `keep` and `fetch` are for texts too large for a line."""

    def __init__(self, log: FactLog, keep: Keep, fetch: Fetch) -> None:
        self._log, self._keep, self._fetch = log, keep, fetch
        self._shelves = Shelves()

    async def save(self, version: Version) -> Version:
        def decide(shelves: Shelves) -> Fact | None:
            return None if _saved_already(shelves, version) else as_fact(version, shelves.next_number(version.name))

        await self._change(decide)
        found = _saved_already(self._shelves, version)
        assert found is not None
        return found

    async def load(self, name: str, version: str | None = None) -> Version:
        return (await self._fresh()).version(name, version)

    async def versions(self, name: str) -> list[Version]:
        return (await self._fresh()).shelf(name).versions[::-1]

    async def entries(self, *, archived: bool = False) -> list[Entry]:
        shelves = await self._fresh()
        return [
            shelf.entry() for _, shelf in sorted(shelves.by_name.items())
            if shelf.versions and (archived or not (shelf.archived or shelf.latest() is None))
        ]  # fmt: skip

    async def search(self, wanted: Wanted) -> list[Version]:
        return list((await self._fresh()).search(wanted))

    async def alias(self, name: str, alias: str, version: str | None) -> None:
        if alias == "latest" or alias.startswith("#") or not alias.strip():
            raise CatalogConflict(f"{alias!r} cannot be an alias", "latest and #numbers have their own meaning")

        def decide(shelves: Shelves) -> Fact:
            shelf = shelves.shelf(name)
            if any(alias == each.version for each in shelf.versions):
                raise CatalogConflict(f"{alias} is a version of {shelf.name}", "choose another alias")
            return Aliased(shelf.name, alias, None if version is None else shelves.version(name, version).number)

        await self._change(decide)

    async def rename(self, name: str, to: str) -> None:
        if (wrong := wrong_workflow_name(to)) is not None:
            message, hint = wrong
            raise CatalogConflict(message, hint or "as in the text's `name:`")

        def decide(shelves: Shelves) -> Fact:
            shelf = shelves.shelf(name)
            if to in shelves.by_name:
                raise CatalogConflict(f"there is a workflow {to} already", "choose another name, or rename that one")
            return Renamed(shelf.name, to)

        await self._change(decide)

    async def archive(self, name: str, version: str | None = None, *, archived: bool = True) -> None:
        def decide(shelves: Shelves) -> Fact:
            shelf = shelves.shelf(name)
            return Archived(shelf.name, None if version is None else shelves.version(name, version).number, archived)

        await self._change(decide)

    async def annotate(
        self, name: str, version: str, *, notes: str | None = None, tags: Sequence[str] | None = None
    ) -> None:
        def decide(shelves: Shelves) -> Fact:
            found = shelves.version(name, version)
            return Annotated(found.name, found.number, notes, None if tags is None else tuple(tags))

        await self._change(decide)

    async def losses(self) -> list[str]:
        return [_in_words(one) for one in (await self._fresh()).lost]

    async def close(self) -> None:
        await self._log.close()

    async def _fresh(self) -> Shelves:
        shelves, after = self._shelves, self._shelves.facts
        lines = await self._log.read(after)
        if shelves is self._shelves and shelves.facts == after:  # else somebody else here has read meanwhile
            for line in lines:
                damaged = line.startswith(DAMAGED)
                shelves.apply(_left(line, shelves.facts + 1) if damaged else _decode(line, self._fetch))
        return self._shelves

    async def _change(self, decide: Callable[[Shelves], Fact | None]) -> None:
        for _ in range(_PATIENCE):
            shelves = await self._fresh()
            fact = decide(shelves)
            if fact is None:
                return
            number = shelves.facts + 1
            if await self._log.append(number, _encode(fact, self._keep)):
                await self._fresh()
                return
            if not await self._log.read(number - 1):  # it is shorter than it was: somebody changed it by hand
                self._shelves = Shelves()
        raise StorageError("store.shared", "others change the catalog all the time", "try again")


def _saved_already(shelves: Shelves, version: Version) -> Version | None:
    """The version that this one is, when it is there. Raises `CatalogConflict` for another meaning."""
    shelf = shelves.by_name.get(version.name)
    same = [each for each in shelf.versions if each.version == version.version] if shelf else []
    if shelf and not same and shelf.lost.get(version.version, version.hash) != version.hash:
        raise CatalogConflict(
            f"{version.name} {version.version} was saved already and its line is damaged; this has another meaning",
            f"give it another version, such as {_next(version.version)}",
        )
    for each in same:
        if each.hash != version.hash:
            raise CatalogConflict(
                f"{version.name} {version.version} is saved with another meaning, and saved versions do not change",
                f"give it another version, such as {_next(version.version)}",
            )
    return next((each for each in reversed(same) if each.text == version.text), None)


def _left(line: bytes, place: int) -> Lost:
    """What is left of a damaged line: what it says of a version, where it can be made out."""
    if b'"fact":"Saved"' not in line:
        return Lost(place)
    said = {key: match[1].decode(errors="replace") for key, wanted in _SAID.items() if (match := wanted.search(line))}
    return Lost(place, **said) if said.keys() == _SAID.keys() else Lost(place)


def _in_words(lost: Lost) -> str:
    said = f"{lost.name} {lost.version}" if lost.name else "a workflow"
    return f"line {lost.place} of the catalog is damaged; what it said of {said} is lost"


def _next(version: str) -> str:
    head, dot, last = version.rpartition(".")
    return f"{head}{dot}{int(last) + 1}" if last.isdigit() else f"{version}.1"


def _encode(fact: Fact, keep: Keep) -> bytes:
    said = tags.write(asdict(fact), keep)
    return b'{"v":%d,"fact":"%b","fields":%b}' % (FORMAT, type(fact).__name__.encode(), said)


def _decode(line: bytes, fetch: Fetch) -> Fact:
    said = tags.read(line, fetch)
    kind, fields = FACTS.get(said["fact"]), said["fields"]
    if said["v"] > FORMAT or kind is None:
        raise StorageError(
            "store.version",
            f"the catalog has a fact {said['fact']} of format {said['v']}",
            "it was written by a newer nbflow; upgrade to read it",
        )
    if kind is Annotated and fields.get("tags") is not None:
        fields["tags"] = tuple(fields["tags"])
    return kind(**fields)
