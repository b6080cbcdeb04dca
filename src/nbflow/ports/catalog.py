"""What the inside asks of a catalog: named workflows, each a line of versions that never change."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

from nbflow.plan.plan import AgentCall, Plan, ToolCall


@dataclass(frozen=True, slots=True)
class Version:
    """One version of a workflow. `hash` is of its meaning, `saved` is in seconds since the epoch.

    `kinds`, `tools` and `models` are what its nodes use, for searching. `number` counts from 1 within the name;
    it and `archived` are the catalog's to say. Two wordings of one meaning may have one version.
    """

    name: str
    version: str
    hash: str
    text: str
    saved: float = 0.0
    by: str = ""
    notes: str = ""
    tags: tuple[str, ...] = ()
    kinds: tuple[str, ...] = ()
    tools: tuple[str, ...] = ()
    models: tuple[str, ...] = ()
    number: int = 0
    archived: bool = False

    @staticmethod
    def of(plan: Plan, *, saved: float, by: str = "", notes: str = "", tags: Sequence[str] = ()) -> Version:
        """The version that a plan is, to be saved."""
        nodes = [*plan.body.nodes_within(), *(plan.on_error.nodes_within() if plan.on_error else ())]
        works = [node.work for node in nodes]
        kinds = [node.kind for node in nodes] + (["machine"] if plan.machine else [])
        return Version(
            plan.name, plan.version, plan.hash, plan.source, saved, by, notes,
            tuple(dict.fromkeys([*plan.tags, *tags])),
            tuple(sorted(set(kinds))),
            tuple(sorted({work.name for work in works if isinstance(work, ToolCall)})),
            tuple(sorted({work.model for work in works if isinstance(work, AgentCall) and work.model})),
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Entry:
    """One workflow of the catalog: its latest version that is not archived (or its last one), and its aliases."""

    name: str
    latest: Version
    versions: int
    aliases: dict[str, str] = field(default_factory=dict)  # alias → hash
    archived: bool = False
    former: tuple[str, ...] = ()  # names it had before


@dataclass(frozen=True, slots=True)
class Wanted:
    """What to search for; all that is given must hold. `text` is found in names, texts, notes, any case of letters.

    `versions` are the only ones that may be found, as (name, version) pairs: those an execution question chose.
    """

    text: str | None = None
    tag: str | None = None
    kind: str | None = None
    tool: str | None = None
    model: str | None = None
    by: str | None = None
    archived: bool = False
    all_versions: bool = False  # not only the latest of each
    versions: frozenset[tuple[str, str]] | None = None


class Catalog(Protocol):
    """Workflows by name. What is saved is never changed or lost; names, aliases and notes may change.

    A workflow is found by its name or a former one. A version is named by its author's version, a beginning of its
    hash (6 characters or more), an alias, ``latest``, or its number as ``#3``. What is not there raises `NotFound`
    that names what is near.
    """

    async def save(self, version: Version) -> Version:
        """Add a version; it is on disk when this returns. The same text again is the version that is there.

        Raises `CatalogConflict` when this version of the name has another meaning already.
        """
        ...

    async def load(self, name: str, version: str | None = None) -> Version:
        """A version, or the latest that is not archived."""
        ...

    async def versions(self, name: str) -> list[Version]:
        """All versions of a workflow, the newest first."""
        ...

    async def entries(self, *, archived: bool = False) -> list[Entry]:
        """One entry a workflow, by name; archived ones only when asked."""
        ...

    async def search(self, wanted: Wanted) -> list[Version]:
        """The versions that fit, by name and newest first."""
        ...

    async def alias(self, name: str, alias: str, version: str | None) -> None:
        """Let an alias (``prod``) name a version; None takes it away."""
        ...

    async def rename(self, name: str, to: str) -> None:
        """Give a workflow another name; the former one goes on finding it until it is used anew.

        Raises `CatalogConflict` when there is a workflow of that name, or a text could not have it.
        """
        ...

    async def archive(self, name: str, version: str | None = None, *, archived: bool = True) -> None:
        """Put a version, or a whole workflow, out of sight or back; it can still be loaded by its version."""
        ...

    async def annotate(
        self, name: str, version: str, *, notes: str | None = None, tags: Sequence[str] | None = None
    ) -> None:
        """Replace notes or tags of a version; what is None stays."""
        ...

    async def losses(self) -> list[str]:
        """What cannot be read any more, in words."""
        ...

    async def close(self) -> None:
        """Release what is held."""
        ...
