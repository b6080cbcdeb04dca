"""SCXML documents, one a feature, each of which ends in `pass` when the feature is there."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.scxml.reader import Unreadable, read
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
        ('<state id="s"><initial/><state id="t"/></state>', "python", "the document is not valid"),
        ('<state id="s"><transition cond="map(lambda x: x, y)"/></state>', "python", "the function map"),
        (
            '<state id="s"><transition cond="any((x := i) for i in y)"/></state>',
            "python",
            "assignment inside an expression",
        ),
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


@pytest.mark.parametrize(
    ("given", "line"),
    [
        (None, "unsupported: No such file or directory"),
        (b"<broken", "unsupported: it is no XML: unclosed token: line 1, column 0"),
        (b"", "unsupported: it is no XML: no element found: line 1, column 0"),
        (b"\xff\xfe\x00", "unsupported: it is no XML"),
        (b'<?xml version="1.0" encoding="nonsense"?><a/>', "unsupported: it is no XML: unknown encoding"),
        (b"<html/>", "unsupported: the document is not valid"),
        (b"<a>" * 100_000 + b"</a>" * 100_000, "unsupported: the document is not valid"),
    ],
)
def test_what_cannot_be_read_gets_a_line_and_the_others_are_read(tmp_path, capsys, given, line):
    path = tmp_path / "odd.scxml"
    if given is not None:
        path.write_bytes(given)
    assert main([str(path), str(DOCUMENTS[0])]) == (0 if line.endswith("valid") else 2)
    first, second = capsys.readouterr().out.splitlines()
    assert first.startswith(line)
    assert second == "pass"


def test_a_folder_is_no_document(tmp_path, capsys):
    assert main([str(tmp_path)]) == 2
    assert capsys.readouterr().out == "unsupported: Is a directory\n"


def test_the_command_without_a_file_says_how_it_is_called(capsys):
    assert main([]) == 2
    assert capsys.readouterr().err == "usage: python -m tests.scxml FILE...\n"


def test_a_document_in_another_encoding_is_read(tmp_path):
    body = '<state id="s"><transition target="pass" cond="\'é\' == \'\\u00e9\'"/></state>'
    text = '<?xml version="1.0" encoding="iso-8859-1"?>' + HEAD.format("python") + body + ENDS
    path = tmp_path / "one.scxml"
    path.write_bytes(text.encode("iso-8859-1"))
    assert judge(path) == ("pass", "")


@pytest.mark.parametrize(
    "condition",
    [
        "[i*2 for i in range(3)] == [0, 2, 4]",
        "[x + y for x in xs for y in xs if y != x] == [3, 3]",
        "sum(n for n in xs) == 3",
        "sorted({n % 2 for n in xs}) == [0, 1]",
        "{k: v for k, v in zip(xs, xs)}[1] == 1",
        "[event + n for event in [10] for n in xs] == [11, 12]",
        "[ctx for ctx in xs if ctx in xs] == xs",
        "[x for x in [x]] == [5]",
        "x == 5",
        "[[n for n in range(m)] for m in xs] == [[0], [0, 1]]",
        "sum(xs) == 3 and max(xs) == 2 and list(range(2)) == [0, 1] and all(x &gt; 0 for x in xs)",
        "len == 7",
    ],
)
def test_names_that_an_expression_binds_are_its_own(tmp_path, condition):
    data = '<datamodel><data id="xs" expr="[1, 2]"/><data id="x" expr="5"/><data id="len" expr="7"/></datamodel>'
    body = f'{data}<state id="s"><transition cond="{condition}" target="pass"/><transition target="fail"/></state>'
    assert judge(document(tmp_path, body)) == ("pass", "")


def test_no_broken_document_ends_in_a_traceback(tmp_path):
    """Every document without one of its elements, or with one of its attributes gone, empty or odd."""
    path = tmp_path / "broken.scxml"
    for document in DOCUMENTS:
        whole = document.read_text(encoding="utf-8")
        for part in re.finditer(r"<[a-z]+[^>]*/>|<([a-z]+)>.*?</\1>|( [a-z]+=)\"[^\"]*\"", whole, re.DOTALL):
            for other in ("", *(f'{part[2]}"{value}"' for value in ("", "9 ((") if part[2])):
                path.write_text(whole[: part.start()] + other + whole[part.end() :], encoding="utf-8")
                try:
                    judge(path)
                except Unreadable:
                    continue


def test_the_command_ends_well_when_nothing_failed(capsys):
    assert main([str(DOCUMENTS[0])]) == 0
    assert capsys.readouterr().out == "pass\n"


def test_the_machine_of_a_document_is_a_machine_text():
    """What the reader makes is the language itself: it survives being written down and read again."""
    for path in DOCUMENTS[:10]:
        assert World(read(path)).main.snapshot["configuration"] is not None
