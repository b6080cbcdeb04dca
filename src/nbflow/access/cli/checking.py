"""`nbflow validate` and `nbflow schema`: nothing here runs, fetches or registers anything unasked."""

from __future__ import annotations

import json as json_
from collections.abc import Sequence

from nbflow import assembly
from nbflow.access import documents
from nbflow.access.cli.answering import Answer
from nbflow.access.cli.options import File, Json, Tools
from nbflow.access.cli.printing import DONE, INVALID, out, say, show_findings
from nbflow.access.cli.reading import read_source
from nbflow.access.cli.tooling import register
from nbflow.errors import Diagnostic
from nbflow.settings import settings
from nbflow.spec.language import language_schema


def validate(file: File, tools: Tools = None, json: Json = False) -> None:
    """Check a workflow and show all findings. Exit 0 when there is no error, 2 otherwise."""
    with Answer(json) as answer:
        source = read_source(file)
        register(tools)
        found = assembly.diagnose(source.text, tools_known=bool(tools or settings().tools), folder=source.folder)
        bad = any(finding.severity == "error" for finding in found)
        answer.give(documents.findings(found), lambda: _show(found, source.name), INVALID if bad else DONE)


def _show(found: Sequence[Diagnostic], name: str) -> None:
    show_findings(found, name)
    errors = sum(finding.severity == "error" for finding in found)
    if errors:
        say(f"{name}: {errors} error{'s' if errors > 1 else ''}", "bold red")
    else:
        say(f"{name}: valid" + (f", {len(found)} to look at" if found else ""), "green")


def schema() -> None:
    """Print the JSON Schema of the language as installed, for editors."""
    with Answer(False) as answer:
        answer.give(None, lambda: out.print(json_.dumps(language_schema(assembly.installed()), indent=2), markup=False))
