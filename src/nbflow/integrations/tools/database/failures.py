"""What a database says, as one of our kinds."""

from __future__ import annotations

import re

from nbflow.errors import NodeError

# words of the message (of any database) → kind, code, what we say
RULES: tuple[tuple[str, str, str, str], ...] = (
    (
        "extensions/.*file system operations are disabled",
        "Refused",
        "sql.no_extensions",
        "extensions cannot be installed here",
    ),
    (
        "(loading|installing).*extensions? is disabled",
        "Refused",
        "sql.no_extensions",
        "extensions cannot be loaded here",
    ),
    (
        "file system operations are disabled",
        "Refused",
        "sql.no_file_access",
        "files are neither read nor written from SQL here",
    ),
    ("not authorized|prohibited", "Refused", "sql.no_file_access", "this statement is not allowed here"),
    ("configuration has been locked", "Refused", "sql.locked_settings", "settings cannot be changed here"),
    (
        "read.only|read-write mode|readonly database|attempt to write",
        "Refused",
        "sql.read_only",
        "this node is read-only; write with database.execute",
    ),
    (
        "conflict on |could not serialize|deadlock detected|database (table )?is locked",
        "Unavailable",
        "sql.retry",
        "the database asked for a retry",
    ),
    (
        "one statement at a time|multiple commands",
        "InvalidInput",
        "sql.many_statements",
        "one statement to a node; there are several",
    ),
    (
        "could not set lock|different configuration|being used by another process",
        "Unavailable",
        "sql.busy",
        "the file is open elsewhere",
    ),
    ("constraint|duplicate key|violates", "Refused", "sql.constraint", "a constraint of the table does not allow this"),
    ("syntax error|incomplete input|parser error", "InvalidInput", "sql.syntax", "the query is not SQL"),
    (
        "does not exist|no such (table|column|function)|not found in",
        "InvalidInput",
        "sql.name",
        "the query names what is not there",
    ),
    (
        "invalid input|could not convert|conversion error|mismatch",
        "InvalidInput",
        "sql.type",
        "a value does not fit its column",
    ),
    ("interrupt|canceling statement|statement timeout", "Timeout", "sql.timeout", "the statement was stopped"),
    (
        "password|authentication|permission denied|must be (superuser|owner)",
        "Refused",
        "sql.denied",
        "the database does not allow this",
    ),
    (
        "connection|could not connect|server closed|refused|timeout expired",
        "Unavailable",
        "sql.connect",
        "the database cannot be reached",
    ),
)
_COMPILED = [(re.compile(words, re.IGNORECASE | re.DOTALL), kind, code, said) for words, kind, code, said in RULES]


def remade(error: Exception) -> NodeError:
    """The failure of a statement: what we say, and the first line of what the database said."""
    if isinstance(error, NodeError):
        return error
    text = str(error)
    first = next((line.strip() for line in text.splitlines() if line.strip()), type(error).__name__)
    for words, kind, code, said in _COMPILED:
        if words.search(f"{type(error).__name__} {text}"):
            return NodeError(kind, f"{said} ({first[:300]})", code=code)
    return NodeError("Unavailable", f"the database failed: {first[:300]}", code="sql.failed")
