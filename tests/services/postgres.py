"""A real PostgreSQL of this machine, started in a folder of its own; or the one that NBFLOW_TEST_POSTGRES names."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

from tests.services.model_server import Unavailable, free_port


def programs() -> Path:
    """The folder with `initdb` and `pg_ctl`. Raises `Unavailable`."""
    found = shutil.which("initdb")
    folders = [Path(found).parent] if found else []
    folders += sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    for folder in folders:
        if (folder / "initdb").exists() and (folder / "pg_ctl").exists():
            return folder
    raise Unavailable("PostgreSQL is not installed")


@contextlib.contextmanager
def started() -> Iterator[str]:
    """Its address, for as long as it is needed. Raises `Unavailable`."""
    given = os.environ.get("NBFLOW_TEST_POSTGRES")
    if given:
        yield given
        return
    binaries, folder, port = programs(), Path(tempfile.mkdtemp(prefix="nbflow-pg-")), free_port()
    user = _owner(folder)
    try:
        _run(user, binaries / "initdb", "-D", folder / "data", "-A", "trust", "-U", "nbflow", "-E", "UTF8", "--no-sync")
        options = f"-c listen_addresses=127.0.0.1 -c port={port} -c unix_socket_directories={folder} -c fsync=off -c shared_buffers=16MB"
        _run(user, binaries / "pg_ctl", "-D", folder / "data", "-l", folder / "log", "-o", options, "-w", "start")
        try:
            yield f"postgresql://nbflow:a-password@127.0.0.1:{port}/postgres"
        finally:
            _run(user, binaries / "pg_ctl", "-D", folder / "data", "-m", "immediate", "stop")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _owner(folder: Path) -> str | None:
    """PostgreSQL refuses to run as root: then it runs as the user that its package made."""
    if os.geteuid() != 0:
        return None
    try:
        shutil.chown(folder, "postgres")
    except LookupError:
        raise Unavailable("PostgreSQL does not run as root, and there is no user postgres") from None
    return "postgres"


def _run(user: str | None, *command: object) -> None:
    done = subprocess.run(
        [str(part) for part in command], user=user, cwd="/", capture_output=True, text=True, timeout=60, check=False,
        env={"PATH": os.environ.get("PATH", ""), "LC_ALL": "C.UTF-8"},
    )  # fmt: skip
    if done.returncode:
        raise RuntimeError(f"{command[0]} failed: {done.stderr[-800:]}{done.stdout[-800:]}")
