"""Keeping and finding workflows by the shell and by Python."""

from __future__ import annotations

import pytest

import nbflow
from nbflow.errors import StorageError
from nbflow.settings import settings

GOOD = "name: good\nversion: '1'\ntags: [daily]\nnodes: {a: {set: {x: 1}}}\n"
BAD = "name: bad\nversion: '1'\nnodes: {a: {set: {x: '=inputs.n / 0'}}}\ninputs: {n: {type: integer, default: 1}}\n"


@pytest.fixture
def kept(shell, monkeypatch):
    """Two workflows that ran, as ann and bob, and a newer version of one that did not."""
    for who, name, text in (("ann", "good", GOOD), ("bob", "bad", BAD)):
        monkeypatch.setenv("NBFLOW_USER", who)
        settings.cache_clear()
        shell.write(f"{name}.yaml", text)
        shell("workflows", "save", f"{name}.yaml", "--by", "carl")
        shell("run", f"{name}.yaml", "--json")
    shell.write("newer.yaml", GOOD.replace("'1'", "'2'").replace("x: 1", "x: 2"))
    shell("workflows", "save", "newer.yaml")
    return shell


def found(shell, *options):
    return [(each["workflow"], each["version"]) for each in shell("workflows", "search", "--json", *options).document]


def test_workflows_are_found_by_who_ran_them_and_how_it_went(kept):
    assert found(kept) == [("bad", "1"), ("good", "2")]
    assert found(kept, "--run-by", "ann") == [("good", "1")]
    assert found(kept, "--run-by", "bob", "--phase", "failed") == [("bad", "1")]
    assert found(kept, "--run-by", "ann", "--phase", "failed") == []
    assert found(kept, "--phase", "completed", "--tag", "daily") == [("good", "1")]
    assert found(kept, "--error", "division by zero") == [("bad", "1")]
    assert found(kept, "--since", "1h", "--by", "carl") == [("bad", "1"), ("good", "1")]
    assert kept("workflows", "search", "--since", "soon").code == 2


def test_the_same_from_python(kept):
    assert list(nbflow.workflows()["workflow"]) == ["bad", "good"]
    assert list(nbflow.workflows(run_by="ann")["version"]) == ["1"]
    assert list(nbflow.workflows("x: 2", every=True)["version"]) == ["2"]
    assert nbflow.workflows(phase="failed", since="1h").iloc[0].workflow == "bad"
    assert nbflow.executions().set_index("workflow").labels["good"] == {"by": "ann"}
    with pytest.raises(StorageError, match="no time"):
        nbflow.workflows(since="soon")


def test_names_aliases_and_notes_change_from_the_shell(kept):
    assert kept("workflows", "alias", "good@1", "prod", "--json").code == 0
    assert kept("workflows", "show", "good@prod", "--json").document["version"] == "1"
    assert kept("workflows", "annotate", "good@1", "--notes", "the old one", "--tag", "old").code == 0
    assert found(kept, "the old one", "--all", "--tag", "old") == [("good", "1")]
    assert kept("workflows", "rename", "good", "fine").code == 0
    assert found(kept, "--run-by", "ann") == [("fine", "1")]
    assert kept("workflows", "archive", "fine").code == 0 and found(kept) == [("bad", "1")]
    assert kept("workflows", "archive", "fine", "--undo").code == 0 and ("fine", "2") in found(kept)
    assert kept("workflows", "alias", "fine", "prod", "--remove").code == 0
    assert kept("workflows", "show", "fine@prod").code == 1
