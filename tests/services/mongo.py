"""A server that speaks MongoDB's protocol: the one that NBFLOW_TEST_MONGO names, else FerretDB over SQLite, built once.

FerretDB is fetched as a Go module and kept in the person's cache; where there is no Go or no module proxy, it is
unavailable, and who wants it says so by name.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import socket
import subprocess
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path

from tests.services.model_server import Unavailable, free_port

VERSION = "v1.24.0"


def program() -> Path:
    """The built server. Raises `Unavailable`."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "nbflow"
    built = cache / f"ferretdb-{VERSION}"
    if built.exists():
        return built
    go = shutil.which("go")
    if go is None:
        raise Unavailable("neither NBFLOW_TEST_MONGO nor Go, to build FerretDB")
    cache.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="nbflow-ferretdb-") as place:
        source = Path(place) / "source"
        shutil.copytree(_fetch(go), source, copy_function=_copy)
        (source / "build" / "version" / "version.txt").write_text(f"{VERSION}\n")  # the module leaves it empty
        draft = cache / f"{built.name}.{os.getpid()}"
        _go(go, "build", "-o", str(draft), "./cmd/ferretdb", cwd=source)
        draft.rename(built)
    return built


@contextlib.contextmanager
def started() -> Iterator[str]:
    """Its address, for as long as it is needed. Raises `Unavailable`."""
    given = os.environ.get("NBFLOW_TEST_MONGO")
    if given:
        yield given
        return
    with server() as one:
        yield one.url


class Server:
    """A FerretDB that can be killed and started again on the same folder."""

    def __init__(self, folder: Path) -> None:
        self.program, self.folder, self.port = program(), folder, free_port()
        self.url = f"mongodb://127.0.0.1:{self.port}/nbflow"
        self.start()

    def start(self) -> None:
        self.process = subprocess.Popen(
            [str(self.program), "--handler=sqlite", f"--sqlite-url=file:{self.folder}/", f"--state-dir={self.folder}",
             f"--listen-addr=127.0.0.1:{self.port}", "--telemetry=disable", "--debug-addr=-", "--log-level=error"],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        for _ in range(400):
            if self.process.poll() is not None:
                raise Unavailable("FerretDB does not start here")
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port), 0.2):
                return
            threading.Event().wait(0.05)
        raise Unavailable("FerretDB does not answer")

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()


@contextlib.contextmanager
def server() -> Iterator[Server]:
    """Raises `Unavailable`."""
    folder = Path(tempfile.mkdtemp(prefix="nbflow-mongo-"))
    made: Server | None = None
    try:
        made = Server(folder)
        yield made
    finally:
        if made is not None:
            made.kill()
        shutil.rmtree(folder, ignore_errors=True)


def _fetch(go: str) -> Path:
    said = _go(
        go, "mod", "download", "-json", f"github.com/FerretDB/FerretDB@{VERSION}", cwd=Path(tempfile.gettempdir())
    )
    return Path(json.loads(said)["Dir"])


def _go(go: str, *words: str, cwd: Path) -> str:
    done = subprocess.run([go, *words], cwd=cwd, capture_output=True, text=True, timeout=900, check=False)
    if done.returncode:
        raise Unavailable(f"FerretDB cannot be built: {done.stderr[-200:]}")
    return done.stdout


def _copy(source: str, target: str) -> None:
    shutil.copyfile(source, target)  # without its mode: a module's files cannot be written
