"""SCXML documents, one a feature, each of which ends in `pass` when the feature is there."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.scxml.reader import read
from tests.scxml.verdicts import judge, main
from tests.scxml.world import World

DOCUMENTS = sorted(Path(__file__).with_name("documents").glob("*.scxml"))
HEAD = '<scxml xmlns="http://www.w3.org/2005/07/scxml" version="1.0" datamodel="{}" initial="s">'
ENDS = '<final id="pass"/><final id="fail"/></scxml>'


def document(folder, body, model="python", name="one.scxml"):
    path = folder / name
    path.write_text(HEAD.format(model) + body + ENDS)
    return path


def test_there_are_documents():
    assert len(DOCUMENTS) > 50


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.stem)
def test_the_document_passes(path):
    assert judge(path) == ("pass", "")


def test_a_document_that_ends_in_fail_fails(tmp_path):
    assert judge(document(tmp_path, '<state id="s"><transition target="fail"/></state>'))[0] == "fail"


def test_a_document_that_never_ends_fails(tmp_path):
    assert judge(document(tmp_path, '<state id="s"><transition event="x" target="pass"/></state>'))[0] == "fail"


def test_a_document_that_never_rests_fails(tmp_path):
    body = '<state id="s"><onentry><raise event="x"/></onentry><transition event="x" target="s"/></state>'
    assert judge(document(tmp_path, body))[0] == "fail"


@pytest.mark.parametrize(
    ("body", "model", "why"),
    [
        ('<state id="s"/>', "xpath", "the data model xpath"),
        ('<state id="s"><invoke type="http://x"/></state>', "python", "invoking http://x"),
        ('<datamodel><data id="x"><b/></data></datamodel><state id="s"/>', "python", "XML as data"),
        ('<state id="s"><onentry><script>import os</script></onentry></state>', "python", "this script"),
        ('<state id="s"><transition cond="(function(){})()"/></state>', "ecmascript", "this much ECMAScript"),
        ('<state id="s"><transition target="nowhere"/></state>', "python", "the document is not valid"),
        ("<broken", "python", "the document is not valid"),
    ],
)
def test_what_is_not_supported_says_why(tmp_path, body, model, why):
    assert judge(document(tmp_path, body, model))[0] == f"unsupported: {why}"


def test_the_command_prints_a_line_a_document(tmp_path):
    bad = document(tmp_path, '<state id="s"><transition target="fail"/></state>')
    odd = document(tmp_path, '<state id="s"/>', "xpath", "two.scxml")
    files = [str(DOCUMENTS[0]), str(bad), str(odd)]
    root = Path(__file__).parent.parent.parent
    ran = subprocess.run([sys.executable, "-m", "tests.scxml", *files], cwd=root, capture_output=True, text=True)
    assert ran.stdout.splitlines() == ["pass", "fail", "unsupported: the data model xpath"]
    assert ran.returncode == 1


def test_the_command_ends_well_when_nothing_failed(capsys):
    assert main([str(DOCUMENTS[0])]) == 0
    assert capsys.readouterr().out == "pass\n"


def test_the_machine_of_a_document_is_a_machine_text():
    """What the reader makes is the language itself: it survives being written down and read again."""
    for path in DOCUMENTS[:10]:
        assert World(read(path)).main.snapshot["configuration"] is not None
