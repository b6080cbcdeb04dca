"""``database.*`` on a real PostgreSQL."""

from __future__ import annotations

import asyncio
import contextlib

import pytest

from nbflow.errors import NodeError
from nbflow.integrations.tools.database.asking import Ask
from nbflow.integrations.tools.database.postgres import PostgresDatabase
from nbflow.integrations.tools.database.tools import Databases
from tests.integrations.tools.database.test_files import Tools, fails

pytestmark = pytest.mark.services


@pytest.fixture
async def db(postgres):
    address = postgres.replace("a-password", "{PG_PASSWORD}")
    tools = Tools(Databases({"default": address}, {"PG_PASSWORD": "p@ss/word"}))
    await tools.execute("drop table if exists u")
    await tools.execute("create table u (id integer primary key, name text)")
    await tools.execute("insert into u values (1, 'ada'), (2, 'bob')")
    yield tools
    await tools.databases.close()


async def test_rows_values_and_changes(db):
    assert await db.query("select id, name from u where name = $name", params={"name": "ada"}) == [
        {"id": 1, "name": "ada"}
    ]
    assert await db.query("select id from u where id = any(?) order by id", params=[[1, 2]]) == [{"id": 1}, {"id": 2}]
    assert await db.execute("update u set name = ? where id = ?", params=["x'; drop table u; --", 1]) == {
        "changed": 1,
        "rows": [],
    }
    assert (await db.execute("insert into u values (3, 'eve') returning id, name"))["rows"] == [
        {"id": 3, "name": "eve"}
    ]
    assert len(await db.query("select * from u")) == 3


async def test_values_of_all_kinds_come_back_as_json(db):
    (row,) = await db.query(
        "select 1.5::numeric as n, now() as t, '{\"a\": [1]}'::jsonb as j, array[1, 2] as l, null as z, true as b,"
        " 'x'::bytea as raw, gen_random_uuid() as u, 2::bigint as i"
    )
    assert (row["n"], row["j"], row["l"], row["z"], row["b"], row["raw"], row["i"]) == (
        1.5,
        {"a": [1]},
        [1, 2],
        None,
        True,
        b"x",
        2,
    )
    assert len(row["u"]) == 36 and "T" in row["t"]


@pytest.mark.parametrize(
    "query",
    [
        "delete from u",
        "with x as (delete from u returning 1) select * from x",
        "create table v (a int)",
        "select nextval('s')",
        "set transaction read write",
        "select set_config('transaction_read_only', 'off', false)",
        "set search_path to nowhere",
        "listen x",
        "prepare p as select 1",
        "commit",
        "copy u to stdout",
        "do $$ begin delete from u; end $$",
        "/* select */ -- select\n vacuum",
    ],
)
async def test_a_query_changes_nothing(db, query):
    await db.execute("create sequence if not exists s")
    await fails(db.query(query), "sql.read_only")
    assert len(await db.query("select * from u")) == 2


async def test_stacked_statements_do_not_reach_the_server_nor_run_there(db):
    await fails(db.query("select 1; drop table u"), "sql.many_statements")
    for query in (
        r"select E'a\'' ; commit; delete from u where id=1; -- '",
        "select 1 as a$b$ ; commit; delete from u",
    ):
        await fails(db.query(query + " "), "sql.many_statements")
        await fails(db.execute(query), "sql.many_statements")
    assert len(await db.query("select * from u")) == 2


async def test_the_server_itself_takes_one_statement_however_the_text_was_read(db):
    for write in (False, True):
        ask = Ask("select 1; commit; delete from u", [], write)
        await fails(db.databases.find(None).run(ask), "sql.many_statements")
    assert len(await db.query("select * from u")) == 2


async def test_an_operator_with_a_question_mark_is_no_placeholder_where_there_are_no_values(db):
    (row,) = await db.query("""select '{"a": 1}'::jsonb ? 'a' as found, $$; ? $a$$ as text""")
    assert row == {"found": True, "text": "; ? $a"}
    await fails(db.query("select $1 as a"), "sql.params")


async def test_nothing_of_a_statement_is_left_on_its_connection(postgres):
    tools = Tools(Databases({"default": postgres}))
    tools.databases._open["default"] = PostgresDatabase("default", postgres, size=1)
    await tools.query("select pg_advisory_lock(7), set_config('search_path', 'nowhere', false)")
    await tools.execute("set search_path to nowhere")
    await tools.execute("prepare p as select 1")
    await tools.execute("create temp table kept (a int)")
    (row,) = await tools.query(
        "select current_setting('search_path') as path, (select count(*) from pg_locks where locktype = 'advisory') as locks,"
        " (select count(*) from pg_prepared_statements where name = 'p') as prepared, to_regclass('kept') is null as gone"
    )
    assert row == {"path": '"$user", public', "locks": 0, "prepared": 0, "gone": True}
    before = await tools.query("select count(*) as n from pg_largeobject_metadata")
    with contextlib.suppress(NodeError):  # newer servers refuse it
        await tools.query("select lo_create(0)")
    assert await tools.query("select count(*) as n from pg_largeobject_metadata") == before
    for query in ("select 1 as a", "(select 1 as a)", "values (1)", "with x as (select 1 as a) select * from x"):
        assert len(await tools.query(query)) == 1
    assert await tools.query("show search_path") and await tools.query("explain select 1")
    await tools.databases.close()


async def test_what_is_wrong_is_said_with_a_code(db):
    await fails(db.query("select 1 from"), "sql.syntax")
    await fails(db.query("select * from nope"), "sql.name")
    await fails(db.execute("insert into u values (1, 'again')"), "sql.constraint")
    await fails(db.query("select 'x'::integer"), "sql.type")
    await fails(db.query("select * from generate_series(1, 20000)"), "limit.rows")
    await fails(db.query("select 1", tables={"a": []}), "sql.tables")
    assert await db.query("select 1 as a") == [{"a": 1}]


async def test_a_failed_statement_leaves_a_clean_connection(postgres):
    one = Tools(Databases({"default": postgres}))
    one.databases._open["default"] = PostgresDatabase("default", postgres, size=1)
    await fails(one.query("select 1 from"), "sql.syntax")
    assert await one.query("select 1 as a") == [{"a": 1}]
    await one.databases.close()


async def test_many_wait_for_few_connections_and_a_full_pool_is_named(postgres):
    tools = Tools(Databases({"default": postgres}))
    tools.databases._open["default"] = PostgresDatabase("default", postgres, size=2)
    rows = await asyncio.gather(*(tools.query("select ?::int as n", params=[n]) for n in range(100)))
    assert [row[0]["n"] for row in rows] == list(range(100))
    await tools.databases.close()
    tools.databases._open["default"] = PostgresDatabase("default", postgres, size=1, patience=0.2)
    holding = asyncio.create_task(tools.query("select pg_sleep(2)"))
    await asyncio.wait([holding], timeout=0.3)
    error = await fails(tools.query("select 1"), "sql.pool")
    assert "'default'" in str(error)
    holding.cancel()
    with pytest.raises(asyncio.CancelledError):
        await holding
    await tools.databases.close()


async def test_cancelling_stops_the_statement_on_the_server(db):
    task = asyncio.create_task(db.query("select pg_sleep(600) as nbflow_sleeps"))
    await asyncio.wait([task], timeout=0.4)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asyncio.wait_for(task, 5)
    query = "select count(*) as n from pg_stat_activity where query like '%nbflow_sleeps%' and state = 'active' and pid <> pg_backend_pid()"
    for _ in range(50):
        if (await db.query(query))[0]["n"] == 0:
            break
        await asyncio.wait([asyncio.create_task(asyncio.Event().wait())], timeout=0.05)
    assert (await db.query(query))[0]["n"] == 0


async def test_a_transaction_is_run_again_when_the_database_asks(db, postgres):
    """Two updates in opposite order: one of them is the deadlock's victim, and both are there in the end."""
    await db.execute("create or replace function meet(a int, b int) returns void language plpgsql as $$"
                     " begin update u set name = name || 'x' where id = a; perform pg_sleep(0.4);"
                     " update u set name = name || 'x' where id = b; end $$")  # fmt: skip
    await db.execute("alter database postgres set deadlock_timeout = '100ms'")
    other = Tools(Databases({"default": postgres}))
    await asyncio.gather(other.execute("select meet(1, 2)"), other.execute("select meet(2, 1)"))
    assert [row["name"] for row in await db.query("select name from u order by id")] == ["adaxx", "bobxx"]
    await other.databases.close()


async def test_no_server_and_no_leave_are_told_apart_and_show_no_password():
    nobody = Tools(Databases({"default": "postgresql://u:s3cr3t-word@127.0.0.1:1/x"}))
    nobody.databases._open["default"] = PostgresDatabase("default", nobody.databases.addresses["default"], patience=0.5)
    with pytest.raises(NodeError) as caught:
        await nobody.query("select 1")
    assert caught.value.kind == "Unavailable"
    assert "s3cr3t" not in str(caught.value)
    await nobody.databases.close()
