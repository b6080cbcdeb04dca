"""Values by their hash, in a table. The journal writes those of its records in its own transaction."""

from __future__ import annotations

from hashlib import sha256

from nbflow.errors import StorageError
from nbflow.storage.postgres.server import Server


class PostgresValues:
    """One question a call, at once; for values apart from records."""

    def __init__(self, url: str) -> None:
        self._server = Server(url)

    def put(self, content: bytes, kind: str) -> str:
        digest = sha256(content).hexdigest()
        with self._server.at_once() as connection:
            connection.execute(
                "insert into kept values (%s, %s, %s) on conflict (digest) do update set put = now()",
                [digest, kind, content],
            )
        return digest

    def get(self, digest: str) -> tuple[bytes, str]:
        with self._server.at_once() as connection:
            row = connection.execute("select content, kind from kept where digest = %s", [digest]).fetchone()
        if row is None:
            raise StorageError("store.missing_value", f"the value {digest} is not there")
        return bytes(row[0]), str(row[1])  # type: ignore[call-overload]
