"""A process that forks writers of a store on command, so that a test can kill one in a few milliseconds.

Commands are lines of JSON on standard input: `{"life": n, "seed": s, "continue": execution | null}`. A writer says on
standard output `pid`, and `ack execution sequence` for all that was acknowledged to it, until it is killed or done.
"""

from __future__ import annotations

import asyncio
import json
import os
import random
import sys
from pathlib import Path

from nbflow.execution import events as e
from nbflow.execution.events import Record
from nbflow.storage.duckdb import writer as writing
from nbflow.storage.duckdb.journal import DuckDBJournal

START = 1_764_000_000.0


def expected(execution: str, sequence: int) -> Record:
    """What every writer writes at a place; so the content of each record can be checked."""
    text = execution * (sequence % 7)
    if sequence % 40 == 0:
        return Record(sequence, START + sequence, e.NodeCompleted("n", 1, {"text": text, "large": text * 9000}))
    return Record(sequence, START + sequence, e.NodeStarted(f"n{sequence}", 1, {"text": text, "s": sequence}))


def say(*words: object) -> None:
    os.write(1, (" ".join(map(str, words)) + "\n").encode())


async def write(journal: DuckDBJournal, execution: str, rng: random.Random, total: int) -> None:
    last = len(await journal.read(execution))
    while last < total:
        count = rng.randint(1, 4)
        await journal.append(execution, [expected(execution, last + k + 1) for k in range(count)], after=last)
        last += count
        say("ack", execution, last)
        if rng.random() < 0.05:
            await asyncio.sleep(rng.random() / 100)


async def live(path: Path, command: dict[str, object]) -> None:
    rng = random.Random(str(command["seed"]))
    journal = DuckDBJournal(path, take_in_every=0.02)
    names = [f"life{command['life']}-{number}" for number in range(rng.randint(1, 6))]
    if command["continue"]:
        names.append(str(command["continue"]))
    async with asyncio.TaskGroup() as group:
        for name in names:
            group.create_task(write(journal, name, rng, 100_000))


def plant_a_bug(name: str) -> None:
    """Break the writer on purpose, to see that the tests notice."""
    if name == "answer_first":
        commit = writing.Writer._commit

        def early(self: writing.Writer, group: list[writing.Batch]) -> list[writing.Answer]:
            writing._deliver([(batch, None) for batch in group])
            threading_pause(0.005)
            return commit(self, group)

        writing.Writer._commit = early  # type: ignore[method-assign]


def threading_pause(seconds: float) -> None:
    import threading

    threading.Event().wait(seconds)


def main() -> None:
    path = Path(sys.argv[1])
    plant_a_bug(sys.argv[2] if len(sys.argv) > 2 else "")
    for line in sys.stdin:
        child = os.fork()
        if child == 0:
            say("pid", os.getpid())
            try:
                asyncio.run(live(path, json.loads(line)))
            except BaseException as error:
                say("error", repr(error).replace("\n", " "))
            os._exit(0)
        os.waitpid(child, 0)
        say("dead")


if __name__ == "__main__":
    main()
