"""`nbflow workflows`: workflows as such, apart from what ran."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

import typer
from rich.text import Text

from nbflow import assembly
from nbflow.access.cli.answering import Answer
from nbflow.access.cli.options import Json
from nbflow.access.cli.printing import out, say
from nbflow.access.cli.reading import read_source
from nbflow.access.documents import plain
from nbflow.plan.changes import Change
from nbflow.plan.changes import diff as changes
from nbflow.plan.plan import Plan

group = typer.Typer(no_args_is_help=True, help="Workflows as such, apart from what ran.")
SIGNS = {"+": "green", "-": "red", "~": "yellow"}


@group.command()
def diff(
    old: Annotated[str, typer.Argument(metavar="A", help="a file; - reads standard input")],
    new: Annotated[str, typer.Argument(metavar="B", help="a file; - reads standard input")],
    json: Json = False,
) -> None:
    """Show what changed in meaning from A to B, node by node; layout, comments and order are no changes."""
    with Answer(json, f"{old}, {new}") as answer:
        found = changes(_plan(old), _plan(new))
        answer.give([_document(change) for change in found], lambda: _show(found))


def _plan(file: str) -> Plan:
    source = read_source(file)
    return assembly.parse(source.text, folder=source.folder, tools_known=False).plan


def _document(change: Change) -> dict[str, Any]:
    return {
        "what": change.what,
        "node": change.path or None,
        "field": change.field or None,
        "before": plain(change.before),
        "after": plain(change.after),
        "meaning": change.meaning,
    }


def _show(found: Sequence[Change]) -> None:
    for change in found:
        text = change.text
        out.print(Text(text, SIGNS.get(text[:1], "")), Text("" if change.meaning else "(same results)", "dim"))
    if not found:
        say("no change in meaning", "dim")
