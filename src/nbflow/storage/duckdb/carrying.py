"""Taking executions and workflows out of a store as one file of lines, and into another: a backup, or a move.

Each line has a checksum, like a journal's. First comes what the file is, then values, workflows, records. Taking in
the same file again changes nothing; an execution that differs from the one that is there is left alone and named.
"""

from __future__ import annotations

import base64
import gzip
import json
import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, cast
from zlib import crc32

from nbflow.errors import StorageError
from nbflow.storage import codec
from nbflow.storage.codec import intact
from nbflow.storage.duckdb import intake, owners
from nbflow.storage.duckdb.catalog import FileFacts
from nbflow.storage.duckdb.database import Connection
from nbflow.storage.duckdb.store import DuckDBStore
from nbflow.storage.table import COLUMNS, add_lines

FORMAT = 1
_AT_ONCE = 10_000  # records
_DIGEST = re.compile(rb'"sha256":\s?"([0-9a-f]{64})"')


@dataclass(frozen=True, slots=True)
class Carried:
    """What went out or came in; `left` are executions that differ from those of the same id that were there."""

    executions: int
    records: int
    values: int
    workflows: int
    left: tuple[str, ...] = ()


def export(store: DuckDBStore, target: Path, executions: Sequence[str] | None = None) -> Carried:
    """Write executions (all, or some) with their values, and the catalog, to a file; ``.gz`` is compressed.

    Raises `StorageError` ``store.missing_value`` when a value is not there, `OSError` when the file cannot be written.
    """
    with store.copied() as connection, _writing(target) as file:
        file.write(_sealed({"nbflow": "export", "format": FORMAT}))
        chosen = sorted(_known(connection) if executions is None else executions)
        values = _export_values(store, connection, chosen, file)
        facts = FileFacts(store.folder).all()
        for fact in facts:
            file.write(_sealed({"nbflow": "fact", "fact": fact.decode()}))
        records = 0
        for line in _lines(connection, chosen):
            file.write(line)
            records += 1
    return Carried(len(chosen), records, values, sum(b'"fact":"Saved"' in fact for fact in facts))


def take_in(store: DuckDBStore, source: Path) -> Carried:
    """Take in what `export` wrote. Nothing is changed when the file is damaged. Raises `StorageError`."""
    store.folder.create()
    lines = store.folder.segments / "coming.tmp"
    try:
        parts = _sort_out(source, lines)
        values = [part for part in parts if part["nbflow"] == "value"]
        for value in values:
            store.values.put(base64.b64decode(value["content"]), value["kind"])
        facts = [part["fact"].encode() for part in parts if part["nbflow"] == "fact"]
        workflows = FileFacts(store.folder).take_in(facts)
        executions, records, left = store.ask(lambda connection: _merge(store, connection, lines))
    finally:
        lines.unlink(missing_ok=True)
    return Carried(executions, records, len(values), workflows, left)


def _sort_out(source: Path, lines: Path) -> list[dict[str, Any]]:
    """Write the records of a file to `lines`, and give the rest. Raises `StorageError` for what is no export."""
    parts: list[dict[str, Any]] = []
    with lines.open("wb") as file:
        for line in _checked(source):
            if line.startswith(b'{"nbflow"'):
                parts.append(json.loads(line))
            else:
                file.write(line + b"\n")
    if not parts or parts[0]["nbflow"] != "export":
        raise StorageError("store.corrupt", f"{source} is not a file of `nbflow store export`")
    if parts[0]["format"] > FORMAT:
        message = f"{source} is of format {parts[0]['format']}; this nbflow reads up to {FORMAT}"
        raise StorageError("store.version", message, "upgrade nbflow to take it in")
    return parts


def _export_values(store: DuckDBStore, connection: Connection, executions: Sequence[str], file: IO[bytes]) -> int:
    asked = (
        "select fields::varchar from records where contains(fields::varchar, ?) and execution in"
        " (select unnest(?::varchar[]))"
    )
    texts = [text.encode() for (text,) in connection.execute(asked, ['"$value"', list(executions)]).fetchall()]
    open, seen = list(dict.fromkeys(digests([*texts, *FileFacts(store.folder).all()]))), set()
    while open:
        digest = open.pop()
        if digest in seen:
            continue
        seen.add(digest)
        content, kind = store.values.get(digest)
        file.write(_sealed({"nbflow": "value", "kind": kind, "content": base64.b64encode(content).decode()}))
        open += digests([content]) if kind == "json" else []
    return len(seen)


def _lines(connection: Connection, executions: Sequence[str]) -> Iterator[bytes]:
    """The records as the codec's lines, by execution and sequence."""
    wanted = "create or replace temp table wanted as select unnest(?::varchar[]) as execution"
    connection.execute(wanted, [list(executions)])
    rows = connection.execute(
        "select execution, sequence, stamp, event, format, fields from records semi join wanted using (execution)"
        " order by execution, sequence"
    )
    while some := rows.fetchmany(_AT_ONCE):
        for execution, sequence, stamp, event, version, fields in some:
            yield codec.line_of(execution, sequence, stamp, event, version, fields)


def _merge(store: DuckDBStore, connection: Connection, lines: Path) -> tuple[int, int, tuple[str, ...]]:
    connection.execute(f"create or replace temp table coming ({COLUMNS})")
    add_lines(connection, lines, "coming")
    differing = connection.execute(
        "select distinct execution from coming join records using (execution, sequence)"
        " where coming.event <> records.event or coming.fields::varchar <> records.fields::varchar"
    ).fetchall()
    taken = [name for (name,) in connection.execute("select distinct execution from coming").fetchall()]
    left = {name for (name,) in differing} | {name for name in taken if owners.owned(store.folder, name)}
    connection.execute("delete from coming where execution in (select unnest(?::varchar[]))", [sorted(left)])
    new = "from coming anti join records using (execution, sequence)"
    connection.execute(f"create or replace temp table added as {new}")
    connection.execute("begin")
    connection.execute("insert into records from added")
    intake.summarise(connection, "select distinct execution from added")
    connection.execute("commit")
    ((count,),) = connection.execute("select count(*) from added").fetchall()
    names = [name for (name,) in connection.execute("select distinct execution from added").fetchall()]
    owners.note(store.folder, names)
    return len(names), int(count), tuple(sorted(left))


def digests(contents: Iterable[bytes]) -> Iterator[str]:
    """The hashes of kept values that some JSON names."""
    for content in contents:
        for match in _DIGEST.finditer(content):
            yield match[1].decode()


def _known(connection: Connection) -> list[str]:
    return [name for (name,) in connection.execute("select distinct execution from records").fetchall()]


def _sealed(said: dict[str, Any]) -> bytes:
    body = json.dumps(said, ensure_ascii=True)[:-1].encode()
    return b'%b,"crc":"%08x"}\n' % (body, crc32(body))


def _checked(source: Path) -> Iterator[bytes]:
    """The lines of a file, each checked. Raises `StorageError` ``store.corrupt``."""
    with _reading(source) as file:
        for number, line in enumerate(_split(file), 1):
            if not intact(line):
                raise StorageError("store.corrupt", f"line {number} of {source} is damaged; nothing was taken in")
            yield line


def _split(file: IO[bytes]) -> Iterable[bytes]:
    try:
        for line in file:
            yield line.rstrip(b"\n")
    except (EOFError, gzip.BadGzipFile, OSError) as error:
        raise StorageError("store.corrupt", f"the file cannot be read to its end: {error}") from None


@contextmanager
def _writing(target: Path) -> Iterator[IO[bytes]]:
    """A file that appears whole or not at all."""
    draft = target.with_name(f".{target.name}.new")
    try:
        with cast("IO[bytes]", gzip.open(draft, "wb")) if target.suffix == ".gz" else draft.open("wb") as file:
            yield file
        draft.rename(target)
    finally:
        draft.unlink(missing_ok=True)


@contextmanager
def _reading(source: Path) -> Iterator[IO[bytes]]:
    with cast("IO[bytes]", gzip.open(source, "rb")) if source.suffix == ".gz" else source.open("rb") as file:
        yield file
