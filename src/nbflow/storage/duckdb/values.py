"""Large and opaque values: one file each, named by its hash, written once and never changed."""

from __future__ import annotations

import os
from contextlib import suppress
from hashlib import sha256
from pathlib import Path

from nbflow.errors import StorageError
from nbflow.storage.duckdb.folder import sync_folder


class FileValues:
    """Files ``ab/abcdef….kind`` under a folder. A value is whole and on disk before its name appears."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def put(self, content: bytes, kind: str) -> str:
        digest = sha256(content).hexdigest()
        self.write(digest, content, kind)
        return digest

    def write(self, digest: str, content: bytes, kind: str) -> None:
        """Keep bytes whose hash is known already. Raises `OSError`."""
        shelf = self.folder / digest[:2]
        path = shelf / f"{digest}.{kind}"
        if path.exists():
            return
        shelf.mkdir(parents=True, exist_ok=True)
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

    def get(self, digest: str) -> tuple[bytes, str]:
        shelf = self.folder / digest[:2]
        damaged = False
        for path in sorted(shelf.glob(f"{digest}.*")):
            content = path.read_bytes()
            if sha256(content).hexdigest() == digest:
                return content, path.suffix[1:]
            damaged = True
        what = "is damaged" if damaged else "is not there"
        raise StorageError("store.missing_value", f"the value {digest} {what} (looked in {shelf})",
                           "it was deleted or changed outside of nbflow; restore the values folder from a copy")
