"""How one command answers: a document under `--json`, words otherwise, and always an exit code.

Every error that is a person's to mend ends here, in one line and without frames of ours.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import typer

from nbflow import assembly
from nbflow.access import documents
from nbflow.access.cli.printing import CANCELLED, DONE, FAILED, INVALID, Document, complain, show_findings
from nbflow.access.cli.reading import UsageProblem
from nbflow.errors import Diagnostic, InputError, NbflowError, SpecError

if TYPE_CHECKING:
    from nbflow.runtime.engine import Engine


class Answer:
    """``with Answer(json) as answer: … answer.give(document, words, code)``; leaving it ends the command."""

    def __init__(self, json: bool, source: str = "") -> None:
        self.json, self.source, self.code = json, source, DONE
        self._document = Document() if json else None

    def __enter__(self) -> Answer:
        if self._document is not None:
            self._document.__enter__()
        return self

    def give(self, document: Any, words: Callable[[], None], code: int = DONE) -> None:
        """Answer with `document` under `--json`, else by calling `words`."""
        self.code = code
        if self._document is not None:
            self._document.write(document)
        else:
            words()

    def __exit__(self, kind: type[BaseException] | None, problem: BaseException | None, trace: object) -> None:
        try:
            if isinstance(problem, KeyboardInterrupt):
                self.code = CANCELLED
            elif isinstance(problem, NbflowError):
                self._excuse(problem)
            elif problem is not None:
                return
        finally:
            if self._document is not None:
                self._document.__exit__()
        raise typer.Exit(self.code) from None

    def _excuse(self, problem: NbflowError) -> None:
        match problem:
            case SpecError():
                found = problem.diagnostics
                self.give(documents.findings(found), lambda: show_findings(found, self.source), INVALID)
            case InputError() | UsageProblem():
                self.give(documents.findings([_finding(problem)]), lambda: _complain(problem), INVALID)
            case _:
                hint = getattr(problem, "hint", None)
                facts = {"code": problem.code, "message": str(problem).partition("\n")[0], "hint": hint}
                self.give({"error": facts}, lambda: _complain(problem), FAILED)


def _finding(problem: InputError | UsageProblem) -> Diagnostic:
    return Diagnostic(problem.code, problem.message, line=1, column=1, hint=problem.hint)


def _complain(problem: NbflowError) -> None:
    message = getattr(problem, "message", None) or str(problem)
    hint = getattr(problem, "hint", None)
    complain(message.removesuffix(f"\n  hint: {hint}") if hint else message, hint)


@asynccontextmanager
async def engine(store: str | None) -> AsyncIterator[Engine]:
    """The engine of this command; what still runs when it leaves is suspended, not lost."""
    made = assembly.engine(store)
    try:
        yield made
    finally:
        await made.close()
        await assembly.close()
