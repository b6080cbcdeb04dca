"""Every command and every piece of code of the README and of the page about the shell does what it says."""

import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text("utf-8")
SHELL = (ROOT / "docs" / "shell.md").read_text("utf-8")
FENCED = r"^```(\w+)\n(.*?)^```$"
BLOCKS = re.findall(FENCED, README, re.M | re.S)
COMMANDS = [
    line.partition("#")[0].strip()
    for kind, block in [*BLOCKS, *re.findall(FENCED, SHELL, re.M | re.S)]
    if kind == "sh"
    for line in block.splitlines()
    if line.strip()
]


@pytest.fixture(scope="module")
def clone(tmp_path_factory):
    """A folder with the notebooks beside the README, for commands that write."""
    folder = tmp_path_factory.mktemp("readme")
    shutil.copytree(
        ROOT / "notebooks", folder / "notebooks", ignore=shutil.ignore_patterns(".nbflow", "*.executed.ipynb")
    )
    return folder


def _environment():
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    return {**{name: value for name, value in os.environ.items() if not name.endswith("_API_KEY")}, "PATH": path}


def test_there_is_something_to_check():
    assert any(command.startswith("nbflow run") for command in COMMANDS)
    assert {kind for kind, _ in BLOCKS} == {"sh", "python", "yaml"}


def test_every_make_target_is_there():
    for command in COMMANDS:
        if command.startswith("make "):
            done = subprocess.run([*command.split(), "--dry-run"], cwd=ROOT, capture_output=True, text=True)
            assert done.returncode == 0, done.stderr


def test_every_shell_command_works(clone):
    for command in COMMANDS:
        if command.startswith("nbflow "):
            done = subprocess.run(
                shlex.split(command), cwd=clone, env=_environment(), capture_output=True, text=True, timeout=120
            )
            assert done.returncode == 0, (command, done.stdout, done.stderr)
            assert "warning" not in done.stderr, (command, done.stderr)


def test_the_page_about_the_shell_has_every_setting():
    from nbflow.settings import Settings

    rows = [f"| `NBFLOW_{name.upper()}` | {field.description} |" for name, field in Settings.model_fields.items()]
    assert [row for row in rows if row not in SHELL.splitlines()] == []


def test_the_python_code_runs(clone):
    code = next(block for kind, block in BLOCKS if kind == "python" and "%load_ext" not in block)
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=clone, env=_environment(), capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr
    assert "Hello, Ada" in done.stdout
    assert "greet" in done.stdout.partition("\n")[2]


def test_the_first_cells_run(clone):
    nbformat = pytest.importorskip("nbformat")
    from nbclient import NotebookClient

    sources = [block for kind, block in BLOCKS if "%load_ext" in block or block.startswith("%%workflow")]
    sources.append("print(_.outputs)")
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source.rstrip("\n")) for source in sources])
    NotebookClient(notebook, timeout=120, kernel_name="python3", resources={"metadata": {"path": str(clone)}}).execute()
    assert "Hello, Ada!" in notebook.cells[-1].outputs[0].text


def test_what_it_points_to_is_there():
    for target in re.findall(r"\]\(([^)#]+)\)|src(?:set)?=\"([^\"]+)\"", README):
        target = target[0] or target[1]
        if not target.startswith("http"):
            assert (ROOT / target).exists(), target
