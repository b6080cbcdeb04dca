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
    assert nbflow.executions().set_index("workflow").labels["good"] == {"daily": "", "by": "ann"}
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


def test_executions_are_found_by_all_that_is_known_of_them(kept):
    def ids(*options):
        said = kept("executions", "list", "--json", *options)
        assert said.code == 0, said.err
        return [row["workflow"] for row in said.document]

    assert ids() == ["bad", "good"] and ids("good") == ["good"]
    assert ids("--phase", "failed") == ids("--phase", "failed,cancelled") == ["bad"]
    assert ids("--version", "1") == ["bad", "good"] and ids("--version", "2") == []
    assert ids("--since", "1h") == ["bad", "good"] and ids("--until", "1h") == []
    assert ids("--since", "2020-01-01", "--until", "2100-01-01T12:30Z") == ["bad", "good"]
    assert ids("--since", "2100-01-01") == []
    assert ids("--tag", "daily") == ["good"] and ids("--tag", "by") == ["bad", "good"]
    assert ids("--label", "by=bob") == ["bad"]
    assert ids("-i", "n=1") == ["bad"] and ids("-i", "n=2") == []
    assert ids("--error", "DIVISION by") == ["bad"]
    assert ids("--usd", "0.01") == [] and ids("--usd", "0") == ["bad", "good"]
    (first,) = kept("executions", "list", "--json", "--limit", "1").document
    assert ids("--cursor", first["cursor"]) == ["good"]
    said = kept("executions", "list", "--limit", "1")
    assert f"--cursor {first['cursor']}" in said.err
    for wrong in (("--since", "soon"), ("--phase", "fine"), ("--label", "by"), ("--usd", "-1")):
        assert kept("executions", "list", *wrong).code == 2, wrong
    assert kept("executions", "list", "--cursor", "nonsense").code == 1


def test_a_tag_that_was_given_later_finds_executions_too(kept):
    assert kept("executions", "list", "--json", "--tag", "reviewed").document == []
    kept("workflows", "annotate", "bad@1", "--tag", "reviewed")
    (row,) = kept("executions", "list", "--json", "--tag", "reviewed").document
    assert row["workflow"] == "bad"


def test_executions_are_found_from_python_page_by_page(kept):
    page = nbflow.find_executions(limit=1)
    assert list(page["workflow"]) == ["bad"] and page.phase[0] == "failed" and page.seconds[0] >= 0
    rest = nbflow.find_executions(limit=1, cursor=page.attrs["next"])
    assert list(rest["workflow"]) == ["good"] and rest.attrs["next"] is None
    assert rest.labels[0] == {"daily": "", "by": "ann"}
    started = nbflow.executions().set_index("execution").started
    assert started[page.execution[0]] == page.started[0]
    assert list(nbflow.find_executions(inputs={"n": 1}, labels={"by": "bob"}).workflow) == ["bad"]
    for wrong in ({"phase": "fine"}, {"since": "soon"}, {"usd": "much"}, {"limit": "0"}):
        with pytest.raises(StorageError, match=r"store\.query"):
            nbflow.find_executions(**wrong)


def test_a_renamed_workflow_runs_as_a_child_and_is_compared_under_either_name(kept):
    kept("workflows", "rename", "good", "fine")
    for name in ("fine@1", "good@1", "good", "fine"):
        kept.write("parent.yaml", f"name: parent\nnodes: {{child: {{workflow: {name}}}}}\n")
        said = kept("run", "parent.yaml", "--json")
        assert said.code == 0, (name, said.err)
    said = kept("workflows", "diff", "good@1", "fine@2")
    assert said.code == 0 and "x" in said.out, said.err


def test_a_workflow_whose_name_another_had_before_is_the_one_that_runs(kept):
    kept("workflows", "rename", "good", "fine")
    kept.write("anew.yaml", "name: good\nversion: '7'\nnodes: {b: {set: {y: 7}}}\n")
    kept("workflows", "save", "anew.yaml")
    (kept.folder / "good.yaml").unlink()  # which would come first
    kept.write("parent.yaml", "name: parent\nnodes: {a: {workflow: fine}, b: {workflow: good}}\n")
    said = kept("run", "parent.yaml", "--json")
    assert said.code == 0, said.err
    assert said.document["outputs"] == {"a": {"a": {"x": 2}}, "b": {"b": {"y": 7}}}


def test_executions_of_a_renamed_workflow_are_found_under_either_name(kept):
    def ids(*options):
        return [row["workflow"] for row in kept("executions", "list", "--json", *options).document]

    kept("workflows", "rename", "good", "well")
    kept("workflows", "rename", "well", "fine")
    kept("workflows", "annotate", "fine@1", "--tag", "later")
    assert ids("fine") == ids("well") == ids("good") == ["good"]
    assert ids("--tag", "later") == ids("fine", "--tag", "later") == ["good"]
    assert found(kept, "--run-by", "ann", "--phase", "completed") == [("fine", "1")]
    kept.write("anew.yaml", "name: good\nversion: '1'\nnodes: {b: {set: {y: 7}}}\n")
    kept("workflows", "save", "anew.yaml")
    assert ids("good") == ["good"] and ids("fine") == ids("fine", "--tag", "later") == []


@pytest.mark.parametrize("to", ["", "a@b", "bad name@1", "Upper"])
def test_a_workflow_gets_no_name_that_its_text_could_not_say(kept, to):
    said = kept("workflows", "rename", "good", to)
    assert said.code == 1 and "lower-case letters" in said.err and "hint" in said.err
    assert ("good", "2") in found(kept)


def test_a_damaged_line_of_the_catalog_is_said_when_it_is_read(kept):
    (file,) = kept.folder.glob("**/catalog.jsonl")
    file.write_bytes(file.read_bytes().replace(b"x: 1", b"x: 9", 1))
    for command in (("list",), ("search",), ("show", "good@#2")):
        said = kept("workflows", *command)
        assert "loss: line 1 of the catalog is damaged" in said.err and said.code == 0, command
    assert kept("workflows", "show", "good@#2", "--json").document["version"] == "2"
    kept.write("other.yaml", GOOD.replace("x: 1", "x: 5"))
    said = kept("workflows", "save", "other.yaml")
    assert said.code == 1 and "its line is damaged" in said.err
    assert kept("workflows", "save", "good.yaml").code == 0
