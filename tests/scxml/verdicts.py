"""What the command prints: one verdict a document, on the file's own line; reasons of failures go to stderr."""

from __future__ import annotations

import sys
from pathlib import Path

from nbflow.errors import NbflowError
from tests.scxml.reader import Unreadable, read
from tests.scxml.unsupported import Unsupported
from tests.scxml.world import verdict

USAGE = "usage: python -m tests.scxml FILE..."
FAILED, UNREADABLE = 1, 2


def judge(path: Path) -> tuple[str, str]:
    """The line for a document, and what else there is to say. Raises `Unreadable`."""
    try:
        return verdict(read(path)), ""
    except Unsupported as why:
        return f"unsupported: {why}", ""
    except ValueError as error:
        return "unsupported: the document is not valid", str(error)
    except RecursionError:
        return "unsupported: so deep a document", ""
    except MemoryError:
        return "unsupported: so large a document", ""
    except NbflowError as error:
        return "unsupported: what is beyond nbflow's limits", str(error)


def main(files: list[str]) -> int:
    """Exit 0 when nothing failed, 1 when a document did, 2 when there was nothing to read."""
    if not files:
        print(USAGE, file=sys.stderr)
        return UNREADABLE
    code = 0
    for file in files:
        try:
            line, more = judge(Path(file))
        except Unreadable as why:
            line, more, code = f"unsupported: {why}", "", UNREADABLE
        if line == "fail":
            code = code or FAILED
        print(line, flush=True)
        if more:
            print(f"{file}: {more}", file=sys.stderr)
    return code
