"""Kill an execution at random moments and go on with it, on the real embedded store, in real processes.

`python -m tests.runtime.killing KILLS SEED FOLDER` prints one JSON line: what was seen. Children are forked from
a process that has everything imported, so that a life costs milliseconds and not a second.
"""

from __future__ import annotations

import asyncio
import json
import os
import random
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

TEXT = "name: killed\nnodes:\n" + "".join(
    f"  a{i}: {{tool: step, with: {{name: a{i}}}{f', needs: [a{i - 1}]' if i else ''}}}\n"
    f'  b{i}: {{tool: step, with: {{name: "${{{{ a{i} }}}}b"}}}}\n'
    f'  c{i}: {{needs: [a{i}], parallel: {{for_each: "range(3)", max: 2, collect: =x}}, nodes: {{x: {{tool: step, with: {{name: "c{i}-${{{{ index }}}}"}}}}}}}}\n'
    for i in range(5)
)


def note(folder: Path, log: str, **facts: Any) -> None:
    """A line that survives the process."""
    file = os.open(folder / log, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.write(file, json.dumps(facts).encode() + b"\n")
    os.close(file)


def notes(folder: Path, name: str) -> list[dict[str, Any]]:
    path = folder / name
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def live(folder: Path, life: int, patience: float) -> None:
    """Start the execution or go on with it, and say what is acknowledged."""
    from nbflow import assembly

    async def step(name: str) -> str:
        note(folder, "effects", life=life, name=name)
        await asyncio.sleep(0.004)
        return name

    assembly.tools.register(step)

    async def main() -> None:
        engine = assembly.engine(f"duckdb:///{folder}/h.duckdb")
        known = await engine.journal.read("k1")
        if known:
            execution = await engine.recover("k1")
        else:
            execution = engine.start(assembly.parse(TEXT).plan, {}, id="k1")
        execution.subscribe(lambda records: note(folder, "acknowledged", life=life, last=records[-1].sequence))
        await execution
        await engine.close()
        note(folder, "ended", outputs=execution.outputs, phase=execution.phase)

    asyncio.run(main())


def look(folder: Path, life: int) -> None:
    """What the journal says after the kill, read by a fresh process."""
    from nbflow.storage.duckdb.store import DuckDBStore

    store = DuckDBStore(folder / "h.duckdb")
    records = store.read("k1")
    completed = {r.event.node: r.event.output for r in records if type(r.event).__name__ == "NodeCompleted"}
    note(
        folder,
        "seen",
        life=life,
        sequences=[r.sequence for r in records],
        completed=completed,
        gaps=[gap.message for gap in store.gaps()],
    )


def fork(what: Callable[[], None]) -> int:
    child = os.fork()
    if child:
        return child
    code = 1
    try:
        what()
        code = 0
    finally:
        os._exit(code)


def main(kills: int, seed: int, folder: Path) -> dict[str, Any]:
    import duckdb  # noqa: F401 - so that children have it

    rng = random.Random(seed)
    trouble: list[str] = []
    done = rounds = 0
    while done < kills:
        rounds += 1
        here = folder / str(rounds)
        here.mkdir(parents=True)
        life = 0
        while True:
            life += 1
            number = life
            child = fork(lambda: live(here, number, 0))
            if done < kills:
                time.sleep(rng.uniform(0.01, 0.35))  # allowed: the moment of the kill
                os.kill(child, signal.SIGKILL)
                killed = os.WIFSIGNALED(os.waitpid(child, 0)[1])
            else:
                killed = os.WIFSIGNALED(os.waitpid(child, 0)[1])
            done += killed
            _, status = os.waitpid(fork(lambda: look(here, number)), 0)
            if status:
                trouble.append(f"round {rounds} life {life}: the store does not open")
                break
            if notes(here, "ended"):
                break
            if not killed:
                trouble.append(f"round {rounds} life {life}: the process failed")
                break
        trouble += [f"round {rounds}: {one}" for one in judge(here)]
    return {"kills": done, "rounds": rounds, "trouble": trouble}


def judge(folder: Path) -> list[str]:
    """What was lost or computed again, from the notes alone."""
    found: list[str] = []
    seen = notes(folder, "seen")
    for entry in seen:
        acknowledged = max((a["last"] for a in notes(folder, "acknowledged") if a["life"] <= entry["life"]), default=0)
        if entry["sequences"] != list(range(1, len(entry["sequences"]) + 1)):
            found.append(f"life {entry['life']}: sequences are not without gaps")
        if len(entry["sequences"]) < acknowledged:
            found.append(f"life {entry['life']}: {acknowledged} records acknowledged, {len(entry['sequences'])} there")
        if entry["gaps"]:
            found.append(f"life {entry['life']}: {entry['gaps']}")
        again = {e["name"] for e in notes(folder, "effects") if e["life"] > entry["life"]}
        outputs = {value for value in entry["completed"].values() if isinstance(value, str)}
        if again & outputs:
            found.append(f"life {entry['life']}: recorded results were computed again: {sorted(again & outputs)}")
    if seen and notes(folder, "ended") and notes(folder, "ended")[0]["phase"] != "completed":
        found.append("the execution did not complete")
    return found


if __name__ == "__main__":
    print(json.dumps(main(int(sys.argv[1]), int(sys.argv[2]), Path(sys.argv[3]))))
