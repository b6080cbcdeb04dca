"""Stores by their address: which adapters keep a journal, a catalog, executions; what is asked of more than one."""

from __future__ import annotations

import asyncio
import functools
import getpass
import logging
import os
import warnings
import weakref
from collections.abc import Coroutine, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import fields, replace
from datetime import UTC, datetime
from importlib.metadata import entry_points
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, TypeVar

from nbflow.analytics import frames
from nbflow.errors import StorageError
from nbflow.ports.catalog import Catalog, Version, Wanted
from nbflow.ports.clock import SystemClock
from nbflow.ports.executions import Executions, Listed, Page, Query
from nbflow.ports.journal import Journal
from nbflow.settings import settings
from nbflow.spec.durations import parse_duration
from nbflow.storage.adapters import NoSuchPart, adapter
from nbflow.storage.addresses import Address, read_address
from nbflow.storage.retention import Retains

if TYPE_CHECKING:
    import pandas as pd

LOG = logging.getLogger(__name__)
PHASES = ("running", "waiting", "paused", "suspended", "completed", "failed", "cancelled")  # of whole executions
Found = TypeVar("Found")

RETAIN_EVERY = 3600.0  # seconds
_PAGE = 1000  # executions asked for at once
_retaining = ThreadPoolExecutor(1, "nbflow-retention")

in_use: weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, dict[str, Journal]] = weakref.WeakKeyDictionary()
"""The journals of engines, by their loop and address; those of `memory:` are nowhere else."""


def store_url(store: str | None = None) -> str:
    """The address of a store: given, set, or the default under the working directory."""
    if store is not None:
        return store
    return settings().store


def open_journal(store: str | None = None) -> Journal:
    """The journal at an address. Raises `StorageError` for one that is not known."""
    address = _address(store)
    if address.scheme == "memory":
        return adapter("memory", "journal")()  # type: ignore[no-any-return]
    if address.moved and address.path is not None:
        address.path.parent.mkdir(parents=True, exist_ok=True)
        warnings.warn(f"the folder cannot be written; executions are kept in {address.path}", stacklevel=2)
    return adapter(address.scheme, "journal")(address.path or address.url)  # type: ignore[no-any-return]


def open_catalog(store: str | None = None) -> Catalog:
    """The catalog at an address; workflows of `memory:` last as long as the process."""
    address = _address(store)
    if address.scheme == "memory":
        from nbflow.storage.memory.catalog import MemoryCatalog

        return MemoryCatalog(_shelf())
    return adapter(address.scheme, "catalog")(address.path or address.url)  # type: ignore[no-any-return]


def open_executions(store: str | None = None) -> Executions:
    """Finding executions at an address; those of `memory:` are the ones of an engine of this process."""
    address = _address(store)
    if address.scheme == "memory":
        from nbflow.storage.memory.executions import MemoryExecutions
        from nbflow.storage.memory.journal import MemoryJournal

        journal = find_tables(address.url)
        return MemoryExecutions(journal if isinstance(journal, MemoryJournal) else MemoryJournal())
    return adapter(address.scheme, "executions")(address.path or address.url)  # type: ignore[no-any-return]


def open_upkeep(store: str | None = None) -> Any:
    """Checking, vacuum, export and import of an embedded store. Raises `StorageError` for others."""
    address = _address(store)
    if address.path is None:
        raise StorageError(
            "store.url",
            f"this is for embedded stores, not for {address.scheme}",
            "a server has tools of its own, such as pg_dump",
        )
    return adapter(address.scheme, "upkeep")(address.path)


def open_retention(store: str | None = None) -> Retains | None:
    """What keeps a store small; None for one that goes with its process, or whose package has nothing for it.

    Raises `StorageError` for one that cannot be had.
    """
    address = _address(store)
    try:
        return adapter(address.scheme, "upkeep")(address.path or address.url)  # type: ignore[no-any-return]
    except NoSuchPart:
        return None


def keep_small(store: str) -> None:
    """Let old executions go, now and every hour, in a thread, for as long as the running loop lives.

    Failures are logged; the next hour tries again.
    """
    loop = asyncio.get_running_loop()
    loop.call_later(RETAIN_EVERY, keep_small, store)
    _retaining.submit(_keep_small, store)


def _keep_small(store: str) -> None:
    chosen = settings()
    try:
        upkeep = open_retention(store)
        if upkeep is not None and upkeep.due(RETAIN_EVERY):
            upkeep.vacuum(keep=chosen.keep, size=chosen.keep_size)
    except Exception as problem:  # noqa: BLE001 - a store that cannot be kept small is no reason to stop working
        LOG.warning("old executions are not taken out of %s: %s", store.partition("?")[0].rpartition("@")[2], problem)


async def search(wanted: Wanted, ran: Query | None = None, store: str | None = None) -> list[Version]:
    """The versions that fit, by name and newest first; with `ran` those alone of which such an execution is there."""
    if ran is not None:
        wanted = replace(wanted, versions=await _that_ran(ran, store))
    catalog = open_catalog(store)
    try:
        return await catalog.search(wanted)
    finally:
        await catalog.close()


async def find(query: Query, store: str | None = None) -> Page:
    """A page of executions, as the catalog knows their workflows.

    Those of versions that it has under the tag of the query are found too, and those of former names of a workflow that
    are not used anew.
    """
    if query.tag is not None or query.workflow is not None:
        query = await _as_catalogued(query, store)
    executions = open_executions(store)
    try:
        return await executions.find(query)
    finally:
        await executions.close()


async def _as_catalogued(query: Query, store: str | None) -> Query:
    catalog = open_catalog(store)
    try:
        entries = await catalog.entries(archived=True)
        tagged = await catalog.search(Wanted(tag=query.tag, all_versions=True)) if query.tag is not None else []
    finally:
        await catalog.close()
    present = {entry.name for entry in entries}
    names = {entry.name: {entry.name, *entry.former} - (present - {entry.name}) for entry in entries}
    also = {name for known in names.values() if query.workflow in known for name in known}
    pairs = {(name, version.version) for version in tagged for name in names[version.name]}
    return replace(query, also=frozenset(also), tagged=frozenset(pairs))


async def _that_ran(query: Query, store: str | None) -> frozenset[tuple[str, str]]:
    executions = open_executions(store)
    found: set[tuple[str, str]] = set()
    try:
        cursor: str | None = None
        while True:
            page = await executions.find(replace(query, cursor=cursor, limit=_PAGE))
            found.update((row.workflow, row.version) for row in page.rows)
            if (cursor := page.next) is None:
                return frozenset(found)
    finally:
        await executions.close()


def ran(
    by: str | None = None, phase: str | None = None, since: str | None = None, error: str | None = None
) -> Query | None:
    """Executions by who started them and how they went, in the words of `query`; None when nothing is asked."""
    if by is None and phase is None and since is None and error is None:
        return None
    return query(phase=phase, since=since, error=error, labels={"by": by} if by else {})


def query(
    workflow: str | None = None, *, phase: str | None = None, version: str | None = None, since: str | None = None,
    until: str | None = None, tag: str | None = None, labels: Mapping[str, str] = MappingProxyType({}),
    inputs: Mapping[str, Any] = MappingProxyType({}), error: str | None = None, usd: float | str | None = None,
    limit: int | str = 50, cursor: str | None = None,
) -> Query:  # fmt: skip
    """A query in the words of a person: see `find_executions`. Raises `StorageError` ``store.query``."""
    phases = tuple(one.strip() for one in phase.split(",")) if phase else ()
    for one in phases:
        if one not in PHASES:
            raise StorageError("store.query", f"{one!r} is no phase of an execution", ", ".join(PHASES))
    return Query(
        phases, workflow, version, _moment(since), _moment(until), dict(labels), tag, inputs=dict(inputs), error=error,
        usd=None if usd is None else _number(usd, float, "amount of dollars", 0),
        limit=_number(limit, int, "number of executions", 1), cursor=cursor,
    )  # fmt: skip


Number = TypeVar("Number", int, float)


def _number(text: str | float, kind: type[Number], what: str, least: int) -> Number:
    try:
        found = kind(text)
    except ValueError:
        found = kind(least - 1)
    if not found >= least:
        raise StorageError("store.query", f"{text!r} is no {what}", f"a number from {least} on")
    return found


def _moment(text: str | None) -> float | None:
    """Seconds since the epoch: a time ago, as 7d, or a date, which is UTC unless it says otherwise."""
    if text is None:
        return None
    with suppress(ValueError):
        return SystemClock().now() - parse_duration(text)
    try:
        date = datetime.fromisoformat(text.strip())
    except ValueError:
        hint = "a time ago, such as 7d or 12h, or a date, such as 2026-11-24 or 2026-11-24T12:30"
        raise StorageError("store.query", f"{text!r} is no time", hint) from None
    return (date if date.tzinfo is not None else date.replace(tzinfo=UTC)).timestamp()


def whoami() -> str:
    """Who starts executions here: as set, the user of a hub, or the account's name; empty where nobody knows."""
    chosen = settings().user or os.environ.get("JUPYTERHUB_USER")
    if chosen:
        return chosen
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return ""


def table_of(versions: Sequence[Version]) -> pd.DataFrame:
    """One row a version: workflow, version, number, saved (UTC), by, tags, notes, kinds, tools, models, archived."""
    import pandas as pd

    columns = ["workflow", "version", "number", "saved", "by", "tags", "notes", "kinds", "tools", "models", "archived"]
    rows = [
        (
            one.name, one.version, one.number, datetime.fromtimestamp(one.saved, UTC), one.by, list(one.tags),
            one.notes, list(one.kinds), list(one.tools), list(one.models), one.archived,
        )
        for one in versions
    ]  # fmt: skip
    return pd.DataFrame(rows, columns=columns)


def workflows(
    text: str | None = None, *, tag: str | None = None, kind: str | None = None, tool: str | None = None,
    model: str | None = None, by: str | None = None, run_by: str | None = None, phase: str | None = None,
    since: str | None = None, error: str | None = None, every: bool = False, store: str | None = None,
) -> pd.DataFrame:  # fmt: skip
    """The catalog as a DataFrame, one row a workflow (with `every` a version); all that is given must hold.

    `text` is found in names, texts and notes; `tag`, `kind`, `tool` and `model` are what it has and uses, `by` is who
    saved it. `run_by`, `phase`, `since` (how long ago, as ``7d``, or a date) and `error` ask how it went: a version is
    found of which an execution fits them all.

    >>> workflows("no such words", store="memory:").empty
    True
    """
    wanted = Wanted(text, tag, kind, tool, model, by, all_versions=every)
    return table_of(_apart(search(wanted, ran(run_by, phase, since, error), store)))


def find_executions(
    workflow: str | None = None, *, phase: str | None = None, version: str | None = None, since: str | None = None,
    until: str | None = None, tag: str | None = None, labels: Mapping[str, str] = MappingProxyType({}),
    inputs: Mapping[str, Any] = MappingProxyType({}), error: str | None = None, usd: float | str | None = None,
    limit: int | str = 50, cursor: str | None = None, store: str | None = None,
) -> pd.DataFrame:  # fmt: skip
    """A page of executions as a DataFrame, the latest started first; all that is given must hold.

    `phase` may be several, as ``failed,cancelled``. `since` and `until` bound the start: how long ago, as ``7d``, or a
    date in UTC, as ``2026-11-24``. `tag` is one of the workflow's, as its text or the catalog has them, or the name of
    a label; `labels` and `inputs` are wanted by name and value. `error` is found in kind and message of the error, and
    `usd` is the least cost. The page after this one begins at ``cursor=page.attrs["next"]``, which is None at the end.

    >>> find_executions("demo", phase="failed", since="7d", store="memory:").empty
    True
    """
    asked = query(
        workflow, phase=phase, version=version, since=since, until=until, tag=tag, labels=labels, inputs=inputs,
        error=error, usd=usd, limit=limit, cursor=cursor,
    )  # fmt: skip
    return _page_table(_apart(find(asked, store)))


def _page_table(page: Page) -> pd.DataFrame:
    import pandas as pd

    columns = [each.name for each in fields(Listed)]
    frame = pd.DataFrame([[getattr(row, name) for name in columns] for row in page.rows], columns=columns)
    for name in ("started", "ended"):
        frame[name] = pd.to_datetime(frame[name].astype("float64"), unit="s").dt.round("us")
    frame.insert(columns.index("ended") + 1, "seconds", (frame["ended"] - frame["started"]).dt.total_seconds())
    frame.attrs["next"] = page.next
    return frame


def _apart(work: Coroutine[Any, Any, Found]) -> Found:
    """The result of what runs on a loop of its own, as one may run here already."""
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(asyncio.run, work).result()


def _address(store: str | None) -> Address:
    return read_address(store_url(store), [point.name for point in entry_points(group="nbflow.stores")])


@functools.cache
def _shelf() -> Any:
    from nbflow.storage.memory.catalog import MemoryFacts

    return MemoryFacts()


def find_tables(store: str | None = None) -> str | frames.Attached:
    """Where analytics reads a store: the path of an embedded one, or a journal that can be attached."""
    address = _address(store)
    if address.path is not None:
        return store_url(store)
    for journals in in_use.values():
        journal: object = journals.get(address.url)
        if isinstance(journal, frames.Attached):
            return journal
    opened: object = open_journal(address.url)
    if not isinstance(opened, frames.Attached):
        raise StorageError("store.url", f"analytics cannot read {address.scheme}", "use duckdb:///path")
    return opened


frames.find = find_tables
