"""One live writer an execution: who has claimed what, in a file that all writers of the folder append to.

A writer holds a lock on ``segments/<writer>.owner`` for as long as it lives; the kernel lets go of it with the process.
``segments/claims`` has a line ``["execution", "writer"]`` a claim, ``""`` for one given up; the last one counts.
Both are changed only under the lock ``claims``, so two writers never claim one execution.
"""

from __future__ import annotations

import json
import os
import socket
import weakref
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path

from nbflow.storage.duckdb.folder import Folder, try_lock
from nbflow.storage.duckdb.segment import name_of

_living: weakref.WeakSet[Owners] = weakref.WeakSet()


def _let_go_in_child() -> None:
    """A forked child is no writer: what its parent holds must not live on with it."""
    for owner in _living:
        owner.forget_lock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_let_go_in_child)


class Owners:
    """The claims as one writer knows them. Used by the writer's thread alone."""

    def __init__(self, folder: Folder, writer: str) -> None:
        self.folder = folder
        self.writer = writer
        self._claims: dict[str, str] = {}  # execution → its last writer, "" when given up
        self._read = 0  # bytes of the claims file
        self._file: tuple[int, int] | None = None  # which file they were of
        self._lock: int | None = None

    def enter(self, known: Callable[[], Iterable[str]]) -> None:
        """Become a living writer. `known` names the executions of a store whose claims are not there (any more)."""
        with self.folder.held("claims"):
            path = _owner_path(self.folder, self.writer)
            self._lock = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o666)
            try_lock(self._lock)
            _living.add(self)
            os.write(self._lock, json.dumps({"pid": os.getpid(), "host": socket.gethostname()}).encode())
            if not self.folder.claims.exists():
                self._write([(execution, "") for execution in known()])

    def forget_lock(self) -> None:
        """Close the lock's file in a forked child; the parent goes on holding it."""
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def claim(self, executions: list[str]) -> dict[str, str | None]:
        """Take executions; the answer has for each None (it is new), ``"known"``, or who holds it, in words."""
        with self.folder.held("claims"):
            self._look()
            answers = {execution: self._answer(execution) for execution in executions}
            taken = [(name, self.writer) for name, answer in answers.items() if answer in (None, "known")]
            self._write(taken, sync=True)
        return answers

    def release(self, executions: list[str]) -> None:
        """Give executions up, so that another writer may go on with them."""
        with self.folder.held("claims"):
            self._look()
            self._write([(name, "") for name in executions if self._claims.get(name) == self.writer])

    def leave(self) -> None:
        """Stop being a writer; all claims end with it."""
        if self._lock is not None:
            with self.folder.held("claims"):
                _owner_path(self.folder, self.writer).unlink(missing_ok=True)
                os.close(self._lock)
                self._lock = None

    def _answer(self, execution: str) -> str | None:
        holder = self._claims.get(execution)
        if holder is None:
            return None
        if holder in ("", self.writer) or not alive(self.folder, holder):
            return "known"
        return describe(self.folder, holder)

    def _look(self) -> None:
        """Take in what other writers have claimed since."""
        try:
            with self.folder.claims.open("rb") as file:
                status = os.fstat(file.fileno())
                if self._file != (status.st_dev, status.st_ino) or status.st_size < self._read:
                    self._claims, self._read, self._file = {}, 0, (status.st_dev, status.st_ino)
                file.seek(self._read)
                content = file.read()
        except FileNotFoundError:
            return
        whole = content.rfind(b"\n") + 1
        self._claims.update(_parse(content[:whole]))
        self._read += whole

    def _write(self, claims: list[tuple[str, str]], *, sync: bool = False) -> None:
        if not claims:
            return
        with self.folder.claims.open("a+b", buffering=0) as file:
            if file.tell() and _lacks_end(file.fileno()):
                file.write(b"\n")  # a writer died in the middle of a line
            file.write(b"".join(json.dumps(claim).encode() + b"\n" for claim in claims))
            if sync:
                os.fsync(file.fileno())
        self._claims.update(claims)


def alive(folder: Folder, writer: str) -> bool:
    """Whether a writer's process lives (or has not let go of the store)."""
    try:
        descriptor = os.open(_owner_path(folder, writer), os.O_RDONLY)
    except FileNotFoundError:
        return False
    try:
        return not try_lock(descriptor, shared=True)
    finally:
        os.close(descriptor)


def describe(folder: Folder, writer: str) -> str:
    """A living writer in words: the process and machine."""
    with suppress(OSError, ValueError, KeyError):
        facts = json.loads(_owner_path(folder, writer).read_text())
        return f"process {facts['pid']} on {facts['host']}"
    return f"the writer {writer}"


def holder_of(folder: Folder, execution: str) -> str | None:
    """The living writer that has claimed an execution."""
    with suppress(FileNotFoundError):
        writer = _parse(folder.claims.read_bytes()).get(execution)
        return writer if writer and alive(folder, writer) else None
    return None


def read_claims(folder: Folder) -> list[str]:
    """Every execution that was ever begun in this folder, as far as its claims tell."""
    with suppress(FileNotFoundError):
        return list(_parse(folder.claims.read_bytes()))
    return []


def owned(folder: Folder, execution: str) -> bool:
    """Whether a living writer has an execution."""
    with suppress(FileNotFoundError):
        writer = _parse(folder.claims.read_bytes()).get(execution)
        return bool(writer) and alive(folder, writer or "")
    return False


def held(folder: Folder) -> set[str]:
    """All executions that living writers have."""
    with suppress(FileNotFoundError):
        claims = _parse(folder.claims.read_bytes())
        living = {writer for writer in set(claims.values()) if writer and alive(folder, writer)}
        return {execution for execution, writer in claims.items() if writer in living}
    return set()


def note(folder: Folder, executions: list[str]) -> None:
    """Let it be known that executions are there, without a writer."""
    if not executions:
        return
    with folder.held("claims"), folder.claims.open("a+b") as file:
        if file.tell() and _lacks_end(file.fileno()):
            file.write(b"\n")
        file.write(b"".join(json.dumps((execution, "")).encode() + b"\n" for execution in executions))


def keep_claims(folder: Folder, wanted: Callable[[str, str], bool]) -> None:
    """Rewrite the claims with those that are wanted, by execution and writer; others notice by the new file."""
    with folder.held("claims"):
        if not folder.claims.exists():
            return
        claims = _parse(folder.claims.read_bytes())
        kept = [claim for claim in claims.items() if wanted(*claim)]
        draft = folder.claims.with_name("claims.new")
        with draft.open("wb") as file:
            file.write(b"".join(json.dumps(claim).encode() + b"\n" for claim in kept))
            file.flush()
            os.fsync(file.fileno())
        draft.rename(folder.claims)


def forget_dead(folder: Folder) -> None:
    """Remove the lock files of writers that are dead and have no segment left."""
    with folder.held("claims"):
        writing = {name.writer for path in folder.segments.glob("*.jsonl") if (name := name_of(path))}
        for path in folder.segments.glob("*.owner"):
            if path.stem not in writing and not alive(folder, path.stem):
                path.unlink(missing_ok=True)


def _owner_path(folder: Folder, writer: str) -> Path:
    return folder.segments / f"{writer}.owner"


def _parse(content: bytes) -> dict[str, str]:
    claims: dict[str, str] = {}
    for line in content.splitlines():
        with suppress(ValueError, TypeError):
            execution, writer = json.loads(line)
            claims[str(execution)] = str(writer)
    return claims


def _lacks_end(descriptor: int) -> bool:
    size = os.fstat(descriptor).st_size
    return size > 0 and os.pread(descriptor, 1, size - 1) != b"\n"
