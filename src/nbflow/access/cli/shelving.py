"""`nbflow workflows alias|rename|archive|annotate`: what may change about what is kept; versions never do."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Annotated

import typer

from nbflow.access.cli.answering import Answer
from nbflow.access.cli.options import Json, Store
from nbflow.access.cli.printing import say
from nbflow.access.cli.workflows import Name, Tags, catalog, group
from nbflow.ports.catalog import Catalog

__all__ = ["group"]  # with the commands of this file


@group.command()
def alias(
    name: Name,
    alias: Annotated[str, typer.Argument(metavar="ALIAS", help="such as prod")],
    remove: Annotated[bool, typer.Option("--remove", help="take the alias away")] = False,
    json: Json = False,
    store: Store = None,
) -> None:
    """Let an alias name a version, the latest where none is given."""
    bare, _, version = name.partition("@")
    wanted = None if remove else version or "latest"
    with Answer(json) as answer:
        _do(store, lambda kept: kept.alias(bare, alias, wanted))
        words = f"{alias} names nothing any more" if remove else f"{alias} is {bare} {wanted}"
        answer.give({"workflow": bare, "alias": alias, "version": wanted}, lambda: say(words, "green"))


@group.command()
def rename(
    name: Annotated[str, typer.Argument(metavar="NAME")],
    to: Annotated[str, typer.Argument(metavar="NEW")],
    json: Json = False,
    store: Store = None,
) -> None:
    """Give a workflow another name; the former one goes on finding it until it is used anew."""
    with Answer(json) as answer:
        _do(store, lambda kept: kept.rename(name, to))
        answer.give({"workflow": to, "former": name}, lambda: say(f"{name} is {to} now", "green"))


@group.command()
def archive(
    name: Name,
    undo: Annotated[bool, typer.Option("--undo", help="bring it back")] = False,
    json: Json = False,
    store: Store = None,
) -> None:
    """Put a workflow, or one version of it, out of sight; it can still be run by its version."""
    bare, _, version = name.partition("@")
    with Answer(json) as answer:
        _do(store, lambda kept: kept.archive(bare, version or None, archived=not undo))
        words = "is back" if undo else "is archived"
        document = {"workflow": bare, "version": version or None, "archived": not undo}
        answer.give(document, lambda: say(f"{name} {words}", "green"))


@group.command()
def annotate(
    name: Name,
    notes: Annotated[str | None, typer.Option("--notes", metavar="TEXT", help="instead of the present notes")] = None,
    tag: Tags = None,
    json: Json = False,
    store: Store = None,
) -> None:
    """Replace the notes or the tags of a version."""
    bare, _, version = name.partition("@")
    with Answer(json) as answer:
        _do(store, lambda kept: kept.annotate(bare, version or "latest", notes=notes, tags=tag))
        answer.give({"workflow": bare, "notes": notes, "tags": tag}, lambda: say(f"{name} is annotated", "green"))


def _do(store: str | None, change: Callable[[Catalog], Awaitable[None]]) -> None:
    async def go() -> None:
        async with catalog(store) as kept:
            await change(kept)

    asyncio.run(go())
