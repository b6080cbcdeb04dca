"""What the inside asks about executions as a whole: finding them, page by page."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Protocol

CALLS = ("model", "tool")  # kinds of records that count as calls; a person's answer and prints stand beside them


@dataclass(frozen=True, slots=True)
class Listed:
    """One execution in a list. Times are seconds since the epoch; tokens and `usd` are None when no call said them."""

    execution: str
    workflow: str
    version: str
    phase: str
    started: float
    ended: float | None
    error: dict[str, Any] | None
    records: int
    nodes: int = 0
    attempts: int = 0
    calls: int = 0
    input_tokens: int | None = None
    output_tokens: int | None = None
    usd: float | None = None
    labels: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Query:
    """Which executions; all that is given must hold.

    `also` are other names of the workflow, whose executions are wanted too. `since` and `until` bound the start.
    `labels` and `inputs` are wanted by name and value (a value as text or JSON data). `tag` is the name of a label,
    whatever its value; `tagged` are the (workflow, version) that have the tag too, and whose executions are found
    whether they have the label or not. `error` is found in kind and message, any case of letters. `usd` is the least
    cost. `cursor` is `Page.next`.
    """

    phases: tuple[str, ...] = ()
    workflow: str | None = None
    version: str | None = None
    since: float | None = None
    until: float | None = None
    labels: dict[str, str] = field(default_factory=dict)
    tag: str | None = None
    tagged: frozenset[tuple[str, str]] = frozenset()
    inputs: dict[str, Any] = field(default_factory=dict)
    error: str | None = None
    usd: float | None = None
    limit: int = 50
    cursor: str | None = None
    also: frozenset[str] = frozenset()

    @property
    def workflows(self) -> list[str] | None:
        """The names of workflows that are wanted; None when any is."""
        return None if self.workflow is None else sorted(self.also | {self.workflow})


@dataclass(frozen=True, slots=True)
class Page:
    """Executions, the latest started first; `next` asks for the page after this one, None when it is the last."""

    rows: tuple[Listed, ...]
    next: str | None = None


class Executions(Protocol):
    """All executions of a store, of every process."""

    async def find(self, query: Query) -> Page:
        """The executions that fit. Pages do not skip or repeat an execution that was there all the time.

        Raises `StorageError` ``store.cursor`` for a cursor that is none.
        """
        ...

    async def close(self) -> None:
        """Release what is held."""
        ...
