"""The embedded store as plain functions: no loop, no thread. The journal, the shell and analytics read through it.

Every question opens the database late and closes it early: first what the segments have is taken in, then the question
is asked. When somebody else holds the database for long, the question is asked of a private copy.
"""

from __future__ import annotations

import os
import shutil
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TypeVar

from nbflow.errors import StorageError
from nbflow.execution.events import NodeCompleted, Record
from nbflow.ports.clock import Clock, SystemClock
from nbflow.ports.executions import Page, Query
from nbflow.ports.journal import Found, Gap, Summary
from nbflow.storage import codec
from nbflow.storage.duckdb import database, intake, owners, queries, salvage
from nbflow.storage.duckdb.catalog import FileFacts
from nbflow.storage.duckdb.database import Busy, Connection, Damaged
from nbflow.storage.duckdb.folder import Folder
from nbflow.storage.duckdb.values import FileValues

Answer = TypeVar("Answer")

_PATIENCE = 10.0  # seconds to wait for another nbflow that has the database
_MAGIC = b"DUCK"


class DuckDBStore:
    """Reads and keeps in order the store whose database is `path` (it need not exist yet).

    >>> store = DuckDBStore("/tmp/nbflow-example/history.duckdb")
    >>> [summary.phase for summary in store.executions()]
    []
    """

    def __init__(self, path: str | Path, clock: Clock | None = None) -> None:
        self.folder = Folder(Path(path).absolute())
        self.clock = clock or SystemClock()
        self._check_place()
        self.values = FileValues(self.folder.values, self.folder.lock_of("values"))
        self._alone = threading.RLock()

    # --- questions ------------------------------------------------------------------------------------

    def read(self, execution: str, after: int = 0) -> list[Record]:
        """The records of an execution after a sequence. Raises `StorageError`."""
        rows = self.ask(lambda connection: queries.rows(connection, execution, after))
        return [
            Record(sequence, stamp, codec.decode_event(version, event, fields, self.values.get))
            for sequence, stamp, event, version, fields in rows
        ]

    def last_sequence(self, execution: str) -> int:
        return self.ask(lambda connection: queries.last_sequence(connection, execution))

    def executions(self) -> list[Summary]:
        return self.ask(lambda connection: queries.summaries(connection, self.values.get))

    def find_result(self, key: str) -> Found | None:
        """The latest `NodeCompleted` recorded under a key."""
        row = self.ask(lambda connection: queries.result(connection, key))
        if row is None:
            return None
        execution, stamp, event, version, fields = row
        completed = codec.decode_event(version, event, fields, self.values.get)
        assert isinstance(completed, NodeCompleted)
        return Found(execution, completed.node, stamp, completed.output)

    def find(self, query: Query) -> Page:
        """The executions that fit a query, page by page. Raises `StorageError`."""
        return self.ask(lambda connection: queries.find(connection, query, self.values.get))

    def known(self) -> list[str]:
        """The ids of all executions; nothing is opened when there is nothing yet."""
        if not self.folder.database.exists() and not intake.waiting(self.folder):
            return []
        return self.ask(queries.known)

    def gaps(self) -> list[Gap]:
        """Loss that is known: missing sequences, lost executions, damaged files."""
        try:
            gaps = self.ask(lambda connection: queries.gaps(connection, self._claimed(connection)))
        except StorageError as error:
            gaps = [Gap(None, 0, None, str(error))]
        aside = [f"{path.name} is damaged and was set aside" for path in self.folder.damaged()]
        messages = aside + intake.refused(self.folder) + FileFacts(self.folder).damage()
        return gaps + [Gap(None, 0, None, message) for message in messages]

    def _claimed(self, connection: Connection) -> list[str]:
        """Executions that must be there, when a database was lost; else a claim alone may have come to nothing."""
        return owners.read_claims(self.folder) if queries.lost(connection, self.folder.database.name) else []

    def take_in(self) -> None:
        """Take in what the segments have, when the database is free; else another time."""
        if intake.waiting(self.folder):
            with suppress(Busy):  # or there is no room for it
                self._ask_database(lambda _: None)

    def ask(self, question: Callable[[Connection], Answer]) -> Answer:
        """Ask the database, with all that was written taken in. Asking makes no file. Raises `StorageError`."""
        try:
            if self.folder.segments.exists():
                return self._ask_database(question)
        except StorageError as error:
            if not isinstance(error, Busy) and error.code not in ("store.read_only", "store.full"):
                raise
        with self.copied() as connection:
            return question(connection)

    @contextmanager
    def copied(self) -> Iterator[Connection]:
        """A connection to a private copy of the store with all that was written; it goes when it is closed."""
        with tempfile.TemporaryDirectory(prefix="nbflow-") as place:
            path = Path(place) / "history.duckdb"
            self._copy(path)
            with database.opened(path) as connection:
                yield connection

    def attach(self, connection: Connection, name: str) -> None:
        """Attach a private copy of the store, with all that was written, to a connection; it cannot be written."""
        with suppress(StorageError):
            self.take_in()
        with tempfile.TemporaryDirectory(prefix="nbflow-") as place:
            path = Path(place) / "history.duckdb"
            self._copy(path)
            with database.meaning(path):
                connection.execute(f"attach {database.literal(path)} as {name} (read_only)")
        # the copy's name is gone, and its space with the connection

    def rewrite(self, slack: float) -> bool:
        """Write the database anew when more than a share of it is empty, to give the space back. False when not done.

        It is not when somebody else has it open, in this process or another: they would go on with the old file.
        """
        with self._alone, self.folder.held("database", _PATIENCE):
            if not self.folder.database.exists() or database.in_use(self.folder.database):
                return False
            return database.rewrite(self.folder.database, slack)

    # --- order ----------------------------------------------------------------------------------------

    def stamp(self) -> str:
        return self.clock.new_id()

    def _ask_database(self, question: Callable[[Connection], Answer]) -> Answer:
        with self._alone, self.folder.held("database", _PATIENCE):
            for patience in (2, 1, 0):
                try:
                    return self._ask_once(question)
                except Damaged as damage:
                    if not patience:
                        raise StorageError("store.corrupt", damage.text) from None
                    self._check_unused()
                    salvage.repair(self.folder, self.stamp(), str(damage))
                except OSError as error:
                    raise Busy(f"{self.folder.root} cannot be written: {error.strerror}") from None
                except StorageError as error:
                    if error.code != "store.not_a_database" or not patience or self._is_duckdb() is not False:
                        raise
                    self._check_unused()
                    salvage.repair(self.folder, self.stamp(), str(error))
        raise AssertionError("unreachable")

    def _ask_once(self, question: Callable[[Connection], Answer]) -> Answer:
        if not self.folder.database.exists():
            self._begin()
        with database.opened(self.folder.database) as connection:
            intake.take_in(connection, self.folder, self.stamp(), self.folder.segments / "taking.tmp")
            return question(connection)

    def _check_unused(self) -> None:
        """A connection of the user's in this process would go on with the damaged file, under the new one's name."""
        if database.in_use(self.folder.database):
            raise StorageError(
                "store.corrupt",
                f"{self.folder.database} is damaged, and this process has it open",
                "close your own connections to it; it is then set aside and rebuilt",
            )

    def _begin(self) -> None:
        self.folder.set_aside(self.folder.wal, self.stamp())  # a log without its database
        made = self.folder.segments / "database.made"
        database.create(self.folder.database)
        if made.exists():
            with database.opened(self.folder.database) as connection:
                message = "the database was gone, with all that was no longer in segments; it was made anew"
                intake.note(connection, self.folder.database.name, 0, message)
        made.touch()

    def _copy(self, target: Path) -> None:
        """Copy the database as it is between two writes of whoever holds it, then take in the segments."""
        if self.folder.segments.exists():
            with suppress(StorageError), self._alone, self.folder.held("database", _PATIENCE):
                return self._copy_quietly(target)
        return self._copy_quietly(target)

    def _copy_quietly(self, target: Path) -> None:
        source = self.folder.database
        for _ in range(20):
            before = self._signature()
            for path, name in ((source, target), (self.folder.wal, target.with_name(target.name + ".wal"))):
                name.unlink(missing_ok=True)
                with suppress(FileNotFoundError):
                    shutil.copyfile(path, name)
            if not target.exists():
                database.create(target)
            if before == self._signature():
                with suppress(Damaged), database.opened(target) as connection:
                    intake.take_in(connection, self.folder, self.stamp(), target.with_name("taking.tmp"), remove=False)
                    return
        raise StorageError(
            "store.shared",
            f"{source} changes all the time, and cannot be read",
            "close the connection that writes to it",
        )

    def _signature(self) -> list[tuple[int, int, int]]:
        found = []
        for path in (self.folder.database, self.folder.wal):
            with suppress(FileNotFoundError):
                status = path.stat()
                found.append((status.st_ino, status.st_size, status.st_mtime_ns))
        return found

    def _is_duckdb(self) -> bool | None:
        """Whether the file begins as DuckDB's do; None when there is none, or it is not a store's."""
        try:
            with self.folder.database.open("rb") as file:
                return os.pread(file.fileno(), 4, 8) == _MAGIC
        except OSError:
            return None

    def _check_place(self) -> None:
        """Refuse what is plainly no store, before anything is made."""
        path = self.folder.database
        if path.is_dir():
            raise StorageError(
                "store.path", f"{path} is a folder; the store is a file in it", f"name {path / 'history.duckdb'}"
            )
        if self._is_duckdb() is False and not self.folder.claims.exists():
            raise StorageError(
                "store.not_a_database",
                f"{path} is not a DuckDB file",
                "name another file in NBFLOW_STORE; this one was not touched",
            )
