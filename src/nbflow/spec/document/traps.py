"""What parses and is not meant: YAML that is right and says something else than its author thinks."""

from __future__ import annotations

import re
import unicodedata
from typing import Any

from nbflow.errors import Diagnostic
from nbflow.spec.document.delimiters import OPEN, expression_end, quoted, template_end, unclosed_bracket
from nbflow.spec.document.located import Located, Source, finding_at

Trap = tuple[str, str, str | None]  # code, message, hint

_ODD_SPACE = re.compile(r"[\u00a0\u1680\u2000-\u200d\u202f\u205f\u2060\u3000\ufeff]")
_GLUED = re.compile(r"([A-Za-z_][\w-]*):(?!//)(\S.*)", re.DOTALL)


def glued_colon(at: Located) -> str | None:
    """``tool: http.get`` for the one word ``tool:http.get``; None for any other value.

    For places where a mapping is wanted and one word came: then the space after the colon is missing.
    """
    if at.style != "plain" or not isinstance(at.value, str):
        return None
    found = _GLUED.fullmatch(at.value)
    return f"{found.group(1)}: {found.group(2).lstrip(chr(0xA0))}" if found else None


def odd_key(name: str, *, plain: bool) -> Trap | None:
    """A key that is a merge, or begins with a space that is not one."""
    if not name or not plain:
        return None
    if name == "<<":
        return "yaml.merge_key", "merge keys (<<) are not supported", "write the fields out; defaults: may serve too"
    if name[0] > "\x7f" and _ODD_SPACE.match(name):
        kind = unicodedata.name(name[0], "space").lower()
        code = f"U+{ord(name[0]):04X}"
        return "yaml.odd_space", f"a {kind} ({code}) is used for indentation", "use a plain space"
    return None


def key_not_text(source: Source, line: int, column: int, kind: str) -> Trap:
    """A mapping or list where a key stands: nearly always ``{{ x }}`` without quotes."""
    index = source.index(line, column)
    text = source.text
    if text.startswith("{", index) and text[index - 1 : index] == "{":
        end = text.find("}}", index)
        inner = text[index + 1 : end if 0 <= end < index + 200 else index].strip()
        hint = f'write "{OPEN} {inner} }}}}" for an expression, and quote text that begins with {{'
        return "yaml.unquoted_template", "{{ }} without quotes is a mapping of YAML, not an expression", hint
    what = "a mapping" if kind == "map" else "a list"
    return "yaml.key", f"{what} cannot be a key; keys are text", None


def tag(source: Source, line: int, column: int, resolved: str) -> Trap:
    """A tag outside the core schema."""
    text = source.line(line)[column - 1 :]
    found = re.search(r"![^\s,\[\]{}]*", text)
    written = found.group() if found else resolved
    if written.startswith(("!secret", "!env")):
        rest = text[found.end() :].strip(" }],") if found else ""
        name = re.match(r"\w+", rest)
        hint = f'write "{OPEN} secrets.{name.group() if name else "NAME"} }}}}"'
        return "yaml.tag", f"the tag {written} is not known here", hint
    return "yaml.tag", f"tags such as {written} are not allowed", "write the plain value"


def cut_in_flow(source: Source, at: Located, key: Any, pairs: dict[str, Located] | None) -> Diagnostic | None:
    """A value of ``{ }`` or ``[ ]`` that YAML cut at a comma or bracket, or a key that lost its colon."""
    value = at.value
    if isinstance(value, str):
        if value[:1] == "=" and at.style == "plain" and unclosed_bracket(value):
            return unquoted_expression(source, at.line, at.column)
        return None
    if value is None and pairs is not None:
        return _key_alone(source, at, key, pairs)
    return None


def _key_alone(source: Source, at: Located, key: Any, pairs: dict[str, Located]) -> Diagnostic | None:
    if at.written():
        return None  # a null that is written out
    previous = next(reversed(pairs.values()), None)
    if previous is not None and _cut(previous) and re.search(r"[)\]}]", key.value):
        return unquoted_expression(source, previous.line, previous.column)
    found = _GLUED.fullmatch(key.value)
    if found and not key.style:
        mark = key.start_mark
        better = f"{found.group(1)}: {found.group(2)}"
        message = f"'{key.value}' is one word; a space is needed after the colon"
        return finding_at(
            source, mark.line + 1, mark.column + 1, "yaml.missing_space", message, hint=f"write {better}",
            length=len(key.value),
        )  # fmt: skip
    return None


def _cut(at: Located) -> bool:
    return at.style == "plain" and isinstance(at.value, str) and unclosed_bracket(at.value) is not None


def unquoted_expression(source: Source, line: int, column: int) -> Diagnostic:
    """An expression in ``{ }`` or ``[ ]`` that needs quotes."""
    start = source.index(line, column)
    text = source.text[start : expression_end(source.text, start, ",")].rstrip()
    message = "inside { } and [ ] an expression with , [ ] { } or : must be quoted"
    return finding_at(
        source, line, column, "yaml.unquoted_expression", message, hint=f"write {quoted(text)}", length=len(text)
    )


def unquoted_template(source: Source, line: int, column: int) -> Diagnostic:
    """A value with ``${{`` in ``{ }`` or ``[ ]`` without quotes."""
    text = source.text
    start = source.index(line, column)
    end = template_end(text, text.find(OPEN, start))
    stop = expression_end(text, end, ",") if end else expression_end(text, start, ",")
    value = text[start:stop].rstrip()
    message = "inside { } and [ ] a value with ${{ must be quoted"
    return finding_at(
        source, line, column, "yaml.unquoted_template", message, hint=f"write {quoted(value)}", length=len(value)
    )
