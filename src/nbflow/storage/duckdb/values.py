"""Large and opaque values: one file each, named by its hash, written once and never changed."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from hashlib import sha256
from pathlib import Path

from nbflow.errors import StorageError
from nbflow.storage.duckdb.folder import sync_folder, try_lock


class FileValues:
    """Files ``ab/abcdef….kind`` under a folder. A value is whole and on disk before its name appears."""

    def __init__(self, folder: Path, lock: Path | None = None) -> None:
        self.folder = folder
        self.lock = lock or folder / "values.lock"

    def put(self, content: bytes, kind: str) -> str:
        digest = sha256(content).hexdigest()
        self.write(digest, content, kind)
        return digest

    def write(self, digest: str, content: bytes, kind: str) -> None:
        """Keep bytes whose hash is known already. Raises `OSError`."""
        shelf = self.folder / digest[:2]
        path = shelf / f"{digest}.{kind}"
        shelf.mkdir(parents=True, exist_ok=True)
        with self._shared():
            if path.exists():
                os.utime(path)  # it is wanted again: nobody takes it out now
            else:
                self._write(shelf, path, content)

    def _write(self, shelf: Path, path: Path, content: bytes) -> None:
        digest = path.stem
        draft = shelf / f".{digest}.{os.getpid()}"
        try:
            with draft.open("wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            draft.rename(path)
        except OSError:
            with suppress(OSError):
                draft.unlink()
            raise
        sync_folder(shelf)
        sync_folder(self.folder)

    @contextmanager
    def _shared(self) -> Iterator[None]:
        """Share the lock of the values against whoever takes out those that nothing names."""
        self.lock.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(self.lock, os.O_RDWR | os.O_CREAT, 0o666)
        try:
            if not try_lock(descriptor, shared=True, timeout=30.0):
                raise OSError(errno.EBUSY, f"{self.lock} is held by another process")
            yield
        finally:
            os.close(descriptor)

    def get(self, digest: str) -> tuple[bytes, str]:
        shelf = self.folder / digest[:2]
        damaged = False
        for path in sorted(shelf.glob(f"{digest}.*")):
            content = path.read_bytes()
            if sha256(content).hexdigest() == digest:
                return content, path.suffix[1:]
            damaged = True
        what = "is damaged" if damaged else "is not there"
        raise StorageError(
            "store.missing_value",
            f"the value {digest} {what} (looked in {shelf})",
            "it was deleted or changed outside of nbflow; restore the values folder from a copy",
        )
