"""kill -9 at random moments of a running execution: nothing recorded is lost or computed again."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest


def kill(times: int, seed: int, folder: Path) -> dict[str, object]:
    ran = subprocess.run(
        [sys.executable, "-m", "tests.runtime.killing", str(times), str(seed), str(folder)],
        capture_output=True,
        text=True,
        check=True,
        cwd=Path(__file__).parents[2],
    )
    return json.loads(ran.stdout.splitlines()[-1])


def test_forty_kills_lose_nothing_and_repeat_nothing(tmp_path: Path) -> None:
    seen = kill(40, 1, tmp_path)
    assert seen["kills"] >= 40
    assert seen["trouble"] == []


@pytest.mark.nightly
def test_a_thousand_kills_lose_nothing_and_repeat_nothing(tmp_path: Path) -> None:
    seen = kill(1000, 2, tmp_path)
    assert seen["kills"] >= 1000
    assert seen["trouble"] == []
