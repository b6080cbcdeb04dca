"""A power cut keeps what was synced and any part of what was not: what was acknowledged is always there."""

from __future__ import annotations

import os
import random
from pathlib import Path
from typing import Any

import pytest

from nbflow.storage.duckdb import segment
from nbflow.storage.duckdb.journal import DuckDBJournal
from nbflow.storage.duckdb.store import DuckDBStore
from tests.storage.records import records

Step = tuple[str, Any]


@pytest.fixture
def tape(monkeypatch: pytest.MonkeyPatch) -> list[Step]:
    """All writes and syncs of segments, in order."""
    steps: list[Step] = []
    pwrite, sync = os.pwrite, segment._sync

    def write(descriptor: int, content: Any, offset: int) -> int:
        steps.append(("write", (offset, bytes(content))))
        return pwrite(descriptor, content, offset)

    def synced(descriptor: int) -> None:
        sync(descriptor)
        steps.append(("sync", None))

    monkeypatch.setattr(os, "pwrite", write)
    monkeypatch.setattr(segment, "_sync", synced)
    return steps


async def write_with(tape: list[Step], path: Path, total: int) -> None:
    journal = DuckDBJournal(path, take_in_every=3600)
    last = 0
    while last < total:
        await journal.append("x", records(last + 1, last + 3), after=last)
        last += 3
        tape.append(("acknowledged", last))
    await journal.close()


def after_the_cut(tape: list[Step], cut: int, rng: random.Random) -> tuple[bytes, int]:
    """The file as a disk may have it when the power went after `cut` steps, and what was acknowledged then."""
    steps = tape[:cut]
    last_sync = max((number for number, step in enumerate(steps) if step[0] == "sync"), default=-1)
    sure = [what for kind, what in steps[: last_sync + 1] if kind == "write"]
    perhaps = [what for kind, what in steps[last_sync + 1 :] if kind == "write" and rng.random() < 0.7]
    rng.shuffle(perhaps)
    content = bytearray()
    for offset, written in sure + [(offset, written[: rng.randint(0, len(written))]) for offset, written in perhaps]:
        content.extend(b"\0" * (offset + len(written) - len(content)))
        content[offset : offset + len(written)] = written
    return bytes(content), max((what for kind, what in steps if kind == "acknowledged"), default=0)


async def test_what_was_acknowledged_survives_a_power_cut_anywhere(tmp_path: Path, tape: list[Step]) -> None:
    await write_with(tape, tmp_path / "history.duckdb", 36)
    rng = random.Random(4)
    for cut in range(1, len(tape) + 1):
        content, acknowledged = after_the_cut(tape, cut, rng)
        path = tmp_path / f"cut-{cut}" / "history.duckdb"
        (path.parent / "segments").mkdir(parents=True)
        (path.parent / "segments" / "20260101-000000-dead-000001.jsonl").write_bytes(content)
        read = DuckDBStore(path).read("x")
        assert len(read) >= acknowledged and read == records(1, len(read)), cut


async def test_the_test_sees_a_writer_that_answers_before_the_sync(tmp_path: Path, tape: list[Step]) -> None:
    await write_with(tape, tmp_path / "history.duckdb", 36)
    early = [step for step in tape if step[0] != "sync"]  # as if nothing had ever been synced
    rng, lost = random.Random(4), 0
    for cut in range(1, len(early) + 1):
        content, acknowledged = after_the_cut(early, cut, rng)
        lost += len(content.splitlines()) - 1 < acknowledged
    assert lost > 5
