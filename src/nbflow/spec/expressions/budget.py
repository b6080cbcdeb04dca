"""How much an expression may do. An expression is evaluated on the event loop, so it must end in milliseconds.

A step is about a tenth of a microsecond of work, or one item of a list that is made or walked through.
"""

from __future__ import annotations

from typing import Any

from nbflow.spec.expressions.errors import Fault

LENGTH = 10_000  # characters of an expression
DEPTH = 100  # nested operations
BRACKETS = 50  # nested brackets
STEPS = 1_000_000
TEXT = 10_000_000  # characters of a text that is made
BITS = 10_000  # of a whole number that is made
WIDTH = 10_000  # of a formatted field

_CHEAP = 6  # 2**6 characters of text cost a step


class Budget:
    """The steps one evaluation has left."""

    __slots__ = ("_keys", "left")

    def __init__(self) -> None:
        self.left = STEPS
        self._keys: dict[int, list[Any]] | None = None

    def spend(self, steps: int) -> None:
        """Takes steps away. Raises Fault when none are left."""
        self.left -= steps
        if self.left < 0:
            raise Fault("expr.limit", f"the expression takes too many steps; the limit is {STEPS:,}", _ELSEWHERE)

    def text(self, length: int) -> None:
        """Allows a text of `length` characters to be made, or walked through."""
        if length > TEXT:
            raise Fault("expr.limit", f"the text would be too long: {length:,} characters; the limit is {TEXT:,}")
        self.spend(length >> _CHEAP)

    def key(self, key: Any) -> None:
        """Allows a number or tuple to be a key. Each of one hash costs a step: Python compares it with all of them.

        (The hashes of numbers are no secret: 2**61 - 1 and its multiples share one, and so do -1 and -2.)
        """
        if self._keys is None:
            self._keys = {}
        same = self._keys.setdefault(hash(key), [])
        self.spend(len(same) + 1)
        if key not in same:
            same.append(key)

    def number(self, bits: int) -> None:
        """Allows a whole number of `bits` bits to be made."""
        if bits > BITS:
            raise Fault("expr.limit", f"the number would be too large; the limit is {BITS:,} bits")
        self.spend(bits >> 5)


_ELSEWHERE = "move the work into a tool"
