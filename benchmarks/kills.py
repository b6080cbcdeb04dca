"""Chains of nodes with an effect each, killed with SIGKILL at random moments and gone on with, by several engines.

The ledger of effects tells. A node in flight may have had its effect unrecorded: that it runs again is nobody's fault.
But when its successor has begun, its result counted as kept: if it runs again then, a kept result was run again.
"""

from __future__ import annotations

import random
import subprocess
import sys
import tempfile
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.killed_nbflow import NODES

HERE = Path(__file__).parent


@dataclass
class Toll:
    """What the kills cost: nodes run again that were in flight, and that were not; results lost; lives that ended."""

    kills: int = 0
    in_flight: int = 0
    kept: int = 0
    lost: int = 0
    broken: int = 0


def contestants(langgraph: str) -> dict[str, list[str]]:
    """Commands, each to be completed by a folder and the name of an execution; `langgraph` is a Python that has it."""
    script = str(HERE / "killed_langgraph.py")
    found = {"nbflow": [sys.executable, "-m", "benchmarks.killed_nbflow", "{folder}", "{id}"]}
    looking = [langgraph, "-c", "import langgraph.checkpoint.sqlite"]
    if subprocess.run(looking, capture_output=True, check=False).returncode == 0:
        saver = [langgraph, script, "{folder}", "{id}"]
        found |= {"LangGraph, SQLite saver": saver, "the same, durability='sync'": [*saver, "sync"]}
    return found


def kill(command: Sequence[str], kills: int, seed: int) -> Toll:
    """Run executions one after the other, killed until that many kills are done."""
    toll, rng, number = Toll(), random.Random(seed), 0
    with tempfile.TemporaryDirectory(prefix="nbflow-kills-") as place:
        folder = Path(place)
        while toll.kills < kills:
            number += 1
            _execution(toll, [part.format(folder=folder, id=f"x{number}") for part in command], rng)
            _count(toll, folder / f"x{number}.ledger")
    return toll


def _execution(toll: Toll, command: Sequence[str], rng: random.Random) -> None:
    """One execution, killed up to three times, then left to its end."""
    for life in range(4):
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL, "text": True}
        with subprocess.Popen(command, cwd=HERE.parent, **pipes) as one:  # type: ignore[call-overload]
            assert one.stdout is not None
            if one.stdout.readline() != "going\n":
                toll.broken += 1
            if life < 3:
                threading.Event().wait(rng.random() * 0.08)
                toll.kills += one.poll() is None
                one.kill()
            ended = one.stdout.read().split()
        if ended[:1] == ["done"]:
            toll.lost += [str(number) for number in range(NODES)] != ended[1:]
            return
    toll.lost += 1


def _count(toll: Toll, ledger: Path) -> None:
    lines = [int(line) for line in ledger.read_text().splitlines()]
    furthest = -1
    for number in lines:
        if number == furthest:
            toll.in_flight += 1
        elif number < furthest:
            toll.kept += 1
        furthest = max(furthest, number)
