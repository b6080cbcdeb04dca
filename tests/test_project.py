"""What holds for the project as a whole: a light import, layers, and no trace of anybody's machine."""

import ast
import re
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
HEAVY = (
    "anthropic", "anywidget", "duckdb", "graphviz", "httpx", "IPython", "ipywidgets", "jsonschema", "networkx", "openai",
    "pandas", "pyarrow", "pydantic_settings", "typer",
)  # fmt: skip


def _tracked():
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True)
    if listed.returncode:
        pytest.skip("not a git checkout")
    return [ROOT / name for name in listed.stdout.splitlines() if (ROOT / name).is_file()]


def test_importing_nbflow_loads_nothing_heavy():
    code = f"import sys, nbflow; print([name for name in {HEAVY!r} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_every_name_that_nbflow_offers_is_there():
    import nbflow

    assert nbflow.__all__
    for name in nbflow.__all__:
        assert getattr(nbflow, name) is not None, name
    with pytest.raises(AttributeError):
        nbflow.no_such_name  # noqa: B018


def test_imports_point_down():
    program = Path(sys.executable).with_name("lint-imports")
    done = subprocess.run([program, "--no-cache"], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout[-3000:]


def test_no_file_names_a_machine():
    place = re.compile(r"(?<![\w$}./-])/(?:root/|work/|(?:home|Users)/[\w.-]+/)[\w.-]+")
    found = [
        f"{path.relative_to(ROOT)}: {match.group()}"
        for path in _tracked()
        if path.suffix in {".py", ".md", ".toml", ".yaml", ".yml", ".ipynb", ".js", ".css", ".txt", ""}
        and path.name != "bad_inputs.yaml"
        for match in place.finditer(path.read_text("utf-8", "replace"))
    ]
    assert found == []


def test_no_file_of_the_package_outgrows_one_idea():
    """A file past 400 lines, or a function past 40, asks to be two ideas; a little slack is allowed."""
    long = []
    for path in (ROOT / "src").rglob("*.py"):
        text = path.read_text("utf-8")
        if (lines := text.count("\n")) > 400:
            long.append(f"{path.relative_to(ROOT)}: {lines} lines")
        for item in ast.walk(ast.parse(text)):
            if isinstance(item, ast.FunctionDef | ast.AsyncFunctionDef):
                size = (item.end_lineno or 0) - item.lineno + 1
                if size > 60:
                    long.append(f"{path.relative_to(ROOT)}: {item.name} has {size} lines")
    assert long == []


def test_the_card_s_eleven_packages_are_core():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    core = {re.split(r"[<>=\[]", entry)[0] for entry in project["dependencies"]}
    assert core >= {
        "ipywidgets", "ipykernel", "pydantic", "pyyaml", "networkx", "graphviz", "pandas", "openai", "anthropic",
        "httpx", "duckdb",
    }  # fmt: skip


def test_no_test_sleeps_or_mocks():
    """What a killed process or a starting server is waited for stands in the suite's own modules, not in tests."""
    mocks, sleeps = re.compile(r"\bunittest\.mock\b|\bMagicMock\b"), re.compile(r"\btime\.sleep\(")
    found = []
    for path in (ROOT / "tests").rglob("*.py"):
        banned = [mocks, sleeps] if path.name.startswith("test_") else [mocks]
        for line, content in enumerate(path.read_text("utf-8").splitlines(), 1):
            if path.name != "test_project.py" and any(word.search(content) for word in banned):
                found.append(f"{path.relative_to(ROOT)}:{line}")
    assert found == []


def test_decisions_are_short():
    for path in (ROOT / "docs" / "decisions").glob("*.md"):
        text = path.read_text("utf-8")
        assert text.count("\n") <= 40, path.name
        for part in ("**Decision.**", "**Because.**", "**Instead of.**", "**Costs.**"):
            assert part in text, (path.name, part)


@pytest.mark.nightly
def test_the_wheel_has_everything_that_is_not_python(tmp_path):
    subprocess.run([sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "-w", tmp_path, ROOT], check=True)
    [wheel] = tmp_path.glob("*.whl")
    with zipfile.ZipFile(wheel) as packed:
        names = set(packed.namelist())
    package = ROOT / "src"
    wanted = {str(path.relative_to(package)) for path in package.rglob("*") if path.is_file() and path.suffix != ".pyc"}
    assert wanted <= names
