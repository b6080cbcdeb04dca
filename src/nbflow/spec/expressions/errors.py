"""What can be wrong with an expression: with its text (when it is read), or with what it met (when it is run)."""

from __future__ import annotations

from nbflow.errors import NbflowError


class ExpressionError(NbflowError):
    """A text that is not an expression of the language. `offset` counts characters of the text, from 0."""

    def __init__(self, code: str, message: str, offset: int = 0, hint: str | None = None, length: int = 1):
        self.code, self.message, self.offset, self.hint, self.length = code, message, offset, hint, length
        super().__init__(f"{message} [{code}]" + (f"\n  hint: {hint}" if hint else ""))


class EvaluationError(NbflowError):
    """An expression that has no value for what it met: shown with the expression, a caret, and what is there."""

    def __init__(self, code: str, message: str, expression: str, offset: int = 0, hint: str | None = None):
        self.code, self.message, self.expression, self.offset, self.hint = code, message, expression, offset, hint
        super().__init__(f"{message} [{code}]\n{_shown(expression, offset)}" + (f"\n  hint: {hint}" if hint else ""))


def _shown(text: str, offset: int) -> str:
    """The line of the expression with a caret under the place."""
    start = text.rfind("\n", 0, offset) + 1
    end = text.find("\n", offset)
    line = text[start : end if end >= 0 else len(text)]
    column = offset - start
    cut = max(0, column - 60)
    shown = ("…" if cut else "") + line[cut : cut + 100].replace("\t", " ")
    return f"    {shown}\n    {' ' * (column - cut + bool(cut))}^"


class Fault(Exception):
    """Raised inside a running expression; its place is found from where it was raised. Never leaves the package."""

    def __init__(self, code: str, message: str, hint: str | None = None):
        self.code, self.message, self.hint = code, message, hint
        super().__init__(message)
