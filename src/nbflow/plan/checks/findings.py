"""Where findings of the checks are collected, and how the place of a reference is found."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from nbflow.errors import Diagnostic, Severity
from nbflow.plan.link import Linked, Use
from nbflow.plan.templates import expressions_of
from nbflow.spec.document import Located, finding, finding_at
from nbflow.spec.expressions import Expression
from nbflow.spec.names import did_you_mean
from nbflow.spec.workflow import WorkflowSpec

_SUGGESTIONS = 50  # a text with more wrong names than this gets no more guesses: each looks at every name


@dataclass(slots=True)
class Checking:
    """One workflow under check. `tools` are the known ones with their schemas; None: not known."""

    spec: WorkflowSpec
    root: Linked
    tools: Mapping[str, Mapping[str, Any] | None] | None = None
    found: list[Diagnostic] = field(default_factory=list)
    guesses: int = 0

    def report(self, diagnostic: Diagnostic) -> None:
        self.found.append(diagnostic)

    def wrong(
        self, at: Located, code: str, message: str, hint: str | None = None, *, severity: Severity = "error",
        key: bool = False, offset: int = 0, length: int = 1,
    ) -> None:  # fmt: skip
        """Reports a finding at a value, at its key, or inside its text."""
        self.found.append(
            finding(at, code, message, hint=hint, severity=severity, key=key, offset=offset, length=length)
        )

    def inside(self, expression: Expression, code: str, message: str, hint: str | None) -> None:
        """Warns of a whole expression."""
        line, column, length = expression.line, expression.column, len(expression.text.partition("\n")[0])
        self.found.append(
            finding_at(self.spec.at.source, line, column, code, message, hint=hint, severity="warning", length=length)
        )

    def guess(self, name: str, names: Iterable[str]) -> str | None:
        """ "did you mean", as long as there are not too many."""
        self.guesses += 1
        return did_you_mean(name, names) if self.guesses <= _SUGGESTIONS else None

    def at(
        self,
        use: Use,
        code: str,
        message: str,
        hint: str | None = None,
        *,
        severity: Severity = "error",
        part: int | None = None,
    ) -> None:
        """Reports a finding at a reference, or at step `part` of its path."""
        reference = use.reference
        offset, length = reference.offset, len(reference.root)
        expression = expression_of(use)
        if part is not None:
            step = str(reference.path[part])
            behind = expression.text.find(step, offset + length)
            offset, length = (behind, len(step)) if behind >= 0 else (offset, length)
        line, column = place_inside(expression, offset)
        self.found.append(
            finding_at(self.spec.at.source, line, column, code, message, hint=hint, severity=severity, length=length)
        )


def expression_of(use: Use) -> Expression:
    """The expression in which a reference stands."""
    return next(each for each in expressions_of(use.read.template) if use.reference in each.references)


def place_inside(expression: Expression, offset: int) -> tuple[int, int]:
    """Line and column of a character of an expression's text."""
    before = expression.text[:offset]
    lines = before.count("\n")
    if lines:
        return expression.line + lines, offset - before.rfind("\n")
    return expression.line, expression.column + offset
