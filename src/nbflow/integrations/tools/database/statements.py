"""The text of a statement, read just far enough: where it ends, and where its placeholders are.

Authors write ``?`` with a list of values or ``$name`` with a mapping, whatever the database. Quoted text,
comments and dollar quotes are skipped, so that nothing inside them counts.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from nbflow.errors import NodeError

_PIECES = re.compile(
    r"""
      (?<![\w$])[eE]'(?:[^'\\]|\\.|'')*'   # text with escapes
    | '(?:[^']|'')*'              # text
    | "(?:[^"]|"")*"              # a quoted name
    | --[^\n]*                    # a comment
    | /\*.*?\*/
    | \$(?P<tag>[A-Za-z_]\w*)?\$.*?\$(?(tag)(?P=tag)|)\$
    | [^\W\d][\w$]*               # a word, which may have $ in it
    | (?P<name>\$[A-Za-z_]\w*)
    | (?P<number>\$\d+)
    | (?P<place>\?)
    | (?P<end>;)
    """,
    re.VERBOSE | re.DOTALL,
)


def single(query: str) -> str:
    """The one statement of a text, without its final semicolon. Raises `NodeError` for none or several."""
    end = next((found.start() for found in _PIECES.finditer(query) if found["end"]), None)
    text = query if end is None else query[:end]
    rest = "" if end is None else _bare(query[end + 1 :])
    if not _bare(text):
        raise _wrong("sql.empty", "the query is empty")
    if rest.strip("; \n\t\r"):
        raise _wrong("sql.many_statements", "one statement to a node; there are several", "make a node of each")
    return text.strip()


def first_word(query: str) -> str:
    """The word a statement begins with, in small letters."""
    found = re.match(r"[\s(]*([^\W\d]\w*)", _bare(query))
    return found[1].lower() if found else ""


def _bare(text: str) -> str:
    """Without comments."""
    return _PIECES.sub(lambda found: "" if found[0][:2] in ("--", "/*") else found[0], text).strip()


def placeholders(query: str) -> Iterator[re.Match[str]]:
    return (found for found in _PIECES.finditer(query) if found["name"] or found["place"])


def numbered(query: str, values: Sequence[Any] | Mapping[str, Any]) -> tuple[str, list[Any]]:
    """The statement with ``$1, $2 …`` in place of the placeholders, and their values in that order."""
    order: dict[str, int] = {}
    made: list[Any] = []

    def number(found: re.Match[str]) -> str:
        if found["place"] and values and not isinstance(values, Mapping):
            made.append(values[len(made)])
            return f"${len(made)}"
        if found["name"] and isinstance(values, Mapping):
            name = found["name"][1:]
            if name not in order:
                made.append(values[name])
                order[name] = len(made)
            return f"${order[name]}"
        return found[0]

    return _PIECES.sub(number, query), made


def checked_values(query: str, values: Any) -> list[Any] | dict[str, Any]:
    """The values, when there is one for each placeholder and no other. Raises `NodeError` (``sql.params``)."""
    if isinstance(values, Mapping):
        return _checked_names(query, values)
    given = list(values or ())
    if any(found["number"] for found in _PIECES.finditer(query)):
        raise _wrong("sql.params", "placeholders with a number are not read", "write ? or $name")
    wanted = sum(1 for found in placeholders(query) if found["place"])
    if given and wanted != len(given):
        raise _wrong("sql.params", f"the query has {wanted} placeholders (?) and there are {len(given)} values")
    if not given and any(found["name"] for found in placeholders(query)):
        raise _wrong("sql.params", "the query has named placeholders and no values", "params: {name: value}")
    return given


def _checked_names(query: str, values: Mapping[str, Any]) -> dict[str, Any]:
    wanted = dict.fromkeys(found["name"][1:] for found in placeholders(query) if found["name"])
    for name in wanted:
        if name not in values:
            raise _wrong("sql.params", f"the query names ${name}, and 'params' has no '{name}'")
    for name in values:
        if name not in wanted:
            raise _wrong("sql.params", f"'params' has '{name}', and the query does not name ${name}")
    return dict(values)


def _wrong(code: str, message: str, hint: str | None = None) -> NodeError:
    return NodeError("InvalidInput", message, code=code, hint=hint)
