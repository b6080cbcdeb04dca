"""`nbflow demo`: the quickstart notebook, executed in a terminal as its cells finish.

The notebook itself stays as it is; the executed copy stands beside it.
"""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.text import Text

from nbflow.access.cli.answering import Answer
from nbflow.access.cli.printing import err, out, say, spell
from nbflow.access.cli.reading import UsageProblem

if TYPE_CHECKING:
    from nbclient import NotebookClient

NAME = "01_quickstart.ipynb"
LINES, WIDE = 14, 150  # of one cell's output


def find() -> Path:
    """The quickstart under this folder, or the package's own clone; raises `UsageProblem` when there is none."""
    clone = Path(__file__).resolve().parents[4] / "notebooks"
    for folder in (Path("notebooks"), Path(), clone):
        if (folder / NAME).is_file():
            return folder / NAME
    raise UsageProblem("demo.missing", f"{NAME} is not here", "clone the project, and run `make demo` there")


def execute(notebook: Path) -> Path:
    """Run every cell and show it; returns the executed copy. Raises `UsageProblem` when a cell fails."""
    try:
        import nbformat
        from nbclient.exceptions import CellExecutionError
    except ImportError:
        raise UsageProblem("demo.extra", "the demo needs nbclient", "pip install 'nbflow[demo]'") from None
    content = nbformat.read(notebook, as_version=4)  # type: ignore[no-untyped-call]
    copy = notebook.with_suffix(".executed.ipynb")
    client = _client(content, notebook.parent)
    begun = time.perf_counter()
    try:
        client.execute(stderr=subprocess.DEVNULL)  # the kernel program's own; what cells print comes another way
    except CellExecutionError as problem:
        raise UsageProblem("demo.failed", f"{notebook.name} failed: {problem.ename}: {problem.evalue}") from None
    finally:
        nbformat.write(content, copy)  # type: ignore[no-untyped-call]
    say(f"{notebook.name} ran in {spell(time.perf_counter() - begun)}", "green")
    return copy


def _client(content: Any, folder: Path) -> NotebookClient:
    from nbclient import NotebookClient

    class Watched(NotebookClient):
        """Shows what a cell prints while it runs."""

        def output(self, outs: list[Any], msg: Any, display_id: str | None, cell_index: int) -> Any:
            view.printed(msg["content"].get("text", ""))
            return super().output(outs, msg, display_id, cell_index)

    view = _View(content)
    return Watched(
        content,
        timeout=600,
        kernel_name="python3",
        resources={"metadata": {"path": str(folder)}},
        store_widget_state=False,
        on_cell_start=view.began,
        on_cell_executed=view.ended,
    )


class _View:
    """One line when a cell begins (where a person looks), its output when it is done."""

    def __init__(self, content: Any) -> None:
        self.total = sum(1 for cell in content.cells if cell.cell_type == "code")
        self.number, self.begun = 0, 0.0

    def began(self, cell: Any, cell_index: int) -> None:
        if cell.cell_type == "markdown":
            title = next((line for line in cell.source.splitlines() if line.startswith("#")), "")
            if title:
                out.print()
                out.print(Text(title.lstrip("# "), "bold"))
            return
        self.number, self.begun = self.number + 1, time.perf_counter()
        self._status(f"▸ cell {self.number} of {self.total}: {_first(cell.source)}")

    def printed(self, text: str) -> None:
        if lines := text.strip().splitlines():
            self._status(f"▸ {lines[-1]}")

    def _status(self, text: str = "") -> None:
        """One line that the next one overwrites."""
        if err.is_terminal:
            sys.stderr.write(f"\r\x1b[K{text[: err.width - 1]}")
            sys.stderr.flush()

    def ended(self, cell: Any, cell_index: int, execute_reply: Any) -> None:
        self._status()
        took = spell(time.perf_counter() - self.begun)
        good = execute_reply["content"]["status"] == "ok"
        glyph = Text("✓ ", "green") if good else Text("✗ ", "red")
        out.print(Text.assemble(glyph, (_first(cell.source)[:90], "cyan"), (f"  {took}", "dim")))
        room = min(WIDE, out.width - 3) if out.is_terminal else WIDE
        for line in _lines(cell.outputs):
            out.print(Text("  " + (line if len(line) <= room else line[: room - 1] + "…")))


def _first(source: str) -> str:
    """The first line of a cell that says something."""
    return next((line for line in source.splitlines() if line.strip() and not line.startswith("#")), "")


def _lines(outputs: list[Any]) -> list[str]:
    texts = []
    for output in outputs:
        if output.output_type == "stream":
            texts.append(output.text)
        elif "data" in output:
            texts.append(output.data.get("text/plain", ""))
    lines = [line for text in texts for line in text.rstrip().splitlines() if line.strip()]
    return lines if len(lines) <= LINES else [*lines[: LINES - 1], f"… {len(lines) - LINES + 1} more lines"]


def demo() -> None:
    """Run the quickstart, show what it gives, say how to open it."""
    with Answer(False):
        copy = execute(find())
        say()
        say(f"the notebook with its pictures: {copy}")
        say("open it in JupyterLab:          make lab")
