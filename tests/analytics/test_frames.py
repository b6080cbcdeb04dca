"""The tables that people ask: what they say of journals, and that asking harms nothing."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import duckdb
import pandas as pd
import pytest

from nbflow.analytics import frames
from nbflow.analytics.kinds import kinds_of
from nbflow.execution import events as e
from nbflow.execution.events import Record
from nbflow.storage.duckdb.journal import DuckDBJournal
from nbflow.storage.memory.journal import MemoryJournal
from tests.storage.other import another
from tests.storage.records import START, record, records

pytestmark = pytest.mark.timeout(60)

SOURCE = """
nodes:
  a: {set: {x: 1}}
  pick: {switch: [{when: a.x > 5, then: big}, {else: small}]}
  big: {tool: f}
  small: {agent: hello}
  each:
    parallel: {for_each: "[1, 2]"}
    nodes:
      twice: {tool: f}
"""

LIFE: list[e.Event] = [
    e.ExecutionStarted("demo", "1.0", "hash1", SOURCE, {"n": 3}, ("a",), {"team": "x"}),
    e.NodeCompleted("a", 1, {"x": 1}, ("pick",)),
    e.NodeCompleted("pick", 1, {"chose": "small"}, ("small",), (("big", "pick chose small"),), ("small",)),
    e.NodeStarted("small", 1, {"prompt": "hello"}, "idempotent"),
    e.CallRecorded("small", 1, 1, "model", "openai/gpt-5-mini", {"digest": "d"}, {"model": "gpt-5-mini-2026", "text": "hi"},
                   None, 1.5, {"input": 10, "output": 20, "usd": 0.25}),
    e.AttemptFailed("small", 1, {"kind": "RateLimited", "message": "slow down"}, START + 2),
    e.NodeStarted("small", 2, {"prompt": "hello"}, "idempotent"),
    e.CallRecorded("small", 2, 1, "model", "openai/gpt-5-mini", {"digest": "d"}, None, {"kind": "Refused", "message": "no"}),
    e.CallRecorded("small", 2, 2, "tool", "f", {"x": 1}, 5, None, 0.25),
    e.NodeCompleted("small", 2, "hi", ("each",)),
    e.NodeExpanded("each", (("each[0]", {"item": 1}), ("each[1]", {"item": 2})), ("each[0].twice", "each[1].twice"), [1, 2], 2),
    e.NodeStarted("each[0].twice", 1, {"x": 1}),
    e.NodeStarted("each[1].twice", 1, {"x": 2}),
    e.NodeCompleted("each[1].twice", 1, {"text": "y" * 100_000}),
    e.NodeFailed("each[0].twice", 1, {"kind": "ValueError", "message": "bad"}, "continue"),
    e.ExecutionEnding("failed", {"node": "each", "kind": "ValueError", "message": "bad"}, ("each",)),
    e.ExecutionFailed({"node": "each[0].twice", "kind": "ValueError", "message": "bad"}),
]  # fmt: skip


def life(events: list[e.Event] = LIFE) -> list[Record]:
    return [record(number, event) for number, event in enumerate(events, 1)]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / ".nbflow" / "history.duckdb"


@pytest.fixture(params=["memory", "duckdb"])
async def store(request: pytest.FixtureRequest, path: Path) -> Any:
    """A store with the one life, as each function takes it."""
    journal: Any = MemoryJournal() if request.param == "memory" else DuckDBJournal(path)
    await journal.append("x", life(), after=0)
    await journal.append("y", life()[:7], after=0)
    if request.param == "memory":
        return journal
    await journal.close()
    return f"duckdb:///{path}"


def rows(frame: pd.DataFrame, *columns: str) -> list[tuple[Any, ...]]:
    def plain(value: Any) -> Any:
        return None if value is None or value is pd.NaT or value is pd.NA or value != value else value

    return [tuple(map(plain, row)) for row in frame[list(columns)].itertuples(index=False)]


def at(sequence: int) -> pd.Timestamp:
    return pd.Timestamp(record(sequence).at, unit="s")


async def test_executions_have_a_row_each(store: Any) -> None:
    frame = frames.executions(store)
    assert rows(frame, "execution", "workflow", "version", "phase", "nodes", "attempts", "calls", "records") == [
        ("x", "demo", "1.0", "failed", 6, 4, 3, 17), ("y", "demo", "1.0", "running", 3, 2, 1, 7),
    ]  # fmt: skip
    failed, running = frame.itertuples()
    assert (failed.started, failed.ended, failed.seconds) == (at(1), at(17), 2.0)
    assert pd.isna(running.ended) and pd.isna(running.seconds)
    assert rows(frame, "input_tokens", "output_tokens", "usd") == [(10, 20, 0.25), (10, 20, 0.25)]
    assert rows(frame, "error_kind", "error_node", "error")[0] == ("ValueError", "each[0].twice", "bad")
    assert (failed.inputs, failed.labels, failed.outputs, failed.origin) == ({"n": 3}, {"team": "x"}, None, None)


async def test_nodes_have_a_row_each_in_the_order_they_were_reached(store: Any) -> None:
    frame = frames.nodes(store)
    frame = frame[frame.execution == "x"]
    assert rows(frame, "path", "node", "kind", "phase", "attempts", "reason") == [
        ("a", "a", "set", "completed", 1, None),
        ("pick", "pick", "switch", "completed", 1, None),
        ("big", "big", "tool", "skipped", 0, "pick chose small"),
        ("small", "small", "agent", "completed", 2, None),
        ("each", "each", "parallel", "cancelled", 0, "cancelled"),
        ("each[0].twice", "twice", "tool", "failed", 1, None),
        ("each[1].twice", "twice", "tool", "completed", 1, None),
    ]
    nodes = {row.path: row for row in frame.itertuples()}
    assert (nodes["small"].started, nodes["small"].ended, nodes["small"].seconds) == (at(4), at(10), 0.75)
    assert (nodes["small"].inputs, nodes["small"].output) == ({"prompt": "hello"}, "hi")
    assert rows(frame[frame.path == "each[0].twice"], "error_kind", "error", "handled") == [
        ("ValueError", "bad", "continue")
    ]
    assert nodes["each[1].twice"].output == {"text": "<json, 100,002 bytes>"}
    waiting = frames.nodes(store)
    assert rows(waiting[(waiting.execution == "y")], "path", "phase", "attempts")[-1] == ("small", "running", 2)


async def test_events_are_the_records(store: Any) -> None:
    frame = frames.events(store)
    assert len(frame) == 24 and list(frame.columns) == [
        "execution",
        "sequence",
        "time",
        "event",
        "path",
        "attempt",
        "fields",
    ]
    assert rows(frame, "sequence", "event", "path")[1] == (2, "NodeCompleted", "a")
    assert frame.time[0] == at(1) and frame.fields[1] == {
        "node": "a",
        "attempt": 1,
        "output": {"x": 1},
        "activated": ["pick"],
    }


async def test_calls_have_tokens_cost_and_latency(store: Any) -> None:
    frame = frames.calls(store)
    assert rows(
        frame[frame.execution == "x"], "path", "attempt", "call", "kind", "model", "seconds", "input_tokens", "usd"
    ) == [
        ("small", 1, 1, "model", "gpt-5-mini-2026", 1.5, 10, 0.25),
        ("small", 2, 1, "model", "openai/gpt-5-mini", 0.0, None, None),
        ("small", 2, 2, "tool", None, 0.25, None, None),
    ]
    assert rows(frame, "error_kind", "error")[1] == ("Refused", "no")


@pytest.mark.parametrize("table", ["executions", "nodes", "events", "calls"])
async def test_an_empty_store_has_empty_tables_with_all_columns(path: Path, table: str) -> None:
    frame = getattr(frames, table)(path)
    assert frame.empty
    documented = getattr(frames, table).__doc__
    assert [column for column in frame.columns if column not in documented] == []
    assert not path.parent.exists()


async def test_sql_asks_the_tables_and_given_frames(store: Any) -> None:
    assert frames.sql("select phase, count(*) as n from executions group by all order by all", store).values.tolist() == [
        ["failed", 1], ["running", 1],
    ]  # fmt: skip
    assert frames.sql("select output->>'$.x' as x from nodes where path = 'a' limit 1", store).x[0] == "1"
    mine = pd.DataFrame({"path": ["a", "big"], "weight": [1, 2]})
    asked = frames.sql(
        "select weight from nodes join mine using (path) where execution = 'x' order by 1", store, mine=mine
    )
    assert asked.weight.tolist() == [1, 2]
    assert frames.sql("select date_trunc('day', time) as day from events limit 1", store).day[0] == pd.Timestamp(
        "2025-11-24"
    )


@pytest.mark.parametrize("query", [
    "delete from store.records",
    "drop table store.records",
    "insert into store.records values ('x', 99, 0, 'e', null, 1, '{}')",
    "attach '{path}' as own",
    "copy (select 1) to '{path}'",
    "create table store.more as select 1",
    "detach store; attach '{path}' as store",
    "set enable_external_access = true",
    "select * from read_text('{path}')",
    "export database '{path}'",
    "load httpfs",
])  # fmt: skip
async def test_no_query_harms_the_store(path: Path, query: str) -> None:
    journal = DuckDBJournal(path)
    await journal.append("x", life(), after=0)
    await journal.close()
    with pytest.raises(frames.QueryError):
        frames.sql(query.replace("{path}", str(path)), path)
    assert len(frames.events(path)) == len(LIFE)


async def test_a_wrong_query_says_what_duckdb_says(path: Path) -> None:
    with pytest.raises(frames.QueryError, match="no_such_column"):
        frames.sql("select no_such_column from nodes", path)


async def test_another_process_is_seen_within_a_second_and_not_kept_from_writing(path: Path) -> None:
    with another(path) as other:
        other.tell("append", "x", 1, 3)
        assert len(frames.events(path)) == 3
        with frames.connection(path) as connection:
            assert other.tell("append", "x", 4, 5) == "ok" and other.tell("read", "x") == [1, 2, 3, 4, 5]
            assert connection.execute("select count(*) from events").fetchall() == [(3,)]
        assert len(frames.events(path)) == 5
        assert other.tell("hold") == "ok"  # another connection has the database
        assert len(frames.events(path)) == 5


async def test_a_connection_is_a_plain_duckdb_connection(path: Path) -> None:
    journal = DuckDBJournal(path)
    await journal.append("x", records(1, 4), after=0)
    connection = frames.connection(path)
    assert isinstance(connection, duckdb.DuckDBPyConnection)
    await journal.append("x", records(5, 5), after=4)
    assert connection.sql("select max(sequence) from events").fetchall() == [(4,)]
    tables = {
        name
        for (name,) in connection.execute("select view_name from duckdb_views() where schema_name = 'main'").fetchall()
    }
    assert {"executions", "nodes", "events", "calls"} <= tables
    connection.close()
    await journal.close()


async def test_suspended_and_waiting_executions_say_so(path: Path) -> None:
    journal = DuckDBJournal(path)
    suspended = [LIFE[0], e.NodeStarted("a", 1), e.ExecutionSuspended("interrupted")]
    waiting = [LIFE[0], e.NodeStarted("a", 1), e.NodeCompleted("a", 1), e.NodeWaiting("pick", 1, "ask", None, "which?")]
    await journal.append("s", life(suspended), after=0)
    await journal.append("w", life(waiting), after=0)
    await journal.close()
    assert rows(frames.executions(path), "execution", "phase") == [("s", "suspended"), ("w", "waiting")]
    assert rows(frames.nodes(path), "execution", "path", "phase", "reason") == [
        ("s", "a", "scheduled", None), ("w", "a", "completed", None), ("w", "pick", "waiting", "ask"),
    ]  # fmt: skip


async def test_tables_and_the_journal_say_the_same_phases(path: Path) -> None:
    from tests.conformance.test_journal import LIVES, MORE

    journal = DuckDBJournal(path)
    for number, (_, events) in enumerate([*LIVES.items(), *MORE]):
        await journal.append(f"x{number}", life(events), after=0)
    expected = {summary.execution: summary.phase for summary in await journal.executions()}
    await journal.close()
    assert dict(rows(frames.executions(path), "execution", "phase")) == expected


def test_kinds_are_found_in_bodies_and_branches() -> None:
    text = """
nodes:
  refine:
    loop: {max: 3}
    nodes:
      write: {agent: hello}
      both:
        parallel: {branches: {left: {tool: f}, right: {nodes: {r: {set: {}}}}}}
  plug: {my_kind: {x: 1}, needs: [refine]}
"""
    assert kinds_of(text) == {
        "refine": "loop", "refine.write": "agent", "refine.both": "parallel", "refine.both.left.left": "tool",
        "refine.both.right.r": "set", "plug": "my_kind",
    }  # fmt: skip
    assert kinds_of("[[[") == {} and kinds_of("a: &a [*a]") == {} and kinds_of("nodes: 5") == {}


def test_an_unknown_address_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    from nbflow.errors import StorageError

    monkeypatch.setattr(frames, "find", frames._usual)
    with pytest.raises(StorageError, match="mysql"):
        frames.executions("mysql://db/x")
