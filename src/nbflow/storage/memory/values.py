"""Values by their hash, in a mapping."""

from __future__ import annotations

from hashlib import sha256

from nbflow.errors import StorageError


class MemoryValues:
    """Lives as long as its object."""

    def __init__(self) -> None:
        self._kept: dict[str, tuple[bytes, str]] = {}

    def put(self, content: bytes, kind: str) -> str:
        digest = sha256(content).hexdigest()
        self._kept.setdefault(digest, (content, kind))
        return digest

    def all(self) -> dict[str, tuple[bytes, str]]:
        """Everything that is kept, by its hash."""
        return dict(self._kept)

    def get(self, digest: str) -> tuple[bytes, str]:
        try:
            return self._kept[digest]
        except KeyError:
            raise StorageError("store.missing_value", f"the value {digest} is not there") from None
