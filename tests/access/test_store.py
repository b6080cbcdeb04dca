"""`nbflow store`: the embedded store from the shell."""

from __future__ import annotations

import json
import os

import pytest

TEXT = "name: demo\nnodes: {a: {set: {x: 1}}}\n"


@pytest.fixture
def ran(shell):
    """A folder in which one workflow has run, by its id."""
    shell.write("demo.yaml", TEXT)
    return shell("run", "demo.yaml", "--json").document["execution"]


def test_a_whole_store_is_said_to_be_whole(shell, ran):
    said = shell("store", "check", "--json")
    assert (said.code, said.document) == (0, {"whole": True, "gaps": []})
    assert "whole" in shell("store", "check").err


def test_damage_is_named_and_fails(shell, ran):
    import duckdb

    with duckdb.connect(shell.folder / ".nbflow" / "history.duckdb") as own:
        own.execute("delete from records where sequence = 2")
    said = shell("store", "check", "--json")
    assert said.code == 1 and said.document["gaps"][0]["execution"] == ran
    assert "records 2 to 2" in shell("store", "check").err


def test_what_is_old_is_taken_out(shell, ran):
    assert shell("store", "vacuum", "--keep", "1d", "--json").document["executions"] == 0
    assert shell("store", "vacuum", "--keep", "0s", "--json").document["executions"] == 1
    assert shell("executions", "list", "--json").document == []


def test_old_executions_go_by_themselves(shell, ran, monkeypatch):
    """Once an hour, in whichever process comes first."""
    stamp = shell.folder / ".nbflow" / "segments" / "retained"
    assert stamp.exists()
    monkeypatch.setenv("NBFLOW_KEEP", "0s")

    def run():
        out, err = shell.start("run", "demo.yaml", "--json").communicate(timeout=60)
        assert not err, err
        return json.loads(out)["execution"]

    second = run()
    assert {ran, second} <= {row["execution"] for row in shell("executions", "list", "--json").document}
    os.utime(stamp, (0, 0))
    run()  # whether its own execution has ended by then is not said
    assert not {ran, second} & {row["execution"] for row in shell("executions", "list", "--json").document}
    assert stamp.stat().st_mtime > 0


def test_a_store_is_moved_by_export_and_import(shell, ran, tmp_path_factory):
    file = str(tmp_path_factory.mktemp("backup") / "all.jsonl.gz")
    assert shell("store", "export", file, "--json").document["executions"] == 1
    there = ["--store", f"duckdb:///{shell.folder}/other.duckdb"]
    assert shell("store", "import", file, *there, "--json").document["executions"] == 1
    assert [row["execution"] for row in shell("executions", "list", "--json", *there).document] == [ran]
    assert "took in 0 executions" in shell("store", "import", file, *there).err


@pytest.mark.parametrize(("arguments", "words"), [
    (["vacuum", "--keep", "soon"], "'soon' is no time"),
    (["vacuum", "--size", "much"], "'much' is no size"),
    (["import", "missing.jsonl"], "missing.jsonl: No such file"),
    (["export", "no/such/folder.jsonl"], "No such file"),
    (["check", "--store", "memory:"], "for embedded stores"),
    (["check", "--store", "mysql://x"], "postgresql://"),
])  # fmt: skip
def test_what_cannot_be_used_is_named(shell, ran, arguments, words):
    said = shell("store", *arguments)
    assert said.code in (1, 2) and words in said.err and "Traceback" not in said.err
    document = shell("store", *arguments, "--json").out
    assert json.loads(document)
