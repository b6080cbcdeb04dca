"""`nbflow tools`, and `--tools`: the functions of a file or module, registered."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Sequence
from typing import Any, TypeVar

import typer

from nbflow import assembly
from nbflow.access.cli.answering import Answer
from nbflow.access.cli.options import Json, Tools
from nbflow.access.cli.printing import out, say, table
from nbflow.access.cli.reading import load_module, public_functions
from nbflow.integrations.tools.describing import document, page, row
from nbflow.ports.tools import Tool
from nbflow.settings import settings

T = TypeVar("T")

group = typer.Typer(no_args_is_help=True, help="Tools that a workflow may name.")


def register(names: Sequence[str] | None) -> None:
    """Register the public functions of each file or module, and of those that are set (`NBFLOW_TOOLS`)."""
    for name in (*settings().tools, *(names or ())):
        assembly.tools.register_all(public_functions(load_module(name)))


@group.command("list")
def list_(tools: Tools = None, json: Json = False) -> None:
    """List the tools there are; MCP servers that are set are asked for theirs."""
    with Answer(json) as answer:
        register(tools)
        found, failures = asyncio.run(_closing(assembly.look_up_tools()))
        for failure in failures:
            say(f"warning: {failure}" + (f" ({failure.hint})" if failure.hint else ""), "yellow")
        answer.give([document(tool) for tool in found], lambda: _list(found))


@group.command()
def show(name: str, tools: Tools = None, json: Json = False) -> None:
    """Show one tool: what it does, its arguments, its effects."""
    with Answer(json) as answer:
        register(tools)
        tool = asyncio.run(_closing(assembly.look_up_tool(name)))
        answer.give(document(tool), lambda: out.print(page(tool), markup=False))


async def _closing(question: Coroutine[Any, Any, T]) -> T:
    """The answer, when what was opened for it is closed again."""
    try:
        return await question
    finally:
        await assembly.close()


def _list(tools: Sequence[Tool]) -> None:
    out.print(table(["tool", "effects", "what it does"], map(row, tools)))
