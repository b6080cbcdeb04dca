"""A PostgreSQL primary with a streaming replica, which can be killed, started again and promoted."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.services.model_server import Unavailable, free_port
from tests.services.postgres import _owner, _run, programs

__all__ = ["Cluster", "Unavailable", "cluster"]


def base_backup() -> Path:
    """The program that copies a running server. Raises `Unavailable`."""
    found = shutil.which("pg_basebackup")
    places = [Path(found)] if found else sorted(Path("/usr/lib/postgresql").glob("*/bin/pg_basebackup"), reverse=True)
    if not places:
        raise Unavailable("pg_basebackup is not installed")
    return places[0]


class Cluster:
    """Two servers; `primary` and `replica` are their addresses."""

    def __init__(self, folder: Path, *, synchronous: bool) -> None:
        self.binaries, self.folder, self.user = programs(), folder, _owner(folder)
        self.ports = {"primary": free_port(), "replica": free_port()}
        self._make_primary(synchronous)
        self._make_replica()

    @property
    def primary(self) -> str:
        return self._url("primary")

    @property
    def replica(self) -> str:
        return self._url("replica")

    @property
    def either(self) -> str:
        """An address that finds whichever of the two can be written."""
        hosts = ",".join(f"127.0.0.1:{port}" for port in self.ports.values())
        return f"postgresql://nbflow@{hosts}/postgres?target_session_attrs=read-write&connect_timeout=2"

    def start(self, name: str) -> None:
        options = f"-c listen_addresses=127.0.0.1 -c port={self.ports[name]} -c unix_socket_directories={self.folder} -c shared_buffers=16MB"
        self._pg_ctl(name, "-l", self.folder / f"{name}.log", "-o", options, "-w", "start")

    def kill(self, name: str) -> None:
        """As `kill -9`: nothing is written to its end."""
        self._pg_ctl(name, "-m", "immediate", "stop")

    def promote(self) -> None:
        self._pg_ctl("replica", "-w", "promote")

    def stop(self) -> None:
        for name in self.ports:
            subprocess.run([str(self.binaries / "pg_ctl"), "-D", str(self.folder / name), "-m", "immediate", "stop"],
                           user=self.user, cwd="/", capture_output=True, check=False)  # fmt: skip

    def _url(self, name: str) -> str:
        return f"postgresql://nbflow@127.0.0.1:{self.ports[name]}/postgres"

    def _make_primary(self, synchronous: bool) -> None:
        _run(
            self.user,
            self.binaries / "initdb",
            "-D",
            self.folder / "primary",
            "-A",
            "trust",
            "-U",
            "nbflow",
            "-E",
            "UTF8",
            "--no-sync",
        )
        with (self.folder / "primary" / "postgresql.conf").open("a") as file:
            file.write("wal_level = replica\nmax_wal_senders = 4\nhot_standby = on\n")
        self.start("primary")
        if synchronous:
            self._psql("alter system set synchronous_standby_names = '*'")

    def _make_replica(self) -> None:
        _run(self.user, base_backup(), "-h", "127.0.0.1", "-p", self.ports["primary"], "-U", "nbflow",
             "-D", self.folder / "replica", "-R", "-X", "stream", "--no-sync")  # fmt: skip
        self.start("replica")
        self._psql("select pg_reload_conf()")

    def _psql(self, statement: str) -> None:
        import psycopg

        with psycopg.connect(self.primary, autocommit=True) as connection:
            connection.execute(statement)

    def _pg_ctl(self, name: str, *words: object) -> None:
        _run(self.user, self.binaries / "pg_ctl", "-D", self.folder / name, *words)


@contextmanager
def cluster(*, synchronous: bool = False) -> Iterator[Cluster]:
    """Raises `Unavailable`."""
    folder = Path(tempfile.mkdtemp(prefix="nbflow-cluster-"))
    made: Cluster | None = None
    try:
        made = Cluster(folder, synchronous=synchronous)
        yield made
    finally:
        if made is not None:
            made.stop()
        shutil.rmtree(folder, ignore_errors=True)
