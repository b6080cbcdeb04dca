"""kill -9 at random moments of a statechart: every move happens once, however long nobody ran it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest


def kill(times: int, seed: int, folder: Path) -> dict[str, object]:
    ran = subprocess.run(
        [sys.executable, "-m", "tests.runtime.machine_killing", str(times), str(seed), str(folder)],
        capture_output=True,
        text=True,
        check=True,
        cwd=Path(__file__).parents[2],
    )
    return json.loads(ran.stdout.splitlines()[-1])


def test_a_machine_that_is_killed_twenty_times_lives_one_life(tmp_path: Path) -> None:
    seen = kill(20, 1, tmp_path)
    assert seen["kills"] >= 20
    assert seen["trouble"] == []


@pytest.mark.nightly
def test_a_machine_that_is_killed_five_hundred_times_lives_one_life(tmp_path: Path) -> None:
    seen = kill(500, 2, tmp_path)
    assert seen["kills"] >= 500
    assert seen["trouble"] == []
