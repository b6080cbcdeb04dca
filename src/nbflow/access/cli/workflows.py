"""`nbflow workflows`: the catalog of named workflows and their versions; and what changed from one to another."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.text import Text

from nbflow import assembly, stores
from nbflow.access.cli.answering import Answer
from nbflow.access.cli.options import File, Json, Store, Tools
from nbflow.access.cli.printing import out, say, show_findings, table
from nbflow.access.cli.reading import asked, read_source
from nbflow.access.cli.tooling import register
from nbflow.access.documents import moment, plain
from nbflow.plan.changes import Change
from nbflow.plan.changes import diff as changes
from nbflow.plan.plan import Plan
from nbflow.ports.catalog import Catalog, Entry, Version, Wanted
from nbflow.ports.clock import SystemClock
from nbflow.ports.executions import Query

group = typer.Typer(no_args_is_help=True, help="Named workflows and their versions.")
SIGNS = {"+": "green", "-": "red", "~": "yellow"}
Name = Annotated[str, typer.Argument(metavar="NAME[@VERSION]", help="version, alias, #number or beginning of the hash")]
Side = Annotated[str, typer.Argument(help="a file, - for standard input, or NAME[@VERSION]")]
Tags = Annotated[list[str] | None, typer.Option("--tag", metavar="TAG", help="a tag; may be repeated")]


@asynccontextmanager
async def catalog(store: str | None) -> AsyncIterator[Catalog]:
    """The catalog of a store, closed afterwards."""
    opened = stores.open_catalog(store)
    try:
        for loss in await opened.losses():
            say(f"loss: {loss}", "red")
        yield opened
    finally:
        await opened.close()


@group.command()
def save(
    file: File,
    notes: Annotated[str, typer.Option("--notes", metavar="TEXT", help="what is new in this version")] = "",
    by: Annotated[str, typer.Option("--by", metavar="NAME", help="who saves it")] = "",
    tag: Tags = None,
    tools: Tools = None,
    json: Json = False,
    store: Store = None,
) -> None:
    """Save a version. The same meaning again is the version that is there; a version never changes its meaning."""
    with Answer(json) as answer:
        source = read_source(file)
        answer.source = source.name
        register(tools)
        workflow = assembly.parse(source.text, folder=source.folder, tools_known=bool(tools))
        if not json:
            show_findings(workflow.diagnostics, source.name)
        version = Version.of(workflow.plan, saved=SystemClock().now(), by=by, notes=notes, tags=tag or ())
        saved = asyncio.run(_save(version, store))
        answer.give(_version(saved), lambda: say(f"{saved.name} {saved.version} (#{saved.number})", "green"))


async def _save(version: Version, store: str | None) -> Version:
    async with catalog(store) as kept:
        return await kept.save(version)


@group.command("list")
def list_(
    archived: Annotated[bool, typer.Option("--archived", help="archived ones too")] = False,
    json: Json = False,
    store: Store = None,
) -> None:
    """List the workflows of the catalog."""
    with Answer(json) as answer:
        found = asyncio.run(_entries(store, archived))
        answer.give([_entry(entry) for entry in found], lambda: _list(found))


async def _entries(store: str | None, archived: bool) -> Sequence[Entry]:
    async with catalog(store) as kept:
        return await kept.entries(archived=archived)


@group.command()
def show(name: Name, json: Json = False, store: Store = None) -> None:
    """Show a version: its text, and the versions there are."""
    with Answer(json) as answer:
        version, others = asyncio.run(_show(name, store))
        document = {**_version(version), "text": version.text, "versions": [_version(other) for other in others]}
        answer.give(document, lambda: _show_version(version, others))


async def _show(name: str, store: str | None) -> tuple[Version, Sequence[Version]]:
    async with catalog(store) as kept:
        version = await _load(kept, name)
        return version, await kept.versions(version.name)


async def _load(catalog: Catalog, name: str) -> Version:
    bare, _, version = name.partition("@")
    return await catalog.load(bare, version or None)


@group.command()
def search(
    text: Annotated[str | None, typer.Argument(metavar="[TEXT]", help="in names, texts and notes")] = None,
    kind: Annotated[str | None, typer.Option("--kind", help="has a node of this kind")] = None,
    tool: Annotated[str | None, typer.Option("--tool", help="calls this tool")] = None,
    model: Annotated[str | None, typer.Option("--model", help="asks this model")] = None,
    tag: Annotated[str | None, typer.Option("--tag", help="has this tag")] = None,
    by: Annotated[str | None, typer.Option("--by", metavar="NAME", help="was saved by")] = None,
    run_by: Annotated[str | None, typer.Option("--run-by", metavar="NAME", help="was run by")] = None,
    phase: Annotated[str | None, typer.Option("--phase", metavar="PHASE", help="ran to this phase, as failed")] = None,
    since: Annotated[str | None, typer.Option("--since", metavar="TIME", help="ran since: 7d ago, or a date")] = None,
    error: Annotated[str | None, typer.Option("--error", metavar="TEXT", help="failed with these words")] = None,
    every: Annotated[bool, typer.Option("--all", help="every version, not only the latest")] = False,
    json: Json = False,
    store: Store = None,
) -> None:
    """Search the catalog; all that is given must hold, what is asked about runs of one execution."""
    wanted = Wanted(text=text, kind=kind, tool=tool, model=model, tag=tag, by=by, all_versions=every)
    with Answer(json) as answer:
        ran = asked(stores.ran, run_by, phase, since, error)
        found = asyncio.run(_search(wanted, ran, store))
        answer.give([_version(version) for version in found], lambda: out.print(_table(found)))


async def _search(wanted: Wanted, ran: Query | None, store: str | None) -> Sequence[Version]:
    async with catalog(store):
        return await stores.search(wanted, ran, store)


@group.command()
def diff(old: Side, new: Side, json: Json = False, store: Store = None) -> None:
    """Show what changed in meaning from OLD to NEW, node by node; layout, comments and order are no changes."""
    with Answer(json, f"{old}, {new}") as answer:
        found = changes(_plan(old, store), _plan(new, store))
        answer.give([_change(change) for change in found], lambda: _show_changes(found))


def _plan(side: str, store: str | None) -> Plan:
    """The plan of a file; of the catalog's version when there is no such file and it looks like a name."""
    if side == "-" or Path(side).exists() or "/" in side or side.endswith((".yaml", ".yml", ".json")):
        source = read_source(side)
        return assembly.parse(source.text, folder=source.folder, tools_known=False).plan
    version, _ = asyncio.run(_show(side, store))
    return assembly.parse_kept(version, tools_known=False).plan


# --- documents and words ----------------------------------------------------------------------------


def _version(version: Version) -> dict[str, Any]:
    return {
        "workflow": version.name,
        "version": version.version,
        "number": version.number,
        "hash": version.hash,
        "saved": moment(version.saved),
        "by": version.by or None,
        "notes": version.notes or None,
        "tags": list(version.tags),
        "kinds": list(version.kinds),
        "tools": list(version.tools),
        "models": list(version.models),
        "archived": version.archived,
    }


def _entry(entry: Entry) -> dict[str, Any]:
    latest = _version(entry.latest)
    return {**latest, "workflow": entry.name, "versions": entry.versions, "aliases": entry.aliases}


def _list(entries: Sequence[Entry]) -> None:
    rows = [
        (entry.name, entry.latest.version, str(entry.versions), _when(entry.latest), entry.latest.notes)
        for entry in entries
    ]
    out.print(table(["workflow", "latest", "versions", "saved (UTC)", "notes"], rows))


def _table(versions: Sequence[Version]) -> Any:
    rows = [(each.name, each.version, f"#{each.number}", _when(each), each.notes) for each in versions]
    return table(["workflow", "version", "", "saved (UTC)", "notes"], rows)


def _when(version: Version) -> str:
    return (moment(version.saved) or "")[:16].replace("T", " ")


def _show_version(version: Version, others: Sequence[Version]) -> None:
    out.print(_table(others))
    out.print()
    out.print(Text(version.text.rstrip("\n")))


def _change(change: Change) -> dict[str, Any]:
    return {
        "what": change.what,
        "node": change.path or None,
        "field": change.field or None,
        "before": plain(change.before),
        "after": plain(change.after),
        "meaning": change.meaning,
    }


def _show_changes(found: Sequence[Change]) -> None:
    for change in found:
        text = change.text
        out.print(Text(text, SIGNS.get(text[:1], "")), Text("" if change.meaning else "(same results)", "dim"))
    if not found:
        say("no change in meaning", "dim")
