"""What a message is: a dataclass with slots that nobody changes once it is made.

The type checker sees it frozen. At run time it is not, since a frozen dataclass takes ten times as long to fill, and
filling messages is a good part of what a step of the engine costs.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TypeVar, dataclass_transform

T = TypeVar("T")


@dataclass_transform(frozen_default=True, field_specifiers=(field,))
def message(cls: type[T]) -> type[T]:
    """Make the class a message: compared and hashed by its fields."""
    return dataclass(slots=True, unsafe_hash=True)(cls)
