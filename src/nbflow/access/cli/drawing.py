"""`nbflow graph`: a workflow as a picture, without running, fetching or importing anything."""

from __future__ import annotations

import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated, assert_never

import typer

from nbflow import assembly
from nbflow.access.cli.answering import Answer
from nbflow.access.cli.options import File
from nbflow.access.cli.printing import say
from nbflow.access.cli.reading import UsageProblem, read_source
from nbflow.notebook.render import dot, layout, mermaid, svg
from nbflow.notebook.render.extract import picture
from nbflow.plan.optimise import explain as explained
from nbflow.plan.plan import Plan


class Format(StrEnum):
    svg = "svg"
    dot = "dot"
    mermaid = "mermaid"


ENDINGS = {".svg": Format.svg, ".dot": Format.dot, ".gv": Format.dot, ".mmd": Format.mermaid, ".md": Format.mermaid}
Form = Annotated[Format | None, typer.Option("--format", help="svg, dot or mermaid; else what -o ends in, else svg")]
Out = Annotated[Path | None, typer.Option("-o", "--output", metavar="OUT", help="write here, not to stdout")]


Explain = Annotated[bool, typer.Option("--explain", help="say on stderr what could be folded, dropped and pruned")]


def graph(file: File, format: Form = None, output: Out = None, explain: Explain = False) -> None:
    """Draw a workflow. Exit 2 when it is invalid."""
    with Answer(False) as answer:
        source = read_source(file)
        answer.source = source.name
        workflow = assembly.parse(source.text, folder=source.folder, tools_known=False)
        for line in explained(workflow.plan, prune=True) if explain else ():
            say(line, "dim")
        chosen = format or (ENDINGS.get(output.suffix) if output else None) or Format.svg
        _write(drawn(workflow.plan, chosen), output)


def drawn(plan: Plan, format: Format) -> str:
    """The picture as text of that format."""
    shown = picture(plan)
    match format:
        case Format.svg:
            return svg.svg(shown, layout.layout(shown))
        case Format.dot:
            return dot.source(shown)
        case Format.mermaid:
            return mermaid.mermaid(shown)
        case _:
            assert_never(format)


def _write(text: str, output: Path | None) -> None:
    if output is None:
        sys.stdout.write(text if text.endswith("\n") else text + "\n")
        return
    try:
        output.write_text(text if text.endswith("\n") else text + "\n", encoding="utf-8")
    except OSError as problem:
        raise UsageProblem("file.unwritable", f"cannot write {output}: {problem.strerror}") from None
    say(f"wrote {output}", "green")
