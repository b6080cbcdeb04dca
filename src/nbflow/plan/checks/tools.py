"""Tools by name and by their arguments. Built-in families are always known; other tools when the caller says so."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from nbflow.errors import ExecutorError, Severity
from nbflow.plan.checks.findings import Checking
from nbflow.plan.checks.shapes import literal_shape
from nbflow.spec.document import Located
from nbflow.spec.forms import is_expression, kind_of, shown
from nbflow.spec.names import listed
from nbflow.spec.nodes import NodeSpec

Schema = Mapping[str, Any]


def _object(required: tuple[str, ...], **properties: Any) -> Schema:
    return {"type": "object", "properties": properties, "required": list(required), "additionalProperties": False}


_ANY: Schema = {}
_TEXT: Schema = {"type": "string"}
_OBJECT: Schema = {"type": "object"}
_TEXTS: Schema = {"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}]}
_READ: Mapping[str, Schema] = {
    "url": _TEXT, "params": _OBJECT, "headers": _OBJECT, "auth": _OBJECT, "parse": _ANY, "accept": _ANY,
    "timeout": _TEXT, "save": _TEXT,
    "max_bytes": {"type": "integer"}, "redirects": {"type": "integer"}, "allow_hosts": {"type": "array"},
    "idempotency_key": _ANY,
}  # fmt: skip
_WRITE: Mapping[str, Schema] = {**_READ, "json": _ANY, "form": _OBJECT, "files": {"type": "array"}, "body": _ANY}

_DATABASE: Mapping[str, Schema] = {
    "query": _TEXT, "params": _ANY, "connection": _TEXT, "max_rows": {"type": "integer"},
}  # fmt: skip

BUILT_IN: Mapping[str, Schema] = {
    "http.get": _object(("url",), **_READ),
    "http.delete": _object(("url",), **_WRITE),
    "http.post": _object(("url",), **_WRITE),
    "http.put": _object(("url",), **_WRITE),
    "http.patch": _object(("url",), **_WRITE),
    "http.request": _object(("method", "url"), method=_TEXT, **_WRITE),
    "database.query": _object(
        ("query",), query=_TEXT, params=_ANY, connection=_TEXT, rows=_ANY, max_rows=_ANY, tables=_ANY
    ),
    "database.execute": _object(("query",), query=_TEXT, params=_ANY, connection=_TEXT, max_rows=_ANY),
    "email.send": _object(
        ("to", "subject"), to=_TEXTS, subject=_TEXT, body=_TEXT, html=_TEXT, cc=_TEXTS, bcc=_TEXTS, reply_to=_TEXTS,
        attachments=_ANY, **{"from": _TEXT},
    ),
}  # fmt: skip

FAMILIES = ("http", "database", "email", "mcp")
_TEMPLATE = re.compile(r"\$\{\{")


def check_tools(checking: Checking, read: Mapping[int, Schema]) -> None:
    """Names and arguments of every tool. `read` are shapes of values that are one reference."""
    for body in checking.root.everything():
        for node in body.nodes:
            if node.kind == "tool" and "name" in node.verb:
                name = node.verb["name"]
                schema = _schema(checking, name, node.place("tool"))
                if schema is not None:
                    _arguments(checking, node, name, schema, read)
                _dangers(checking, node, name)
            for tool in node.verb.get("tools", ()) if node.kind == "agent" else ():
                _schema(checking, str(tool.value), tool)


def _schema(checking: Checking, name: str, at: Located) -> Schema | None:
    """The schema of a tool's arguments, when it has a known one; a name that names nothing is reported."""
    family, dot, rest = name.partition(".")
    if family in FAMILIES and dot:
        return _family(checking, name, family, rest, at)
    known = checking.tools
    if known is None:
        checking.wrong(
            at, "tool.unresolved", f"whether there is a tool '{name}' is not known here", severity="warning",
            hint=checking.guess(name, BUILT_IN) or "a function of a notebook or of --tools is found when it runs",
        )  # fmt: skip
        return None
    try:
        if name in known:
            return known[name]
    except ExecutorError as problem:  # a function of a notebook that cannot be a tool
        checking.wrong(at, "tool.unresolved", str(problem), "let a function do it that takes names and returns a value")
        return None
    hint = checking.guess(name, [*known, *BUILT_IN]) or "register it with @nbflow.tool, or name a built-in as http.get"
    checking.wrong(at, "tool.unresolved", f"there is no tool '{name}'", hint)
    return None


def _family(checking: Checking, name: str, family: str, rest: str, at: Located) -> Schema | None:
    if family == "mcp":
        if len([part for part in rest.split(".") if part]) < 2:
            checking.wrong(at, "tool.unknown", f"'{name}' is no MCP tool: mcp.<server>.<tool>")
        elif checking.tools is not None and name not in checking.tools:
            server = rest.partition(".")[0]
            hint = f"name it in the settings: [tool.nbflow.mcp.{server}]"
            checking.wrong(at, "tool.unknown", f"no MCP server '{server}' is set", hint)
        return None
    schema = (checking.tools or {}).get(name) or BUILT_IN.get(name)
    if schema is None:
        members = [tool for tool in BUILT_IN if tool.startswith(f"{family}.")]
        hint = checking.guess(name, members) or f"{family} has {listed(members)}"
        checking.wrong(at, "tool.unknown", f"there is no tool '{name}'", hint)
    return schema


def _arguments(checking: Checking, node: NodeSpec, name: str, schema: Schema, read: Mapping[int, Schema]) -> None:
    at = node.place("with") if "with" in node.fields else None
    if at is not None and not isinstance(at.value, dict):
        return
    given: Mapping[str, Located] = at.value if at is not None and isinstance(at.value, dict) else {}
    known: Mapping[str, Any] = schema.get("properties", {})
    for key, value in given.items():
        if key in known:
            _fits(checking, value, known[key], key, name, read.get(id(value)))
        elif schema.get("additionalProperties") is False:
            hint = checking.guess(key, known) or (f"it takes {listed(known)}" if known else "it takes none")
            checking.wrong(value, "tool.arguments", f"'{name}' takes no argument '{key}'", hint, key=True)
    for key in schema.get("required", ()):
        if key not in given:
            where = at or node.place("tool")
            checking.wrong(
                where,
                "tool.arguments",
                f"'{name}' needs the argument '{key}'",
                f"with: {{{key}: …}}",
                key=at is not None,
            )


_FITS: Mapping[str, tuple[str, ...]] = {
    "number": ("number", "integer"), "string": ("string",), "integer": ("integer",), "boolean": ("boolean",),
    "array": ("array",), "object": ("object",), "null": ("null",),
}  # fmt: skip
_WORDS = {"string": "text", "array": "a list", "object": "a mapping", "null": "null", "integer": "a whole number"}


def _fits(checking: Checking, at: Located, schema: Any, key: str, name: str, read: Schema | None) -> None:
    """A literal argument against a plain type; what is more than a plain type is checked when run."""
    wanted = schema.get("type") if isinstance(schema, Mapping) else None
    have = (read or literal_shape(at)).get("type")
    if not isinstance(wanted, str) or not isinstance(have, str) or wanted not in _FITS:
        return
    if have not in _FITS[wanted]:
        words = _WORDS.get(wanted, f"a {wanted}")
        scalar = not isinstance(at.value, (dict, list))
        is_kind = kind_of(at) if read is None else _WORDS.get(have, f"a {have}")
        got = f"{shown(at)} is {is_kind}" if scalar else f"it is {is_kind}"
        severity: Severity = "error" if read is None else "warning"
        message = f"the argument '{key}' of '{name}' must be {words}; {got}"
        checking.wrong(at, "tool.arguments", message, severity=severity)


# --- mistakes that cost more than a failed call ---------------------------------------------------------------


def _dangers(checking: Checking, node: NodeSpec, name: str) -> None:
    if "with" not in node.fields:
        return
    at = node.place("with")
    given = at.value if isinstance(at.value, dict) else {}
    if name.startswith("http.") and "url" in given:
        _scheme(checking, given["url"])
    elif name.startswith("database.") and "query" in given:
        _query(checking, given["query"])
    elif name == "email.send":
        for key in ("to", "subject", "cc", "bcc", "reply_to", "from"):
            for header in _texts(given.get(key)):
                _header(checking, header, key)


def _texts(at: Located | None) -> Iterator[Located]:
    if at is None:
        return
    for item in at.value if isinstance(at.value, list) else [at]:
        if isinstance(item.value, str):
            yield item


def _scheme(checking: Checking, at: Located) -> None:
    if not isinstance(at.value, str) or is_expression(at):
        return
    scheme, colon, _ = at.value.partition(":")
    if (
        colon
        and "$" not in scheme
        and re.fullmatch(r"[A-Za-z][A-Za-z0-9+.-]*", scheme)
        and scheme.lower() not in ("http", "https")
    ):
        checking.wrong(
            at,
            "http.scheme",
            f"'{scheme}:' is no address for http tools: only http and https are",
            "http:// or https://",
        )


def _query(checking: Checking, at: Located) -> None:
    if isinstance(at.value, str) and not at.value.startswith("=") and _TEMPLATE.search(at.value):
        if at.value.strip().startswith("${{") and at.value.strip().endswith("}}") and at.value.count("${{") == 1:
            return
        checking.wrong(
            at, "sql.template_in_query", "values inside the text of a query can change what it does",
            "name a parameter in the query and give its value under 'params'",
        )  # fmt: skip


def _header(checking: Checking, at: Located, key: str) -> None:
    if not is_expression(at) and re.search(
        r"[\r\n\x00]", str(at.value).strip("\n") if at.style == "block" else str(at.value)
    ):
        checking.wrong(
            at, "email.header", f"'{key}' has a line break: a mail header is one line", "remove the control character"
        )
