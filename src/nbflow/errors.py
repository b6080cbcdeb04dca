"""What can go wrong, and whose fault it is.

`SpecError` is the author's, `ExecutorError` a plug-in's, `JournalConflict` another writer's,
`InvariantBroken` ours. Every error a user sees says what, where and what to do.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

Severity = Literal["error", "warning", "info"]


class NbflowError(Exception):
    """The root of all errors of nbflow; `code` is stable and documented."""

    code = "nbflow.error"

    def _render_traceback_(self) -> list[str]:
        """What a notebook shows: the message and the hint, without the engine's frames."""
        text, hint = str(self), getattr(self, "hint", None)
        lines = [] if not hint or hint in text else [f"  hint: {hint}"]
        return [f"\x1b[31m{type(self).__name__}\x1b[0m: {text}", *lines]


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """One finding about a text. `line` and `column` count from 1; `excerpt` is that line of the text."""

    code: str
    message: str
    line: int
    column: int
    severity: Severity = "error"
    hint: str | None = None
    excerpt: str | None = None
    length: int = 1

    def as_json(self) -> dict[str, Any]:
        return {
            "code": self.code,
            "severity": self.severity,
            "message": self.message,
            "line": self.line,
            "column": self.column,
            "hint": self.hint,
        }


def render(diagnostic: Diagnostic, *, line_offset: int = 0, source: str = "line") -> str:
    """A finding as text: what, where, the line with a caret, and the hint.

    `line_offset` is added to the line (a cell's first line is its magic); `source` names the text,
    as in ``cell line 3, column 7``.
    """
    place = f"{source} {diagnostic.line + line_offset}, column {diagnostic.column}"
    lines = [f"{diagnostic.severity}: {diagnostic.message} [{diagnostic.code}]", f"  at {place}"]
    if diagnostic.excerpt is not None:
        lines += _caret(diagnostic)
    if diagnostic.hint:
        lines.append(f"  hint: {diagnostic.hint}")
    return "\n".join(lines)


def _caret(diagnostic: Diagnostic) -> list[str]:
    text, column = (diagnostic.excerpt or "").rstrip("\r\n"), diagnostic.column
    start = max(0, column - 60)
    shown = text[start : start + 100].replace("\t", " ")
    head = "…" if start else ""
    room = max(1, len(shown) - (column - 1 - start))
    marks = "^" * max(1, min(diagnostic.length, room))
    return [f"    {head}{shown}", "    " + " " * (column - 1 - start + len(head)) + marks]


class SpecError(NbflowError):
    """A text that is not a workflow. `.diagnostics` has every finding, sorted by place."""

    code = "spec.invalid"

    def __init__(self, diagnostics: tuple[Diagnostic, ...], *, line_offset: int = 0, source: str = "line"):
        self.diagnostics = diagnostics
        self.line_offset = line_offset
        self.source = source
        super().__init__(str(self))

    def __str__(self) -> str:
        return "\n".join(
            render(finding, line_offset=self.line_offset, source=self.source) for finding in self.diagnostics
        )


class InputError(NbflowError):
    """Inputs that a workflow does not take. `code` is ``input.type``, ``input.unknown``, ``input.missing``…"""

    def __init__(self, code: str, message: str, hint: str | None = None):
        self.code, self.message, self.hint = code, message, hint
        super().__init__(f"{message} [{code}]" + (f"\n  hint: {hint}" if hint else ""))


class NodeError(NbflowError):
    """A failure of one attempt with a kind (`Timeout`, `RateLimited`, `InvalidOutput`, a class name …).

    `retry_after` is in seconds when the other side named a time; `detail` is JSON shown by the inspector.
    """

    code = "node.failed"

    def __init__(
        self,
        kind: str,
        message: str,
        *,
        code: str | None = None,
        hint: str | None = None,
        retry_after: float | None = None,
        detail: Any = None,
    ):
        self.kind, self.hint, self.retry_after, self.detail = kind, hint, retry_after, detail
        if code:
            self.code = code
        super().__init__(message)


class ExecutionFailed(NbflowError):
    """An awaited execution failed; `.execution` has all there is to know."""

    code = "execution.failed"

    def __init__(self, message: str, execution: Any = None):
        self.execution = execution
        super().__init__(message)


class IllegalMove(NbflowError):
    """A verb an execution cannot take in its phase; the message gives the reason."""

    code = "execution.illegal"

    def __init__(self, message: str, code: str | None = None):
        if code:
            self.code = code
        super().__init__(message)


class NotFound(NbflowError):
    """No such execution, node, workflow or version; the message names what is near."""

    code = "execution.not_found"


class ExecutorError(NbflowError):
    """A plug-in (kind, tool, agent runtime, store) that breaks its contract."""

    code = "plugin.invalid"


class JournalConflict(NbflowError):
    """Another writer has appended to this execution: ``append(after=n)`` found more than n records."""

    code = "store.conflict"


class CatalogConflict(NbflowError):
    """A name or version of the catalog that means something else already; what is saved is never changed."""

    code = "catalog.conflict"

    def __init__(self, message: str, hint: str | None = None):
        self.hint = hint
        super().__init__(f"{message} [{self.code}]" + (f"\n  hint: {hint}" if hint else ""))


class StorageError(NbflowError):
    """A store that cannot read or write; nothing committed is lost. `code` names the case."""

    def __init__(self, code: str, message: str, hint: str | None = None):
        self.code, self.message, self.hint = code, message, hint
        super().__init__(f"{message} [{code}]" + (f"\n  hint: {hint}" if hint else ""))


class InvariantBroken(NbflowError):
    """A defect of nbflow itself; the story is the last records that led here."""

    code = "nbflow.invariant"
