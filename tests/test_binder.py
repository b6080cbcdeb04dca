"""The Binder image: its steps are the right ones, and replayed in a fresh environment they run the quickstart."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


@pytest.fixture
def clone(tmp_path):
    """What a person would get: the files that are committed or about to be."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"], cwd=ROOT, capture_output=True, text=True
    )
    if listed.returncode:
        pytest.skip("not a git checkout")
    for name in listed.stdout.splitlines():
        source, target = ROOT / name, tmp_path / "clone" / name
        if source.is_file():
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(source, target)
    return tmp_path / "clone"


def _steps(folder):
    program = Path(sys.executable).with_name("jupyter-repo2docker")
    if not program.exists():
        pytest.skip("jupyter-repo2docker is not installed")
    done = subprocess.run(
        [program, "--no-build", "--no-run", "--debug", "."], cwd=folder, capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr
    return done.stdout + done.stderr


def test_the_image_has_the_right_python_packages_and_steps(clone):
    steps = _steps(clone)
    assert "python=3.11" in steps
    assert re.search(r"apt-get install .*graphviz", steps)
    install = steps.index('pip install --no-cache-dir -r "binder/requirements.txt"')
    assert steps.index("COPY --chown=0:0 src/ ${REPO_DIR}/") < install < steps.index("RUN ./binder/postBuild")
    wanted = (clone / "binder" / "requirements.txt").read_text().split()
    assert "ipykernel>=7.4" in wanted
    assert "jupyterlab>=4.6" in wanted
    assert os.access(clone / "binder" / "postBuild", os.X_OK)


@pytest.mark.nightly
@pytest.mark.timeout(1800)
def test_its_steps_run_the_quickstart_in_a_fresh_environment(clone, tmp_path):
    subprocess.run([sys.executable, "-m", "venv", tmp_path / "venv"], check=True)
    bin_ = tmp_path / "venv" / "bin"
    quiet = ["--quiet", "--disable-pip-version-check"]
    subprocess.run([bin_ / "pip", "install", *quiet, "-r", "binder/requirements.txt"], cwd=clone, check=True)
    environment = {name: value for name, value in os.environ.items() if not name.endswith("_API_KEY")}
    environment["PATH"] = f"{bin_}{os.pathsep}{environment['PATH']}"
    subprocess.run(["./binder/postBuild"], cwd=clone, env=environment, check=True)
    subprocess.run(
        [bin_ / "jupyter", "execute", "notebooks/01_quickstart.ipynb"], cwd=clone, env=environment, check=True
    )
