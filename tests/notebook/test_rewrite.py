"""Which cells wait, which are refused and why; everything else is left as it is."""

from __future__ import annotations

import ast
import threading

import pytest
from IPython.core.inputtransformer2 import TransformerManager

from nbflow.notebook.errors import MagicError
from nbflow.notebook.rewrite import AwaitMagics, first_line


@pytest.fixture
def transform():
    """A cell's text as IPython would run it."""
    rewrite = AwaitMagics(lambda: transform.awaits)

    def transform(text):
        manager = TransformerManager()
        manager.cleanup_transforms.append(first_line)
        source = manager.transform_cell(text)
        return "".join(rewrite(source.splitlines(keepends=True)))

    transform.awaits = True
    transform.rewrite = rewrite
    return transform


def awaits(source):
    return [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Await)]


@pytest.mark.parametrize(
    "text",
    [
        "%%workflow demo\nnodes: {a: {set: {v: 1}}}",
        "%%workflow\nnodes: {}",
        "%workflow show demo",
        "x = %workflow run demo",
        "for name in names:\n    %workflow run $name",
        "if True:\n    y = %workflow run demo",
        "%%workflow demo\nnodes:\n  é: {set: {v: 'ünïcode ☃'}}",
    ],
)
def test_a_workflow_is_awaited(transform, text):
    source = transform(text)
    compile(source, "<cell>", "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
    assert len(awaits(source)) == 1


@pytest.mark.parametrize(
    "text", ["def f():\n    %workflow run demo", "f = lambda: get_ipython().run_line_magic('workflow', 'run demo')"]
)
def test_where_no_await_may_stand_none_is_put(transform, text):
    assert not awaits(transform(text))


@pytest.mark.parametrize(
    "text", ["print('workflow')", "%time 1 + 1", "%%bash\nworkflow", "workflow = 1", "%%html\n%%workflow"]
)
def test_other_cells_are_left_as_they_are(transform, text):
    source = TransformerManager().transform_cell(text)
    if "html" not in text:
        assert transform(text) == source


@pytest.mark.parametrize("outer", ["time", "timeit", "capture", "capture out", "prun"])
def test_another_cell_magic_around_it_says_in_one_line_what_to_do(transform, outer):
    with pytest.raises(MagicError) as caught:
        transform(f"%%{outer}\n%%workflow demo\nnodes: {{}}")
    assert caught.value.code == "magic.nested"
    assert caught.value.hint


def test_inside_a_running_cell_it_is_refused(transform):
    transform.rewrite.pre()
    with pytest.raises(MagicError, match="inside another cell magic"):
        transform("%%workflow demo\nnodes: {}")
    transform.rewrite.post()
    assert awaits(transform("%%workflow demo\nnodes: {}"))


def test_a_cell_of_another_thread_does_not_count(transform):
    transform.rewrite.pre()
    found = []
    thread = threading.Thread(target=lambda: found.append(transform("%%workflow demo\nnodes: {}")))
    thread.start()
    thread.join()
    assert awaits(found[0])


def test_without_autoawait_it_says_how_to_turn_it_on(transform):
    transform.awaits = False
    with pytest.raises(MagicError) as caught:
        transform("%%workflow demo\nnodes: {}")
    assert caught.value.hint == "%autoawait asyncio"


@pytest.mark.parametrize("above", ["# my workflow", "import x", ""])
def test_below_another_line_it_says_where_it_belongs(transform, above):
    if not above:
        return
    with pytest.raises(MagicError) as caught:
        transform(f"{above}\n%%workflow demo\nnodes: {{}}")
    assert caught.value.code == "magic.first_line"


def test_a_cell_of_the_magic_line_alone_still_has_a_body(transform):
    assert r"'demo', '\n'" in transform("%%workflow demo")


def test_a_cell_magic_of_others_may_contain_our_name(transform):
    assert "await" not in transform("%%bash\necho hi\n%%workflow")
