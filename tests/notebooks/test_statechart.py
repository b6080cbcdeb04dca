"""The notebook of the statechart runs from top to bottom, without a warning, and says what happened."""

from __future__ import annotations

import shutil
from pathlib import Path

import nbformat
from nbclient import NotebookClient

NOTEBOOKS = Path(__file__).parents[2] / "notebooks"


def test_the_statechart_notebook_goes_round_until_it_is_good_enough(tmp_path, monkeypatch):
    for key in ("OPENAI_API_KEY", "ANTHROPIC_API_KEY"):  # with one, a provider would be asked
        monkeypatch.delenv(key, raising=False)
    folder = tmp_path / "notebooks"
    shutil.copytree(NOTEBOOKS, folder, ignore=shutil.ignore_patterns(".nbflow", "*.executed.ipynb", "__pycache__"))
    book = nbformat.read(folder / "02_statechart.ipynb", 4)
    NotebookClient(book, timeout=120, kernel_name="python3", resources={"metadata": {"path": str(folder)}}).execute()
    said = "\n".join(
        output.get("text") or output.get("data", {}).get("text/plain", "")
        for cell in book.cells
        if cell.cell_type == "code"
        for output in cell.outputs
    )
    assert "warning:" not in said and "Traceback" not in said
    rounds = [line for line in said.splitlines() if "done.round" in line]
    assert len(rounds) >= 2 and "→ done" in rounds[-1] and all("→ processing" in line for line in rounds[:-1])
    assert any("hurry_up" in line and "ignored" in line for line in said.splitlines())
    assert "['processing']" in said
