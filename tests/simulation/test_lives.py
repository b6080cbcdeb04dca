"""Random workflows of every control kind, over lives with crashes, a full disk and interruptions, against calm ones."""

from __future__ import annotations

import random
from typing import Any

import pytest

from nbflow.errors import StorageError
from nbflow.execution.events import NodeStarted
from nbflow.runtime.execution import Execution
from tests.simulation.invariants import broken, id_of, overfull, rows_of
from tests.simulation.lives import Lives, plainly
from tests.simulation.texts import POOLS, RATE, random_text


def survive(seed: int) -> tuple[Lives, Execution]:
    """Lives until one reaches the end, with whatever happens between."""
    rng = random.Random(seed)
    lives = Lives(random_text(seed), seed)
    lives.journal.faults = rng.choice((0, 0, 0, 0.05))
    may_cancel = rng.random() < 0.2
    for life in range(200):
        rough = life < 8
        crash = rng.randint(1, 25) if rough and rng.random() < 0.5 else None
        acts = rng.randint(0, 3) if rough else 0
        try:
            execution = lives.live(rng.randrange(2**31), crash_at=crash, acts=acts, may_cancel=may_cancel)
        except StorageError:
            execution = None
        check(lives)
        if execution is not None:
            return lives, execution
    raise AssertionError(f"seed {seed}: no life reached the end")


def check(lives: Lives) -> None:
    """Every journal and all effects keep the invariants, at the end of every life."""
    text, found = lives.written, []
    started: dict[tuple[str, str, int], float] = {}  # by execution, node and attempt
    for id in lives.journal.known():
        records = lives.journal.peek(id)
        started |= {(id, r.event.node, r.event.attempt): r.at for r in records if isinstance(r.event, NodeStarted)}
        effects = [
            {
                "node": e.node,
                "attempt": e.attempt,
                "committed": e.committed,
                "strict": True,
                "once": id_of(e.node) in text.once,
            }
            for e in lives.effects
            if e.execution == id
        ]
        found += [f"{id}: {one}" for one in broken(rows_of(records), effects, (), (), text.pools, POOLS)]
    attempts = [
        {
            "id": id_of(e.node),
            "life": e.life,
            "started": started[e.execution, e.node, e.attempt],
            "began": e.began,
            "ended": e.ended or e.began,
            "limited": id_of(e.node) in text.rates,
        }
        for e in lives.effects
    ]
    found += overfull(attempts, text.pools, POOLS, RATE)
    assert not found, f"seed {lives.seed}, life {lives.count}: {found}"


def calm(seed: int) -> Execution:
    lives = Lives(random_text(seed), seed)
    execution = lives.live(seed)
    assert execution is not None
    check(lives)
    return execution


def tell(seed: int) -> Any:
    quiet, (lives, rough) = calm(seed), survive(seed)
    ends = {id: type(lives.journal.peek(id)[-1].event).__name__ for id in lives.journal.known()}
    assert set(ends.values()) <= {"ExecutionCompleted", "ExecutionFailed", "ExecutionCancelled"}, f"seed {seed}: {ends}"
    if rough.phase == "cancelled":
        assert "cancel" in lives.acts
        return lives
    assert rough.phase == quiet.phase, f"seed {seed}"
    assert plainly(rough.outputs) == plainly(quiet.outputs), f"seed {seed}"
    return lives


@pytest.mark.parametrize("first", range(0, 1000, 100))
def test_a_thousand_lives_of_random_workflows_end_as_calm_ones_do(first: int) -> None:
    for seed in range(first, first + 100):
        tell(seed)


def test_a_life_replays_exactly() -> None:
    for seed in range(20):
        one, two = survive(seed)[0], survive(seed)[0]
        assert one.journal._lines == two.journal._lines
        assert (one.acts, one.count, one.effects) == (two.acts, two.count, two.effects)


@pytest.mark.nightly
def test_a_hundred_thousand_lives() -> None:
    for seed in range(1000, 100_000):
        tell(seed)
