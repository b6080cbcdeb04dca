"""``database.query`` and ``database.execute`` on DuckDB and SQLite: real files, nothing around them reached."""

from __future__ import annotations

import asyncio
import datetime as dt
import sqlite3
from decimal import Decimal

import duckdb
import pandas as pd
import pytest

from nbflow.errors import NodeError
from nbflow.integrations.tools.database.asking import plain_value
from nbflow.integrations.tools.database.tools import Databases, database_tools
from tests.nodes.calls import agent, attempted, tool

KINDS = ["duck", "lite"]


class Tools:
    def __init__(self, databases: Databases):
        self.query_tool, self.execute_tool = database_tools(databases)
        self.databases = databases

    async def query(self, query, work=None, **more):
        call = attempted(work or tool("database.query"), {}).call
        return await self.query_tool.call({"query": query, **more}, call)

    async def execute(self, query, **more):
        return await self.execute_tool.call({"query": query, **more}, attempted(tool("database.execute"), {}).call)


@pytest.fixture
def db(tmp_path) -> Tools:
    with duckdb.connect(str(tmp_path / "d.duckdb")) as connection:
        connection.execute("create table u (id integer primary key, name text)")
        connection.execute("insert into u values (1, 'ada'), (2, 'bob')")
    with sqlite3.connect(tmp_path / "l.sqlite") as connection:
        connection.execute("create table u (id integer primary key, name text)")
        connection.execute("insert into u values (1, 'ada'), (2, 'bob')")
    connection.close()
    addresses = {"duck": f"duckdb:///{tmp_path}/d.duckdb", "lite": f"sqlite:///{tmp_path}/l.sqlite"}
    return Tools(Databases(addresses))


async def fails(awaitable, *codes: str) -> NodeError:
    with pytest.raises(NodeError) as caught:
        await awaitable
    assert caught.value.code in codes
    return caught.value


@pytest.mark.parametrize("kind", KINDS)
async def test_rows_come_back_as_mappings(db, kind):
    rows = await db.query("select id, name from u order by id", connection=kind)
    assert rows == [{"id": 1, "name": "ada"}, {"id": 2, "name": "bob"}]
    assert await db.query("select * from u where false", connection=kind) == []


@pytest.mark.parametrize("kind", KINDS)
async def test_values_go_in_as_values(db, kind):
    evil = "x'; drop table u; --"
    assert await db.query("select * from u where name = $name", params={"name": evil}, connection=kind) == []
    assert await db.query("select ? as a, ? as b", params=[evil, 2], connection=kind) == [{"a": evil, "b": 2}]
    await db.execute("insert into u values (?, ?)", params=[3, evil], connection=kind)
    assert len(await db.query("select * from u", connection=kind)) == 3


@pytest.mark.parametrize("kind", KINDS)
async def test_changes_are_counted_and_returned(db, kind):
    assert await db.execute("update u set name = 'x' where id > ?", params=[0], connection=kind) == {
        "changed": 2,
        "rows": [],
    }
    made = await db.execute("insert into u values (5, 'eve') returning id", connection=kind)
    assert made["rows"] == [{"id": 5}]
    assert (await db.execute("create table v (a integer)", connection=kind))["rows"] == []
    assert len(await db.query("select * from u", connection=kind)) == 3


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    "query",
    ["delete from u", "update u set id = 9", "insert into u values (9, 'x')", "drop table u", "create table v (a integer)",
     "with x as (select 1) delete from u"],
)  # fmt: skip
async def test_a_query_changes_nothing(db, kind, query):
    await fails(db.query(query, connection=kind), "sql.read_only", "sql.syntax")
    assert len(await db.query("select * from u", connection=kind)) == 2


@pytest.mark.parametrize("kind", KINDS)
async def test_stacked_statements_are_refused(db, kind):
    await fails(db.query("select 1; drop table u; select 2", connection=kind), "sql.many_statements")
    await fails(db.execute("select 1; drop table u", connection=kind), "sql.many_statements")
    assert len(await db.query("select * from u", connection=kind)) == 2


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("select content from read_text('/etc/passwd')", "sql.no_file_access"),
        ("select * from glob('/*')", "sql.no_file_access"),
        ("select * from 'data.csv'", "sql.no_file_access"),
        ("copy (select * from u) to 'x.csv'", "sql.no_file_access"),
        ("install httpfs", "sql.no_extensions"),
        ("load httpfs", "sql.no_extensions"),
        ("attach 'other.duckdb'", "sql.no_file_access"),
        ("set enable_external_access = true", "sql.locked_settings"),
        ("set lock_configuration = false", "sql.locked_settings"),
        ("select * from frame", "sql.name"),
    ],
)
async def test_duckdb_reaches_nothing_around_it(db, tmp_path, monkeypatch, query, code):
    monkeypatch.chdir(tmp_path)
    frame = pd.DataFrame({"secret": [1]})
    error = await fails(db.execute(query, connection="duck"), code)
    assert "root:x:0" not in str(error)
    await fails(db.query(query, connection="duck"), code, "sql.read_only")
    assert not (tmp_path / "x.csv").exists() and len(frame) == 1


@pytest.mark.parametrize(
    "query",
    [
        "attach database 'other.sqlite' as o",
        "select load_extension('x')",
        "pragma writable_schema = 1",
        "vacuum into 'x.sqlite'",
    ],
)
async def test_sqlite_reaches_nothing_around_it(db, tmp_path, monkeypatch, query):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(NodeError):
        await db.execute(query, connection="lite")
    assert sorted(path.name for path in tmp_path.iterdir() if path.suffix) == ["d.duckdb", "l.sqlite"]


@pytest.mark.parametrize("kind", KINDS)
async def test_too_many_rows_are_stopped(db, kind):
    many = "select * from range(10000000)" if kind == "duck" else (
        "with recursive n(x) as (select 1 union all select x + 1 from n where x < 10000000) select x from n"
    )  # fmt: skip
    error = await fails(db.query(many, connection=kind), "limit.rows")
    assert "stopped at 10,000 rows" in str(error)
    await fails(db.query("select * from u", connection=kind, max_rows=1), "limit.rows")


@pytest.mark.parametrize("kind", KINDS)
async def test_many_at_once_wait_in_turn(db, kind):
    await asyncio.gather(
        *(db.execute("update u set name = name || 'x' where id = 1", connection=kind) for _ in range(20))
    )
    (row,) = await db.query("select name from u where id = 1", connection=kind)
    assert row["name"] == "ada" + "x" * 20


@pytest.mark.parametrize("kind", KINDS)
async def test_cancelling_stops_the_statement(db, kind):
    long = "select count(*) from range(1000000) a, range(1000000) b" if kind == "duck" else (
        "with recursive n(x) as (select 1 union all select x + 1 from n) select max(x) from n"
    )  # fmt: skip
    task = asyncio.create_task(db.query(long, connection=kind))
    await asyncio.wait([task], timeout=0.3)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asyncio.wait_for(task, 5)
    assert len(await db.query("select * from u", connection=kind)) == 2


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("query", "codes"),
    [
        ("selec 1", ("sql.syntax",)),
        ("select * from nope", ("sql.name",)),
        ("select nope from u", ("sql.name",)),
        ("insert into u values (1, 'again')", ("sql.constraint",)),
    ],
)
async def test_what_is_wrong_is_said_with_a_code(db, kind, query, codes):
    await fails(db.execute(query, connection=kind), *codes)
    assert len(await db.query("select * from u", connection=kind)) == 2


async def test_rows_and_frames_of_the_workflow_are_queried_in_memory(db):
    tables = {"a": [{"x": 1}, {"x": 2}], "b": pd.DataFrame({"x": [2, 3]})}
    assert await db.query("select a.x from a join b using (x)", tables=tables) == [{"x": 2}]
    frame = await db.query("select x * 2 as y from a order by x", tables=tables, rows="frame")
    assert list(frame.y) == [2, 4]
    await fails(db.query("select 1", tables={"a": 3}), "sql.tables")
    await fails(db.query("select 1", tables={"a": []}, connection="lite"), "sql.tables")


async def test_a_query_does_not_see_the_variables_of_this_process(db):
    await fails(db.query('select * from "table"', tables={"a": pd.DataFrame({"x": [1]})}), "sql.name")


async def test_an_unknown_database_suggests_the_nearest(db, tmp_path):
    error = await fails(db.query("select 1", connection="duk"), "sql.connection")
    assert "duck" in error.hint
    db.databases.addresses |= {
        "gone": f"duckdb:///{tmp_path}/gone.duckdb",
        "odd": "oracle://x",
        "own": "duckdb:///own.duckdb",
    }
    await fails(db.query("select 1", connection="gone"), "sql.missing")
    await fails(db.query("select 1", connection="odd"), "sql.connection")
    refusing = Tools(Databases(db.databases.addresses, refuse=lambda path: path.name == "own.duckdb"))
    await fails(refusing.query("select 1", connection="own"), "sql.connection")


async def test_a_default_database_needs_no_name(db, tmp_path):
    tools = Tools(Databases({"default": f"sqlite:///{tmp_path}/l.sqlite"}))
    assert len(await tools.query("select * from u")) == 2


async def test_a_model_gets_the_database_that_its_node_names(db):
    named = agent("m", options={"connection": "lite"})
    assert len(await db.query("select * from u", work=named)) == 2
    await fails(db.query("select * from u", work=agent("m"), connection="lite"), "sql.name")
    assert "connection" in db.query_tool.authors_only


def test_effects(db):
    assert (db.query_tool.effects(), db.execute_tool.effects()) == ("none", "once")


async def test_two_columns_of_one_name_are_refused(db):
    await fails(db.query("select 1 as a, 2 as a", connection="duck"), "sql.columns")


@pytest.mark.parametrize(
    ("value", "plain"),
    [
        (Decimal("1.50"), 1.5), (Decimal("12345678901234567890.12"), "12345678901234567890.12"), (Decimal(7), 7), (2**70, str(2**70)),
        (float("nan"), None), (dt.date(2026, 1, 2), "2026-01-02"), (dt.timedelta(days=1), 86400.0), ({"a": (1, {2})}, {"a": [1, [2]]}),
        (bytearray(b"x"), b"x"),
    ],
)  # fmt: skip
def test_values_are_json_data(value, plain):
    assert plain_value(value) == plain
