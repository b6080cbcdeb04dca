"""The shell. `main` is the `nbflow` command; each command stands in the file of its group."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence


def main(arguments: Sequence[str] | None = None) -> None:
    """Run one command and exit with its code; no error of a person's ends in a traceback."""
    from nbflow.access.cli.commands import app

    try:
        app(list(arguments) if arguments is not None else None)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        sys.exit(1)
