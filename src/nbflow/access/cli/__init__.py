"""The shell. `main` is the `nbflow` command; each command stands in the file of its group."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Sequence

from nbflow.access import documents
from nbflow.errors import Diagnostic


def main(arguments: Sequence[str] | None = None) -> None:
    """Run one command and exit with its code; no error of a person's ends in a traceback."""
    from nbflow.access.cli.commands import app

    given = list(arguments) if arguments is not None else sys.argv[1:]
    try:
        app(given)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        sys.exit(1)
    except SystemExit as ended:
        misused = getattr(ended.__context__, "format_message", None)  # what typer raises for a line that is no command
        if misused is not None and "--json" in given:
            found = Diagnostic("cli.usage", misused(), line=1, column=1, hint="--help shows what there is")
            print(json.dumps(documents.findings([found])))
        raise
