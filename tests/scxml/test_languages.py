"""What an expression of a document means in its own language is what it means here, or the document is unsupported."""

from __future__ import annotations

import pytest

from tests.scxml.test_documents import document
from tests.scxml.verdicts import judge, main


def said(tmp_path, condition, data="", model="ecmascript", entry=""):
    escaped = condition.replace("&", "&amp;").replace("<", "&lt;").replace('"', "&quot;")
    body = (
        f'<datamodel>{data}</datamodel><state id="s"><onentry>{entry}</onentry>'
        f'<transition cond="{escaped}" target="pass"/><transition target="fail"/></state>'
    )
    return judge(document(tmp_path, body, model))[0]


DATA = (
    '<data id="x" expr="1"/><data id="o" expr="{a: 1, b: [1, 2]}"/><data id="text" expr="\'a\'"/><data id="none"/>'
    '<data id="is" expr="1"/><data id="yes" expr="true"/><data id="empty" expr="[]"/>'
)


@pytest.mark.parametrize(
    "condition",
    [
        "typeof y === 'undefined'", "typeof none == 'undefined'", "typeof x == 'number' && typeof o == 'object'",
        "o.c === undefined", "o.a == 1 && o['a'] === 1", "o.b[1] == 2 && o.b.length === 2 && o.b[2] === undefined",
        "'a' + 1 == 'a1'", "text + x === 'a1'", "text + yes == 'atrue'", "(x ? 'a' : 'b') == 'a'", "-1 % 3 == -1", "!![]",
        "empty", "o", "!''", "!0", "'a' in o", "!('z' in o)", "x == 1 /* so */", "is == 1", "x === 1 && text !== 'b' || false",
        "!(x === '1')", "!(yes === 1)", "none == null", "7 / 2 == 3.5", "1e3 === 1000 && 0x10 == 16", "'\\u0041' == 'A'",
        "(none || 3) == 3", "(x && text) == 'a'", "o.b instanceof Array && !(o instanceof Array)", "'ab'.length == 2",
    ],
)  # fmt: skip
def test_ecmascript_means_what_it_says(tmp_path, condition):
    assert said(tmp_path, condition, DATA) == "pass"


@pytest.mark.parametrize(
    "condition",
    [
        "'1' == 1", "x == '1'", "text == 1", "1 / 0 > 5", "5 | 2", "text.indexOf('a') == 0", "Math.max(1, 2) == 2",
        "yes + 1 == 2", "3 > 2 > 1", "!x == x", "x < text", "o == o", "none - 1", "[1] == 1", "(function() {})()", "x++",
        "none === null",
    ],
)  # fmt: skip
def test_ecmascript_of_which_the_meaning_is_not_known_is_unsupported(tmp_path, condition):
    assert said(tmp_path, condition, DATA) == "unsupported: this much ECMAScript"


@pytest.mark.parametrize("condition", ["return", "x ==", "(x", "o.", "x x", "undeclared == 1", "none.a"])
def test_a_mistake_in_ecmascript_is_an_error_of_the_document(tmp_path, condition):
    assert said(tmp_path, condition, DATA) == "fail"


@pytest.mark.parametrize("script", ["x = x + 1; x += 2;", "var q = 3; x = q + 1", "x = 4"])
def test_a_script_of_assignments_runs(tmp_path, script):
    assert said(tmp_path, "x == 4", DATA, entry=f"<script>{script}</script>") == "pass"


@pytest.mark.parametrize(
    ("condition", "why"),
    [
        ("'%s' % 'a' == 'a'", "formatting with %"),
        ("(1, 2) == (1, 2)", "tuples"),
        ("{1, 2} == {2, 1}", "sets"),
        ("5 | 2 == 7", "operators on bits and sets"),
    ],
)
def test_python_that_nbflow_has_not_is_unsupported(tmp_path, condition, why):
    assert said(tmp_path, condition, model="python") == f"unsupported: {why}"


def test_what_python_looks_into_may_be_a_tuple_or_a_set(tmp_path):
    assert said(tmp_path, "1 in (1, 2) and 3 not in {1, 2}", model="python") == "pass"


@pytest.mark.parametrize("text", ["=1+1", "${{ 1 }}", "$${{ 1 }}", "\\=1", "{{ 1 }}", "a ${{ ctx.x }} b"])
@pytest.mark.parametrize("model", ["python", "ecmascript"])
def test_a_documents_text_is_text(tmp_path, text, model):
    quoted = text.replace("\\", "\\\\")
    data = f'<data id="x">{text}</data><data id="y" expr="[\'{quoted}\']"/><data id="z">["{quoted}"]</data>'
    assert said(tmp_path, f"x == '{quoted}' {'&&' if model[0] == 'e' else 'and'} y[0] == x", data, model) == "pass"
    assert said(tmp_path, "z[0] == x", data, model) == "pass"


@pytest.mark.parametrize(
    ("location", "verdict"),
    [("v['a']", "pass"), ("v.a", "pass"), ("v['a']['b']", "fail"), ("v[0]", "unsupported: assignment to an item")],
)
def test_a_location_may_be_inside_a_value(tmp_path, location, verdict):
    entry = f'<assign location="{location}" expr="5"/>'
    data = '<data id="v" expr="{\'a\': 1}"/>'
    assert said(tmp_path, "v == {'a': 5}", data, "python", entry) == verdict


@pytest.mark.parametrize("array", ["'ab'", "{'a': 1, 'b': 2}", "[1, 2]"])
def test_python_goes_through_what_python_goes_through(tmp_path, array):
    data, entry = (
        '<data id="n" expr="0"/>',
        f'<foreach array="{array}" item="i"><assign location="n" expr="n + 1"/></foreach>',
    )
    assert said(tmp_path, "n == 2", data, "python", entry) == "pass"


@pytest.mark.parametrize("event", ["done.invoke.*", "done.invoke", "done.invoke.kid", "done", "*"])
def test_the_end_of_an_invocation_has_its_own_name(tmp_path, event):
    kid = '<content><scxml xmlns="http://www.w3.org/2005/07/scxml" version="1.0"><final id="q"/></scxml></content>'
    body = (
        f'<state id="s"><invoke id="kid">{kid}</invoke>'
        f'<transition event="{event}" cond="_event.name == \'done.invoke.kid\'" target="pass"/>'
        '<transition event="*" target="fail"/></state>'
    )
    assert judge(document(tmp_path, body))[0] == "pass"


def test_a_document_may_raise_the_end_of_an_invocation_itself(tmp_path):
    body = (
        '<state id="s"><onentry><raise event="done.invoke.zz"/></onentry>'
        '<transition event="done.invoke.zz" cond="_event.name == \'done.invoke.zz\'" target="pass"/>'
        '<transition event="*" target="fail"/></state>'
    )
    assert judge(document(tmp_path, body))[0] == "pass"


@pytest.mark.parametrize(
    ("body", "why"),
    [
        ('<state id="s"><transition target="a.b"/></state><state id="a.b"/>', "the id a.b"),
        ('<state id="s"/><state id="ä"/>', "the id ä"),
        ('<state id="s"/><state id="a:b"/>', "the id a:b"),
        ('<state id="s"><onentry><raise event="größe"/></onentry></state>', "the event name größe"),
        ('<state id="s"><transition event="größe" target="pass"/></state>', "the event name größe"),
        ('<datamodel><data id="a-b" expr="1"/></datamodel><state id="s"/>', "the data id a-b"),
        ('<datamodel><data id="v" src="../x.txt"/></datamodel><state id="s"/>', "what is not beside the document: ../x.txt"),
    ],
)  # fmt: skip
def test_names_and_files_that_the_reader_cannot_take_are_named(tmp_path, body, why):
    (tmp_path / "x.txt").write_text("1")
    folder = tmp_path / "documents"
    folder.mkdir()
    assert judge(document(folder, body))[0] == f"unsupported: {why}"


def test_a_document_beyond_the_limits_gets_a_line_and_the_next_is_read(tmp_path, capsys):
    deep = "".join(f'<state id="d{n}">' for n in range(300)) + '<transition target="pass"/>' + "</state>" * 300
    large = f'<datamodel><data id="x">{"ab " * 400_000}</data></datamodel><state id="s"/>'
    good = '<state id="s"><transition target="pass"/></state>'
    files = [document(tmp_path, body, name=f"{n}.scxml") for n, body in enumerate((deep, large, good))]
    main([str(path) for path in files])
    *beyond, last = capsys.readouterr().out.splitlines()
    assert len(beyond) == 2 and all(line.startswith("unsupported: ") for line in beyond)
    assert last == "pass"
