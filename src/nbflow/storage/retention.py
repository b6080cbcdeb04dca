"""Which executions a store lets go: a rule for all stores, over the ends of families.

A family is an execution with the children that its nodes started (``ID.…``), and goes as a whole, once all of it has
ended: who goes on with a parent must find its children. A workflow's own ``keep:`` comes before what is set or asked.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Protocol

from nbflow.errors import NbflowError
from nbflow.spec.document import load
from nbflow.spec.durations import parse_duration


@dataclass(frozen=True, slots=True)
class Ended:
    """An execution of a store. `ended` is None while it has not; `source` may be empty where it says no ``keep``."""

    execution: str
    ended: float | None
    bytes: int = 0
    source: str = ""


@dataclass(frozen=True, slots=True)
class Vacuumed:
    """What was taken out, and the bytes of the store before and after."""

    executions: int
    records: int
    values: int
    before: int
    after: int


class Retains(Protocol):
    """What every store can do about its size."""

    def due(self, every: float) -> bool:
        """Whether nobody has done so for `every` seconds, as far as the store knows; then the caller has the turn."""
        ...

    def vacuum(self, *, keep: float | None = None, size: int | None = None) -> Vacuumed:
        """Take out executions that ended more than `keep` seconds ago, and the oldest until `size` bytes are left.

        Others may write meanwhile; what has not ended stays. Raises `StorageError`.
        """
        ...


@dataclass(slots=True)
class _Family:
    ended: float | None = 0.0
    bytes: int = 0
    keep: float | None = None
    members: list[str] = field(default_factory=list)


def doomed(
    rows: Iterable[Ended], now: float, keep: float | None = None, size: int | None = None, present: int = 0
) -> list[str]:
    """The executions that go, the family that ended first first; `present` is how many bytes the store has now."""
    families = _families(rows)
    ended = sorted((family.ended, root) for root, family in families.items() if family.ended is not None)
    too_much = 0.0 if size is None else max(0, present - size) / max(1, present)
    total = sum(families[root].bytes for _, root in ended) or 1
    gone, found = 0, []
    for end, root in ended:
        family = families[root]
        stays = keep if family.keep is None else family.keep
        late = stays is not None and end < now - stays
        if late or (family.keep is None and gone / total < too_much):
            found += family.members
            gone += family.bytes
    return found


def root_of(execution: str) -> str:
    """The execution that a person started."""
    return execution.partition(".")[0]


@lru_cache(maxsize=256)
def keep_of(source: str) -> float | None:
    """The seconds that a workflow's text says its executions stay; None when it does not, or cannot be read."""
    if "keep" not in source:
        return None
    try:
        text = load(source).plain()
        said = text.get("keep") if isinstance(text, dict) else None
        return parse_duration(said) if isinstance(said, str) else None
    except (NbflowError, ValueError):
        return None


def _families(rows: Iterable[Ended]) -> dict[str, _Family]:
    families: dict[str, _Family] = {}
    for row in rows:
        root = root_of(row.execution)
        family = families.setdefault(root, _Family())
        family.members.append(row.execution)
        family.bytes += row.bytes
        family.ended = None if family.ended is None or row.ended is None else max(family.ended, row.ended)
        if row.execution == root:
            family.keep = keep_of(row.source)
    return families
