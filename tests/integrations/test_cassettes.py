"""Replies are recorded as readable YAML without secrets, and played back without models, tools or keys."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
import yaml

from nbflow.errors import NodeError
from nbflow.integrations.agents.registry import AgentRegistry
from nbflow.integrations.cassettes import CassetteError, Cassettes, TapedAgents, TapedTools
from nbflow.integrations.redaction import Redactor
from nbflow.integrations.secrets import Secrets
from nbflow.integrations.tools.registry import ToolRegistry
from nbflow.nodes.agent import AgentExecutor
from nbflow.nodes.tool import ToolExecutor
from nbflow.ports.executors import Asks
from tests.integrations.tools.mail.test_mail import FixedClock
from tests.nodes.calls import agent, attempted, tool
from tests.nodes.scripted import Scripted, wants


class Stage:
    def __init__(self, *lines):
        self.redactor = Redactor()
        self.cassettes = Cassettes(self.redactor.clean, FixedClock())
        self.registry, agents = ToolRegistry(), AgentRegistry()
        self.model = Scripted(*lines)
        agents.add(self.model)
        agents.register(lambda prompt: prompt.upper(), "shout")
        tools = TapedTools(self.registry, self.cassettes)
        self.tools = ToolExecutor(tools)
        self.agents = AgentExecutor(TapedAgents(agents, self.cassettes), tools, model="scripted/m")

    async def ask(self, prompt="hello", model=None, **more):
        one = attempted(agent(model, **more), {"prompt": prompt})
        self.last = one
        return await self.agents.perform(one.call)

    async def call(self, name, **arguments):
        return await self.tools.perform(attempted(tool(name), arguments).call)


async def test_a_talk_with_tools_is_played_back_without_them(tmp_path):
    file = tmp_path / "talk.yaml"
    first = Stage(wants(("look", '{"n": 1}')), "it is two\nlines")
    first.registry.register(lambda n: {"seen": n}, "look")
    first.cassettes.record(file)
    assert await first.ask(tools=("look",)) == "it is two\nlines"
    second = Stage()
    second.registry.register(lambda n: 1 / 0, "look")
    second.cassettes.replay(file)
    assert await second.ask(tools=("look",)) == "it is two\nlines"
    assert second.last.streamed == ["it is two\nlines"]
    assert second.model.asked == []
    assert [record.usage for record in second.last.of("model")] == [{"input": 10, "output": 5}] * 2


async def test_a_cassette_is_readable_and_says_when_it_was_made(tmp_path):
    file = tmp_path / "deep" / "talk.yaml"
    stage = Stage("one\ntwo")
    stage.cassettes.record(file)
    await stage.ask("first line\nsecond line")
    text = file.read_text()
    assert "recorded: '2026-09-21T14:13:20+00:00'" in text
    assert "content: |-\n" in text
    assert yaml.safe_load(text)["calls"][0]["gave"]["text"] == "one\ntwo"


async def test_it_says_whose_replies_they_are(tmp_path):
    file = tmp_path / "talk.yaml"
    stage = Stage("one")
    stage.model.address = "http://me:pass@models.test:8080/v1?key=1"
    stage.cassettes.record(file)
    await stage.ask("hello")
    assert yaml.safe_load(file.read_text())["servers"] == {"scripted": "http://models.test:8080/v1"}


async def test_values_of_all_kinds_come_back(tmp_path):
    file = tmp_path / "t.yaml"
    made = pd.DataFrame({"a": [1, 2], "b": ["x", None]})
    values = iter([b"\x00\xff", made, {"n": [1.5, None, True]}])
    stage = Stage()
    stage.registry.register(lambda: next(values), "make")
    stage.cassettes.record(file)
    for _ in range(3):
        await stage.call("make")
    stage.cassettes.replay(file)
    assert await stage.call("make") == b"\x00\xff"
    pd.testing.assert_frame_equal(await stage.call("make"), made)
    assert await stage.call("make") == {"n": [1.5, None, True]}


async def test_failures_are_played_back_too(tmp_path):
    file = tmp_path / "t.yaml"
    limited = NodeError(
        "RateLimited", "slow down", code="llm.rate_limit", hint="later", retry_after=7, detail={"status": 429}
    )
    stage = Stage(limited, "at last")
    stage.cassettes.record(file)
    with pytest.raises(NodeError):
        await stage.ask()
    await stage.ask()
    stage.cassettes.replay(file)
    with pytest.raises(NodeError) as caught:
        await stage.ask()
    assert (caught.value.kind, caught.value.code, caught.value.retry_after) == ("RateLimited", "llm.rate_limit", 7)
    assert (caught.value.hint, caught.value.detail) == ("later", {"status": 429})
    assert await stage.ask() == "at last"


async def test_a_changed_prompt_is_named(tmp_path):
    file = tmp_path / "t.yaml"
    stage = Stage("a", "b")
    stage.cassettes.record(file)
    await stage.ask("Summarise the article in two lines.")
    await stage.ask("Something else altogether.")
    stage.cassettes.replay(file)
    with pytest.raises(NodeError) as caught:
        await stage.ask("Summarise the article in three lines.")
    assert caught.value.code == "cassette.miss"
    assert "two lines" in str(caught.value) and "three lines" in str(caught.value)
    assert "altogether" not in str(caught.value)
    with pytest.raises(NodeError, match="no call of tool look"):
        stage.registry.register(lambda: 1, "look")
        await stage.call("look")


async def test_the_same_question_gives_its_answers_in_order(tmp_path):
    file = tmp_path / "t.yaml"
    stage = Stage("first", "second")
    stage.cassettes.record(file)
    assert [await stage.ask(), await stage.ask()] == ["first", "second"]
    stage.cassettes.replay(file)
    assert [await stage.ask(), await stage.ask()] == ["first", "second"]
    with pytest.raises(NodeError):
        await stage.ask()


async def test_secrets_are_not_in_it_and_not_needed_to_play_it(tmp_path):
    file = tmp_path / "t.yaml"
    stage = Stage()
    stage.redactor.learn("sk-CANARY-123", "TOKEN")
    stage.registry.register(lambda auth: f"welcome {auth}", "enter")
    stage.cassettes.record(file)
    await stage.call("enter", auth="Bearer sk-CANARY-123")
    assert "CANARY" not in file.read_text()
    other = Stage()
    secrets = Secrets(redactor=other.redactor)
    secrets.fall_back_on(other.cassettes.secret)
    other.registry.register(lambda auth: 1 / 0, "enter")
    other.cassettes.replay(file)
    assert await other.call("enter", auth=f"Bearer {secrets['TOKEN']}") == "welcome Bearer [secret TOKEN]"
    other.cassettes.stop()
    assert "TOKEN" not in secrets


async def test_functions_and_what_was_not_taped_are_called_as_ever(tmp_path):
    stage = Stage()
    assert await stage.ask(model="shout") == "HELLO"
    stage.cassettes.record(tmp_path / "t.yaml")
    assert await stage.ask(model="shout") == "HELLO"
    stage.cassettes.replay(tmp_path / "t.yaml")
    assert await stage.ask(model="shout") == "HELLO"


async def test_a_question_to_a_person_is_no_reply(tmp_path):
    stage = Stage()

    def ask() -> None:
        raise Asks("k", "may I?", {"type": "boolean"})

    stage.registry.register(ask, "careful")
    stage.cassettes.record(tmp_path / "t.yaml")
    with pytest.raises(Asks):
        await stage.call("careful")
    assert stage.cassettes.current.calls == []


@pytest.mark.parametrize("text", ["", "[1, 2]", "cassette: 9\ncalls: []", "a: [", "cassette: 1\ncalls: 3"])
def test_a_file_that_is_no_cassette_is_refused(tmp_path, text):
    file = tmp_path / "t.yaml"
    file.write_text(text)
    cassettes = Cassettes(lambda value: value, FixedClock())
    with pytest.raises(CassetteError):
        cassettes.replay(file)
    with pytest.raises(CassetteError):
        cassettes.replay(tmp_path / "nowhere.yaml")


FRAME = pd.DataFrame(
    {
        "n": pd.array([1, 2, 3], "int32"), "x": [1.5, float("nan"), float("inf")], "s": ["a", None, "c"],
        "at": pd.to_datetime(["2026-01-01", None, "2026-01-03T10:00:00.123456789"], format="ISO8601"),
        "zone": pd.to_datetime(["2026-01-01", None, "2026-06-03"]).tz_localize("Europe/Berlin"),
        "kind": pd.Categorical(["low", "high", None], categories=["low", "mid", "high"], ordered=True),
        "maybe": pd.array([1, None, 3], "Int64"), "flag": [True, False, True], "took": pd.to_timedelta([1, None, 3], "s"),
        "who": pd.array(["a", None, "c"], "string"), "raw": [b"x", b"y", None],
    },
    index=pd.Index(["i", "j", "k"], name="row"),
)  # fmt: skip
VALUES = [
    FRAME, FRAME.reset_index(drop=True), FRAME.iloc[:0], FRAME[[]], FRAME["x"], FRAME.set_index(["s", "n"]), FRAME.iloc[::2],
    pa.table({"a": [1, None], "b": ["x", "y"], "c": [dt.date(2026, 1, 2), None], "d": [[1], []], "e": [b"x", b""]}), np.array([[1.5, np.nan], [3, 4]]), np.array([1, 2], "int8"),
    np.array(["2026-01-01"], "datetime64[D]"), np.array(["a", "b"]),
    "half \ud83d a pair", {"half \udc00": "\ud800"}, {"$bytes": "zzz"}, {"$$bytes": "zzz"}, {"$frame": {"a": [1]}}, {"$x": {"$text": 1}},
    {"$a": 1, "$b": 2}, b"\x00\xff", "\x00 \x85 \u2028 \ufeff \uffff \t\r\n", "yes", "1e3", "2026-01-01", "a: b\n  - c\n",
]  # fmt: skip


@pytest.mark.parametrize("value", VALUES, ids=lambda value: repr(value)[:20])
async def test_every_value_is_asked_and_answered_as_it_is(tmp_path, value):
    file = tmp_path / "t.yaml"
    first = Stage()
    first.registry.register(lambda given: given, "echo")
    first.cassettes.record(file)
    await first.call("echo", given=value)
    second = Stage()
    second.registry.register(lambda given: 1 / 0, "echo")
    second.cassettes.replay(file)
    again = await second.call("echo", given=value)
    assert type(again) is type(value)
    if isinstance(value, pd.DataFrame):
        pd.testing.assert_frame_equal(again, value, check_column_type=bool(len(value.columns)))
    elif isinstance(value, pd.Series):
        pd.testing.assert_series_equal(again, value)
    elif isinstance(value, np.ndarray):
        np.testing.assert_array_equal(again, value)
        assert again.dtype == value.dtype
    else:
        assert again == (value if value != {"half \udc00": "\ud800"} else {"half \\udc00": "\ud800"})


async def test_a_changed_table_is_another_question(tmp_path):
    file = tmp_path / "t.yaml"
    first = Stage()
    first.registry.register(lambda given: 1, "look")
    first.cassettes.record(file)
    await first.call("look", given=FRAME)
    for other in (FRAME.assign(n=FRAME.n.astype("int64")), FRAME.reset_index(drop=True), FRAME.fillna({"x": 0.0})):
        second = Stage()
        second.registry.register(lambda given: 1 / 0, "look")
        second.cassettes.replay(file)
        with pytest.raises(NodeError, match="is asked something else"):
            await second.call("look", given=other)


async def test_a_secret_in_a_table_is_not_in_the_cassette(tmp_path):
    file = tmp_path / "t.yaml"
    stage = Stage()
    stage.redactor.learn("sk-CANARY-in-a-cell", "KEY")
    stage.registry.register(lambda given: given, "echo")
    stage.cassettes.record(file)
    await stage.call("echo", given=pd.DataFrame({"a": ["sk-CANARY-in-a-cell"]}))
    assert "CANARY" not in file.read_text() and "[secret KEY]" in file.read_text()


async def test_a_call_that_was_played_already_is_told_from_one_that_is_not_there(tmp_path):
    file = tmp_path / "t.yaml"
    first = Stage("one")
    first.cassettes.record(file)
    await first.ask("hello")
    second = Stage()
    second.cassettes.replay(file)
    await second.ask("hello")
    with pytest.raises(NodeError, match="has this call 1 times, and all were used") as caught:
        await second.ask("hello")
    assert "nbflow.tape(replay" in caught.value.hint
    with pytest.raises(NodeError, match="'content: hello' became 'content: hallo'"):
        await second.ask("hallo")
