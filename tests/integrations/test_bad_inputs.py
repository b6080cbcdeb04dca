"""The corpus of bad inputs, as far as models, HTTP, databases and mail go: each case gives what it has to give."""

from __future__ import annotations

import base64
import json
import sqlite3
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import pytest
import yaml

from nbflow.errors import NodeError
from nbflow.integrations.agents.chat import _Pieces
from nbflow.integrations.agents.failures import remade_event
from nbflow.integrations.agents.limits import Gathered
from nbflow.integrations.agents.registry import AgentRegistry
from nbflow.integrations.tools.database.failures import remade
from nbflow.integrations.tools.database.tools import Databases
from nbflow.integrations.tools.registry import ToolRegistry
from nbflow.nodes.agent import AgentExecutor
from nbflow.ports.agents import ModelReply, ToolRequest, Usage
from nbflow.ports.executors import Asks
from tests.integrations.tools.database.test_files import Tools as Sql
from tests.integrations.tools.http.server import Server, moved, reply
from tests.integrations.tools.http.test_http import Tools as Http
from tests.integrations.tools.http.test_http import endless
from tests.integrations.tools.mail.test_mail import Box, send, sender
from tests.nodes.calls import agent, attempted
from tests.nodes.scripted import Scripted

CASES: dict[str, dict[str, Any]] = {
    case["id"]: case
    for case in yaml.safe_load((Path(__file__).parents[1] / "bad_inputs.yaml").read_text())["cases"]
    if case["group"] in ("llm_reply", "http", "database", "email") and case["kind"] != "dsl"
}


@dataclass
class Outcome:
    """What came of a case: a code, and the words that go with it. `retried` says that another attempt may follow."""

    code: str
    words: str = ""
    retried: bool = False


def of(error: NodeError) -> Outcome:
    return Outcome(error.code, f"{error} {error.hint or ''}", error.kind != "InvalidInput")


async def outcome(doing: Awaitable[Any]) -> tuple[Outcome, Any]:
    try:
        return Outcome("ok"), await doing
    except NodeError as error:
        return of(error), None


def text_of(case: dict[str, Any]) -> str:
    return case["input"] if "input" in case else eval(case["input_gen"])


# --- what a model replies --------------------------------------------------------------------------------

SCORE = {
    "type": "object",
    "properties": {"score": {"type": "number"}},
    "required": ["score"],
    "additionalProperties": False,
}
LABEL = {
    "type": "object",
    "properties": {"label": {"type": "string"}},
    "required": ["label"],
    "additionalProperties": False,
}
WORD = {"type": "string", "enum": ["spam", "ham"]}
SCHEMAS = {"nan_in_json": SCORE, "wrong_type": SCORE, "enum_case": WORD}
FREE = ("prompt_injection_tool_output", "markdown_image_exfil", "html_script", "nul_in_text")


async def llm_text(case: dict[str, Any]) -> Outcome:
    """A reply that does not fit is told what is wrong with it, and asked for again."""
    name, text = case["id"].partition(".")[2], text_of(case)
    schema = None if name in FREE else SCHEMAS.get(name, LABEL)
    good = {str(SCORE): '{"score": 1}', str(WORD): "ham"}.get(str(schema), '{"label": "spam"}')
    model, agents = Scripted(text, good), AgentRegistry()
    agents.add(model)
    one = attempted(agent("scripted/m"), {"prompt": "x"}, schema=schema)
    result = await AgentExecutor(agents, ToolRegistry()).perform(one.call)
    first = one.of("model")[0]
    if first.error is not None:
        assert result == {"label": "spam"} or result == {"score": 1}
        return Outcome(first.error["code"], model.asked[1].messages[-1].text, retried=True)
    if name == "nul_in_text":
        assert result == "a\ufffdb"
        return Outcome("text.nul", first.response["note"])
    assert result == text if schema is None else True
    return Outcome("ok", str(first.response.get("note")))


async def llm_tools(case: dict[str, Any]) -> Outcome:
    """Tools that are not listed, or not asked for as they want, are not called, and the model is told so."""
    (asked,) = json.loads(case["input"])["tool_calls"]
    request = ToolRequest(asked["id"], asked["function"]["name"], asked["function"]["arguments"])
    model, agents, tools, called = (
        Scripted(ModelReply("", (request,), Usage(), "tools"), "sorry"),
        AgentRegistry(),
        ToolRegistry(),
        [],
    )
    agents.add(model)
    for name in ("search", "delete_everything"):
        tools.register(lambda q=None: called.append(q), name)
    tools.register(lambda to: called.append(to), "email")
    one = attempted(agent("scripted/m", tools=("search", "email")), {"prompt": "x"})
    assert await AgentExecutor(agents, tools).perform(one.call) == "sorry"
    assert called == []
    return Outcome(one.of("tool")[0].error["code"], model.asked[1].messages[-1].text)


async def content_filter(case: dict[str, Any]) -> Outcome:
    choice = json.loads(case["input"])["choices"][0]
    stop = {"content_filter": "filtered"}[choice["finish_reason"]]
    agents = AgentRegistry()
    agents.add(Scripted(ModelReply("", stop=stop)))
    found, _ = await outcome(
        AgentExecutor(agents, ToolRegistry()).perform(attempted(agent("scripted/m"), {"prompt": "x"}).call)
    )
    return found


async def usage_missing(case: dict[str, Any]) -> Outcome:
    agents = AgentRegistry()
    agents.add(Scripted(ModelReply("hi", usage=Usage())))
    one = attempted(agent("scripted/m"), {"prompt": "x"})
    executor = AgentExecutor(agents, ToolRegistry(), price=lambda *what: 0.5)
    assert await executor.perform(one.call) == "hi"
    assert "usd" not in one.records[0].usage
    return Outcome("ok")


async def fifty_megabytes(case: dict[str, Any]) -> Outcome:
    pieces = _Pieces(Gathered(lambda text: None))
    text = text_of(case)
    try:
        for start in range(0, len(text), 100_000):
            pieces._gathered.add(text[start : start + 100_000])
    except NodeError as error:
        return of(error)
    raise AssertionError("it was kept")


async def stream_error_event(case: dict[str, Any]) -> Outcome:
    event = json.loads(next(line[6:] for line in case["input"].splitlines() if line.startswith("data: ")))
    return of(remade_event(event["error"], "anthropic"))


# --- what a server replies -------------------------------------------------------------------------------


async def fetched(routes: dict[str, Any], path: str, **more: Any) -> tuple[Outcome, Any]:
    http = Http("127.0.0.1")
    async with Server(**routes) as server:
        found = await outcome(http("get", f"{server.url}/{path}", **more))
    await http.connections.close()
    return found


def replies(raw: Any, **more: Any) -> Callable[[dict[str, Any]], Awaitable[Outcome]]:
    async def run(case: dict[str, Any]) -> Outcome:
        found, result = await fetched({"x": raw}, "x", **more)
        if result is not None and "notes" in result:
            return Outcome(result["notes"][0].partition(":")[0], result["notes"][0])
        return found

    return run


async def dns_failure(case: dict[str, Any]) -> Outcome:
    return (await outcome(Http()("get", "http://nope.invalid/")))[0]


async def connection_refused(case: dict[str, Any]) -> Outcome:
    http = Http("127.0.0.1")
    found, _ = await outcome(http("get", "http://127.0.0.1:1/"))
    await http.connections.close()
    return found


async def redirect_loop(case: dict[str, Any]) -> Outcome:
    return (await fetched({"a": moved("/b"), "b": moved("/a")}, "a"))[0]


async def invalid_utf8(case: dict[str, Any]) -> Outcome:
    head, _, body = base64.b64decode(case["input_b64"]).partition(b"\r\n\r\n")
    raw = head + b"\r\nContent-Length: %d\r\n\r\n" % len(body) + body
    return await replies(raw)(case)


async def url(case: dict[str, Any]) -> Outcome:
    http = Http()
    found, _ = await outcome(http("get", case["input"]))
    await http.connections.close()
    return found


async def url_with_key(case: dict[str, Any]) -> Outcome:
    found, result = await fetched({"x": reply(b"ok")}, "x", params={"key": "AIzaSECRET"})
    assert "AIzaSECRET" not in repr(result)
    return Outcome(result["notes"][0].partition(":")[0], result["notes"][0]) if found.code == "ok" else found


# --- what a database does --------------------------------------------------------------------------------


async def sql(case: dict[str, Any], tmp_path: Path, query: str | None = None, params: Any = None) -> Outcome:
    with duckdb.connect(str(tmp_path / "d.duckdb")) as connection:
        connection.execute("create table u (id integer, name text)")
        connection.execute("insert into u values (1, 'ada')")
    db = Sql(Databases({"d": f"duckdb:///{tmp_path}/d.duckdb"}))
    more = {} if params is None else {"params": params}
    found, result = await outcome(db.query(query or case["input"], connection="d", **more))
    if case["id"] in ("database.duckdb_copy_out", "database.duckdb_install"):
        found, result = await outcome(db.execute(case["input"], connection="d"))
    assert result in (None, [])
    assert await db.query("select * from u", connection="d") == [{"id": 1, "name": "ada"}]
    assert [path.name for path in tmp_path.iterdir()] == ["d.duckdb"]
    return found


async def injection_param(case: dict[str, Any], tmp_path: Path) -> Outcome:
    return await sql(case, tmp_path, "select * from u where name = $name", {"name": "x'; drop table u; --"})


async def said(case: dict[str, Any]) -> Outcome:
    words = {"SQLSTATE 40001": "could not serialize access due to concurrent update"}
    return of(remade(RuntimeError(words.get(case["input"], f"TransactionContext Error: {case['input']}"))))


async def pool_exhausted(case: dict[str, Any], tmp_path: Path) -> Outcome:
    import asyncio

    with sqlite3.connect(tmp_path / "l.sqlite") as connection:
        connection.execute("create table u (n integer)")
    connection.close()
    db = Sql(Databases({"l": f"sqlite:///{tmp_path}/l.sqlite"}))
    done = await asyncio.gather(
        *(db.execute("insert into u values (?)", params=[n], connection="l") for n in range(100))
    )
    assert [each["changed"] for each in done] == [1] * 100
    return Outcome("ok")


async def aborted(case: dict[str, Any], tmp_path: Path) -> Outcome:
    """A statement that failed leaves nothing behind: the next one works."""
    with sqlite3.connect(tmp_path / "l.sqlite") as connection:
        connection.execute("create table u (n integer primary key)")
    connection.close()
    db = Sql(Databases({"l": f"sqlite:///{tmp_path}/l.sqlite"}))
    await db.execute("insert into u values (1)", connection="l")
    failed, _ = await outcome(db.execute("insert into u values (1)", connection="l"))
    assert failed.code == "sql.constraint"
    assert await db.query("select n from u", connection="l") == [{"n": 1}]
    return Outcome("sql.aborted")


# --- mail ------------------------------------------------------------------------------------------------


async def to_injection(case: dict[str, Any]) -> Outcome:
    return (await outcome(send(sender("smtp://127.0.0.1:9?tls=none"), to=case["input"])))[0]


async def sent_then_crash(case: dict[str, Any]) -> Outcome:
    """The node is `once`: after a crash the engine asks; and a lost answer asks at once."""
    import asyncio

    from aiosmtpd.smtp import SMTP

    box = Box(data="hang up")
    server = await asyncio.get_running_loop().create_server(lambda: SMTP(box), "127.0.0.1", 0)
    made = sender(f"smtp://127.0.0.1:{server.sockets[0].getsockname()[1]}?tls=none")
    assert made.effects() == "once"
    with pytest.raises(Asks) as asked:
        await send(made)
    server.close()
    return Outcome(asked.value.detail["code"], asked.value.question)


HUGE = b'{"n": 1e999, "m": 123456789012345678901234567890}'
FLOOD = b"HTTP/1.1 200 OK\r\n" + b"".join(b"X-%d: y\r\n" % n for n in range(100_000)) + b"Connection: close\r\n\r\n"

RUN: dict[str, Any] = {
    **{f"llm_reply.{name}": llm_text for name in (
        "fenced_json", "trailing_comma", "single_quotes", "nan_in_json", "extra_text_after", "wrong_type", "enum_case", "empty_reply", *FREE
    )},
    **{f"llm_reply.{name}": llm_tools for name in ("unknown_tool", "tool_args_not_json", "tool_args_extra")},
    "llm_reply.content_filter": content_filter,
    "llm_reply.usage_missing": usage_missing,
    "llm_reply.fifty_megabytes": fifty_megabytes,
    "llm_reply.stream_error_event": stream_error_event,
    "http.dns_failure": dns_failure,
    "http.connection_refused": connection_refused,
    "http.redirect_loop": redirect_loop,
    "http.redirect_to_metadata": replies(moved("http://169.254.169.254/latest/meta-data/")),
    "http.429_retry_after": replies(reply(status="429 Too Many Requests", Retry_After="120")),
    "http.200_html_error": replies(reply(b"<html>Login</html>", media="text/html"), parse="json"),
    "http.invalid_utf8_body": invalid_utf8,
    "http.wrong_content_length": replies(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\nConnection: close\r\n\r\n0123456789"),
    "http.body_endless": replies(endless),
    "http.header_bomb": replies(FLOOD),
    "http.json_huge_int": replies(reply(HUGE, media="application/json")),
    **{f"http.{name}": url for name in (
        "url_file_scheme", "url_decimal_ip", "url_octal_ip", "url_short_ip", "url_circled_digits", "url_mapped_v6", "url_crlf"
    )},
    "http.url_with_key": url_with_key,
    "database.injection_param": injection_param,
    **{f"database.{name}": sql for name in (
        "stacked_statements", "duckdb_read_file", "duckdb_install", "duckdb_copy_out", "read_only_violated", "no_rows", "ten_million_rows"
    )},
    "database.serialization_failure": said,
    "database.duckdb_conflict": said,
    "database.pool_exhausted": pool_exhausted,
    "database.duckdb_aborted_tx": aborted,
    "email.to_injection": to_injection,
    "email.sent_then_crash": sent_then_crash,
}  # fmt: skip


def test_every_case_of_the_corpus_is_here():
    assert sorted(RUN) == sorted(CASES)


@pytest.mark.parametrize("id", sorted(CASES))
async def test_a_case_gives_what_it_has_to_give(id, tmp_path):
    case, run = CASES[id], RUN[id]
    found = await (
        run(case, tmp_path) if "tmp_path" in run.__code__.co_varnames[: run.__code__.co_argcount] else run(case)
    )
    wanted = case["expect"]
    assert found.code.startswith(wanted["code"]) or found.code == wanted["code"]
    if wanted["outcome"] == "retry":
        assert found.retried
    assert "Traceback" not in found.words
    assert "root:x:0" not in found.words
