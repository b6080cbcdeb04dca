"""Addresses of stores, as SQLAlchemy writes them: ``duckdb:///relative``, ``duckdb:////absolute``, ``memory:``.

A folder that cannot be written has its store in the person's state folder; which one follows from the path alone, so
every process finds it.
"""

from __future__ import annotations

import os
import re
from collections.abc import Collection
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from nbflow.errors import StorageError

_KNOWN = "the store is duckdb:///path, postgresql://…, mongodb://… or memory:"
_SCHEMES: dict[str, str] = {
    "duckdb": "duckdb", "memory": "memory", "postgresql": "postgresql", "postgres": "postgresql", "mongodb": "mongodb",
    "mongodb+srv": "mongodb",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Address:
    """A store: `path` of the database for duckdb; `moved` when that is not where the address says."""

    url: str
    scheme: str
    path: Path | None = None
    moved: bool = False


def read_address(url: str | Path, more: Collection[str] = ()) -> Address:
    """The parts of an address; what is plainly a path is a DuckDB store. `more` are schemes that plug-ins serve.

    A bare word, which may be a mistyped scheme as well as a file, is refused. Raises `StorageError` ``store.url``.

    >>> read_address("duckdb:///.nbflow/history.duckdb").scheme
    'duckdb'
    """
    text = str(url)
    match = re.match(r"([A-Za-z][A-Za-z0-9+.-]+):(.*)$", text, re.DOTALL)
    if isinstance(url, Path) or (match is None and _is_path(text)):
        return _on_disk(text, text)
    if match is None:
        raise _unclear(text, more)
    scheme = _SCHEMES.get(match[1].lower()) or (match[1] if match[1] in more else None)
    if scheme is None:
        raise StorageError(
            "store.url", f"no store is known for {match[1]}://", f"{_KNOWN}; did you mean postgresql://?"
        )
    return _on_disk(text, match[2]) if scheme == "duckdb" else Address(text, scheme)


def _is_path(text: str) -> bool:
    """Whether a text is written as a path: with a folder, or with the ending of a file."""
    return not text or "/" in text or os.sep in text or text.startswith("~") or bool(Path(text).suffix)


def _unclear(text: str, more: Collection[str]) -> StorageError:
    meant = {"memory": "memory:", "duckdb": "duckdb:///.nbflow/history.duckdb"}.get(text.lower())
    hint = f"did you mean {meant}?" if meant else f"for a file write duckdb:///{text}, or a path such as ./{text}"
    if text.lower() in _SCHEMES.keys() - {"memory", "duckdb"} or text in more:
        hint = f"write the whole address, such as {text}://host/db"
    return StorageError("store.url", f"{text!r} is neither the address of a store nor a path; {_KNOWN}", hint)


def _on_disk(url: str, path: str) -> Address:
    name = path.removeprefix("///") if path.startswith("///") else path.removeprefix("//")
    if not name or name.endswith("/"):
        raise StorageError("store.url", f"{url} names no file", "such as duckdb:///.nbflow/history.duckdb")
    wanted = Path(name).expanduser()
    if _writable(wanted.absolute().parent):
        return Address(url, "duckdb", wanted)
    return Address(url, "duckdb", _state_place(wanted.absolute()), moved=True)


def _writable(folder: Path) -> bool:
    """Whether a store can be in a folder, which need not exist; a file in its place is an error elsewhere."""
    for place in (folder, *folder.parents):
        if place.is_dir():
            return os.access(place, os.W_OK | os.X_OK)
        if place.exists():
            return True
    return True


def _state_place(path: Path) -> Path:
    state = os.environ.get("XDG_STATE_HOME") or "~/.local/state"
    digest = sha256(str(path).encode("utf-8", "surrogateescape")).hexdigest()[:12]
    return Path(state).expanduser() / "nbflow" / f"{path.parent.name.strip('.') or 'store'}-{digest}" / path.name
