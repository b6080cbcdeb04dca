"""The options that several commands take, once."""

from __future__ import annotations

from typing import Annotated

import typer

File = Annotated[str, typer.Argument(metavar="FILE", help="a workflow in YAML or JSON; - reads standard input")]
Id = Annotated[str, typer.Argument(metavar="ID", help="an execution, or the name of a workflow for its latest one")]
Json = Annotated[bool, typer.Option("--json", help="print one JSON document on stdout, and nothing else")]
Inputs = Annotated[
    list[str] | None,
    typer.Option("-i", "--input", metavar="K=V", help="an input: JSON when it is JSON, else text; @file.json for many"),
]
Tools = Annotated[
    list[str] | None,
    typer.Option("--tools", metavar="FILE.py|MODULE", help="register its public functions as tools; it is imported"),
]
Store = Annotated[
    str | None, typer.Option("--store", metavar="URL", help="where executions are kept: duckdb:///path, memory:, …")
]
