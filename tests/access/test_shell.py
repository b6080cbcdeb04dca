"""Every command of the shell: exit codes, documents, words, and what may not happen."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys

import pytest

from nbflow import assembly, stores
from nbflow.ports.executions import Query

HELLO = """\
name: hello
inputs: {name: {type: string, default: world}}
nodes:
  greet: {set: {text: "Hello, ${{ inputs.name }}"}}
outputs: {text: =greet.text}
"""
BROKEN = "name: broken\nnodes:\n  a: {set: {x: =b.y}}\n  c: {sett: {}}\n"
NOISY = """\
import os, sys

async def noisy(n: int) -> int:
    "Prints everywhere."
    print("printed")
    os.system("echo from a child process")
    os.write(1, b"written")
    return n + 1

def failing() -> None:
    raise ConnectionError("nobody there")

def _hidden() -> None: ...
"""
CALLS = "name: calls\nnodes:\n  one: {tool: noisy, with: {n: 1}}\n  two: {tool: noisy, with: {n: =one}}\n"
ASKS = """\
name: asks
nodes:
  first: {set: {n: 1}}
  sure: {ask: {prompt: "Sure about ${{ first.n }}?", output: boolean}}
  after: {set: {answer: =sure}}
outputs: {answer: =after.answer}
"""


# --- validate ---------------------------------------------------------------------------------------


def test_a_valid_workflow_exits_0(shell):
    file = shell.write("hello.yaml", HELLO)
    assert shell("validate", file).code == 0
    said = shell("validate", file, "--json")
    assert (said.code, said.document) == (0, {"valid": True, "diagnostics": []})


def test_findings_show_the_line_and_a_caret_and_exit_2(shell):
    said = shell("validate", shell.write("broken.yaml", BROKEN))
    assert said.code == 2
    assert said.out == ""
    assert "broken.yaml line 3, column" in said.err
    assert "^" in said.err
    assert "Traceback" not in said.err


def test_all_findings_are_in_the_document_with_their_places(shell):
    said = shell("validate", "-", "--json", stdin=BROKEN.encode())
    assert said.code == 2
    assert said.document["valid"] is False
    found = {finding["line"]: finding for finding in said.document["diagnostics"]}
    assert {3, 4} <= set(found)
    assert set(found[4]) == {"code", "severity", "message", "line", "column", "hint"}
    assert "set" in (found[4]["hint"] or found[4]["message"])


def test_a_tool_nobody_knows_is_a_warning_until_tools_are_given(shell):
    file, tools = shell.write("calls.yaml", CALLS.replace("noisy", "loud")), shell.write("tools_a.py", NOISY)
    plain = shell("validate", file, "--json")
    assert plain.code == 0
    assert {finding["severity"] for finding in plain.document["diagnostics"]} == {"warning"}
    assert shell("validate", file, "--tools", tools, "--json").code == 2


def test_a_file_that_is_not_there_exits_2_without_a_traceback(shell):
    said = shell("validate", "nothing.yaml")
    assert said.code == 2
    assert said.err.startswith("error: cannot read nothing.yaml")
    assert shell("validate", "nothing.yaml", "--json").document["diagnostics"][0]["code"] == "file.unreadable"


@pytest.mark.parametrize("text", [b"\xff\xfe\x00", b"\x00", b"", b"[", b"- - -", "name: ü\n".encode("utf-16")])
def test_any_bytes_whatever_are_answered_with_findings(shell, text):
    said = shell("validate", "-", "--json", stdin=text)
    assert said.code == 2
    assert said.document["diagnostics"]


# --- run --------------------------------------------------------------------------------------------


def test_outputs_go_to_stdout_and_progress_to_stderr(shell):
    said = shell("run", shell.write("hello.yaml", HELLO), "-i", "name=Ada")
    assert (said.code, said.out) == (0, "text: Hello, Ada\n")
    assert "greet" in said.err
    assert "completed" in said.err


def test_the_document_of_a_run_is_the_contract(shell):
    said = shell("run", shell.write("hello.yaml", HELLO), "--json")
    document = said.document
    assert said.code == 0
    assert document.pop("execution")
    assert document == {
        "phase": "completed",
        "outputs": {"text": "Hello, world"},
        "nodes": {"greet": {"phase": "completed", "attempts": 1, "output": {"text": "Hello, world"}}},
        "error": None,
    }


def test_nothing_a_tool_prints_reaches_stdout_under_json(shell):
    file, tools = shell.write("calls.yaml", CALLS), shell.write("tools_b.py", NOISY)
    said = shell("run", file, "--tools", tools, "--json")
    assert said.code == 0
    assert said.document["outputs"] == {"two": 3}
    assert "from a child process" in said.err


def test_what_a_tool_prints_is_shown_as_it_runs(shell):
    file, tools = shell.write("calls.yaml", CALLS), shell.write("tools_h.py", NOISY)
    said = shell("run", file, "--tools", tools)
    assert said.err.count("│ printed") == 2
    assert "two: 3" in said.out


def test_a_pool_nobody_set_is_said(shell):
    file = shell.write("pooled.yaml", "name: pooled\nnodes:\n  one: {tool: noisy, with: {n: 1}, pool: tape}\n")
    said = shell("run", file, "--tools", shell.write("tools_p.py", NOISY))
    assert said.code == 0
    assert said.err.count("nobody set the pool tape: its capacity is 1") == 1


def test_a_failure_exits_1_and_says_where_and_why(shell):
    file = shell.write("fails.yaml", "name: fails\nnodes:\n  call: {tool: failing}\n")
    said = shell("run", file, "--tools", shell.write("tools_c.py", NOISY))
    assert said.code == 1
    assert "fails: node call failed: ConnectionError: nobody there" in said.err
    assert "Traceback" not in said.err
    document = shell("run", file, "--tools", "tools_c.py", "--json").document
    assert document["phase"] == "failed"
    assert document["error"].items() >= {"node": "call", "kind": "ConnectionError", "message": "nobody there"}.items()
    assert set(document["error"]) == {"code", "node", "kind", "message", "attempt"}


@pytest.mark.parametrize(
    ("options", "code"),
    [
        (("-i", "nome=x"), "input.unknown"),
        (("-i", "name=3"), "input.type"),
        (("-i", "broken"), "input.form"),
        (("--tools", "no_such_file.py"), "tool.import"),
    ],
)
def test_what_cannot_be_run_exits_2_with_the_document_of_validate(shell, options, code):
    said = shell("run", shell.write("hello.yaml", HELLO), *options, "--json")
    assert said.code == 2
    assert said.document["valid"] is False
    assert said.document["diagnostics"][0]["code"] == code


def test_an_invalid_workflow_is_not_run(shell):
    said = shell("run", shell.write("broken.yaml", BROKEN), "--json")
    assert said.code == 2
    assert said.document["valid"] is False
    assert shell("executions", "list", "--json").document == []


def test_mock_values_stand_in_when_asked_for(shell):
    file = shell.write("mocked.yaml", "name: mocked\nnodes:\n  call: {tool: failing, mock: 7}\n")
    said = shell("run", file, "--tools", shell.write("tools_d.py", NOISY), "--mock", "--json")
    assert said.document["outputs"] == {"call": 7}


def test_a_store_can_be_named(shell):
    assert shell("run", shell.write("hello.yaml", HELLO), "--store", "memory:", "--json").code == 0
    assert not (shell.folder / ".nbflow").exists()


# --- waiting, recovering, cancelling ----------------------------------------------------------------


@pytest.mark.parametrize("line", ["run hello.yaml --bogus --json", "graph --json", "executions shw --json"])
def test_a_line_that_is_no_command_is_a_finding_under_json(shell, line):
    said = shell(*line.split())
    assert said.code == 2
    assert [finding["code"] for finding in said.document["diagnostics"]] == ["cli.usage"]


def test_an_input_of_a_workflow_that_declares_none_is_refused(shell):
    file = shell.write("plain.yaml", "name: plain\nnodes:\n  a: {set: {x: 1}}\n")
    said = shell("run", file, "-i", "x=1", "--json")
    assert (said.code, said.document["diagnostics"][0]["code"]) == (2, "input.unknown")


def test_a_detached_run_leaves_a_question_open_and_an_answer_ends_it(shell):
    waiting = shell("run", shell.write("asks.yaml", ASKS), "--detach", "--json")
    assert (waiting.code, waiting.document["phase"]) == (0, "waiting")
    assert waiting.document["nodes"]["sure"]["phase"] == "waiting"
    assert waiting.document["nodes"]["sure"]["asks"]["schema"] == {"type": "boolean"}
    asked = waiting.document["nodes"]["sure"]["asks"]["prompt"]
    id = waiting.document["execution"]
    assert asked in shell("executions", "show", id).out
    refused = shell("executions", "answer", id, "sure", "perhaps", "--json")
    assert refused.code == 2
    done = shell("executions", "answer", id, "sure", "true", "--json")
    assert (done.code, done.document["phase"], done.document["outputs"]) == (0, "completed", {"answer": True})
    listed = shell("executions", "list", "--json").document
    assert [(entry["execution"], entry["phase"]) for entry in listed] == [(id, "completed")]
    asked_for = {"nodes", "attempts", "calls", "input_tokens", "output_tokens", "usd", "labels", "cursor"}
    assert set(listed[0]) == {"execution", "workflow", "version", "phase", "started", "ended", "error"} | asked_for


PAYS = """
import nbflow

@nbflow.tool(effects="once")
def pay(amount: int) -> str:
    return f"paid {amount}"
"""
TAPE = """
cassette: 1
calls:
- model: openai/gpt-5-mini
  messages: [{role: user, content: pay it}]
  tools: [pay]
  gave: {text: "", stop: tools, model: gpt-5-mini, calls: [{id: c0, name: pay, arguments: '{"amount": 3}'}]}
- tool: pay
  with: {amount: 3}
  gave: paid 3
- model: openai/gpt-5-mini
  messages:
  - {role: user, content: pay it}
  - {role: assistant, content: "", calls: [{name: pay, arguments: '{"amount": 3}'}]}
  - {role: tool, content: paid 3}
  tools: [pay]
  gave: {text: thanks, stop: end, model: gpt-5-mini}
"""


def test_a_call_that_wants_a_yes_is_shown_with_its_arguments(shell, monkeypatch):
    monkeypatch.setenv("NBFLOW_REPLAY", shell.write("tape.yaml", TAPE))
    text = "name: pays\nnodes: {clerk: {agent: {model: openai/gpt-5-mini, prompt: pay it, tools: [pay]}}}\n"
    file, tools = shell.write("pays.yaml", text), shell.write("tools_pays.py", PAYS)
    try:
        said = shell("run", file, "--tools", tools, "--detach")
        assert 'May the agent call pay? {"amount": 3}' in " ".join(said.err.split())
        id = shell("executions", "list", "--json").document[0]["execution"]
        assert 'May the agent call pay? {"amount": 3}' in " ".join(shell("executions", "show", id).out.split())
        asks = shell("executions", "show", id, "--json").document["nodes"]["clerk"]["asks"]
        assert asks["about"] == {"tool": "pay", "arguments": {"amount": 3}}
        done = shell("executions", "answer", id, "clerk", "true", "--tools", tools, "--json").document
        assert done["outputs"] == {"clerk": "thanks"}
        assert list(assembly.calls()["kind"]) == ["model", "tool", "model"]
        assert list(assembly.executions()["calls"]) == [3]
        listed = asyncio.run(stores.open_executions().find(Query())).rows
        assert [one.calls for one in listed] == [3]
    finally:
        assembly.tape()


def test_a_run_whose_child_waits_can_be_left_and_its_child_answered(shell):
    shell.write("asks.yaml", ASKS)
    text = "name: outer\nnodes:\n  inner: {workflow: asks}\n  after: {set: {got: =inner.answer}}\n"
    left = shell("run", shell.write("outer.yaml", text), "--detach", "--json").document
    assert left["phase"] == "waiting"
    child = f"{left['execution']}.inner"
    assert shell("executions", "answer", child, "sure", "true", "--json").document["phase"] == "completed"
    done = shell("executions", "recover", left["execution"], "--json")
    assert done.document[0]["outputs"] == {"after": {"got": True}}


def test_a_waiting_execution_can_be_cancelled(shell):
    id = shell("run", shell.write("asks.yaml", ASKS), "--detach", "--json").document["execution"]
    assert shell("executions", "cancel", id, "--json").document["phase"] == "cancelled"
    again = shell("executions", "cancel", id)
    assert again.code == 1
    assert "Traceback" not in again.err


def test_a_paused_execution_stays_paused_until_it_is_resumed(shell):
    id = shell("run", shell.write("asks.yaml", ASKS), "--detach", "--json").document["execution"]
    assert shell("executions", "pause", id, "--json").document["phase"] == "paused"
    held = shell("executions", "answer", id, "sure", "true", "--json")
    assert (held.document["phase"], held.document["nodes"]["sure"]["phase"]) == ("paused", "completed")
    assert held.document["nodes"]["after"]["phase"] != "completed"
    assert shell("executions", "resume", id, "--json").document["outputs"] == {"answer": True}


BLOCKS = """\
import os

def mark(name: str) -> str:
    with open("ran.txt", "a") as file:
        file.write(name + "\\n")
    return name

def block() -> str:
    "Ends when the pipe has a writer that closes."
    with open("ran.txt", "a") as file:
        file.write("block\\n")
    with open("pipe") as pipe:
        return pipe.read()
"""
LONG = "name: long\nnodes:\n  one: {tool: mark, with: {name: one}}\n  two: {tool: block, needs: one}\n"
SLOW = "name: slow\nnodes:\n  nap: {tool: nap}\n"
NAPS = "import asyncio\nasync def nap() -> None:\n    open('pipe', 'w').close()\n    await asyncio.Event().wait()\n"


def test_a_killed_run_is_recovered_without_running_recorded_nodes_again(shell):
    os.mkfifo(shell.folder / "pipe")
    file, tools = shell.write("long.yaml", LONG), shell.write("tools_e.py", BLOCKS)
    process = shell.start("run", file, "--tools", tools, "--json")
    with open(shell.folder / "pipe", "w"):  # opens when the tool has opened it to read
        process.kill()
        process.communicate()
    (shell.folder / "pipe").unlink()
    (shell.folder / "pipe").write_text("done")
    said = shell("executions", "recover", "--tools", tools, "--json")
    assert said.code == 0
    assert [document["outputs"] for document in said.document] == [{"two": "done"}]
    assert (shell.folder / "ran.txt").read_text().split() == ["one", "block", "block"]
    assert shell("executions", "recover", "--json").document == []


@pytest.mark.parametrize(("verb", "phase"), [("pause", "paused"), ("suspend", "suspended")])
def test_what_was_killed_is_held_without_beginning_again_or_its_tools(shell, verb, phase):
    os.mkfifo(shell.folder / "pipe")
    file, tools = shell.write("long.yaml", LONG), shell.write("tools_h.py", BLOCKS)
    process = shell.start("run", file, "--tools", tools, "--json")
    with open(shell.folder / "pipe", "w"):
        process.kill()
        process.communicate()
    (shell.folder / "pipe").unlink()
    (shell.folder / "pipe").write_text("done")
    assert shell("executions", verb, "long", "--json").document["phase"] == phase
    assert shell("executions", "list", "--json").document[0]["phase"] == phase
    assert (shell.folder / "ran.txt").read_text().split() == ["one", "block"]
    refused = shell("executions", verb, "long", "--json")
    assert f"is {phase}; {verb} takes one that is" in refused.document["error"]["message"]
    assert shell("executions", "resume", "long", "--tools", tools, "--json").document["outputs"] == {"two": "done"}


def test_what_lacks_its_tools_is_left_as_it_is_until_they_are_named(shell):
    os.mkfifo(shell.folder / "pipe")
    file, tools = shell.write("long.yaml", LONG), shell.write("tools_m.py", BLOCKS.replace("block()", "stand()"))
    shell.write("long.yaml", LONG.replace("block", "stand"))
    process = shell.start("run", file, "--tools", tools, "--json")
    with open(shell.folder / "pipe", "w"):
        process.kill()
        process.communicate()
    (shell.folder / "pipe").unlink()
    (shell.folder / "pipe").write_text("done")
    id = shell("executions", "list", "--json").document[0]["execution"]
    before = shell("executions", "events", id, "--json").document
    left = shell("executions", "recover", "--json")
    assert left.document == []
    assert left.code == 1
    assert "there is no tool 'stand'" in left.err
    assert "--tools" in left.err
    assert "nothing was interrupted" not in shell("executions", "recover").err
    for verb in ("recover", "resume"):
        refused = shell("executions", verb, id, "--json")
        assert (refused.code, refused.document["error"]["code"]) == (1, "execution.unready")
    assert shell("executions", "events", id, "--json").document == before
    assert shell("executions", "recover", "--tools", tools, "--json").document[0]["outputs"] == {"two": "done"}


def test_what_lacks_its_tools_can_be_cancelled(shell):
    os.mkfifo(shell.folder / "pipe")
    file = shell.write("long.yaml", LONG.replace("block", "hold"))
    process = shell.start("run", file, "--tools", shell.write("tools_n.py", BLOCKS.replace("block()", "hold()")))
    with open(shell.folder / "pipe", "w"):
        process.kill()
        process.communicate()
    assert shell("executions", "cancel", "long", "--json").document["phase"] == "cancelled"


def test_cancelling_what_was_killed_does_not_begin_it_again(shell):
    os.mkfifo(shell.folder / "pipe")
    file, tools = shell.write("long.yaml", LONG), shell.write("tools_o.py", BLOCKS)
    process = shell.start("run", file, "--tools", tools)
    with open(shell.folder / "pipe", "w"):
        process.kill()
        process.communicate()
    (shell.folder / "pipe").unlink()
    (shell.folder / "pipe").write_text("done")
    assert shell("executions", "cancel", "long", "--tools", tools, "--json").document["phase"] == "cancelled"
    assert (shell.folder / "ran.txt").read_text().split() == ["one", "block"]


def test_an_interrupt_cancels_and_exits_130(shell):
    os.mkfifo(shell.folder / "pipe")
    file, tools = shell.write("slow.yaml", SLOW), shell.write("tools_f.py", NAPS)
    process = shell.start("run", file, "--tools", tools, "--store", "memory:")
    open(shell.folder / "pipe").close()  # opens when the node has begun
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=30)
    assert process.returncode == 130
    assert b"cancelled" in err
    assert b"Traceback" not in err


STUBBORN = """\
import asyncio

async def nap() -> None:
    open("begun", "w").close()
    try:
        await asyncio.Event().wait()
    except asyncio.CancelledError:
        open("stubborn", "w").close()
        await asyncio.Event().wait()
"""


def test_a_second_interrupt_does_not_wait_for_a_node_that_ignores_the_first(shell):
    for name in ("begun", "stubborn"):
        os.mkfifo(shell.folder / name)
    file, tools = shell.write("slow.yaml", SLOW), shell.write("tools_k.py", STUBBORN)
    process = shell.start("run", file, "--tools", tools, "--json")
    for name in ("begun", "stubborn"):
        open(shell.folder / name).close()
        process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=30)
    assert process.returncode == 130, err
    assert json.loads(out)["phase"] == "suspended"
    assert b"Traceback" not in err
    shell("executions", "recover", "--tools", tools, "--json")
    assert [entry["phase"] for entry in shell("executions", "list", "--json").document] == ["cancelled"]


# --- looking ----------------------------------------------------------------------------------------


def test_an_execution_is_found_by_its_id_a_prefix_and_its_workflow(shell):
    id = shell("run", shell.write("hello.yaml", HELLO), "--json").document["execution"]
    for wanted in (id, id[:-4], "hello"):
        assert shell("executions", "show", wanted, "--json").document["execution"] == id
    words = shell("executions", "show", "hello")
    assert "Hello, world" in words.out
    document = shell("executions", "show", id, "--events", "--json").document
    assert [event["sequence"] for event in document["events"]] == list(range(1, len(document["events"]) + 1))
    assert document["events"] == shell("executions", "events", id, "--json").document


def test_an_unknown_execution_exits_1_and_names_the_last_ones(shell):
    id = shell("run", shell.write("hello.yaml", HELLO), "--json").document["execution"]
    said = shell("executions", "show", "nothing")
    assert said.code == 1
    assert id in said.err
    assert shell("executions", "show", "nothing", "--json").document["error"]["code"] == "execution.not_found"


def test_tools_are_listed_with_their_effects(shell):
    tools = shell.write("tools_g.py", NOISY)
    listed = {tool["name"]: tool for tool in shell("tools", "list", "--tools", tools, "--json").document}
    assert listed["noisy"]["effects"] == "idempotent"
    assert listed["noisy"]["parameters"]["required"] == ["n"]
    assert "_hidden" not in listed
    assert "http.get" in listed
    assert "Prints everywhere." in shell("tools", "show", "noisy", "--tools", tools).out
    assert "did you mean 'noisy'" in shell("tools", "show", "nosy", "--tools", tools).err


def test_the_schema_of_the_language_is_a_json_schema(shell):
    schema = json.loads(shell("schema").out)
    assert "nodes" in json.dumps(schema)
    assert schema["$schema"].startswith("https://json-schema.org/")


PLUG_IN = """\
import nbflow
from pydantic import BaseModel

class Shout(BaseModel, extra="forbid"):
    text: str

@nbflow.kind("shout", effects="none")
async def shout(given: Shout) -> str:
    return given.text.upper()
"""


def test_a_verb_of_an_installed_package_is_one_of_the_language(shell, tmp_path):
    packages = tmp_path / "packages"
    (packages / "shouting-1.0.dist-info").mkdir(parents=True)
    (packages / "shouting.py").write_text(PLUG_IN)
    (packages / "shouting-1.0.dist-info" / "METADATA").write_text(
        "Metadata-Version: 2.1\nName: shouting\nVersion: 1.0\n"
    )
    (packages / "shouting-1.0.dist-info" / "entry_points.txt").write_text(
        "[nbflow.nodes]\nshout = shouting:shout\nbroken = shouting.nowhere:broken\n"
    )
    environment = {**os.environ, "NBFLOW_STORE": "memory:", "PYTHONPATH": os.pathsep.join([str(packages), *sys.path])}

    def nbflow(*words):
        command = [sys.executable, "-m", "nbflow.access", *words]
        said = subprocess.run(command, env=environment, cwd=tmp_path, capture_output=True, text=True, check=False)
        told = " ".join(said.stderr.split())
        assert "warning: the plug-in for broken cannot be loaded: ModuleNotFoundError:" in told
        assert told.endswith("it is set aside")
        return said.stdout

    schema = json.loads(nbflow("schema"))
    assert "shout" in schema["$defs"]["node"]["properties"]
    workflow = tmp_path / "loud.yaml"
    workflow.write_text("nodes: {a: {shout: {text: hi}}}\n")
    assert json.loads(nbflow("run", str(workflow), "--json"))["outputs"] == {"a": "HI"}


def test_the_doctor_names_no_secret(shell, monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", "canary-of-the-doctor")
    monkeypatch.delenv("ANTHROPIC_API_KEY", raising=False)
    said = shell("doctor")
    assert said.code == 0
    assert "OPENAI_API_KEY is set" in said.out
    assert "canary" not in said.out + said.err


def test_a_setting_that_cannot_be_read_is_named(shell, monkeypatch):
    monkeypatch.setenv("NBFLOW_POOLS", "gpu")
    said = shell("doctor")
    assert said.code == 1
    assert "NBFLOW_POOLS" in said.out


@pytest.mark.parametrize(
    ("options", "begins"), [((), "<svg"), (("--format", "dot"), "digraph"), (("--format", "mermaid"), "flowchart")]
)
def test_a_workflow_is_drawn(shell, options, begins):
    said = shell("graph", shell.write("hello.yaml", HELLO), *options)
    assert said.code == 0
    assert begins in said.out[:200]
    assert "greet" in said.out


def test_a_picture_is_written_in_the_format_its_name_ends_in(shell):
    assert shell("graph", shell.write("hello.yaml", HELLO), "-o", "hello.dot").out == ""
    assert (shell.folder / "hello.dot").read_text().lstrip().startswith("digraph")
    assert shell("graph", "hello.yaml", "-o", "no/such/folder.svg").code == 2


def test_what_the_optimiser_does_is_explained(shell):
    text = (
        "name: chain\nnodes:\n  a: {set: {x: =1 + 1}}\n  b: {set: {y: 1}, needs: a}\n  c: {set: {z: 1}, needs: [a, b]}\n"
        "  d: {set: {unread: 1}}\noutputs: {z: =c.z}\n"
    )
    said = shell("graph", shell.write("chain.yaml", text), "--explain")
    assert "prune: d: no output and no effect needs it" in said.err
    assert said.code == 0
    assert said.out.startswith("<svg")
    assert "fold: a: " in said.err
    assert "reduce: c: " in said.err
    assert "critical path: a -> b -> c" in said.err


def test_an_invalid_workflow_is_not_drawn(shell):
    said = shell("graph", shell.write("broken.yaml", BROKEN))
    assert (said.code, said.out) == (2, "")


def test_a_difference_of_meaning_is_shown_node_by_node(shell):
    old = shell.write("old.yaml", HELLO)
    new = shell.write(
        "new.yaml", HELLO.replace("Hello,", "Good day,").replace("name: hello", "name: hello  # a comment")
    )
    said = shell("workflows", "diff", old, new)
    assert "greet" in said.out
    assert "Good day" in said.out
    changes = shell("workflows", "diff", old, new, "--json").document
    assert [(change["node"], change["what"]) for change in changes] == [("greet", "changed")]
    assert shell("workflows", "diff", old, old, "--json").document == []


def test_a_fork_goes_on_from_before_a_node_with_new_inputs(shell):
    file, tools = shell.write("calls.yaml", CALLS), shell.write("tools_i.py", NOISY)
    id = shell("run", file, "--tools", tools, "--json").document["execution"]
    said = shell("executions", "fork", id, "--at", "two", "-i", "n=10", "--tools", tools, "--json")
    assert said.document["outputs"] == {"two": 11}
    assert said.document["execution"] != id


def test_a_failed_execution_is_retried_with_what_was_completed_kept(shell):
    tools = shell.write(
        "tools_j.py",
        BLOCKS
        + "\ndef unsure() -> int:\n    mark('unsure')\n    with open('n.txt') as file:\n        return int(file.read())\n",
    )
    file = shell.write(
        "retry.yaml", "name: again\nnodes:\n  one: {tool: mark, with: {name: one}}\n  two: {tool: unsure, needs: one}\n"
    )
    first = shell("run", file, "--tools", tools, "--json")
    assert first.document["error"]["kind"] == "FileNotFoundError"
    (shell.folder / "n.txt").write_text("7")
    again = shell("executions", "retry", "again", "--tools", tools, "--json")
    assert (again.code, again.document["outputs"]) == (0, {"two": 7})
    assert (shell.folder / "ran.txt").read_text().split() == ["one", "unsure", "unsure"]


def test_two_executions_are_compared_node_by_node(shell):
    file = shell.write("hello.yaml", HELLO)
    first = shell("run", file, "-i", "name=Ada", "--json").document["execution"]
    second = shell("run", file, "-i", "name=Bob", "--json").document["execution"]
    [change] = shell("executions", "diff", first, second, "--json").document
    assert change["node"] == "greet"
    assert change["after"]["output"] == {"text": "Hello, Bob"}
    assert "Hello, Ada" in shell("executions", "diff", first, second).out
    assert shell("executions", "diff", first, first, "--json").document == []


# --- the catalog ------------------------------------------------------------------------------------


def test_versions_are_saved_listed_shown_and_searched(shell):
    one = shell.write("one.yaml", HELLO + 'version: "1"\n')
    two = shell.write("two.yaml", HELLO.replace("Hello,", "Good day,") + 'version: "2"\n')
    assert shell("workflows", "save", one, "--json").document["number"] == 1
    assert shell("workflows", "save", two, "--notes", "politer", "--tag", "polite", "--json").document["number"] == 2
    assert shell("workflows", "save", two, "--json").document["number"] == 2
    [entry] = shell("workflows", "list", "--json").document
    assert (entry["workflow"], entry["version"], entry["versions"]) == ("hello", "2", 2)
    shown = shell("workflows", "show", "hello@1", "--json").document
    assert (shown["version"], [each["version"] for each in shown["versions"]]) == ("1", ["2", "1"])
    assert "Good day" in shell("workflows", "show", "hello").out
    assert [each["version"] for each in shell("workflows", "search", "politer", "--json").document] == ["2"]
    assert shell("workflows", "search", "--kind", "agent", "--json").document == []
    assert shell("workflows", "search", "--tag", "polite").out.count("hello") == 1
    assert "Good day" in shell("workflows", "diff", "hello@1", "hello@2").out


def test_a_version_never_changes_its_meaning(shell):
    shell("workflows", "save", shell.write("one.yaml", HELLO + 'version: "1"\n'))
    said = shell("workflows", "save", shell.write("other.yaml", HELLO.replace("Hello", "Bye") + 'version: "1"\n'))
    assert said.code == 1
    assert "Traceback" not in said.err


def test_a_workflow_is_found_by_name_beside_the_file_and_in_the_catalog(shell):
    caller = shell.write("caller.yaml", "name: caller\nnodes:\n  call: {workflow: polite, with: {name: Eve}}\n")
    assert shell("run", caller, "--json").document["error"]["kind"] == "NotFound"
    shell("workflows", "save", shell.write("kept.yaml", HELLO.replace("hello", "polite")))
    assert shell("run", caller, "--json").document["outputs"] == {"call": {"text": "Hello, Eve"}}
    shell.write("polite.yaml", HELLO.replace("hello", "polite").replace("Hello", "Beside"))
    assert shell("run", caller, "--json").document["outputs"] == {"call": {"text": "Beside, Eve"}}


def test_the_version_is_printed(shell):
    assert shell("--version").out.startswith("nbflow ")
