"""Why YAML refused a text, in the words of the one who wrote it.

A parser points at where it gave up; the reader wants the quote that was never closed. Each rule looks at the
text around that place; the first that knows the case speaks.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import yaml

from nbflow.errors import Diagnostic
from nbflow.spec.document.delimiters import OPEN, quoted
from nbflow.spec.document.located import Source, finding_at
from nbflow.spec.document.traps import unquoted_expression, unquoted_template


@dataclass(frozen=True, slots=True)
class Refusal:
    """What the parser said and where; `last` is the last event before, `columns` the open block collections."""

    source: Source
    problem: str
    context: str
    line: int
    column: int
    context_line: int
    context_column: int
    last: Any
    columns: tuple[int, ...]

    @property
    def text(self) -> str:
        return self.source.line(self.line)

    @property
    def rest(self) -> str:
        return self.text[self.column - 1 :]

    @property
    def in_flow(self) -> bool:
        """Whether the place stands in ``{ }`` or ``[ ]`` that opened on its line."""
        before = self.text[: self.column - 1]
        return before.count("{") + before.count("[") > before.count("}") + before.count("]")

    def place(self, mark: Any) -> tuple[int, int]:
        """Line and column of a mark of the parser."""
        return self.source.place(min(mark.index, len(self.source.text)))

    def say(self, code: str, message: str, hint: str | None = None, *, line: int = 0, column: int = 0) -> Diagnostic:
        return finding_at(self.source, line or self.line, column or self.column, code, message, hint=hint)


def explain(error: yaml.YAMLError, source: Source, last: Any, columns: list[int]) -> Diagnostic:
    """The finding for what the parser raised."""
    mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
    context = getattr(error, "context_mark", None) or mark
    if mark is None or context is None:
        return finding_at(source, 1, 1, "yaml.syntax", "this is not YAML")
    line, column = source.place(min(mark.index, len(source.text)))
    context_line, context_column = source.place(min(context.index, len(source.text)))
    refusal = Refusal(
        source, str(getattr(error, "problem", "") or ""), str(getattr(error, "context", "") or ""),
        line, column, context_line, context_column, last, tuple(columns),
    )  # fmt: skip
    for rule in _RULES:
        finding = rule(refusal)
        if finding is not None:
            return finding
    return refusal.say("yaml.syntax", f"this is not YAML: {refusal.problem}", "look at this line and the one before")


def _too_deep(refusal: Refusal) -> Diagnostic | None:
    if "nesting depth" not in refusal.problem:
        return None
    return refusal.say("yaml.too_deep", "the text is nested too deeply")


def _tab(refusal: Refusal) -> Diagnostic | None:
    found = re.match(r" *\t", refusal.text)
    if not found or refusal.context.startswith("while scanning a quoted"):
        return None
    return refusal.say(
        "yaml.tab", "a tab is used for indentation", "indent with spaces, two for each level", column=found.end()
    )


def _unclosed_quote(refusal: Refusal) -> Diagnostic | None:
    if "quoted scalar" not in refusal.context or "end of stream" not in refusal.problem:
        return None
    return refusal.say(
        "yaml.syntax", "the quote opened here is never closed", "close the quoted text on this line",
        line=refusal.context_line, column=refusal.context_column,
    )  # fmt: skip


def _escape(refusal: Refusal) -> Diagnostic | None:
    if "escape" not in refusal.problem:
        return None
    return refusal.say(
        "yaml.syntax", f"there is no such escape in a double-quoted text: {refusal.rest[:6]!r}",
        "use single quotes, or write \\\\ for a backslash",
    )  # fmt: skip


def _template_in_flow(refusal: Refusal) -> Diagnostic | None:
    index = refusal.source.index(refusal.line, refusal.column)
    if not refusal.source.text.startswith(OPEN, index - 1) or getattr(refusal.last, "style", None):
        return None
    mark = getattr(refusal.last, "start_mark", None)
    if mark is None or not isinstance(refusal.last, yaml.ScalarEvent):
        return unquoted_template(refusal.source, refusal.line, refusal.column - 1)
    return unquoted_template(refusal.source, *refusal.place(mark))


def _expression_in_flow(refusal: Refusal) -> Diagnostic | None:
    if "flow" not in refusal.context or not isinstance(refusal.last, yaml.ScalarEvent) or refusal.last.style:
        return None
    value = refusal.last.value
    begins = value.startswith("=") or (refusal.rest[:1] in ("[", "{") and re.fullmatch(r"[\w.]+", value))
    if not begins:
        return None
    return unquoted_expression(refusal.source, *refusal.place(refusal.last.start_mark))


def _begins_with_quote(refusal: Refusal) -> Diagnostic | None:
    last = refusal.last
    if not isinstance(last, yaml.ScalarEvent) or last.style not in ("'", '"') or "mapping values" in refusal.problem:
        return None
    start = refusal.place(last.start_mark)
    end = refusal.place(last.end_mark)
    if end[0] != refusal.line or not refusal.rest.strip():
        return None
    if start[0] != end[0]:
        message = f"the quote opened here ends only on line {end[0]}; is one missing on this line?"
        return refusal.say("yaml.syntax", message, "close the quoted text on its line", line=start[0], column=start[1])
    message = "a value that begins with a quote ends at the next one; put the whole value in quotes"
    whole = refusal.text[start[1] - 1 :]
    if "flow" in refusal.context:
        whole = re.split(r"[,}\]]", whole, maxsplit=1)[0]
    return refusal.say("yaml.syntax", message, f"write {quoted(whole.rstrip())}", column=start[1])


def _colon_in_text(refusal: Refusal) -> Diagnostic | None:
    if "mapping values are not allowed" not in refusal.problem:
        return None
    last, text = refusal.last, refusal.text
    mark = getattr(last, "start_mark", None)
    first_line = refusal.place(mark)[0] if mark is not None else refusal.line
    if isinstance(last, yaml.ScalarEvent) and not last.style and first_line < refusal.line:
        return _continued(refusal, first_line)
    found = re.match(r"\s*(?:- +)*(?:[^\s:#'\"][^:#]*|'[^']*'|\"[^\"]*\"): +(?=\S)", text[: refusal.column])
    if not found:
        return refusal.say("yaml.syntax", "a second ': ' on this line; a value with ': ' in it needs quotes")
    value = re.split(r"\s#", text[found.end() :], maxsplit=1)[0].rstrip()
    what = "the expression" if value.startswith(("=", OPEN)) else "the value"
    code = "yaml.unquoted_expression" if value.startswith("=") else "yaml.syntax"
    message = f"{what} has ': ' in it and needs quotes"
    return refusal.say(code, message, f"write {quoted(value)}", column=found.end() + 1)


def _continued(refusal: Refusal, first_line: int) -> Diagnostic:
    """A key that was read as more of the text on the lines before it."""
    before = refusal.source.line(first_line).strip()
    glued = re.fullmatch(r"(?:- +)*([A-Za-z_][\w-]*):(\S.*)", before)
    if glued:
        column = len(refusal.source.line(first_line)) - len(refusal.source.line(first_line).lstrip()) + 1
        message = f"'{before}' is one word; a space is needed after the colon"
        hint = f"write {glued.group(1)}: {glued.group(2)}"
        return refusal.say("yaml.missing_space", message, hint, line=first_line, column=column)
    column = len(refusal.text) - len(refusal.text.lstrip()) + 1
    if not re.search(r":(\s|$)", before):
        start = len(refusal.source.line(first_line)) - len(refusal.source.line(first_line).lstrip()) + 1
        return refusal.say(
            "yaml.syntax", f"there is no ':' after '{before}'", f"write {before}:", line=first_line, column=start
        )
    message = f"this line is indented more than line {first_line}, whose value it would go on with"
    return refusal.say("yaml.indent", message, "give it the indentation of the lines beside it", column=column)


def _dedent(refusal: Refusal) -> Diagnostic | None:
    text = refusal.text
    column = len(text) - len(text.lstrip(" ")) + 1
    if "flow" in refusal.context or column != refusal.column or not refusal.problem.startswith(("did not", "expected")):
        return None
    if "block" not in refusal.context or column in refusal.columns:
        return None
    outer = sorted({open_at - 1 for open_at in refusal.columns})
    levels = ", ".join(map(str, outer))
    message = "the indentation of this line does not match any level above it"
    hint = f"it has {column - 1} spaces; the levels open here have {levels}" if outer else None
    return refusal.say("yaml.indent", message, hint)


def _mixed(refusal: Refusal) -> Diagnostic | None:
    if "block" not in refusal.context or refusal.column not in refusal.columns:
        return None
    if "'-' indicator" in refusal.problem or refusal.context.endswith(("collection", "sequence")):
        hint = "indent it under its item, or begin it with '- '"
        return refusal.say("yaml.syntax", "a key stands between the items of a list", hint)
    if re.match(r"-(\s|$)", refusal.rest):
        hint = "indent the list under its key"
        return refusal.say("yaml.syntax", "an item of a list stands between the keys of a mapping", hint)
    if refusal.rest.startswith(":"):
        return refusal.say("yaml.syntax", "the key before this ':' is missing")
    return None


def _odd_start(refusal: Refusal) -> Diagnostic | None:
    start = refusal.rest[:1]
    wrong = "cannot start any token" in refusal.problem and start in ("%", "@", "`", "\t")
    if not wrong and not ("mapping keys are not allowed" in refusal.problem and start == "?"):
        return None
    value = re.split(r"\s#|[,}\]]" if refusal.in_flow else r"\s#", refusal.rest, maxsplit=1)[0].rstrip()
    return refusal.say("yaml.syntax", f"a plain value cannot begin with {start}", f"write {quoted(value)}")


def _alias_or_anchor(refusal: Refusal) -> Diagnostic | None:
    if not refusal.context.endswith(("alias", "anchor")):
        return None
    text = refusal.source.line(refusal.context_line)[refusal.context_column - 1 :]
    message = f"a plain value cannot begin with {text[:1]} (it would name another value)"
    value = re.split(r"\s#", text, maxsplit=1)[0].rstrip()
    return refusal.say(
        "yaml.syntax", message, f"write {quoted(value)}", line=refusal.context_line, column=refusal.context_column
    )


def _block_header(refusal: Refusal) -> Diagnostic | None:
    if refusal.context != "while scanning a block scalar":
        return None
    text = refusal.source.line(refusal.context_line)[refusal.context_column - 1 :]
    start = text[:1]
    where = {"line": refusal.context_line, "column": refusal.context_column}
    if re.match(r">=? *[\w.'\"(-]", text):
        message = f"a value that begins with {start} is block text, and nothing may follow {start} on its line"
        return refusal.say("yaml.syntax", message, f"write {quoted(text.rstrip())} if it is a condition", **where)
    message = f"nothing may follow {start} on its line"
    return refusal.say("yaml.syntax", message, "begin the text on the next line, indented", **where)


def _dash(refusal: Refusal) -> Diagnostic | None:
    if "sequence entries are not allowed" not in refusal.problem:
        return None
    return refusal.say("yaml.syntax", "a list cannot begin on the line of its key", "begin it on the next line")


def _no_colon(refusal: Refusal) -> Diagnostic | None:
    if "could not find expected ':'" not in refusal.problem:
        return None
    line, column = refusal.context_line, refusal.context_column
    word = refusal.source.line(line)[column - 1 :].strip()[:60]
    return refusal.say("yaml.syntax", f"there is no ':' after '{word}'", f"write {word}:", line=line, column=column)


def _open_bracket(refusal: Refusal) -> Diagnostic | None:
    if "flow" not in refusal.context:
        return None
    line, column = refusal.context_line, refusal.context_column
    opening = refusal.source.line(line)[column - 1 : column]
    closing = {"[": "]", "{": "}"}.get(opening)
    if "node content" in refusal.problem or closing is None:
        return refusal.say("yaml.syntax", "a value is missing here", "remove the comma, or write null")
    if line != refusal.line:
        message = f"the {opening} opened here is not closed with {closing}"
        return refusal.say("yaml.syntax", message, f"close it with {closing}", line=line, column=column)
    message = f"a comma or {closing} is expected here, after the value before it"
    return refusal.say("yaml.syntax", message, "a value with , [ ] { } in it must be quoted")


def _extra_bracket(refusal: Refusal) -> Diagnostic | None:
    if refusal.rest[:1] not in ("]", "}") or "block" not in refusal.context:
        return None
    return refusal.say("yaml.syntax", f"this {refusal.rest[:1]} closes nothing", "remove it, or quote the value")


def _handle(refusal: Refusal) -> Diagnostic | None:
    if "tag" not in refusal.problem and "tag" not in refusal.context:
        return None
    found = re.match(r"![^\s,\[\]{}]*", refusal.rest)
    written = found.group() if found else "!"
    return refusal.say("yaml.tag", f"tags such as {written} are not allowed", "write the plain value, or quote it")


def _directive(refusal: Refusal) -> Diagnostic | None:
    if refusal.text.startswith("%") or "incompatible" in refusal.problem or "directive" in refusal.context:
        return refusal.say("yaml.syntax", "this % line is not a directive of YAML 1.2", "remove it", column=1)
    return None


def _trailing(refusal: Refusal) -> Diagnostic | None:
    """``x: [1] more``: something after a value that was complete."""
    if "block" not in refusal.context or not refusal.rest.strip():
        return None
    return refusal.say("yaml.syntax", "the value before this was complete", "quote the whole value")


_RULES: tuple[Callable[[Refusal], Diagnostic | None], ...] = (
    _too_deep, _tab, _unclosed_quote, _escape, _template_in_flow, _begins_with_quote, _expression_in_flow,
    _colon_in_text, _directive, _odd_start, _alias_or_anchor, _block_header, _dash, _no_colon, _mixed, _dedent,
    _handle, _open_bracket, _extra_bracket, _trailing,
)  # fmt: skip
