"""Where findings of the checks are collected, and how the place of a reference is found."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from nbflow.errors import Diagnostic, Severity
from nbflow.plan.link import Linked, Use
from nbflow.spec.document import Located, finding
from nbflow.spec.expressions import Expression
from nbflow.spec.names import did_you_mean
from nbflow.spec.workflow import WorkflowSpec

if TYPE_CHECKING:
    from nbflow.plan.checks.models import Models

_SUGGESTIONS = 50  # a text with more wrong names than this gets no more guesses: each looks at every name


@dataclass(slots=True)
class Checking:
    """One workflow under check. `tools` are the known ones with their schemas, `models` who may answer an agent node;
    None: not known.
    """

    spec: WorkflowSpec
    root: Linked
    tools: Mapping[str, Mapping[str, Any] | None] | None = None
    found: list[Diagnostic] = field(default_factory=list)
    models: Models | None = None
    guesses: int = 0

    def report(self, diagnostic: Diagnostic) -> None:
        self.found.append(diagnostic)

    def wrong(
        self, at: Located, code: str, message: str, hint: str | None = None, *, severity: Severity = "error",
        key: bool = False, offset: int | None = None, length: int = 1,
    ) -> None:  # fmt: skip
        """Reports a finding at a value, at its key, or inside its text."""
        self.found.append(
            finding(at, code, message, hint=hint, severity=severity, key=key, offset=offset, length=length)
        )

    def at(
        self, use: Use, code: str, message: str, hint: str | None = None, *, severity: Severity = "error",
        part: int | None = None,
    ) -> None:  # fmt: skip
        """Reports a finding at a reference, or at step `part` of its path."""
        reference = use.reference
        at = reference.at or self.spec.at
        offset, length = reference.offset, len(reference.root)
        if part is not None:
            step = str(reference.path[part])
            behind = at.value.find(step, offset + length) if isinstance(at.value, str) else -1
            offset, length = (behind, len(step)) if behind >= 0 else (offset, length)
        self.wrong(at, code, message, hint, severity=severity, offset=offset, length=length)

    def inside(self, expression: Expression, code: str, message: str, hint: str | None) -> None:
        """Warns of a whole expression."""
        at = expression.at or self.spec.at
        self.wrong(at, code, message, hint, severity="warning", length=len(expression.text.partition("\n")[0]))

    def guess(self, name: str, names: Iterable[str]) -> str | None:
        """The hint "did you mean", as long as there are not too many."""
        self.guesses += 1
        return did_you_mean(name, names) if self.guesses <= _SUGGESTIONS else None
