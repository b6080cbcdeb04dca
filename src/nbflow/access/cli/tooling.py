"""`nbflow tools`, and `--tools`: the functions of a file or module, registered."""

from __future__ import annotations

import json as json_
from collections.abc import Sequence

import typer

from nbflow import assembly
from nbflow.access.cli.answering import Answer
from nbflow.access.cli.options import Json, Tools
from nbflow.access.cli.printing import out, table
from nbflow.access.cli.reading import load_module, public_functions
from nbflow.errors import NotFound
from nbflow.ports.tools import Tool
from nbflow.settings import settings

group = typer.Typer(no_args_is_help=True, help="Tools that a workflow may name.")


def register(names: Sequence[str] | None) -> None:
    """Register the public functions of each file or module, and of those that are set (`NBFLOW_TOOLS`)."""
    for name in (*settings().tools, *(names or ())):
        assembly.tools.register_all(public_functions(load_module(name)))


@group.command("list")
def list_(tools: Tools = None, json: Json = False) -> None:
    """List the tools there are."""
    with Answer(json) as answer:
        register(tools)
        found = [_found(name) for name in assembly.tools.names()]
        answer.give([_document(tool) for tool in found], lambda: _list(found))


@group.command()
def show(name: str, tools: Tools = None, json: Json = False) -> None:
    """Show one tool: what it does, its arguments, its effects."""
    with Answer(json) as answer:
        register(tools)
        tool = _found(name)
        answer.give(_document(tool), lambda: _show(tool))


def _found(name: str) -> Tool:
    tool = assembly.tools.find(name)
    if tool is None:
        near = assembly.tools.suggest(name)
        raise NotFound(f"no tool {name}" + (f"; did you mean {near}?" if near else ""))
    return tool


def _document(tool: Tool) -> dict[str, object]:
    return {
        "name": tool.name,
        "description": tool.description,
        "effects": tool.effects(),
        "parameters": dict(tool.parameters),
    }


def _list(tools: Sequence[Tool]) -> None:
    rows = [(tool.name, tool.effects(), tool.description.partition("\n")[0]) for tool in tools]
    out.print(table(["tool", "effects", "what it does"], rows))


def _show(tool: Tool) -> None:
    out.print(f"{tool.name} ({tool.effects()})", style="bold", markup=False)
    out.print(tool.description, markup=False)
    out.print(json_.dumps(dict(tool.parameters), indent=2), markup=False)
