"""What a plain scalar means: the core schema of YAML 1.2, nothing of 1.1.

So ``yes``, ``NO`` and ``12:30`` are text, ``010`` is the number 10 and ``1e3`` is a number.
"""

from __future__ import annotations

import re

Scalar = None | bool | int | float | str

WORDS: dict[str, Scalar] = {
    "": None, "~": None, "null": None, "Null": None, "NULL": None,
    "true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False,
    ".nan": float("nan"), ".NaN": float("nan"), ".NAN": float("nan"),
    **{sign + word: float(sign + "inf") for sign in ("", "+", "-") for word in (".inf", ".Inf", ".INF")},
}  # fmt: skip
NUMERIC = frozenset("+-.0123456789")

_INTEGER = re.compile(r"[-+]?[0-9]+")
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?")
_BASED = re.compile(r"0o[0-7]+|0x[0-9a-fA-F]+")
_DIGITS = 4_000  # Python itself refuses to read more than 4,300

_CORE = "tag:yaml.org,2002:"


class NotOfTag(ValueError):
    """A scalar whose tag says what it is not, such as ``!!int ten``."""


def resolve(text: str) -> Scalar:
    """The value of a plain scalar. Raises OverflowError for a number of more than 4,000 digits."""
    if text in WORDS:
        return WORDS[text]
    if text[0] not in NUMERIC:
        return text
    if _INTEGER.fullmatch(text):
        if len(text) > _DIGITS:
            raise OverflowError
        return int(text)
    if _FLOAT.fullmatch(text):
        return float(text)
    if _BASED.fullmatch(text):
        if len(text) > _DIGITS:
            raise OverflowError
        return int(text, 0)
    return text


def resolve_tagged(tag: str, text: str) -> Scalar:
    """The value of a scalar with one of the tags of the core schema. Raises NotOfTag, or KeyError for other tags."""
    if tag in ("!", _CORE + "str"):
        return text
    name = tag.removeprefix(_CORE) if tag.startswith(_CORE) else ""
    wanted = {"null": "NoneType", "bool": "bool", "int": "int", "float": "float int"}[name]
    value = resolve(text)
    if type(value).__name__ not in wanted.split():
        raise NotOfTag(name)
    return float(value) if name == "float" and isinstance(value, int) else value


def collection_tags(kind: str) -> tuple[str, ...]:
    """The tags that a mapping (`map`) or list (`seq`) may carry."""
    return "!", _CORE + kind
