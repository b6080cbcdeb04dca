"""The verbs of the line magic: what another process is asked is what would be done here."""

from __future__ import annotations

import pytest

from nbflow import assembly
from nbflow.errors import IllegalMove, NotFound
from nbflow.notebook import acting
from nbflow.notebook.arguments import read_arguments
from nbflow.notebook.session import Session

ASKED = [
    ("pause", "", ("pause", {})),
    ("fail", "q", ("fail", {"node": "q"})),
    ("skip", "q 3", ("skip", {"node": "q", "value": 3})),
    ("answer", "q -i sure=true", ("answer", {"node": "q", "value": {"sure": True}})),
    ("signal", "go", ("signal", {"name": "go", "value": None})),
    ("signal", "go '{\"n\": 1}'", ("signal", {"name": "go", "value": {"n": 1}})),
    ("edit", "a -i n=3", ("edit", {"node": "a", "inputs": {"n": 3}})),
    ("edit_output", "a 3", ("edit", {"node": "a", "output": 3})),
    ("edit_output", "a -i total=3", ("edit", {"node": "a", "output": {"total": 3}})),
    ("edit_context", "a {}", ("edit", {"node": "a", "context": {}})),
    ("edit_inputs", "-i n=3", ("edit", {"inputs": {"n": 3}})),
]


class Elsewhere:
    """Another process that drives every execution, and does what it is asked."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, dict]] = []

    def holder(self, execution: str) -> str:
        return "process 7"

    async def ask(self, request, *, patience):
        self.asked.append((request.verb, dict(request.arguments)))
        return {"result": None}


@pytest.fixture
async def other(tmp_path, monkeypatch):
    """What another process is asked of an execution; the function does a verb on it."""
    monkeypatch.chdir(tmp_path)
    engine = assembly.engine()
    begun = assembly.start("nodes: {a: {set: {total: 1}}, q: {ask: sure?, needs: [a]}}")
    await begun.until("waiting")
    await engine.close()
    elsewhere = assembly.engine().requests = Elsewhere()
    session = Session({}, kernel=False, write=lambda text: None)

    async def act(verb: str, words: str) -> list[tuple[str, dict]]:
        await acting.act(session, verb, read_arguments(f"{begun.id} {words}", {}))
        return elsewhere.asked

    yield act
    assembly.engine().requests = None
    await assembly.engine().close()


@pytest.mark.parametrize(("verb", "words", "asked"), ASKED)
async def test_another_process_is_asked_what_the_words_say(other, verb, words, asked) -> None:
    assert await other(verb, words) == [asked]


async def test_what_only_works_in_the_process_that_drives_it_is_not_asked_for(other) -> None:
    with pytest.raises(IllegalMove, match="driven by process 7; step works only there"):
        await other("step", "")


async def test_a_node_that_is_none_is_not_asked_for(other) -> None:
    with pytest.raises(NotFound, match="no node 'b'"):
        await other("edit_output", "b 1")
