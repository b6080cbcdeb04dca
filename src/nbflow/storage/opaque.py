"""Values that JSON cannot hold: tables as Arrow, arrays as npy, bytes as they are. Nothing else, and no pickle.

What is stored here is data: reading it back imports pandas or numpy and runs no code of the value's own.
"""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any

from nbflow.errors import StorageError
from nbflow.ports.opaque import kind_of

_NAMELESS = "\x7fnbflow"  # the column of a series without a name
_HINT = "give back JSON data (text, numbers, lists, mappings), a DataFrame, an array or bytes"


def dump(value: Any) -> tuple[bytes, str] | None:
    """The bytes and the kind of an opaque value; None when it is not one of those we keep.

    Raises `StorageError` ``store.not_json`` for a DataFrame or array with objects that have no plain form.
    """
    kind = kind_of(value)
    return None if kind is None else (_DUMPS[kind](value), kind)


def load(content: bytes, kind: str) -> Any:
    """The value again. Raises `StorageError` ``store.version`` for a kind this version does not know."""
    match kind:
        case "bytes":
            return content
        case "arrow":
            return _load_table(content).to_pandas()
        case "series":
            return _load_series(content)
        case "table":
            return _load_table(content)
        case "npy":
            return _load_array(content)
        case _:
            raise StorageError(
                "store.version",
                f"a stored value is of the unknown kind {kind!r}",
                "it was written by a newer nbflow; upgrade to read it",
            )


def _dump_frame(frame: Any) -> bytes:
    import pyarrow as pa

    try:
        return _dump_table(pa.Table.from_pandas(frame))
    except (pa.ArrowException, TypeError, ValueError) as error:
        raise StorageError("store.not_json", f"a DataFrame cannot be stored: {error}", _HINT) from None


def _dump_table(table: Any) -> bytes:
    import pyarrow as pa
    from pyarrow import ipc

    sink = pa.BufferOutputStream()
    with ipc.new_file(sink, table.schema) as writer:
        writer.write_table(table)
    return bytes(sink.getvalue())


def _load_table(content: bytes) -> Any:
    from pyarrow import ipc

    return ipc.open_file(content).read_all()


def _load_series(content: bytes) -> Any:
    series = _load_table(content).to_pandas().iloc[:, 0]
    return series.rename(None) if series.name == _NAMELESS else series


def _dump_array(array: Any) -> bytes:
    import numpy as np

    buffer = io.BytesIO()
    try:
        np.save(buffer, array, allow_pickle=False)
    except ValueError as error:
        raise StorageError("store.not_json", f"an array cannot be stored: {error}", _HINT) from None
    return buffer.getvalue()


def _load_array(content: bytes) -> Any:
    import numpy as np

    return np.load(io.BytesIO(content), allow_pickle=False)


_DUMPS: dict[str, Callable[[Any], bytes]] = {
    "bytes": lambda content: content,
    "arrow": _dump_frame,
    "series": lambda series: _dump_frame(series.to_frame(_NAMELESS if series.name is None else series.name)),
    "table": _dump_table,
    "npy": _dump_array,
}
