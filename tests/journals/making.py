"""Golden journals: what this release writes. Run it when the format changes, into a folder of the new number:

    python -m tests.journals.making tests/journals/2

Folders of earlier formats are never made anew: they are the proof that old journals still fold.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import sys
from pathlib import Path
from typing import Any

import nbflow
from nbflow import assembly
from nbflow.execution.events import Record
from nbflow.execution.evolve import fold
from nbflow.plan.plan import Plan
from nbflow.plan.workflow import parse
from nbflow.storage import codec
from nbflow.storage.memory.values import MemoryValues

WORKFLOWS: dict[str, tuple[str, dict[str, Any]]] = {
    "chain": ("""
name: chain
inputs: {n: {type: integer, default: 3}}
nodes:
  a: {set: {x: =inputs.n}}
  b: {tool: double, with: {x: =a.x}}
  c: {tool: double, with: {x: =b}}
outputs: {result: =c}
""", {"n": 5}),
    "switch": ("""
name: switch
nodes:
  a: {set: {x: 1}}
  pick: {switch: [{when: a.x > 5, then: big}, {else: small}]}
  big: {set: {size: big}}
  small: {set: {size: small}}
  both: {aggregate: object, needs: [big, small], join: active, with: {big: =big, small: =small}}
""", {}),
    "bodies": ("""
name: bodies
nodes:
  each:
    parallel: {for_each: "[1, 2, 3]", max: 2}
    nodes:
      twice: {tool: double, with: {x: =item}}
  rounds:
    loop: {max: 4, until: "grown.x > 20"}
    nodes:
      grown: {set: {x: "=(previous.grown.x if previous is not None else 3) * 2"}}
  sides:
    parallel:
      branches:
        left: {set: {z: 1}}
        right: {nodes: {r: {tool: double, with: {x: 4}}}}
""", {}),
    "faults": ("""
name: faults
nodes:
  flaky: {tool: flaky, retry: {max: 2, delay: 0s}}
  broken: {tool: broken, on_error: continue}
  saved: {tool: broken, on_error: {value: {spare: true}}}
  after: {aggregate: list, needs: [flaky, broken, saved], with: [=flaky, =broken, =saved]}
""", {}),
    "failed": ("""
name: failed
nodes:
  made: {set: {x: 1}, compensate: {tool: double, with: {x: 2}}}
  broken: {tool: broken, needs: [made]}
on_error: {tool: double, with: {x: 3}}
""", {}),
    "large": ("""
name: large
nodes:
  text: {tool: long_text}
  size: {set: {n: =len(text)}}
""", {}),
    "machine": ("""
name: machine
machine:
  initial: red
  context: {n: 0}
  states:
    red: {always: {to: green, assign: {n: =ctx.n + 1}}}
    green: {always: [{to: done, if: ctx.n >= 2}, {to: red}]}
    done: {type: final}
""", {}),
}  # fmt: skip


def double(x: int) -> int:
    return x * 2


def broken() -> None:
    raise ValueError("as it must")


def long_text() -> str:
    return "golden " * 10_000


def _flaky() -> Any:
    tries = iter([False, True])

    def flaky() -> str:
        if not next(tries):
            raise ConnectionError("once")
        return "at last"

    return flaky


async def journal_of(name: str) -> tuple[str, list[Record]]:
    """A workflow of the table, run to its end; its id and records."""
    text, inputs = WORKFLOWS[name]
    for function in (double, broken, long_text, _flaky()):
        assembly.register_tool(function)
    execution = nbflow.start(nbflow.parse(text), inputs, store="memory:")
    with contextlib.suppress(nbflow.ExecutionFailed):
        await execution
    return execution.id, await assembly.engine("memory:").journal.read(execution.id)


def expected(plan: Plan, records: list[Record]) -> dict[str, Any]:
    """What folding a journal must give."""
    state = fold(plan, records)
    nodes = {path: {"phase": node.phase, "attempt": node.attempt} for path, node in state.nodes.items()}
    return {
        "phase": state.phase,
        "outputs": state.outputs,
        "error": state.error,
        "records": len(records),
        "nodes": nodes,
    }


async def _make(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name in WORKFLOWS:
        values = MemoryValues()
        id, records = await journal_of(name)
        lines = [codec.encode(id, record, values.put) for record in records]
        (folder / f"{name}.jsonl").write_bytes(b"".join(lines))
        facts = expected(parse(WORKFLOWS[name][0]).plan, records)
        (folder / f"{name}.json").write_text(json.dumps(facts, indent=1) + "\n")
        for digest, (content, kind) in values.all().items():
            (folder / f"{digest}.{kind}").write_bytes(content)


if __name__ == "__main__":
    asyncio.run(_make(Path(sys.argv[1])))
