"""Executions and workflows by the words a person types: an id, the beginning of one, or a workflow's name."""

from __future__ import annotations

from pathlib import Path

from nbflow import assembly
from nbflow.errors import NotFound
from nbflow.execution.state import ENDED
from nbflow.notebook.errors import MagicError, nearest
from nbflow.notebook.session import Session
from nbflow.notebook.shelf import take
from nbflow.plan.workflow import Workflow
from nbflow.runtime.execution import Execution


async def find_execution(word: str | None, store: str | None = None, *, live: bool = False) -> Execution:
    """An execution by id, by the beginning of its id, or the latest of a workflow; without a word the latest of all.

    `live` prefers those that have not ended, but for a workflow's name, which means its latest execution whatever
    became of it. Raises `NotFound` with the last ones.
    """
    engine = assembly.engine(store)
    if word in engine.drivers:
        return await engine.open(word)
    summaries = await engine.journal.executions()
    found = [each for each in summaries if word is None or each.workflow == word or each.execution.startswith(word)]
    driven = [id for id, driver in engine.drivers.items() if word is None or driver.state.workflow == word]
    if word is not None and any(each.workflow == word for each in found):
        listed = {each.execution for each in found}
        begun = [id for id in driven if id not in listed]  # so lately that it is not listed yet
        return await engine.open(begun[-1] if begun else found[0].execution)
    if live and driven:
        return await engine.open(driven[-1])
    if live:
        found = [each for each in found if each.phase not in ENDED] or found
    if found:
        return await engine.open(found[0].execution)
    if driven:
        return await engine.open(driven[-1])
    if word is None:
        raise NotFound("there is no execution yet")
    return await engine.open(word)


async def find_workflow(session: Session, word: str, store: str | None = None) -> Workflow:
    """A workflow of a cell, of a file, or of the catalog (``NAME@VERSION``). Raises `MagicError`."""
    if word in session.workflows:
        return session.workflows[word]
    for path in (Path(word), Path(f"{word}.yaml"), Path(f"{word}.yml")):
        if path.is_file():
            return assembly.parse(path.read_bytes(), folder=path.parent)
    name, _, version = word.partition("@")
    try:
        return await take(name, version or None, store)
    except NotFound:
        if version:
            raise
        known = session.workflows
        hint = (
            f"did you mean {near}?"
            if (near := nearest(word, known))
            else "run its %%workflow cell first, or name a file"
        )
        raise MagicError("magic.unknown_workflow", f"there is no workflow {word!r}", hint) from None
