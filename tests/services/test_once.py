"""SQL on the database of the store itself happens once, whenever the process that performs it is killed."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import threading
from collections import Counter
from pathlib import Path
from typing import Any

import psycopg
import pytest

from nbflow.errors import NodeError
from nbflow.integrations.tools.database.once import same_database
from tests.services.spender import NODES

pytestmark = [pytest.mark.services, pytest.mark.timeout(300)]

ROOT = Path(__file__).parents[2]


@pytest.fixture
def url(postgres: str) -> str:
    """A schema of its own."""
    with psycopg.connect(postgres, autocommit=True) as connection:
        connection.execute("drop schema if exists once cascade")
        connection.execute("create schema once")
        connection.execute("create table once.ledger (number bigint generated always as identity, what text)")
    return f"{postgres}?options=-csearch_path%3Donce"


def spend(url: str, workflows: int) -> subprocess.Popen[str]:
    env = {**os.environ, "NBFLOW_STORE": url, "NBFLOW_DATABASES": json.dumps({"shop": url})}
    command = [sys.executable, "-m", "tests.services.spender", str(workflows)]
    return subprocess.Popen(command, cwd=ROOT, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def killed(url: str, rng: random.Random) -> None:
    """One life, ended somewhere in its work."""
    with spend(url, 6) as process:
        assert process.stdout is not None and process.stdout.readline() == "going\n"
        threading.Event().wait(rng.random() * 0.25)
        process.kill()


def ledger(url: str) -> Counter[str]:
    with psycopg.connect(url) as connection:
        return Counter(what for (what,) in connection.execute("select what from ledger").fetchall())


def lives(url: str, kills: int, seed: int) -> None:
    rng = random.Random(seed)
    for _ in range(kills):
        killed(url, rng)
    said, problems = spend(url, 0).communicate(timeout=120)
    ended = [line.split(" ", 2) for line in said.splitlines()[1:]]
    assert all(phase == "completed" for _, phase, _ in ended), said + problems
    with psycopg.connect(url) as connection:
        executions = connection.execute("select execution, phase from executions where last > 0").fetchall()
    assert executions and {phase for _, phase in executions} == {"completed"}
    assert ledger(url) == {f"{name}/n{number}": 1 for name, _ in executions for number in range(NODES)}


def test_kills_neither_lose_a_statement_nor_repeat_one(url: str) -> None:
    lives(url, 12, seed=5)


@pytest.mark.nightly
@pytest.mark.timeout(1800)
def test_a_thousand_kills_neither_lose_a_statement_nor_repeat_one(url: str) -> None:
    lives(url, 300, seed=6)


@pytest.mark.parametrize(("one", "other", "same"), [
    ("postgresql://a:x@h/db", "postgres://b@H:5432/db?connect_timeout=3", True),
    ("postgresql:///db", "postgresql://localhost/db", True),
    ("postgresql://a,b:6/db", "postgresql://b:6,a/db", True),
    ("postgresql://h/db", "postgresql://h/other", False),
    ("postgresql://h/db", "postgresql://h:6/db", False),
    ("postgresql://h/db?options=-csearch_path%3Da", "postgresql://h/db", False),
    ("sqlite:///db", "sqlite:///db", False),
])  # fmt: skip
def test_a_database_is_the_store_s_by_its_place_and_not_by_who_connects(one: str, other: str, same: bool) -> None:
    assert same_database(one, other) is same


async def test_the_answer_is_given_again_and_another_statement_is_another(url: str) -> None:
    from nbflow.integrations.tools.database.tools import Databases, database_tools
    from nbflow.storage.postgres.server import migrate_now
    from tests.nodes.calls import attempted, tool

    call = attempted(tool("database.execute"), {}).call
    databases = Databases({"shop": url, "elsewhere": url.replace("once", "public")}, store=url)
    execute = database_tools(databases)[1]
    assert execute.effects({"connection": "shop"}) == "idempotent" and execute.effects() == "once"
    assert execute.effects({"connection": "elsewhere"}) == "once"

    async def insert(what: str, query: str = "insert into ledger (what) values ($what) returning what") -> Any:
        return await execute.call({"connection": "shop", "query": query, "params": {"what": what}}, call)

    with pytest.raises(NodeError, match="no store has begun"):
        await insert("a")
    with psycopg.connect(url) as connection:
        migrate_now(connection, url)
    first = await insert("a")
    assert first == {"changed": 1, "rows": [{"what": "a"}]} == await insert("a")
    assert await insert("b") == {"changed": 1, "rows": [{"what": "b"}]}
    with pytest.raises(NodeError):
        await insert("c", "insert into ledger (what) values ($what || (1/0)::text)")
    assert ledger(url) == {"a": 1, "b": 1}
    await databases.close()
