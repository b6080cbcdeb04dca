"""Every verb by Python, by the magic and by the shell, on executions that a live kernel drives.

The shell is another process than the kernel: it asks the kernel, or takes over what nobody drives.
"""

from __future__ import annotations

import ast
import json
from pathlib import Path

import pytest
from tests.notebooks.kernels import Kernel

ASKS = """\
name: asks
nodes:
  a: {tool: step, with: {name: a}}
  q: {ask: {prompt: how many?, output: integer}, needs: a}
  b: {tool: step, with: {name: "b${{ q }}"}}
outputs: {b: =b}
"""
LISTENS = "name: listens\nnodes:\n  l: {listen: go}\n  b: {set: {v: =l}}\n"
PAYS = "name: pays\nnodes:\n  p: {tool: pay}\n"
NAPS = "name: naps\nnodes:\n  n: {tool: nap}\n"
BREAKS = "name: breaks\nnodes:\n  a: {tool: step, with: {name: a}}\n  f: {tool: flaky, needs: a}\n"
STEPS = 'name: steps\nnodes:\n  a: {tool: step, with: {name: a}}\n  b: {tool: step, with: {name: "${{ a }}b"}}\n'
TOOLS = """\
import asyncio, nbflow
from pathlib import Path

HERE = Path("@@")

async def step(name: str) -> str:
    with open(HERE / "calls", "a") as file:
        file.write(name + "\\n")
    return name

def flaky() -> int:
    return int((HERE / "number").read_text())

async def nap() -> None:
    (HERE / "napping").touch()
    await asyncio.sleep(60)

@nbflow.tool(effects="once")
async def pay() -> str:
    if not (HERE / "paid").exists():
        (HERE / "paid").touch()
        await asyncio.sleep(60)
    return "paid"
"""


class Place:
    """A folder with a store, and the kernel that drives what is started in it."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.url = folder, f"duckdb:///{folder}/h.duckdb"
        (folder / "house.py").write_text(TOOLS.replace("@@", str(folder)))
        self.kernel = Kernel(folder, NBFLOW_STORE=self.url)
        self.run(
            "%load_ext nbflow\nimport nbflow, asyncio, json\nfrom house import step, flaky, nap, pay\nstarted = {}"
        )

    def run(self, code: str) -> str:
        reply = self.kernel.run(code)
        assert reply.status == "ok", reply.error
        return reply.result or ""

    def value(self, expression: str):
        return ast.literal_eval(self.run(expression))

    def start(self, text: str, until: str = "waiting") -> str:
        return self.value(f"x = nbflow.start({text!r}); started[x.id] = x; await x.until({until!r}); x.id")

    def phase(self, id: str, until: str) -> str:
        """Its phase, once that is reached or it has ended; for all who look, not only for its kernel."""
        return self.value(f"x = nbflow.open({id!r}); await asyncio.wait_for(x.until({until!r}), 20); x.phase")

    def outputs(self, id: str):
        return self.value(f"x = nbflow.open({id!r}); await asyncio.wait_for(x.until('completed'), 20); x.outputs")

    def calls(self) -> list[str]:
        path = self.folder / "calls"
        said = path.read_text().split() if path.exists() else []
        path.unlink(missing_ok=True)
        return said


class ByPython:
    name = "Python"

    def __init__(self, place: Place, shell) -> None:
        self.place = place

    def do(self, verb: str, id: str, *arguments) -> str:
        """Do it; returns how it was refused, or nothing."""
        given = ", ".join(map(repr, arguments))
        return self._refused(f"nbflow.open({id!r}).{verb}({given}); await asyncio.sleep(0.1)")

    def edit(self, id: str, node: str | None, what: str, value) -> str:
        where = f"{node!r}, " if node else ""
        return self._refused(f"nbflow.open({id!r}).edit({where}{what}={value!r}); await asyncio.sleep(0.1)")

    def _refused(self, code: str) -> str:
        return self.place.kernel.run(code).error

    def new(self, verb: str, id: str, **options) -> str:
        """A new execution out of an old one, at its end; returns its id."""
        call = {
            "retry": "rerun()",
            "fork": f"fork({options.get('at')!r}, inputs={options.get('inputs')!r})",
            "rerun": f"rerun(plan, from_node={options.get('start')!r})",
        }[verb]
        changed = options.get("text")
        plan = f"nbflow.parse({changed!r})" if changed else "None"
        return self.place.value(f"plan = {plan}; y = await nbflow.open({id!r}).{call}; await y; y.id")

    def recover(self, id: str) -> None:
        self.place.run(f"x = nbflow.recover({id!r})[0]; await x.until('waiting')")


class ByMagic(ByPython):
    name = "magic"

    def do(self, verb: str, id: str, *arguments) -> str:
        given = " ".join(json.dumps(one) if not isinstance(one, str) else one for one in arguments)
        background = "--background" if verb == "resume" else ""
        error = self._refused(f"%workflow {verb} {id} {given} {background}")
        self.place.run("await asyncio.sleep(0.1)")
        return error

    def edit(self, id: str, node: str | None, what: str, value) -> str:
        verb = {"inputs": "edit" if node else "edit_inputs"}.get(what, f"edit_{what}")
        words = [word for word in (id, node, json.dumps(value)) if word]
        error = self._refused(f"%workflow {verb} {' '.join(words)}")
        self.place.run("await asyncio.sleep(0.1)")
        return error

    def new(self, verb: str, id: str, **options) -> str:
        line = f"y = %workflow {verb} {id}"
        if "text" in options:
            (self.place.folder / "changed.yaml").write_text(options["text"])
            line += " changed"
        line += f" --at {options['at']}" if "at" in options else ""
        line += f" --from {options['start']}" if "start" in options else ""
        line += "".join(f" -i {name}={value}" for name, value in options.get("inputs", {}).items())
        self.place.run(line)
        return self.place.value("y.id")

    def recover(self, id: str) -> None:
        self.place.run(f"%workflow recover {id}")
        self.place.run(f"x = nbflow.open({id!r}); await x.until('waiting')")


class ByShell(ByPython):
    name = "shell"

    def __init__(self, place: Place, shell) -> None:
        super().__init__(place, shell)
        self.shell = shell

    def call(self, *arguments: str):
        tools = () if arguments[1] in ("show", "explain") else ("--tools", str(self.place.folder / "house.py"))
        return self.shell(*arguments, "--store", self.place.url, "--json", *tools)

    def do(self, verb: str, id: str, *arguments) -> str:
        given = [json.dumps(one) if not isinstance(one, str) else one for one in arguments]
        if verb == "signal":
            given = [given[0], "-i", f"value={given[1]}"] if len(given) > 1 else given
        if verb == "skip":
            given = [given[0], "--value", given[1]]
        said = self.call("executions", verb, id, *given)
        return "" if "phase" in said.document else f"{said.out}{said.err}"

    def edit(self, id: str, node: str | None, what: str, value) -> str:
        given = [node] if node else []
        if what == "inputs":
            given += [word for name, one in value.items() for word in ("-i", f"{name}={json.dumps(one)}")]
        else:
            given += [f"--{what}", json.dumps(value)]
        said = self.call("executions", "edit", id, *given)
        return "" if "phase" in said.document else f"{said.out}{said.err}"

    def new(self, verb: str, id: str, **options) -> str:
        given = ["--at", options["at"]] if "at" in options else []
        if "text" in options:
            given.append(self.shell.write("changed.yaml", options["text"]))
        given += ["--from", options["start"]] if "start" in options else []
        for name, value in options.get("inputs", {}).items():
            given += ["-i", f"{name}={value}"]
        said = self.call("executions", verb, id, *given)
        assert said.code == 0, said.out + said.err
        return said.document["execution"]

    def recover(self, id: str) -> None:
        said = self.call("executions", "recover", id, "--detach")
        assert [one["phase"] for one in said.document] == ["waiting"], said.out


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    made = Place(tmp_path_factory.mktemp("place"))
    yield made
    made.kernel.close()


@pytest.fixture(params=[ByPython, ByMagic, ByShell], ids=lambda front: front.name)
def front(request, place, shell):
    for name in ("calls", "number", "paid", "napping"):
        (place.folder / name).unlink(missing_ok=True)
    return request.param(place, shell)


def test_pause_and_resume(front, place):
    id = place.start(ASKS)
    assert front.do("pause", id) == ""
    assert place.phase(id, "paused") == "paused"
    assert front.do("answer", id, "q", 3) == ""
    assert place.value(f"x = nbflow.open({id!r}); await x.until('q'); (x.phase, x.held)") == ("paused", ("b",))
    assert "is paused; pause takes one that is" in front.do("pause", id)
    assert front.do("resume", id) == ""
    assert place.outputs(id) == {"b": "b3"}


READS = """\
name: reads
inputs: {x: {type: string, default: i}}
nodes:
  a: {tool: step, with: {name: a}}
  q: {ask: go?, needs: a}
  b: {needs: q, tool: step, with: {name: "${{ a }}b${{ inputs.x }}"}}
"""
MOVES = """\
name: moves
machine:
  initial: idle
  context: {round: 0}
  states:
    idle: {events: {go: {to: over, if: ctx.round > 2}}}
    over: {type: final}
"""


def test_edit_while_it_is_paused(front, place):
    id = place.start(READS)
    assert "nothing is held: pause first" in front.edit(id, "a", "output", "z")
    front.do("pause", id)
    assert place.phase(id, "paused") == "paused"
    assert front.edit(id, "a", "output", "z") == ""
    assert front.edit(id, None, "inputs", {"x": "j"}) == ""
    assert front.do("answer", id, "q", "yes") == ""
    place.run(f"x = nbflow.open({id!r}); await x.until('q')")
    assert "its inputs were read already" in front.edit(id, "a", "inputs", {"name": "b"})
    assert "x must be" in front.edit(id, None, "inputs", {"x": 1})
    assert front.do("resume", id) == ""
    assert place.outputs(id) == {"b": "zbj"}


def test_edit_the_inputs_of_a_node_that_is_held(front, place):
    id = place.start(READS)
    front.do("pause", id)
    front.do("answer", id, "q", "yes")
    place.run(f"x = nbflow.open({id!r}); await x.until('q')\nwhile x.held != ('b',): await asyncio.sleep(0.01)")
    assert front.edit(id, "b", "inputs", {"name": "other"}) == ""
    front.do("resume", id)
    assert place.outputs(id) == {"b": "other"}


def test_edit_the_context_of_a_machine(front, place):
    id = place.start(MOVES)
    node = place.value("list(x.nodes)[0]")
    front.do("pause", id)
    assert place.phase(id, "paused") == "paused"
    assert "has no rounds" in front.edit(id, node, "context", {"rounds": 3})
    assert front.edit(id, node, "context", {"round": 3}) == ""
    front.do("resume", id)
    front.do("signal", id, "go")
    assert place.outputs(id) == {"round": 3}


def test_cancel(front, place):
    id = place.start(ASKS)
    assert front.do("cancel", id) == ""
    assert place.phase(id, "cancelled") == "cancelled"
    assert "is cancelled; there is nothing to cancel" in front.do("cancel", id)


def test_cancel_stops_what_runs(front, place):
    id = place.start(NAPS, until="running")
    place.run("while not (__import__('house').HERE / 'napping').exists(): await asyncio.sleep(0.01)")
    assert front.do("cancel", id) == ""
    assert place.phase(id, "cancelled") == "cancelled"
    assert place.value(f"nbflow.open({id!r}).nodes['n'].phase") == "cancelled"


def test_signal(front, place):
    id = place.start(LISTENS)
    assert front.do("signal", id, "other") == ""
    assert front.do("signal", id, "go", 7) == ""
    assert place.outputs(id) == {"b": {"v": {"value": 7} if front.name == "shell" else 7}}


def test_an_answer_of_the_wrong_type_is_refused_and_a_right_one_taken(front, place):
    id = place.start(ASKS)
    assert "answer must be a whole number" in front.do("answer", id, "q", "many")
    assert front.do("answer", id, "q", 2) == ""
    assert place.outputs(id) == {"b": "b2"}


def test_suspend_and_resume(front, place):
    id = place.start(ASKS)
    assert front.do("suspend", id) == ""
    assert place.phase(id, "suspended") == "suspended"
    assert front.do("resume", id) == ""
    assert front.do("answer", id, "q", 4) == ""
    if front.name != "shell":  # which has waited for the end
        assert place.outputs(id) == {"b": "b4"}
    assert place.calls() == ["a", "b4"]


@pytest.mark.parametrize("verb", ["retry", "skip", "fail"])
def test_what_is_in_doubt_is_settled(front, place, verb):
    id = place.start(PAYS, until="running")
    place.run("while not (__import__('house').HERE / 'paid').exists(): await asyncio.sleep(0.01)")
    place.run(f"x = nbflow.open({id!r}); x.suspend(); await x.until('suspended'); x.resume(); await x.until('waiting')")
    assert place.value("x.nodes['p'].reason") == "in_doubt"
    assert front.do(verb, id, "p", *(["by_hand"] if verb == "skip" else [])) == ""
    if verb == "fail":
        assert place.phase(id, "failed") == "failed"
    else:
        assert place.outputs(id) == {"p": "paid" if verb == "retry" else "by_hand"}


def test_recover_what_another_process_left(front, place, shell):
    left = ByShell(place, shell).call("run", shell.write("asks.yaml", ASKS), "--detach")
    id = left.document["execution"]
    front.recover(id)
    assert front.do("answer", id, "q", 5) == ""
    assert place.outputs(id) == {"b": "b5"}
    assert place.calls() == ["a", "b5"]


def test_cancel_what_another_process_left(front, place, shell):
    id = ByShell(place, shell).call("run", shell.write("asks.yaml", ASKS), "--detach").document["execution"]
    assert front.do("cancel", id) == ""
    assert place.phase(id, "cancelled") == "cancelled"
    assert place.calls() == ["a"]


def test_retry_what_failed(front, place):
    id = place.start(BREAKS, until="failed")
    (place.folder / "number").write_text("7")
    again = front.new("retry", id)
    assert place.outputs(again) == {"f": 7}
    assert place.calls() == ["a"]


def test_fork(front, place):
    id = place.start(STEPS, until="completed")
    forked = front.new("fork", id, at="b", inputs={"name": "other"})
    assert place.outputs(forked) == {"b": "other"}
    assert place.calls() == ["a", "ab", "other"]


def test_rerun_from_a_node(front, place):
    id = place.start(STEPS, until="completed")
    again = front.new("rerun", id, start="b")
    assert place.outputs(again) == {"b": "ab"}
    assert place.calls() == ["a", "ab", "ab"]


def test_rerun_a_changed_workflow(front, place):
    id = place.start(STEPS, until="completed")
    again = front.new("rerun", id, text=STEPS.replace("}}b", "}}c"))
    assert place.outputs(again) == {"b": "ac"}
    assert place.calls() == ["a", "ab", "ac"]


@pytest.mark.parametrize("verb", ["pause", "resume", "suspend", "cancel", "signal", "answer", "skip", "fail", "retry"])
def test_what_is_over_takes_no_verb_and_says_so(front, place, verb):
    id = place.start(STEPS, until="completed")
    arguments = {"signal": ["go"], "answer": ["a", 1], "skip": ["a", 1], "fail": ["a"], "retry": ["a"]}.get(verb, [])
    said = front.do(verb, id, *arguments)
    assert "there is nothing to" in said
    assert "Traceback" not in said or front.name == "Python"


def test_the_shell_says_what_a_node_of_a_kernel_waits_for(place, shell):
    text = "name: pooled\npools: {gpu: 1}\nnodes:\n" + "".join(f"  n{i}: {{tool: nap, pool: gpu}}\n" for i in range(3))
    id = place.start(text, until="running")
    said = ByShell(place, shell).call("executions", "explain", id, "n2")
    assert "waiting for pool gpu" in said.document["explanation"]
    assert "(1 of 1 taken)" in said.document["explanation"]
    shown = shell("executions", "show", id, "--store", place.url)
    assert "driven by process" in shown.out
    assert "n2  waiting for pool gpu" in shown.out
    document = shell("executions", "show", id, "--store", place.url, "--json").document
    assert document["nodes"]["n2"]["reason"].startswith("waiting for pool gpu")
    place.run(f"x = nbflow.open({id!r}); x.cancel(); await x")
