"""What a catalog holds: the fold of its facts. Every adapter keeps the facts in order; this says what they mean.

No rule of saving lives in the fold: an old catalog must always load.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass, field, fields, replace
from typing import Any

from nbflow.errors import NotFound
from nbflow.ports.catalog import Entry, Version, Wanted


@dataclass(frozen=True, slots=True)
class Saved:
    """A version was added; `version` has its fields."""

    name: str
    version: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Aliased:
    """An alias names a version by its number, or nothing any more."""

    name: str
    alias: str
    number: int | None


@dataclass(frozen=True, slots=True)
class Renamed:
    name: str
    to: str


@dataclass(frozen=True, slots=True)
class Archived:
    """A version, or the whole workflow, went out of sight or came back."""

    name: str
    number: int | None
    archived: bool


@dataclass(frozen=True, slots=True)
class Annotated:
    """Notes or tags were replaced; None leaves them."""

    name: str
    number: int
    notes: str | None = None
    tags: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True)
class Lost:
    """A fact that cannot be read: its place in order, and what is left of a version that it may have added."""

    place: int
    name: str = ""
    version: str = ""
    hash: str = ""


Fact = Saved | Aliased | Renamed | Archived | Annotated
FACTS: dict[str, type[Fact]] = {kind.__name__: kind for kind in (Saved, Aliased, Renamed, Archived, Annotated)}

_FIELDS = frozenset(field.name for field in fields(Version))
_TUPLES = ("tags", "kinds", "tools", "models")


def as_fact(version: Version, number: int) -> Saved:
    """The fact that adds a version under a number."""
    said = asdict(version) | {"number": number}
    del said["archived"]
    return Saved(version.name, said)


@dataclass(slots=True)
class Shelf:
    """One workflow."""

    name: str
    versions: list[Version] = field(default_factory=list)  # by number
    aliases: dict[str, int] = field(default_factory=dict)
    former: list[str] = field(default_factory=list)
    archived: bool = False
    lost: dict[str, str] = field(default_factory=dict)  # version → hash, of versions whose lines are damaged
    next: int = 1  # the number of the next version

    def entry(self) -> Entry:
        numbered = {version.number: version.hash for version in self.versions}
        aliases = {alias: numbered[number] for alias, number in sorted(self.aliases.items()) if number in numbered}
        latest = self.latest() or self.versions[-1]
        return Entry(self.name, latest, len(self.versions), aliases, self.archived, tuple(self.former))

    def latest(self) -> Version | None:
        return next((version for version in reversed(self.versions) if not version.archived), None)

    def find(self, wanted: str | None) -> Version | None:
        """A version by what people call it: version, alias, number, latest, beginning of its hash."""
        if wanted in (None, "latest"):
            return self.latest()
        if wanted in self.aliases:
            wanted = f"#{self.aliases[wanted]}"
        for version in reversed(self.versions):
            if wanted in (version.version, version.hash, f"#{version.number}"):
                return version
        if wanted is not None and len(wanted) >= 6:
            return next((version for version in reversed(self.versions) if version.hash.startswith(wanted)), None)
        return None


class Shelves:
    """All workflows by name, and the names they had."""

    def __init__(self) -> None:
        self.facts = 0
        self.by_name: dict[str, Shelf] = {}
        self.moved: dict[str, str] = {}  # former name → present one
        self.lost: list[Lost] = []

    def apply(self, fact: Fact | Lost) -> None:
        """Fold one fact; what was about one that is lost falls away, and its number is given to no other."""
        self.facts += 1
        if isinstance(fact, Lost):
            self._lost(fact)
            return
        with suppress(KeyError, IndexError):
            self._establish(fact)

    def _establish(self, fact: Fact) -> None:
        match fact:
            case Saved():
                self._saved(fact)
            case Aliased(name, alias, number):
                aliases = self.by_name[name].aliases
                aliases.pop(alias, None)
                if number is not None:
                    aliases[alias] = number
            case Renamed(name, to):
                self._renamed(name, to)
            case Archived(name, number, archived):
                if number is None:
                    self.by_name[name].archived = archived
                else:
                    self._replace(name, number, archived=archived)
            case Annotated(name, number, notes, tags):
                given = (("notes", notes), ("tags", tags))
                self._replace(name, number, **dict(pair for pair in given if pair[1] is not None))

    def shelf(self, name: str) -> Shelf:
        """A workflow by its name or a former one. Raises `NotFound` that names what is near."""
        found = self.by_name.get(name) or self.by_name.get(self.moved.get(name, ""))
        if found is None or not found.versions:
            raise _not_found(f"the catalog has no workflow {name}", name, sorted(self.by_name))
        return found

    def version(self, name: str, wanted: str | None) -> Version:
        """A version by what people call it. Raises `NotFound`."""
        shelf = self.shelf(name)
        found = shelf.find(wanted)
        if found is None:
            known = [*shelf.aliases, *(version.version for version in shelf.versions)]
            what = f"no version {wanted}" if wanted else "no version that is not archived"
            raise _not_found(f"{shelf.name} has {what}", wanted or "", known[::-1])
        return found

    def search(self, wanted: Wanted) -> Iterator[Version]:
        """The versions that fit, by name and newest first."""
        for name in sorted(self.by_name):
            shelf = self.by_name[name]
            if shelf.archived and not wanted.archived:
                continue
            seen = [version for version in reversed(shelf.versions) if wanted.archived or not version.archived]
            if wanted.versions is not None:  # the last of those that ran so, though there are newer ones
                names = (name, *(former for former in shelf.former if former not in self.by_name))
                seen = [one for one in seen if any((each, one.version) in wanted.versions for each in names)]
            yield from (version for version in (seen if wanted.all_versions else seen[:1]) if _fits(version, wanted))

    def next_number(self, name: str) -> int:
        """What the next version of a name is numbered: none that a lost one may have had."""
        shelf = self.by_name.get(name)
        return (1 if shelf is None else shelf.next) + sum(not one.name for one in self.lost)

    def _lost(self, fact: Lost) -> None:
        self.lost.append(fact)
        if fact.name:
            shelf = self.by_name.setdefault(fact.name, Shelf(fact.name))
            shelf.lost[fact.version] = fact.hash
            shelf.next += 1

    def _saved(self, fact: Saved) -> None:
        shelf = self.by_name.setdefault(fact.name, Shelf(fact.name))
        self.moved.pop(fact.name, None)
        said = {key: value for key, value in fact.version.items() if key in _FIELDS}
        said |= {key: tuple(said.get(key, ())) for key in _TUPLES}
        number = max(shelf.next, said.get("number") or 0)
        shelf.versions.append(Version(**{**said, "name": fact.name, "number": number}))
        shelf.next = number + 1

    def _renamed(self, name: str, to: str) -> None:
        shelf = self.by_name.pop(name)
        shelf.name = to
        shelf.former.append(name)
        shelf.versions = [replace(version, name=to) for version in shelf.versions]
        self.by_name[to] = shelf
        self.moved = {former: to if present == name else present for former, present in self.moved.items()}
        self.moved[name] = to
        self.moved.pop(to, None)

    def _replace(self, name: str, number: int, **changes: Any) -> None:
        shelf = self.by_name[name]
        shelf.versions = [replace(one, **changes) if one.number == number else one for one in shelf.versions]


def _fits(version: Version, wanted: Wanted) -> bool:
    if wanted.text is not None:
        text = wanted.text.casefold()
        if not any(text in place.casefold() for place in (version.name, version.text, version.notes)):
            return False
    lists = (
        (wanted.tag, version.tags), (wanted.kind, version.kinds), (wanted.tool, version.tools),
        (wanted.model, version.models), (wanted.by, (version.by,)),
    )  # fmt: skip
    return not any(sought is not None and sought not in there for sought, there in lists)


def _not_found(message: str, name: str, known: list[str]) -> NotFound:
    near = difflib.get_close_matches(name, known, 1) if name else []
    rest = f"; did you mean {near[0]}?" if near else f"; there is {', '.join(known[:5])}" if known else ""
    error = NotFound(message + rest)
    error.code = "catalog.not_found"
    return error
