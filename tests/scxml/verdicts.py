"""What the command prints: one verdict a document, on the file's own line; reasons of failures go to stderr."""

from __future__ import annotations

import sys
from pathlib import Path

from tests.scxml.datamodel import Unsupported
from tests.scxml.reader import read
from tests.scxml.world import verdict


def judge(path: Path) -> tuple[str, str]:
    """The line for a document, and what else there is to say."""
    try:
        return verdict(read(path)), ""
    except Unsupported as why:
        return f"unsupported: {why}", ""
    except ValueError as error:
        return "unsupported: the document is not valid", str(error)


def main(files: list[str]) -> int:
    """Exit 0 when nothing failed."""
    failed = False
    for file in files:
        line, more = judge(Path(file))
        failed = failed or line == "fail"
        print(line, flush=True)
        if more:
            print(f"{file}: {more}", file=sys.stderr)
    return 1 if failed else 0
