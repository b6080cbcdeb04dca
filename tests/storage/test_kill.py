"""Writers killed with SIGKILL at random moments, also while segments are taken in: nothing acknowledged is lost."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import threading
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from nbflow.storage.duckdb.store import DuckDBStore
from tests.storage.nursery import expected
from tests.storage.records import same

ROOT = Path(__file__).parents[2]


@dataclass
class Harness:
    """Lives of writers on one store, and what was acknowledged to them."""

    path: Path
    bug: str = ""
    acknowledged: dict[str, int] = field(default_factory=dict)
    errors: list[str] = field(default_factory=list)
    checked: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.nursery = subprocess.Popen(
            [sys.executable, "-m", "tests.storage.nursery", str(self.path), self.bug],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            cwd=ROOT,
        )

    def live(self, number: int, rng: random.Random) -> None:
        """One life: it begins, writes, and is killed after a random number of acknowledgements and a little while."""
        go_on = rng.choice(sorted(self.acknowledged)) if self.acknowledged and rng.random() < 0.7 else None
        self._say({"life": number, "seed": rng.random(), "continue": go_on})
        after, pause, seen, pid = rng.randint(0, 60), rng.random() / 20, 0, 0
        while (line := self._hear()) != "dead":
            word, *rest = line.split(" ", 2)
            if word == "pid":
                pid = int(rest[0])
            elif word == "ack":
                self.acknowledged[rest[0]] = int(rest[1])
                seen += 1
            else:
                self.errors.append(line)
            if pid and seen >= after:
                threading.Event().wait(pause)
                os.kill(pid, signal.SIGKILL)
                pid = 0

    def _say(self, command: dict[str, object]) -> None:
        assert self.nursery.stdin
        self.nursery.stdin.write(json.dumps(command).encode() + b"\n")
        self.nursery.stdin.flush()

    def _hear(self) -> str:
        assert self.nursery.stdout
        line = self.nursery.stdout.readline().decode().rstrip("\n")
        return line or "dead"

    def end(self) -> None:
        assert self.nursery.stdin and self.nursery.stdout
        self.nursery.stdin.close()
        self.nursery.wait()
        self.nursery.stdout.close()

    def losses(self) -> list[str]:
        """What is wrong with the store, read by another program than the one that wrote it."""
        store = DuckDBStore(self.path)
        wrong = [gap.message for gap in store.gaps()] + self.errors
        doubled = "select execution, sequence from records group by all having count(*) > 1"
        wrong += [f"doubled: {row}" for row in store.ask(lambda connection: connection.execute(doubled).fetchall())]
        counts = "select execution, count(*) from records group by all"
        there = dict(store.ask(lambda connection: connection.execute(counts).fetchall()))
        for execution, last in self.acknowledged.items():
            if there.get(execution, 0) < last:
                wrong.append(f"lost: {execution} has {there.get(execution, 0)} of {last}")
            if execution not in self.checked:
                self.checked.add(execution)
                wrong += [
                    f"changed: {execution} {record.sequence}"
                    for number, record in enumerate(store.read(execution), 1)
                    if not same(record, expected(execution, number))
                ]
        return wrong


def kill(path: Path, times: int, seed: int, bug: str = "", look: int = 20) -> list[str]:
    harness, rng = Harness(path, bug), random.Random(seed)
    try:
        for life in range(times):
            harness.live(life, rng)
            if life % look == look - 1 and (wrong := harness.losses()):
                return wrong
        assert len(harness.acknowledged) >= times // 2
        return harness.losses()
    finally:
        harness.end()


def test_a_hundred_kills_lose_nothing(tmp_path: Path) -> None:
    assert kill(tmp_path / ".nbflow" / "history.duckdb", 100, seed=1) == []


@pytest.mark.parametrize("bug", ["answer_first"])
def test_the_harness_sees_a_planted_bug(tmp_path: Path, bug: str) -> None:
    assert any("lost" in wrong for wrong in kill(tmp_path / "history.duckdb", 60, seed=2, bug=bug, look=1))


@pytest.mark.nightly
@pytest.mark.timeout(1800)
def test_a_thousand_kills_lose_nothing(tmp_path: Path) -> None:
    assert kill(tmp_path / "history.duckdb", 1000, seed=3, look=25) == []
