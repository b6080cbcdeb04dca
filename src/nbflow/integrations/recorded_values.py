"""Values as a cassette has them: YAML that a person can read and that gives the same value back.

What YAML cannot hold stands in a mapping of one key that begins with ``$``; a mapping of the caller's own that looks
like one has a second ``$``. Two values are the same when they are written the same.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from typing import Any

from nbflow.ports.opaque import kind_of
from nbflow.ports.plain import plain


def stored(value: Any) -> Any:
    """A plain or opaque value as YAML."""
    if isinstance(value, dict):
        made = {_text(name): stored(inner) for name, inner in value.items()}
        return {f"${name}": inner for name, inner in made.items()} if _is_marked(made) else made
    if isinstance(value, list):
        return [stored(inner) for inner in value]
    if isinstance(value, str):
        return value if _is_text(value) else {"$text": json.dumps(value)}
    kind = kind_of(value)
    return value if kind is None else {f"${kind}": _STORED[kind](value)}


def restored(value: Any) -> Any:
    """The value again."""
    if isinstance(value, list):
        return [restored(inner) for inner in value]
    if not isinstance(value, dict):
        return value
    if _is_marked(value):
        ((name, inner),) = value.items()
        if name.startswith("$$"):
            return {name[1:]: restored(inner)}
        if name[1:] in _RESTORED:
            return _RESTORED[name[1:]](inner)
    return {name: restored(inner) for name, inner in value.items()}


def same(one: Any, other: Any) -> bool:
    """Whether two stored values are written the same."""
    return json.dumps(one, sort_keys=True) == json.dumps(other, sort_keys=True)


def _is_marked(value: dict[Any, Any]) -> bool:
    return len(value) == 1 and str(next(iter(value))).startswith("$")


def _is_text(text: str) -> bool:
    """Whether it can be written at all: half of a pair of surrogates cannot."""
    return text.isascii() or not any("\ud800" <= letter <= "\udfff" for letter in text)


def _text(name: Any) -> Any:
    return name if not isinstance(name, str) or _is_text(name) else name.encode("utf-8", "backslashreplace").decode()


# --- tables ----------------------------------------------------------------------------------------------


def _frame(frame: Any) -> dict[str, Any]:
    import pandas as pd

    columns = [_column(frame.columns[place], frame.iloc[:, place]) for place in range(frame.shape[1])]
    index = frame.index
    if isinstance(index, pd.RangeIndex) and index.equals(pd.RangeIndex(len(frame))) and index.name is None:
        return {"columns": columns}
    levels = [_column(index.names[place], _level(index, place)) for place in range(index.nlevels)]
    return {"columns": columns, "index": levels}


def _level(index: Any, place: int) -> Any:
    return index.get_level_values(place).to_series()


def _column(name: Any, series: Any) -> dict[str, Any]:
    kind: Any = str(series.dtype)
    if kind == "category":
        categories = series.cat.categories.to_series()
        kind = {"of": _column(None, categories), "ordered": bool(series.cat.ordered)}
    return {"name": plain(name), "type": kind, "cells": list(map(_cell, series))}


def _cell(value: Any) -> Any:
    """A cell: None for what is missing, numbers as they are, all else as JSON data."""
    import pandas as pd

    if pd.api.types.is_scalar(value) and pd.isna(value):
        return None
    if isinstance(value, pd.Timedelta):
        return value.isoformat()
    return float(value) if isinstance(value, float) else stored(plain(value))


def _to_frame(kept: dict[str, Any]) -> Any:
    import pandas as pd

    columns = [_to_series(column) for column in kept["columns"]]
    levels = [_to_series(level) for level in kept.get("index", ())]
    size = len((levels or columns or [[]])[0])
    frame = pd.concat(columns, axis=1) if columns else pd.DataFrame(index=range(size))
    frame.columns = pd.Index([_name(column["name"]) for column in kept["columns"]])
    if len(levels) == 1:
        frame.index = pd.Index(levels[0], name=_name(kept["index"][0]["name"]))
    elif levels:
        frame.index = pd.MultiIndex.from_arrays(levels, names=[_name(level["name"]) for level in kept["index"]])
    return frame


def _name(name: Any) -> Any:
    return tuple(name) if isinstance(name, list) else name


def _to_series(column: dict[str, Any]) -> Any:
    import pandas as pd

    kind, cells = column["type"], [restored(cell) for cell in column["cells"]]
    if isinstance(kind, dict):
        categories = _to_series(kind["of"])
        return pd.Series(pd.Categorical(cells, categories=categories, ordered=kind["ordered"]))
    if kind.startswith("datetime64"):
        times = pd.to_datetime(pd.Series(cells, dtype=object), format="ISO8601", utc="," in kind)
        return times.astype(kind)
    if kind.startswith("timedelta64"):
        return pd.to_timedelta(pd.Series(cells, dtype=object)).astype(kind)
    return pd.Series(cells, dtype=object).astype(kind)


def _array(array: Any) -> dict[str, Any]:
    kind = str(array.dtype)
    cells = array.astype(str) if array.dtype.kind in "mMcV" else array
    return {"type": kind, "cells": _listed(cells.tolist())}


def _listed(cells: Any) -> Any:
    """Lists of cells; NaN, which is no number, as a word that gives one."""
    if isinstance(cells, list):
        return [_listed(cell) for cell in cells]
    return "nan" if cells != cells else stored(cells)


def _to_array(kept: dict[str, Any]) -> Any:
    import numpy as np

    return np.array(restored(kept["cells"]), dtype=kept["type"])


def _table(table: Any) -> dict[str, Any]:
    schema = base64.b64encode(table.schema.serialize().to_pybytes()).decode()
    columns = [[stored(plain(cell)) for cell in column.to_pylist()] for column in table.columns]
    return {"names": table.column_names, "columns": columns, "schema": schema}


def _to_table(kept: dict[str, Any]) -> Any:
    import pyarrow as pa
    from pyarrow import ipc

    schema = ipc.read_schema(pa.py_buffer(base64.b64decode(kept["schema"])))
    columns = [_to_column(restored(cells), field.type) for cells, field in zip(kept["columns"], schema, strict=True)]
    return pa.Table.from_arrays(columns, schema=schema)


def _to_column(cells: list[Any], kind: Any) -> Any:
    import pyarrow as pa

    try:
        return pa.array(cells, kind)
    except pa.ArrowException:
        return pa.array(cells).cast(kind)  # times are texts here


def _to_one_series(kept: dict[str, Any]) -> Any:
    return _to_frame(kept).iloc[:, 0]


_STORED: dict[str, Callable[[Any], Any]] = {
    "bytes": lambda content: base64.b64encode(content).decode(),
    "arrow": _frame,
    "series": lambda series: _frame(series.to_frame(series.name)),
    "table": _table,
    "npy": _array,
}
_RESTORED: dict[str, Callable[[Any], Any]] = {
    "text": json.loads,
    "bytes": base64.b64decode,
    "arrow": _to_frame,
    "series": _to_one_series,
    "table": _to_table,
    "npy": _to_array,
}
