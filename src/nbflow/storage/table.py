"""Records as a table of DuckDB: what its columns are, and how lines of the codec become rows."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

COLUMNS = (
    "execution varchar, sequence bigint, stamp double, event varchar, node varchar, format integer, fields json"
)
"""One row a record: `stamp` is seconds since the epoch, `fields` the codec's JSON of the event."""


def add_lines(connection: DuckDBPyConnection, lines: Path, table: str = "records") -> None:
    """Add a file of intact lines to a table; what is there already by (execution, sequence) stays as it is."""
    connection.execute(_INSERT.replace("records", table), [str(lines)])


_INSERT = """
insert into records
select distinct on (execution, sequence) execution, sequence, "at", event, fields->>'$.node', v, fields
from read_json(?, format = 'newline_delimited', maximum_object_size = 1073741824, columns = {
    v: 'integer', execution: 'varchar', sequence: 'bigint', "at": 'double', event: 'varchar', fields: 'json'}) as new
where not exists (
    select 1 from records as old where old.execution = new.execution and old.sequence = new.sequence)
"""
