"""What JSON cannot hold, or what is too large for a record, is kept by its hash."""

from __future__ import annotations

from typing import Protocol


class Values(Protocol):
    """A content-addressed store; a value is written once and never changed."""

    def put(self, content: bytes, kind: str) -> str:
        """Keep bytes of a kind (json, arrow, bytes) and return ``sha256`` of them in hex; durable when it returns."""
        ...

    def get(self, digest: str) -> tuple[bytes, str]:
        """The bytes and their kind; raises `StorageError` ``store.missing_value`` when they are not there."""
        ...
