"""The shell as a person meets it: arguments in; exit code, stdout and stderr out; a folder of its own."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from nbflow.access.cli import main
from nbflow.settings import settings


@dataclass(frozen=True)
class Said:
    """What a command answered."""

    code: int
    out: str
    err: str

    @property
    def document(self):
        """The one JSON document on stdout."""
        lines = self.out.splitlines()
        assert len(lines) == 1, f"not one document: {self.out!r}"
        return json.loads(self.out)


class Shell:
    """``shell("run", "flow.yaml")`` runs a command in this process; `start` in one of its own."""

    def __init__(self, folder: Path, capfd, monkeypatch) -> None:
        self.folder, self._capfd, self._monkeypatch = folder, capfd, monkeypatch
        self.started: list[subprocess.Popen[bytes]] = []

    def write(self, name: str, text: str) -> str:
        (self.folder / name).write_text(text, encoding="utf-8")
        return name

    def __call__(self, *arguments: str, stdin: bytes = b"") -> Said:
        self._monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin), encoding="utf-8"))
        self._capfd.readouterr()
        with pytest.raises(SystemExit) as ended:
            main(arguments)
        out, err = self._capfd.readouterr()
        return Said(int(ended.value.code or 0), out, err)

    def start(self, *arguments: str) -> subprocess.Popen[bytes]:
        """The command as a process of its own, that a signal can be sent to."""
        process = subprocess.Popen(
            [sys.executable, "-m", "nbflow.access", *arguments],
            cwd=self.folder,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        self.started.append(process)
        return process


@pytest.fixture
def shell(tmp_path, capfd, monkeypatch):
    for name in [name for name in os.environ if name.startswith("NBFLOW_") or name in ("NO_COLOR", "FORCE_COLOR")]:
        monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    known, modules = list(sys.path), set(sys.modules)
    settings.cache_clear()
    made = Shell(tmp_path, capfd, monkeypatch)
    yield made
    for process in made.started:
        process.kill()
        process.communicate()
    settings.cache_clear()
    sys.path[:] = known
    for name in [name for name in sys.modules if name not in modules and not name.startswith(("nbflow", "_"))]:
        origin = getattr(sys.modules[name], "__file__", None) or ""
        if origin.startswith(str(tmp_path)):
            del sys.modules[name]
