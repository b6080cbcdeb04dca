"""The cases `magic` of bad_inputs.yaml, each in a real kernel: the stated outcome, code, place and suggestion."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import yaml

CASES = {
    case["id"]: case
    for case in yaml.safe_load((Path(__file__).parents[1] / "bad_inputs.yaml").read_text(encoding="utf-8"))["cases"]
    if case["group"] == "magic"
}
REFUSED = [
    "magic.name_twice", "magic.unknown_option", "magic.break_unknown_node", "magic.input_without_equals",
    "magic.input_wrong_type", "magic.input_unknown", "magic.as_not_a_name", "magic.not_first_line", "magic.line_magic_form",
    "magic.empty_body", "magic.error_line_is_the_cells_own", "magic.retry_unknown_id",
]  # fmt: skip
ELSEWHERE = {  # the tests that take these cases
    "magic.no_event_loop", "magic.nested_loop", "magic.old_ipykernel", "magic.widget_frontend_missing", "magic.no_name",
    "magic.extension_not_loaded", "magic.secret_as_option", "magic.rerun_while_running", "magic.resume_finished",
    "magic.interrupt", "magic.step_while_running_cell",
}  # fmt: skip


def test_every_case_of_the_group_is_tested():
    assert set(REFUSED) | ELSEWHERE == set(CASES)


@pytest.fixture(scope="module")
def ids(kernel):
    """How many executions there are, as a function."""
    return lambda: (
        kernel.run(
            "len(__import__('nbflow.assembly').assembly.engine().drivers), "
            "len(await __import__('nbflow.assembly').assembly.engine().journal.executions())"
        ).result
    )


@pytest.mark.parametrize("id", REFUSED)
def test_a_bad_cell_is_refused_as_stated(kernel, ids, id):
    case, before = CASES[id], ids()
    expected = case["expect"]
    reply = kernel.run(case["input"])
    assert reply.status == "error"
    code = expected["code"]
    assert code in reply.error or kernel.run("import sys; sys.last_value.code").result == repr(code)
    if "line" in expected:
        place = (
            f"line {expected['line']}, column {expected['column']}"
            if "column" in expected
            else f"line {expected['line']}"
        )
        assert place in reply.error
    if "suggest" in expected:
        assert expected["suggest"] in reply.error
    assert "Traceback" not in reply.error
    assert "site-packages" not in reply.error
    assert "nbflow/" not in reply.error
    assert ids() == before
    assert kernel.run("1 + 1").result == "2"


def test_no_name_is_made_one(kernel):
    reply = kernel.run(CASES["magic.no_name"]["input"])
    assert reply.status == "ok"
    assert kernel.run("_.plan.name").result.strip("'") in reply.updates[-1]["text/plain"]


def test_without_the_extension_ipython_says_that_it_is_not_found(kernel):
    kernel.run("%unload_ext nbflow")
    kernel.run("get_ipython().magics_manager.magics['cell'].pop('workflow', None)")
    reply = kernel.run(CASES["magic.extension_not_loaded"]["input"])
    kernel.run("%load_ext nbflow")
    assert "Cell magic `%%workflow` not found" in reply.streams + reply.error
    readme = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")
    assert "%load_ext nbflow" in readme


def test_a_key_on_the_line_is_warned_of_and_never_shown(kernel):
    reply = kernel.run(CASES["magic.secret_as_option"]["input"])
    assert reply.status == "ok"
    assert "secret.literal" in reply.streams
    kernel.run("import nbflow; await nbflow.assembly.engine().journal.executions()")
    kept = [path.read_bytes() for path in (kernel.folder / ".nbflow").rglob("*") if path.is_file()]
    for never in CASES["magic.secret_as_option"]["expect"]["never"]:
        assert never not in reply.all
        assert kept and not any(never.encode() in content for content in kept)


def test_a_workflow_that_runs_is_run_again_as_another(kernel):
    cell = CASES["magic.rerun_while_running"]["input"].replace("# run twice", "")
    assert kernel.run(cell).status == "ok"
    kernel.run("first = _")
    assert kernel.run(cell).status == "ok"
    assert kernel.run("first.id != _.id, first.ended, _.ended").result == "(True, False, False)"
    kernel.run("first.cancel(); _.cancel(); await first.until('cancelled')")


def test_there_is_nothing_to_resume_in_what_has_ended(kernel):
    kernel.run("%%workflow over --as over\nnodes: {a: {set: {v: 1}}}")
    before = kernel.run("len(over.events)").result
    reply = kernel.run("%workflow resume over")
    assert "nothing to resume" in reply.error
    assert "completed at" in reply.error
    assert kernel.run("import sys; sys.last_value.code").result == "'execution.finished'"
    assert kernel.run("len(over.events)").result == before


def test_a_step_typed_behind_a_waiting_cell_is_queued_and_the_help_says_so(kernel):
    first = kernel.send("%%workflow stepped\nnodes: {a: {tool: slow, with: {seconds: 0.3}}}")
    second = kernel.send("%workflow step stepped")
    assert kernel.finish(first).status == "ok"
    assert "nothing to step" in kernel.finish(second).error
    assert "--debug and --background return at once" in kernel.run("%%workflow --help").streams


def test_a_patched_loop_is_named(kernel):
    kernel.run("asyncio._nest_patched = True")
    reply = kernel.run("%%workflow patched\nnodes: {a: {set: {v: 1}}}")
    kernel.run("del asyncio._nest_patched")
    assert "env.nest_asyncio" in reply.streams
    assert reply.status == "ok"


def test_without_a_widget_front_end_progress_is_text(kernel):
    reply = kernel.run("%%workflow seen\nnodes:\n  a: {tool: slow, with: {seconds: 2.6}}\n")
    assert reply.status == "ok"
    lines = [line for line in reply.streams.splitlines() if line.startswith("seen: ")]
    assert 1 <= len(lines) <= 2
    assert "a running" in lines[0]


def test_a_plain_script_needs_no_kernel(tmp_path):
    script = (
        "import asyncio, nbflow\n"
        "async def main():\n"
        "    execution = nbflow.start(nbflow.parse('nodes: {a: {set: {v: 1}}}'), store='memory:')\n"
        "    await execution\n"
        "    print(execution.outputs)\n"
        "asyncio.run(main())\n"
    )
    done = subprocess.run([sys.executable, "-c", script], cwd=tmp_path, capture_output=True, text=True, timeout=60)
    assert done.stdout.strip() == "{'a': {'v': 1}}", done.stderr
    assert done.stderr == ""
