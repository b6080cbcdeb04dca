"""What loading the extension says: what can be recovered, in the store that `%workflow recover` looks in."""

from __future__ import annotations

import asyncio

import pytest
from IPython.core.interactiveshell import InteractiveShell
from traitlets.config import Config

from nbflow import assembly
from nbflow.notebook.extension import Extension


@pytest.fixture
def shell(tmp_path, monkeypatch):
    """An IPython that prefers a store of its own, in a folder with nothing else."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path / "ipython"))
    preferred = f"duckdb:///{tmp_path}/preferred.duckdb"
    return InteractiveShell(config=Config(NBFlow={"store": preferred}, HistoryManager={"enabled": False}))


async def test_what_was_interrupted_in_the_preferred_store_is_named(shell) -> None:
    extension, said = Extension(shell), []
    store = extension.preferences.store
    left = assembly.start("nodes: {q: {ask: sure?}}", store=store)
    await left.until("waiting")
    await assembly.engine(store).close()
    extension.session.write = said.append
    extension.name_what_was_interrupted()
    await asyncio.gather(*(task for task in asyncio.all_tasks() if task.get_name() == "nbflow-interrupted"))
    assert said == [f"nbflow: interrupted: {left.id}; %workflow recover goes on"]
    await assembly.engine(store).close()
