"""What every store promises about finding executions."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator
from typing import Any

import pytest

from nbflow.errors import StorageError
from nbflow.execution import events as e
from nbflow.execution.events import Record
from nbflow.ports.executions import Executions, Listed, Query
from nbflow.ports.journal import Journal
from tests.conformance.conftest import Store
from tests.storage.records import START

pytestmark = pytest.mark.timeout(60)

Pair = tuple[Journal, Executions]


@pytest.fixture
async def pair(store: Store) -> AsyncIterator[Pair]:
    journal = store.journal()
    executions = store.executions(journal)
    yield journal, executions
    await executions.close()
    await journal.close()


def life(at: float, workflow: str, version: str, end: e.Event | None, **more: Any) -> list[Record]:
    inputs, labels, calls = more.get("inputs", {}), more.get("labels", {}), more.get("calls", [])
    events: list[e.Event] = [
        e.ExecutionStarted(workflow, version, f"h-{workflow}", "nodes: {}", inputs, ("n",), labels)
    ]
    events.append(e.NodeStarted("n", 1))
    events += [e.CallRecorded("n", 1, number, "model", "m", usage=usage) for number, usage in enumerate(calls, 1)]
    events += [e.NodeCompleted("n", 1, 1)] + ([end] if end is not None else [])
    return [Record(number, at + number / 8, event) for number, event in enumerate(events, 1)]


ENDED = e.ExecutionCompleted({"n": 1})
FAILED = e.ExecutionFailed({"node": "n", "kind": "RateLimited", "message": "Too MANY requests", "attempt": 1})

GIVEN = {
    "a": life(START, "demo", "1.0", ENDED, inputs={"url": "https://x", "n": 3}, labels={"team": "red"},
              calls=[{"input": 5, "usd": 0.5}, {"input": 7, "output": 2, "usd": 1.0}]),
    "b": life(START + 10, "demo", "1.1", FAILED, inputs={"n": 4, "deep": {"k": [1, "two"]}}, labels={"team": "blue"}),
    "c": life(START + 20, "other", "1.0", None, inputs={"n": True, "we'ird \"name\"": "v", "no": None}, calls=[{}]),
    "d": life(START + 20, "other", "1.0", e.ExecutionCancelled("enough"), labels={"team": "red", "tier": "gold"}),
}  # fmt: skip


async def fill(journal: Journal) -> None:
    for execution, records in GIVEN.items():
        await journal.append(execution, records, after=0)


async def test_each_execution_is_one_line(pair: Pair) -> None:
    await fill(pair[0])
    page = await pair[1].find(Query())
    assert page.next is None and [row.execution for row in page.rows] == ["c", "d", "b", "a"]
    assert page.rows[3] == Listed(
        "a", "demo", "1.0", "completed", START + 1 / 8, START + 6 / 8, None, 6, 1, 1, 2, 12, 2, 1.5, {"team": "red"}
    )
    assert page.rows[2] == Listed(
        "b",
        "demo",
        "1.1",
        "failed",
        START + 10 + 1 / 8,
        START + 10 + 4 / 8,
        FAILED.error,
        4,
        1,
        1,
        labels={"team": "blue"},
    )
    assert (page.rows[0].phase, page.rows[0].calls, page.rows[0].usd) == ("running", 1, None)


@pytest.mark.parametrize(("query", "expected"), [
    (Query(phases=("failed", "running")), "cb"),
    (Query(workflow="demo"), "ba"),
    (Query(workflow="none", also=frozenset({"demo"})), "ba"),
    (Query(workflow="demo", version="1.0"), "a"),
    (Query(since=START + 10), "cdb"),
    (Query(until=START + 20), "ba"),
    (Query(since=START + 5, until=START + 15), "b"),
    (Query(labels={"team": "red"}), "da"),
    (Query(labels={"team": "red", "tier": "gold"}), "d"),
    (Query(inputs={"n": 3}), "a"),
    (Query(inputs={"n": "3"}), "a"),
    (Query(inputs={"n": True}), "c"),
    (Query(inputs={"no": None}), "c"),
    (Query(inputs={"no": "null"}), "c"),
    (Query(inputs={"nothing": None}), ""),
    (Query(inputs={"deep": {"k": [1, "two"]}}), "b"),
    (Query(inputs={"url": "https://x", "n": 3}), "a"),
    (Query(inputs={"we'ird \"name\"": "v"}), "c"),
    (Query(inputs={"missing": 1}), ""),
    (Query(error="too many"), "b"),
    (Query(error="ratelimited"), "b"),
    (Query(error="%"), ""),
    (Query(usd=1.0), "a"),
    (Query(usd=2.0), ""),
    (Query(tag="team"), "dba"),
    (Query(tag="tier"), "d"),
    (Query(tag="red"), ""),
    (Query(tag="no \"such'"), ""),
    (Query(tag="tier", tagged=frozenset({("demo", "1.1"), ("other", "9")})), "db"),
    (Query(tag="tier", tagged=frozenset({("demo", "1.1")}), workflow="demo"), "b"),
    (Query(workflow="'; drop table records; --"), ""),
])  # fmt: skip
async def test_a_query_finds_what_fits(pair: Pair, query: Query, expected: str) -> None:
    await fill(pair[0])
    assert "".join(row.execution for row in (await pair[1].find(query)).rows) == expected


async def test_pages_are_the_whole_in_order(pair: Pair) -> None:
    rng = random.Random(1)
    for _ in range(23):
        await pair[0].append(f"x{rng.random()}", life(START + rng.randint(0, 5), "demo", "1", None), after=0)
    whole = [row.execution for row in (await pair[1].find(Query(limit=100))).rows]
    assert len(whole) == 23
    for limit in (1, 5, 22, 23):
        seen: list[str] = []
        query = Query(limit=limit)
        while True:
            page = await pair[1].find(query)
            seen += [row.execution for row in page.rows]
            if page.next is None:
                break
            assert len(page.rows) == limit
            query = Query(limit=limit, cursor=page.next)
        assert seen == whole


async def test_a_page_goes_on_where_it_ended_when_more_has_started(pair: Pair) -> None:
    await fill(pair[0])
    page = await pair[1].find(Query(limit=2))
    await pair[0].append("new", life(START + 99, "demo", "1", None), after=0)
    assert page.next
    assert [row.execution for row in (await pair[1].find(Query(limit=2, cursor=page.next))).rows] == ["b", "a"]


@pytest.mark.parametrize("cursor", ["", "x", "WzFd", "bm90IGpzb24"])
async def test_a_cursor_that_is_none_is_refused(pair: Pair, cursor: str) -> None:
    with pytest.raises(StorageError) as caught:
        await pair[1].find(Query(cursor=cursor))
    assert caught.value.code == "store.cursor"


async def test_a_line_follows_its_execution(pair: Pair) -> None:
    records = GIVEN["b"]
    for number, phase in ((1, "running"), (3, "running"), (4, "failed")):
        last = (await pair[1].find(Query())).rows
        after = last[0].records if last else 0
        await pair[0].append("b", records[after:number], after=after)
        (row,) = (await pair[1].find(Query())).rows
        assert (row.phase, row.records) == (phase, number)
    more = [e.ExecutionRecovered("me"), e.NodeWaiting("n", 1, "ask")]
    await pair[0].append("b", [Record(5 + n, START + 50, event) for n, event in enumerate(more)], after=4)
    (row,) = (await pair[1].find(Query())).rows
    assert (row.phase, row.ended, row.error) == ("waiting", None, None)
