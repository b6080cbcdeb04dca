"""All commands of the shell, by name."""

from __future__ import annotations

import logging
from importlib.metadata import version
from typing import Annotated

import typer

from nbflow.access.cli import shelving, store, tooling, verbs
from nbflow.access.cli.checking import schema, validate
from nbflow.access.cli.demo import demo
from nbflow.access.cli.doctor import doctor
from nbflow.access.cli.drawing import graph
from nbflow.access.cli.printing import WARNINGS
from nbflow.access.cli.running import run

app = typer.Typer(
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="A workflow engine that lives in a notebook and grows to a fleet.",
)


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"nbflow {version('nbflow')}")
        raise typer.Exit


@app.callback()
def top(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="print the version")
    ] = False,
) -> None:
    """A workflow engine that lives in a notebook and grows to a fleet."""
    logging.getLogger("nbflow").addHandler(WARNINGS)


for command in (validate, run, graph, schema, demo, doctor):
    app.command()(command)
app.add_typer(verbs.group, name="executions")
app.add_typer(shelving.group, name="workflows")
app.add_typer(tooling.group, name="tools")
app.add_typer(store.group, name="store")
