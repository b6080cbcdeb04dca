"""Kill a statechart at random moments and go on with it, on the real embedded store, in real processes.

`python -m tests.runtime.machine_killing KILLS SEED FOLDER` prints one JSON line: what was seen. The machine has
regions, a timer, delayed events of which one is taken back, work that is cancelled, a child execution it talks to, and
a deep history. What is
judged is the journal alone: every move follows from the move before it, so that nothing was lost or came twice.
"""

from __future__ import annotations

import asyncio
import json
import os
import random
import signal
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

from nbflow.errors import IllegalMove
from nbflow.execution import chart
from nbflow.execution.events import Record, SignalReceived, Transitioned
from tests.runtime.killing import fork, note, notes

ROUNDS = 4
TEXT = f"""
name: killed
machine:
  initial: round
  context: {{n: 0, late: 0, never: 0, done: 0, answers: 0, pauses: 0, heard: 0, full: 0}}
  states:
    round:
      parallel: true
      events: {{pause: {{to: paused, if: ctx.pauses <= ctx.n and 'tock' in execution.states, assign: {{pauses: =ctx.n + 1}}}}, done.state.round: again}}
      states:
        clock:
          initial: tick
          events: {{never: {{assign: {{never: =ctx.never + 1}}}}, said: {{assign: {{heard: =ctx.heard + 1}}}}}}
          states:
            tick:
              entry:
                - {{raise: late, delay: 60ms}}
                - {{raise: never, delay: 40ms, id: never}}
                - {{emit: said, delay: 10ms}}
              after: {{20ms: tock}}
            tock:
              entry: {{cancel: never}}
              events: {{late: {{to: rang, assign: {{late: =ctx.late + 1}}}}}}
              after: {{100ms: rang}}  # for a `late` that came while it was paused
            rang: {{type: final}}
        job:
          initial: running
          states:
            running:
              invoke: {{tool: step, with: {{name: "job ${{{{ ctx.n }}}}"}}, as: job}}
              events: {{done.job: {{to: talk, assign: {{done: =ctx.done + 1}}}}}}
            talk: {{events: {{answer: {{to: over, assign: {{answers: =ctx.answers + 1}}}}}}}}
            over: {{type: final}}
        talker:
          initial: asks
          states:
            asks:
              invoke:
                as: kid
                workflow:
                  name: kid
                  machine:
                    initial: first
                    context: {{v: 0}}
                    states:
                      first: {{after: {{15ms: {{to: second, emit: {{event: half, to: parent}}}}}}}}
                      second: {{events: {{go: {{to: third, assign: {{v: =event.data}}}}}}}}
                      third: {{entry: {{emit: {{event: full, with: =ctx.v, to: parent}}}}, after: {{10ms: last}}}}
                      last: {{type: final}}
              events:
                half: {{emit: {{event: go, with: 7, to: kid}}}}
                full: {{assign: {{full: =event.data}}}}
                done.kid: told
            told: {{type: final}}
        where: {{history: deep}}
        kept: {{initial: one, states: {{one: {{after: {{5ms: two}}}}, two: {{type: final}}}}}}
    paused: {{after: {{15ms: back}}}}
    back: {{always: where}}
    again:
      always:
        - {{to: over_all, if: ctx.n >= {ROUNDS - 1}}}
        - {{to: round, assign: {{n: =ctx.n + 1}}}}
    over_all: {{type: final}}
"""


def live(folder: Path, life: int) -> None:
    """Start the execution or go on with it. It is told to pause and to go on, until the journal has it."""
    from nbflow import assembly

    async def step(name: str) -> str:
        note(folder, "effects", life=life, name=name)
        await asyncio.sleep(0.03)
        return name

    assembly.tools.register(step)

    async def main() -> None:
        engine = assembly.engine(f"duckdb:///{folder}/h.duckdb")
        known = await engine.journal.read("k1")
        plan = assembly.parse(TEXT).plan
        execution = await engine.recover("k1") if known else engine.start(plan, {}, id="k1")
        execution.subscribe(lambda records: note(folder, "acknowledged", life=life, last=records[-1].sequence))
        told: dict[str, int] = {}
        while execution.phase not in ("completed", "failed", "cancelled"):
            snapshot = execution.nodes["machine"].snapshot if "machine" in execution.nodes else None
            active = snapshot["configuration"] if snapshot else []
            for state, name in (("tock", "pause"), ("talk", "answer")):
                if state in active and told.get(name) != len(execution.events):
                    told[name] = len(execution.events)
                    with suppress(IllegalMove):  # it has just ended
                        execution.signal(name)
            await asyncio.sleep(0.004)
        await engine.close()
        note(folder, "ended", outputs=execution.outputs, phase=execution.phase)

    asyncio.run(main())


def main(kills: int, seed: int, folder: Path) -> dict[str, Any]:
    import duckdb  # noqa: F401 - so that children have it

    import nbflow.assembly
    import nbflow.storage.duckdb.store  # noqa: F401

    rng = random.Random(seed)
    trouble: list[str] = []
    done = rounds = 0
    while done < kills:
        rounds += 1
        here = folder / str(rounds)
        here.mkdir(parents=True)
        life = 0
        while not notes(here, "ended"):
            life += 1
            number = life
            child = fork(lambda: live(here, number))
            if done < kills:
                time.sleep(rng.uniform(0.03, 0.3))  # allowed: the moment of the kill
                os.kill(child, signal.SIGKILL)
            killed = os.WIFSIGNALED(os.waitpid(child, 0)[1])
            done += killed
            time.sleep(rng.choice([0.0, 0.1]))  # allowed: timers fall due while nobody runs
            if not killed and not notes(here, "ended"):
                trouble.append(f"life {life}: the process failed")
                break
        _, status = os.waitpid(fork(lambda: judge(here)), 0)
        trouble += [f"round {rounds}: {one['what']}" for one in notes(here, "trouble")]
        trouble += ["the judge failed"] if status else []
    return {"kills": done, "rounds": rounds, "trouble": trouble}


def judge(folder: Path) -> None:
    """Whether the journal is one life of the machine, from the first record to the last."""
    from nbflow.plan.workflow import parse
    from nbflow.storage.duckdb.store import DuckDBStore

    records = DuckDBStore(folder / "h.duckdb").read("k1")
    for what in (*_moves(records, parse(TEXT).plan), *_end(folder, records)):
        note(folder, "trouble", what=what)


def _moves(records: list[Record], plan: Any) -> list[str]:
    """Every move is the one that the state before it and its event give; every signal is heard once and in order."""
    machine, found, before, heard, signals = plan.machine.chart, [], None, 0, 0
    origins: list[str] = []
    for record in records:
        event = record.event
        if isinstance(event, SignalReceived):
            signals += 1
            origins += [event.origin] if event.origin is not None else []
        if not isinstance(event, Transitioned):
            continue
        if before is not None:
            timer = event.event is not None and any(event.event == one["event"] for one in before["timers"])
            made = chart.step(machine, before, None if timer else event.event, record.at, {})
            if _timeless(made.snapshot) != _timeless(event.snapshot):
                found.append(f"record {record.sequence}: {event.event} does not lead from {before} to {event.snapshot}")
        if not heard <= event.heard <= signals:
            found.append(f"record {record.sequence}: {event.heard} of {signals} signals heard, {heard} before")
        before, heard = event.snapshot, event.heard
    if not origins or len(origins) != len(set(origins)):
        found.append(f"what the child said did not arrive once each: {origins}")
    return found


def _timeless(snapshot: dict[str, Any]) -> dict[str, Any]:
    """Without when timers are due: the moment of a move is a little before that of its record."""
    timers = [{name: fact for name, fact in timer.items() if name != "due"} for timer in snapshot["timers"]]
    return {**json.loads(json.dumps(snapshot)), "timers": timers}


def _end(folder: Path, records: list[Record]) -> list[str]:
    found = []
    if [record.sequence for record in records] != list(range(1, len(records) + 1)):
        found.append("the journal has gaps")
    if max((note["last"] for note in notes(folder, "acknowledged")), default=0) > len(records):
        found.append("a record that was shown is not there")
    [ended] = notes(folder, "ended")
    out = ended["outputs"] or {}
    if ended["phase"] != "completed" or (out["n"], out["never"], out["full"]) != (ROUNDS - 1, 0, 7):
        found.append(f"it ended {ended}")
    ends = [r.event.event for r in records if isinstance(r.event, Transitioned) and r.event.event]
    works = [(e["invoke"], e["number"]) for e in ends if e["name"].startswith("done.")]
    if len(works) != len(set(works)):
        found.append(f"a work ended twice: {works}")
    return found


if __name__ == "__main__":
    print(json.dumps(main(int(sys.argv[1]), int(sys.argv[2]), Path(sys.argv[3]))))
