"""What every journal promises, whatever it is made of."""

from __future__ import annotations

import asyncio
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings

from nbflow.errors import JournalConflict, StorageError
from nbflow.execution import events as e
from nbflow.execution.events import Record
from nbflow.ports.journal import Journal
from tests.conformance.conftest import Store
from tests.storage.records import NASTY, START, events, record, records, same, started

pytestmark = pytest.mark.timeout(60)


async def test_what_was_appended_is_read_in_order(journal: Journal) -> None:
    await journal.append("x", records(1, 3), after=0)
    await journal.append("x", records(4, 4), after=3)
    assert await journal.read("x") == records(1, 4)
    assert await journal.read("x", after=3) == records(4, 4)
    assert await journal.read("x", after=9) == []


async def test_an_unknown_execution_has_no_records(journal: Journal) -> None:
    assert await journal.read("nobody") == []
    assert await journal.executions() == []
    assert await journal.gaps() == []


async def test_executions_do_not_mix(journal: Journal) -> None:
    await journal.append("x", records(1, 2), after=0)
    await journal.append("y", records(1, 1), after=0)
    await journal.append("x", records(3, 3), after=2)
    assert await journal.read("x") == records(1, 3)
    assert await journal.read("y") == records(1, 1)


@pytest.mark.parametrize("after", [0, 1, 3, 99])
async def test_an_append_after_another_sequence_is_refused_and_changes_nothing(journal: Journal, after: int) -> None:
    await journal.append("x", records(1, 2), after=0)
    with pytest.raises(JournalConflict, match="x"):
        await journal.append("x", records(after + 1, after + 2), after=after)
    assert await journal.read("x") == records(1, 2)
    await journal.append("x", records(3, 3), after=2)
    assert await journal.read("x") == records(1, 3)


async def test_the_first_append_of_an_execution_must_be_after_nothing(journal: Journal) -> None:
    with pytest.raises(JournalConflict):
        await journal.append("x", records(5, 5), after=4)
    assert await journal.read("x") == []


async def test_appends_are_made_in_the_order_of_the_calls(journal: Journal) -> None:
    appends = [journal.append("x", [record(number)], after=number - 1) for number in range(1, 51)]
    await asyncio.gather(*appends)
    assert await journal.read("x") == records(1, 50)


async def test_of_two_writers_of_one_place_one_is_refused(journal: Journal) -> None:
    answers = await asyncio.gather(
        *(journal.append("x", [record(1)], after=0) for _ in range(5)), return_exceptions=True
    )
    assert [type(answer) for answer in answers].count(JournalConflict) == 4
    assert await journal.read("x") == records(1, 1)


async def test_the_second_writer_is_refused_every_time_while_the_first_lives(store: Store, journal: Journal) -> None:
    if not store.shared:
        pytest.skip("it lives in its one journal")
    await journal.append("x", records(1, 2), after=0)
    second = store.journal()
    for last in range(2, 6):
        answers = await asyncio.gather(
            second.append("x", [record(last + 1)], after=last), second.append("x", [record(1)], after=0),
            journal.append("x", [record(last + 1)], after=last), second.append("x", [record(last + 2)], after=last + 1),
            return_exceptions=True,
        )  # fmt: skip
        assert [type(answer).__name__ for answer in answers] == ["JournalConflict"] * 2 + [
            "NoneType",
            "JournalConflict",
        ]
    assert [one.sequence for one in await journal.read("x")] == [1, 2, 3, 4, 5, 6]
    with pytest.raises(JournalConflict):
        await journal.append("x", [record(1)], after=0)  # does not let the second one in
    with pytest.raises(JournalConflict):
        await second.append("x", [record(7)], after=6)
    await journal.append("x", [Record(7, START, e.ExecutionCompleted())], after=6)
    await second.append("x", [record(8)], after=7)  # it has ended: whoever goes on with it has it
    with pytest.raises(JournalConflict):
        await journal.append("x", [record(9)], after=8)
    await second.close()
    await journal.append("x", [record(9)], after=8)
    assert [one.sequence for one in await journal.read("x")] == list(range(1, 10))


async def test_a_refused_value_stores_nothing_of_its_batch(journal: Journal) -> None:
    bad = Record(2, START, e.NodeCompleted("n", 1, {"x": object()}))
    with pytest.raises(StorageError, match="object"):
        await journal.append("x", [record(1), bad], after=0)
    assert await journal.read("x") == []
    await journal.append("x", records(1, 1), after=0)
    assert await journal.read("x") == records(1, 1)


async def test_a_batch_of_nothing_is_nothing(journal: Journal) -> None:
    await journal.append("x", [], after=0)
    assert await journal.read("x") == []
    assert await journal.executions() == []


@pytest.mark.parametrize("value", NASTY, ids=ascii)
async def test_any_json_value_is_read_as_it_was(journal: Journal, value: Any) -> None:
    written = [Record(1, START, e.NodeCompleted("n", 1, value)), Record(2, START, e.SignalReceived("s", [value]))]
    await journal.append("x", written, after=0)
    assert same(await journal.read("x"), written)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(event=events)
async def test_every_event_is_read_as_it_was(journal: Journal, event: e.Event) -> None:
    execution = f"x{len(await journal.executions())}"
    written = [Record(1, START, event)]
    await journal.append(execution, written, after=0)
    assert same(await journal.read(execution), written)


async def test_frames_arrays_bytes_and_large_values_are_read_as_they_were(journal: Journal) -> None:
    frame = pd.DataFrame({"a": [1, 2], "b": ["x", None]})
    array = np.arange(4)
    value = {
        "frame": frame,
        "array": array,
        "bytes": b"\0\xff",
        "text": "x" * 200_000,
        "rows": [{"n": n} for n in range(9000)],
    }
    await journal.append("x", [Record(1, START, e.NodeCompleted("n", 1, value))], after=0)
    (read,) = await journal.read("x")
    assert isinstance(read.event, e.NodeCompleted)
    output = read.event.output
    pd.testing.assert_frame_equal(output.pop("frame"), frame)
    assert (output.pop("array") == array).all()
    assert output == {"bytes": b"\0\xff", "text": value["text"], "rows": value["rows"]}


async def test_what_was_appended_does_not_change_with_its_objects(journal: Journal) -> None:
    value = {"list": [1]}
    await journal.append("x", [Record(1, START, e.NodeCompleted("n", 1, value))], after=0)
    value["list"].append(2)
    (read,) = await journal.read("x")
    assert read == Record(1, START, e.NodeCompleted("n", 1, {"list": [1]}))


def failed(message: str) -> dict[str, str]:
    return {"kind": "ValueError", "message": message}


LIVES: dict[str, list[e.Event]] = {
    "running": [started(), e.NodeStarted("n", 1)],
    "paused": [started(), e.ExecutionPaused()],
    "suspended": [started(), e.NodeStarted("n", 1), e.ExecutionSuspended("interrupted")],
    "completed": [started(), e.NodeStarted("n", 1), e.NodeCompleted("n", 1, 3), e.ExecutionCompleted({"n": 3})],
    "failed": [started(), e.ExecutionEnding("failed", failed("no")), e.ExecutionFailed(failed("no"))],
    "cancelled": [started(), e.ExecutionEnding("cancelled"), e.ExecutionCancelled()],
    "waiting": [started(), e.NodeStarted("n", 1), e.NodeCompleted("n", 1, 3), e.NodeWaiting("ask", 1, "ask")],
}
MORE: list[tuple[str, list[e.Event]]] = [
    ("running", [started(), e.ExecutionPaused(), e.ExecutionResumed()]),
    ("running", [started(), e.ExecutionSuspended(), e.ExecutionRecovered()]),
    ("running", [started(), e.NodeWaiting("m", 1, "ask"), e.NodeStarted("n", 1)]),
    ("running", [started(), e.NodeWaiting("n", 1, "retry", until=5.0)]),
    ("running", [started(), e.NodeWaiting("n", 1, "ask"), e.NodeCompleted("n", 1, 5)]),
    ("completed", [started(), e.ExecutionFailed(failed("no")), e.ExecutionRecovered(), e.ExecutionCompleted(1)]),
]


@pytest.mark.parametrize(("phase", "life"), [*LIVES.items(), *MORE])
async def test_the_list_says_where_an_execution_stands(journal: Journal, phase: str, life: list[e.Event]) -> None:
    written = [record(number, event) for number, event in enumerate(life, 1)]
    await journal.append("x", written, after=0)
    (summary,) = await journal.executions()
    ended = written[-1].at if phase in ("completed", "failed", "cancelled") else None
    error = failed("no") if phase == "failed" else None
    assert (summary.execution, summary.workflow, summary.version, summary.phase) == ("x", "demo", "1", phase)
    assert (summary.started, summary.ended, summary.error, summary.records) == (START + 1 / 8, ended, error, len(life))


async def test_the_list_has_the_latest_started_first(journal: Journal) -> None:
    for number, execution in enumerate(["b", "c", "a"]):
        await journal.append(execution, [Record(1, START + number, started())], after=0)
    assert [summary.execution for summary in await journal.executions()] == ["a", "c", "b"]


async def test_the_latest_result_under_a_key_is_found(journal: Journal) -> None:
    for place, execution in enumerate("ab"):
        written = [
            Record(1, START + place, e.NodeCompleted("n", 1, f"{execution}-other", key="k2")),
            Record(2, START + place + 0.1, e.NodeCompleted("m", 1, {"x": execution}, key="k1")),
            Record(3, START + place + 0.2, e.NodeCompleted("o", 1, "none")),
        ]
        await journal.append(execution, written, after=0)
    found = await journal.find_result("k1")
    assert found is not None
    assert (found.execution, found.path, found.at, found.output) == ("b", "m", START + 1.1, {"x": "b"})
    assert await journal.find_result("k3") is None


async def test_a_closed_journal_refuses_appends(journal: Journal) -> None:
    await journal.append("x", records(1, 1), after=0)
    await journal.close()
    with pytest.raises(StorageError, match="closed"):
        await journal.append("x", records(2, 2), after=1)
    await journal.close()
