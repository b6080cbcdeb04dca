"""What runs notebooks without a person waits for workflows too, and what it saves holds the picture."""

from __future__ import annotations

import os
import subprocess
import sys

import nbformat
import pytest
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError

SETUP = "%load_ext nbflow\nimport asyncio\nasync def slow(seconds): await asyncio.sleep(seconds); return seconds"
FLOW = "%%workflow demo -i seconds=$pause --as execution\ninputs: {seconds: number}\nnodes:\n  a: {tool: slow, with: {seconds: =inputs.seconds}}\n  b: {set: {twice: =a * 2}}\n"
LOOK = "print(execution.phase, execution.outputs)"


def notebook(*cells):
    return nbformat.v4.new_notebook(
        cells=[nbformat.v4.new_code_cell(cell) for cell in cells],
        metadata={"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}},
    )


def outputs_of(book, place):
    return book.cells[place].outputs


def final(book, place):
    """The one picture that a cell has in the saved notebook."""
    shown = [output for output in outputs_of(book, place) if output.output_type == "display_data"]
    assert len(shown) == 1
    return shown[0].data


def test_nbclient_waits_and_saves_the_still_picture(tmp_path):
    book = notebook(SETUP, "pause = 0.3", FLOW, LOOK)
    NotebookClient(book, timeout=60, resources={"metadata": {"path": str(tmp_path)}}).execute()
    assert outputs_of(book, 3)[0].text == "completed {'b': {'twice': 0.6}}\n"
    data = final(book, 2)
    assert '<img src="data:image/svg+xml' in data["text/html"]
    assert "application/vnd.jupyter.widget-view+json" not in data
    assert "widgets" not in book.metadata
    nbformat.validate(book)


def test_a_failed_workflow_fails_the_run(tmp_path):
    book = notebook(
        "%load_ext nbflow\ndef bad(): raise ValueError('no way')",
        "%%workflow demo\nnodes: {a: {tool: bad}}",
        "print('never')",
    )
    with pytest.raises(CellExecutionError, match="node a failed: ValueError: no way"):
        NotebookClient(book, timeout=60, resources={"metadata": {"path": str(tmp_path)}}).execute()
    assert final(book, 1)["text/plain"].startswith("✗ demo failed")
    assert not outputs_of(book, 2)


def test_papermill_hands_parameters_in(tmp_path):
    import papermill

    book = notebook(SETUP, "pause = 9.0", FLOW, LOOK)
    book.cells[1].metadata["tags"] = ["parameters"]
    nbformat.write(book, tmp_path / "in.ipynb")
    papermill.execute_notebook(
        str(tmp_path / "in.ipynb"),
        str(tmp_path / "out.ipynb"),
        parameters={"pause": 0.2},
        cwd=str(tmp_path),
        progress_bar=False,
    )
    done = nbformat.read(tmp_path / "out.ipynb", as_version=4)
    assert done.cells[-1].outputs[0].text == "completed {'b': {'twice': 0.4}}\n"


def test_nbconvert_executes_and_its_page_needs_no_kernel(tmp_path):
    nbformat.write(notebook(SETUP, "pause = 0.2", FLOW, LOOK), tmp_path / "flow.ipynb")
    arguments = [sys.executable, "-m", "nbconvert", "--to", "html", "--execute", "flow.ipynb"]
    done = subprocess.run(arguments, cwd=tmp_path, capture_output=True, text=True, timeout=100)
    assert done.returncode == 0, done.stderr
    page = (tmp_path / "flow.html").read_text(encoding="utf-8")
    assert "&#39;twice&#39;: 0.4" in page or "'twice': 0.4" in page
    assert "data:image/svg+xml;base64," in page


def ipython(tmp_path, *arguments, text=""):
    environment = {**os.environ, "IPYTHONDIR": str(tmp_path / "ipython"), "TERM": "dumb"}
    command = [sys.executable, "-m", "IPython", "--no-banner", "--simple-prompt", "--colors=NoColor", *arguments]
    return subprocess.run(
        command, input=text, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=60
    )


def test_ipython_in_a_terminal_waits_and_tells_in_text(tmp_path):
    cells = "%load_ext nbflow\n\n%%workflow demo\nnodes: {a: {wait: 300ms}, b: {set: {v: 1}, needs: [a]}}\n\n\n_.phase, _.outputs\n\n"
    done = ipython(tmp_path, text=cells)
    assert "('completed', {'b': {'v': 1}})" in done.stdout, done.stdout + done.stderr
    assert "✓ demo completed" in done.stdout
    assert "Traceback" not in done.stdout + done.stderr


def test_ipython_runs_a_file_of_cells(tmp_path):
    (tmp_path / "flow.yaml").write_text("name: flow\nnodes: {a: {wait: 100ms}, b: {set: {v: 1}, needs: [a]}}\n")
    (tmp_path / "script.ipy").write_text("%load_ext nbflow\nx = %workflow run flow\nprint(x.phase, x.outputs)\n")
    done = ipython(tmp_path, "script.ipy")
    assert "completed {'b': {'v': 1}}" in done.stdout, done.stdout + done.stderr


def test_a_background_run_leaves_a_picture_that_is_as_true_as_can_be(tmp_path):
    """The kernel ends with the last cell; what is saved is how things stood then, with the time."""
    flow = "%%workflow behind --background --as execution\nnodes:\n  a: {tool: slow, with: {seconds: 0.1}}\n  b: {tool: slow, with: {seconds: 600}, needs: [a]}\n"
    book = notebook(SETUP, flow, "await execution.until('a')")
    NotebookClient(book, timeout=60, resources={"metadata": {"path": str(tmp_path)}}).execute()
    data = final(book, 1)
    assert "behind running · 1 of 2 nodes" in data["text/plain"]
    assert " · as of " in data["text/plain"]
    assert '<img src="data:image/svg+xml' in data["text/html"]
    assert "p-completed" in data["image/svg+xml"]


def test_the_debugger_holds_nothing_where_nobody_is(tmp_path):
    flow = (
        "%%workflow held {} --as execution\nnodes:\n  a: {{tool: slow, with: {{seconds: 0.05}}, breakpoint: true}}\n"
        "  b: {{needs: a, set: {{v: 1}}}}\n"
    )
    wait = "(await asyncio.wait_for(execution.until('completed'), 20)).phase"
    cells = [
        cell
        for options in ("--debug", "--background --break b", "--break b:after")
        for cell in (flow.format(options), wait)
    ]
    forks = ["%workflow fork held --at b --debug", "await _\n_.phase"]
    book = notebook(SETUP, *cells, *forks)
    NotebookClient(book, timeout=60, resources={"metadata": {"path": str(tmp_path)}}).execute()
    for place in (1, 3, 5):
        said = "".join(output.get("text", "") for output in outputs_of(book, place))
        assert "nobody is here to continue, so breakpoints are passed" in said
        assert final(book, place)["text/plain"].startswith("✓ held completed")
        assert outputs_of(book, place + 1)[0].data["text/plain"] == "'completed'"
    assert outputs_of(book, 8)[-1].data["text/plain"] == "'completed'"
