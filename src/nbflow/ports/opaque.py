"""Values that JSON cannot hold and stores keep all the same: tables, series, arrays and bytes of plain data.

What cannot be kept is said here, when a value comes in, so that no store has to refuse a fact that is decided already.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

LIBRARIES = ("pandas", "numpy", "pyarrow")


def kind_of(value: Any) -> str | None:
    """``bytes``, ``arrow`` (a DataFrame), ``series``, ``table`` (of pyarrow), ``npy``; None for all else."""
    if isinstance(value, bytes):
        return "bytes"
    library = type(value).__module__.partition(".")[0]
    find = _KINDS.get(library)
    return find(sys.modules[library], value) if find and library in sys.modules else None


def refusal(value: Any) -> str | None:
    """Why a value of these libraries cannot be kept; None when it can."""
    kind = kind_of(value)
    if kind is None:
        return f"a {type(value).__name__}, which cannot be kept"
    if kind == "npy" and value.dtype.hasobject:
        return "an array of Python objects, which cannot be kept"
    if kind in ("arrow", "series"):
        return _of_objects(value if kind == "arrow" else value.to_frame("values"))
    return None


def _of_objects(frame: Any) -> str | None:
    import pyarrow as pa

    try:
        pa.Table.from_pandas(frame)
    except (pa.ArrowException, TypeError, ValueError, OverflowError) as error:
        return f"a DataFrame with values that cannot be kept ({error})"
    return None


def _pandas_kind(pandas: Any, value: Any) -> str | None:
    if isinstance(value, pandas.DataFrame):
        return "arrow"
    return "series" if isinstance(value, pandas.Series) else None


_KINDS: dict[str, Callable[[Any, Any], str | None]] = {
    "pandas": _pandas_kind,
    "numpy": lambda numpy, value: "npy" if isinstance(value, numpy.ndarray) else None,
    "pyarrow": lambda pyarrow, value: "table" if isinstance(value, pyarrow.Table) else None,
}
