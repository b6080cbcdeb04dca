"""How the shell speaks: results on stdout, everything else on stderr; under `--json` one document and nothing else.

Colour only where a person looks. The last word of a failure is one line that says what and where.
"""

from __future__ import annotations

import json
import logging
import os
import sys
from collections.abc import Iterable, Sequence
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from nbflow.errors import Diagnostic, render

DONE, FAILED, INVALID, CANCELLED = 0, 1, 2, 130

GLYPHS = {
    "pending": ("·", "dim"),
    "scheduled": ("·", "dim"),
    "running": ("▸", "blue"),
    "waiting": ("◷", "yellow"),
    "paused": ("‖", "yellow"),
    "suspended": ("‖", "yellow"),
    "completed": ("✓", "green"),
    "failed": ("✗", "red"),
    "cancelled": ("⊘", "magenta"),
    "skipped": ("–", "dim"),
}
SEVERITIES = {"error": "bold red", "warning": "bold yellow", "info": "bold blue"}

out = Console(highlight=False, soft_wrap=True)
err = Console(stderr=True, highlight=False, soft_wrap=True)


class Document:
    """The one JSON document of a command. Inside, nothing else reaches stdout, not even a child process.

    File descriptor 1 is pointed at stderr and the real one is kept for `write`.
    """

    def __enter__(self) -> Document:
        sys.stdout.flush()
        self._real = os.dup(1)
        os.dup2(2, 1)
        return self

    def __exit__(self, *failure: object) -> None:
        sys.stdout.flush()
        os.dup2(self._real, 1)
        os.close(self._real)

    def write(self, content: Any) -> None:
        """Print `content`; indented where a person looks."""
        text = json.dumps(content, ensure_ascii=False, indent=2 if os.isatty(self._real) else None)
        sys.stdout.flush()
        remaining = memoryview((text + "\n").encode("utf-8", "backslashreplace"))
        while remaining:
            remaining = remaining[os.write(self._real, remaining) :]


def say(text: str = "", style: str | None = None) -> None:
    """A line for the person, on stderr."""
    err.print(Text(text, style=style or ""))


class Warnings(logging.Handler):
    """What the engine warns of, as a line for the person."""

    def emit(self, record: logging.LogRecord) -> None:
        say(f"{record.levelname.lower()}: {record.getMessage()}", "yellow")


WARNINGS = Warnings(logging.WARNING)


def complain(message: str, hint: str | None = None) -> None:
    """One red line, and what to do."""
    first, _, rest = message.partition("\n")
    err.print(Text.assemble(("error: ", "bold red"), first))
    if rest:
        err.print(Text(rest))
    if hint:
        err.print(Text.assemble(("  hint: ", "cyan"), hint))


def show_findings(diagnostics: Iterable[Diagnostic], source: str) -> None:
    """Every finding with its line and a caret, on stderr."""
    for finding in diagnostics:
        head, *rest = render(finding, source=f"{source} line".strip()).split("\n")
        severity, _, message = head.partition(": ")
        err.print(Text.assemble((severity, SEVERITIES[finding.severity]), ": ", (message, "bold")))
        for line in rest:
            err.print(_painted(line))


def _painted(line: str) -> Text:
    bare = line.strip()
    if bare.startswith("hint:"):
        return Text.assemble(("  hint:", "cyan"), bare.removeprefix("hint:"))
    if bare and set(bare) == {"^"}:
        return Text(line, "red")
    return Text(line, "dim" if bare.startswith("at ") else "")


def mark(phase: str) -> Text:
    glyph, style = GLYPHS.get(phase, ("?", ""))
    return Text(glyph, style)


def phase_text(phase: str) -> Text:
    return Text(phase, GLYPHS.get(phase, ("", ""))[1])


def table(columns: Sequence[str], rows: Iterable[Sequence[str | Text]]) -> Table:
    """Rows under quiet heads, no frame: it copies well."""
    made = Table(box=None, pad_edge=False, header_style="dim", padding=(0, 2, 0, 0))
    for column in columns:
        made.add_column(column, overflow="fold")
    for row in rows:
        made.add_row(*row)
    return made


def short(value: Any, room: int = 200) -> str:
    """A value in one line."""
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=repr)
    text = " ".join(text.split())
    return text if len(text) <= room else text[: room - 1] + "…"


def spell(seconds: float) -> str:
    """A time for people: ``0.12 s``, ``4.2 s``, ``3 min 05 s``."""
    if seconds < 60:
        return f"{seconds:.2f} s" if seconds < 1 else f"{seconds:.1f} s"
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes:02} min" if hours else f"{minutes} min {rest:02} s"
