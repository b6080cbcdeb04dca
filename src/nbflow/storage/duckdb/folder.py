"""Where everything of one embedded store stands, and the locks that processes share on it.

Beside ``history.duckdb`` are ``segments/`` (what processes write), ``values/`` (large and opaque values by their
hash) and what was set aside as damaged. Locks are advisory `flock`s: they go with the process that held them.
"""

from __future__ import annotations

import errno
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from nbflow.errors import StorageError

try:
    import fcntl
except ImportError:  # pragma: no cover - Windows has no flock
    fcntl = None  # type: ignore[assignment]

_POLL = 0.005  # seconds between two tries of a lock
_NO_LOCKS = frozenset({errno.ENOLCK, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS})


@dataclass(frozen=True, slots=True)
class Folder:
    """The places of the store whose database is `database`."""

    database: Path

    @property
    def root(self) -> Path:
        return self.database.parent

    @property
    def segments(self) -> Path:
        return self._beside("segments")

    @property
    def values(self) -> Path:
        return self._beside("values")

    @property
    def catalog(self) -> Path:
        return self._beside("catalog.jsonl")

    @property
    def requests(self) -> Path:
        return self._beside("requests")

    @property
    def claims(self) -> Path:
        return self.segments / "claims"

    @property
    def wal(self) -> Path:
        return self.database.with_name(self.database.name + ".wal")

    def _beside(self, name: str) -> Path:
        """`segments` for the usual ``history.duckdb``, ``other.segments`` for ``other.duckdb``."""
        stem = self.database.stem
        return self.root / (name if stem == "history" else f"{stem}.{name}")

    def create(self) -> None:
        """Make the folders, but none above the store's own.

        Raises `StorageError`: ``store.read_only``, or ``store.path`` for a folder that is not there or is none.
        """
        missing = next((place for place in reversed(self.root.parents) if not place.exists()), None)
        if missing is not None:
            raise StorageError(
                "store.path",
                f"the folder {missing} does not exist, so no store is made in {self.root}",
                f"make it (mkdir -p {self.root}), or name another in NBFLOW_STORE",
            )
        try:
            self.segments.mkdir(parents=True, exist_ok=True)
            self.values.mkdir(exist_ok=True)
        except OSError as error:
            raise _refused(self.root, error) from None

    def set_aside(self, path: Path, stamp: str) -> Path | None:
        """Rename a damaged file so that nobody takes it for whole; nothing is ever deleted."""
        if not path.exists():
            return None
        for number in range(1000):
            target = path.with_name(f"{path.name}.damaged-{stamp}" + (f"-{number}" if number else ""))
            if not target.exists():
                path.rename(target)
                return target
        raise StorageError("store.corrupt", f"{path} is damaged, and too many damaged files stand beside it")

    def damaged(self) -> list[Path]:
        """What was set aside, oldest first."""
        found = [*self.root.glob(f"{self.database.name}*.damaged-*"), *self.segments.glob("*.damaged-*")]
        return sorted(found, key=lambda path: path.name.rpartition(".damaged-")[2])

    def lock_of(self, name: str) -> Path:
        return self.segments / f"{name}.lock"

    @contextmanager
    def held(self, name: str, timeout: float = 10.0) -> Iterator[None]:
        """Hold one of the store's locks against threads and processes. Raises `StorageError` ``store.shared``."""
        path = self.lock_of(name)
        descriptor = _open(path)
        try:
            if not try_lock(descriptor, timeout=timeout):
                raise StorageError(
                    "store.shared",
                    f"{path} is held by another process for more than {timeout:g} s",
                    "another nbflow works on this store; try again, or see who holds it with `lsof`",
                )
            yield
        finally:
            os.close(descriptor)


def try_lock(descriptor: int, *, shared: bool = False, timeout: float = 0.0) -> bool:
    """Lock an open file until it is closed; False when somebody else has it for longer than `timeout` seconds.

    Raises `StorageError` ``store.network`` where the file system has no locks.
    """
    if fcntl is None:  # pragma: no cover
        raise StorageError(
            "store.network",
            "this system has no file locks that the embedded store can use",
            "use postgresql://, or run where `fcntl.flock` exists",
        )
    mode = (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB
    end = time.monotonic() + timeout
    while True:
        try:
            fcntl.flock(descriptor, mode)
        except OSError as error:
            if error.errno in _NO_LOCKS:
                raise StorageError(
                    "store.network",
                    "locks do not work on this file system (a network share?)",
                    "set NBFLOW_STORE to a folder on a local disk, or use postgresql://",
                ) from None
            if error.errno not in (errno.EAGAIN, errno.EACCES):
                raise
        else:
            return True
        if time.monotonic() >= end:
            return False
        time.sleep(_POLL)


def sync_folder(folder: Path) -> None:
    """Make new names in a folder survive a power cut."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        with suppress(OSError):  # some file systems cannot, and say so
            os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _open(path: Path) -> int:
    try:
        return os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
    except OSError as error:
        raise _refused(path.parent, error) from None


def _refused(folder: Path, error: OSError) -> StorageError:
    if error.errno in (errno.EROFS, errno.EACCES, errno.EPERM):
        return StorageError(
            "store.read_only",
            f"{folder} cannot be written: {error.strerror}",
            "set NBFLOW_STORE to a folder that can, such as duckdb:////tmp/history.duckdb",
        )
    return StorageError(
        "store.path",
        f"the folder {folder} cannot be made: {error.strerror}",
        "make it, or set NBFLOW_STORE to one that is there",
    )
