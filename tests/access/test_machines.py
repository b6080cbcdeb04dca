"""A statechart from the shell: it waits, hears signals of other processes, and its moves can be read."""

from __future__ import annotations

MACHINE = """
name: life
machine:
  initial: start
  context: {url: null, n: 0}
  states:
    start: {events: {begin: {to: working, assign: {url: =event.data.url}}}}
    working: {invoke: {tool: measure, with: {url: =ctx.url}}, events: {done.working: {to: done, assign: {n: =event.data}}}}
    done: {type: final}
"""


def test_a_machine_is_started_signalled_and_read(shell):
    shell.write("life.yaml", MACHINE)
    shell.write("tools.py", "def measure(url: str) -> int:\n    return len(url)\n")
    begun = shell("run", "life.yaml", "--tools", "tools.py", "--detach", "--json")
    assert (begun.code, begun.document["phase"]) == (0, "waiting")
    id = begun.document["execution"]
    ignored = shell("executions", "signal", id, "nonsense", "--tools", "tools.py", "--json")
    assert ignored.code == 0
    looked = shell("executions", "show", id)
    assert " ".join(looked.out.split()).endswith("in start ignored nonsense")
    waiting = shell("executions", "show", id, "--json").document["nodes"]["machine"]
    assert (waiting["states"], waiting["ignored"]) == (["start"], {"nonsense": 1})
    ended = shell("executions", "signal", id, "begin", "-i", "url=abcd", "--tools", "tools.py", "--json")
    assert ended.code == 0
    shown = shell("executions", "show", id, "--json")
    assert shown.document["outputs"] == {"url": "abcd", "n": 4}
    moves = [
        entry for entry in shell("executions", "events", id, "--json").document if entry["event"] == "Transitioned"
    ]
    assert [(entry["cause"] and entry["cause"]["name"], entry["ignored"]) for entry in moves] == [
        (None, False), ("nonsense", True), ("begin", False), ("done.working", False)
    ]  # fmt: skip
    told = shell("executions", "events", id)
    assert told.code == 0
    said = " ".join(told.out.split())
    for words in ("→ start", "nonsense ignored in start", "begin → working", "done.working → done"):
        assert words in said
