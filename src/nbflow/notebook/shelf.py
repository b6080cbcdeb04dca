"""The catalog from a notebook: keep a version, find one again, list what there is."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

from nbflow import assembly, stores
from nbflow.notebook.session import Session
from nbflow.plan.workflow import Workflow
from nbflow.ports.catalog import Catalog, Version


@asynccontextmanager
async def shelf(store: str | None) -> AsyncIterator[Catalog]:
    """The catalog of a store, closed afterwards."""
    catalog = stores.open_catalog(store)
    try:
        yield catalog
    finally:
        await catalog.close()


async def keep(session: Session, workflow: Workflow, store: str | None) -> str:
    """Save a version; returns words. Raises `CatalogConflict` when its version has another meaning already."""
    async with shelf(store) as catalog:
        kept = await catalog.save(Version.of(workflow.plan, saved=session.now()))
    return f"{kept.name} {kept.version} is in the catalog, number {kept.number}"


async def take(name: str, version: str | None, store: str | None) -> Workflow:
    """A version of the catalog, read anew. Raises `NotFound`."""
    async with shelf(store) as catalog:
        kept = await catalog.load(name, version)
    return assembly.parse_kept(kept)


async def listed(store: str | None) -> Any:
    """The workflows of the catalog as a DataFrame, one row each."""
    import pandas as pd

    async with shelf(store) as catalog:
        entries = await catalog.entries()
    rows = [
        {
            "workflow": entry.name,
            "version": entry.latest.version,
            "versions": entry.versions,
            "saved": datetime.fromtimestamp(entry.latest.saved, UTC),
            "tags": ", ".join(entry.latest.tags),
            "notes": entry.latest.notes,
        }
        for entry in entries
    ]
    return pd.DataFrame(rows, columns=["workflow", "version", "versions", "saved", "tags", "notes"])
