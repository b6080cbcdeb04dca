"""A real server of models over the wire: aimock, which speaks the protocols of OpenAI and Anthropic.

It is installed from npm into the user's cache when it is not there. Without npm the tests that need it are
skipped, and say so.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import socket
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

VERSION = "1.43.0"
PACKAGE = f"@copilotkit/aimock@{VERSION}"


class Unavailable(Exception):
    """Why the server cannot be had here."""


@dataclass(frozen=True)
class ModelServer:
    """Its address, and what it was asked."""

    url: str

    def asked(self) -> list[dict[str, Any]]:
        with urllib.request.urlopen(f"{self.url}/__aimock/journal?limit=1000", timeout=5) as reply:
            found = json.load(reply)
        return found["entries"] if isinstance(found, dict) else found


def installed() -> Path:
    """The server's program. Raises `Unavailable`."""
    folder = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / f"nbflow-tests/aimock-{VERSION}"
    program = folder / "node_modules/@copilotkit/aimock/dist/cli.js"
    if program.exists():
        return program
    if shutil.which("npm") is None or shutil.which("node") is None:
        raise Unavailable("npm and node are not installed")
    making = folder.with_name(f"{folder.name}.{os.getpid()}")
    making.mkdir(parents=True, exist_ok=True)
    done = subprocess.run(
        ["npm", "install", "--no-audit", "--no-fund", "--loglevel=error", PACKAGE],
        cwd=making, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    if done.returncode:
        shutil.rmtree(making, ignore_errors=True)
        raise Unavailable(f"npm cannot install {PACKAGE}: {done.stderr.strip().splitlines()[-1:]}")
    with contextlib.suppress(OSError):  # another process was first
        making.rename(folder)
    shutil.rmtree(making, ignore_errors=True)
    return program


@contextlib.contextmanager
def served(fixtures: list[dict[str, Any]], folder: Path, *flags: str) -> Iterator[ModelServer]:
    """The server with these fixtures, for as long as it is needed. Raises `Unavailable`."""
    program, file = installed(), folder / "fixtures.json"
    file.write_text(json.dumps({"fixtures": fixtures}))
    port = free_port()
    command = ["node", str(program), "-p", str(port), "-f", str(file), "--log-level", "silent", *flags]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    try:
        _wait_for(port, process)
        yield ModelServer(f"http://127.0.0.1:{port}")
    finally:
        process.kill()
        process.communicate()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait_for(port: int, process: subprocess.Popen[bytes]) -> None:
    until = time.monotonic() + 20
    while time.monotonic() < until:
        if process.poll() is not None:
            raise RuntimeError(f"the model server ended: {process.communicate()[1].decode()[-500:]}")
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            return
        time.sleep(0.05)
    raise RuntimeError("the model server does not listen after 20 s")
