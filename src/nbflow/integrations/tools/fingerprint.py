"""What a function does, as a hash: its source, or its code where the source is not to be had."""

from __future__ import annotations

import functools
import hashlib
import inspect
from collections.abc import Callable
from typing import Any


def fingerprint(function: Callable[..., Any]) -> str:
    """A short hash that changes when the function's text changes. Functions it calls do not count."""
    while isinstance(function, functools.partial):
        function = function.func
    function = inspect.unwrap(function)
    try:
        text = inspect.getsource(function)
    except (OSError, TypeError):
        code = getattr(function, "__code__", None)
        text = f"{code.co_code.hex()}{code.co_consts!r}" if code is not None else repr(type(function))
    return hashlib.sha256(inspect.cleandoc(text).encode("utf-8", "surrogatepass")).hexdigest()[:16]
