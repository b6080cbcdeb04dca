"""The talk with a model: structured answers and their repair, the tool loop, fallbacks, budgets, what a crash keeps."""

from __future__ import annotations

import asyncio
import json

import pytest

from nbflow.errors import NodeError
from nbflow.integrations.agents.registry import AgentRegistry
from nbflow.integrations.tools.http.tools import Connections, http_tools
from nbflow.integrations.tools.registry import ToolRegistry
from nbflow.nodes.agent import AgentExecutor
from nbflow.ports.agents import ModelReply, Usage
from nbflow.ports.executors import Asks
from tests.nodes.calls import agent, attempted
from tests.nodes.scripted import Scripted, wants

SCORE = {
    "type": "object",
    "properties": {"score": {"type": "number"}},
    "required": ["score"],
    "additionalProperties": False,
}
LABEL = {"type": "string", "enum": ["spam", "ham"]}


class Stage:
    """An executor with scripted providers and real tools."""

    def __init__(self, *runtimes: Scripted, price=None):
        self.agents, self.tools = AgentRegistry(), ToolRegistry()
        for runtime in runtimes:
            self.agents.add(runtime)
        more = {"price": price} if price else {}
        self.executor = AgentExecutor(self.agents, self.tools, model="scripted/m", **more)

    async def ask(self, work=None, *, prompt="hello", **more):
        one = attempted(work or agent(), {"prompt": prompt}, **more)
        one.result = None
        try:
            one.result = await self.executor.perform(one.call)
            one.error = None
        except NodeError as error:
            one.error = error
        return one


async def test_a_text_is_the_answer_and_is_recorded_with_what_it_took():
    model = Scripted("hi there")
    one = await Stage(model).ask()
    assert one.result == "hi there"
    assert one.streamed == ["hi there"]
    (record,) = one.of("model")
    assert (record.name, record.usage, record.error) == ("scripted/m", {"input": 10, "output": 5}, None)
    assert record.response["text"] == "hi there"
    assert record.request["messages"] == [{"role": "user", "content": "hello"}]


async def test_system_messages_images_and_memory_come_in_order():
    model = Scripted("ok")
    inputs = {
        "system": "Be brief.",
        "messages": [{"role": "user", "content": "1"}, {"role": "assistant", "content": "2"}],
        "prompt": {"a": [1]},
        "images": [b"\x89PNG...", "https://x.test/a.jpg", "data:image/gif;base64,R0lGOA=="],
    }
    context = {"memory": [{"role": "user", "content": "before"}, {"role": "assistant", "content": "then"}]}
    stage = Stage(model)
    await stage.executor.perform(attempted(agent(), inputs, context=context).call)
    messages = model.asked[0].messages
    assert [(m.role, m.text) for m in messages] == [
        ("system", "Be brief."), ("user", "before"), ("assistant", "then"), ("user", "1"), ("assistant", "2"),
        ("user", '{"a":[1]}'),
    ]  # fmt: skip
    assert [image.media for image in messages[-1].attachments] == ["image/png", "image/jpeg", "image/gif"]


@pytest.mark.parametrize(
    "inputs",
    [
        {},
        {"prompt": "x", "images": ["/etc/passwd"]},
        {"prompt": "x", "messages": ["hi"]},
        {"prompt": "x", "images": [3]},
    ],
)
async def test_inputs_that_are_no_conversation_are_refused(inputs):
    with pytest.raises(NodeError) as caught:
        await Stage(Scripted("never")).executor.perform(attempted(agent(), inputs).call)
    assert (caught.value.kind, caught.value.code) == ("InvalidInput", "agent.inputs")


# --- structured answers ----------------------------------------------------------------------------------


async def test_an_object_is_sent_as_it_is_and_read():
    model = Scripted('{"score": 0.5}')
    one = await Stage(model).ask(schema=SCORE)
    assert one.result == {"score": 0.5}
    assert model.asked[0].schema == SCORE


@pytest.mark.parametrize(
    ("schema", "text", "value"),
    [
        ({"type": "number"}, '{"value": 3.5}', 3.5),
        ({"type": "number"}, "3.5", 3.5),
        ({"type": "array", "items": {"type": "string"}}, '{"value": ["a"]}', ["a"]),
        (LABEL, '{"value": "ham"}', "ham"),
        (LABEL, "Spam.", "spam"),
        ({"type": "boolean"}, "true", True),
        ({"type": "string"}, "plain text", "plain text"),
        ({}, '{"value": {"x": 1}}', {"x": 1}),
    ],
)
async def test_what_is_no_object_is_wrapped_for_the_provider(schema, text, value):
    model = Scripted(text)
    one = await Stage(model).ask(schema=schema)
    assert one.result == value
    sent = model.asked[0].schema
    assert sent is None if schema == {"type": "string"} else sent["required"] == ["value"]


async def test_a_provider_that_takes_no_schema_is_told_in_words():
    model = Scripted('{"score": 1}', takes=False)
    one = await Stage(model).ask(schema=SCORE)
    assert one.result == {"score": 1}
    assert model.asked[0].schema is None
    assert json.dumps(SCORE) in model.asked[0].messages[0].text


@pytest.mark.parametrize(
    ("first", "code", "words"),
    [
        ('{"score": 1,}', "llm.bad_json", "line 1 column"),
        ("{'score': 1}", "llm.bad_json", "double quotes"),
        ('{"score": NaN}', "llm.bad_json", "NaN is not JSON"),
        ('{"score": 1} {"score": 2}', "llm.bad_json", "two values"),
        ('{"score": "0.9"}', "llm.schema", "score"),
        ("", "llm.empty", "returned nothing"),
        ('{"score": 1, "more": 2}', "llm.schema", "more"),
    ],
)
async def test_an_answer_that_does_not_fit_is_repaired_with_the_validators_words(first, code, words):
    model = Scripted(first, '{"score": 0.9}')
    one = await Stage(model).ask(schema=SCORE)
    assert one.result == {"score": 0.9}
    assert [record.error and record.error["code"] for record in one.of("model")] == [code, None]
    said = model.asked[1].messages[-1]
    assert said.role == "user"
    assert words in said.text


async def test_repairs_end_and_the_raw_text_is_kept():
    model = Scripted("no", "still no", "never")
    one = await Stage(model).ask(agent(repair=2), schema=SCORE)
    assert (one.error.kind, one.error.code) == ("InvalidOutput", "llm.bad_json")
    assert one.error.detail == {"raw": "never"}
    assert len(model.asked) == 3
    assert (await Stage(Scripted("no", '{"score": 1}')).ask(agent(repair=0), schema=SCORE)).error is not None


async def test_fenced_json_is_read_and_the_journal_says_so():
    one = await Stage(Scripted('Sure!\n```json\n{"score": 1}\n```\nAnything else?')).ask(schema=SCORE)
    assert one.result == {"score": 1}
    assert "fenced" in one.of("model")[0].response["note"]


async def test_a_word_is_matched_by_a_stated_rule_and_the_journal_says_so():
    one = await Stage(Scripted(" Spam.")).ask(schema=LABEL)
    assert one.result == "spam"
    assert "read as 'spam'" in one.of("model")[0].response["note"]


@pytest.mark.parametrize(
    ("reply", "kind", "code"),
    [
        (ModelReply("half", stop="length"), "InvalidOutput", "llm.length"),
        (ModelReply("", stop="filtered"), "Refused", "llm.filtered"),
        (ModelReply("I will not", stop="refused"), "Refused", "llm.refused"),
        (ModelReply("  "), "InvalidOutput", "llm.empty"),
    ],
)
async def test_a_reply_that_ended_early_is_none(reply, kind, code):
    one = await Stage(Scripted(reply, "second")).ask(agent(repair=0))
    assert (one.error.kind, one.error.code) == (kind, code)


async def test_a_nul_is_replaced_since_not_every_store_can_hold_it():
    assert (await Stage(Scripted("a\0b")).ask()).result == "a\ufffdb"


# --- tools -----------------------------------------------------------------------------------------------


async def test_tools_are_called_together_and_their_results_go_back():
    model = Scripted(wants(("weather", '{"city": "Ulm"}'), ("weather", '{"city": "Bonn"}')), "wet and dry")
    stage, inside, both = Stage(model), [], asyncio.Event()

    @stage.tools.tool
    async def weather(city: str) -> dict:
        inside.append(city)
        if len(inside) == 2:
            both.set()
        await asyncio.wait_for(both.wait(), 3)  # neither ends before the other has begun
        return {"city": city, "rain": city == "Ulm"}

    one = await stage.ask(agent(tools=("weather",)))
    assert one.result == "wet and dry"
    assert [json.loads(m.text) for m in model.asked[1].messages if m.role == "tool"] == [
        {"city": "Ulm", "rain": True},
        {"city": "Bonn", "rain": False},
    ]
    assert [record.response["city"] for record in one.of("tool")] == ["Ulm", "Bonn"]
    assert model.asked[0].tools[0].parameters["required"] == ["city"]


async def test_dotted_names_are_offered_as_models_can_write_them():
    model = Scripted(wants(("my_tool", "{}")), "done")
    stage = Stage(model)
    stage.tools.register(lambda: 1, "my.tool")
    one = await stage.ask(agent(tools=("my.tool",)))
    assert one.of("tool")[0].name == "my.tool"


@pytest.mark.parametrize(
    ("asked", "code", "words"),
    [
        (("delete_everything", "{}"), "llm.unknown_tool", "delete_everything"),
        (("email", "{to: cats}"), "llm.bad_tool_args", "not JSON"),
        (
            ("email", '{"to": "a@x.test", "bcc": "evil@x.test"}'),
            "llm.bad_tool_args",
            "'bcc' is not an argument of email",
        ),
        (("email", '{"to": 3}'), "llm.bad_tool_args", "to"),
        (("email", "[1]"), "llm.bad_tool_args", "no JSON object"),
        (("email", '{"to": "nobody"}'), "node.failed", "no such address"),
    ],
)
async def test_what_goes_wrong_with_a_tool_is_told_to_the_model(asked, code, words):
    model, sent = Scripted(wants(asked), "sorry"), []
    stage = Stage(model)

    @stage.tools.tool
    def email(to: str) -> None:
        if to == "nobody":
            raise ValueError("no such address")
        sent.append(to)

    one = await stage.ask(agent(tools=("email",)))
    assert one.result == "sorry"
    assert sent == []
    told = model.asked[1].messages[-1]
    assert told.failed
    assert words in json.loads(told.text)["error"]["message"]
    assert one.of("tool")[0].error["code"] == code


async def test_a_tool_the_registry_has_but_the_node_does_not_list_is_not_called():
    model, called = Scripted(wants(("secret_tool", "{}")), "sorry"), []
    stage = Stage(model)
    stage.tools.register(lambda: called.append(1), "secret_tool")
    stage.tools.register(lambda: 1, "allowed")
    one = await stage.ask(agent(tools=("allowed",)))
    assert (one.result, called) == ("sorry", [])


async def test_what_only_an_author_may_give_is_neither_offered_nor_taken():
    model = Scripted(wants(("http_get", '{"url": "http://127.0.0.1:1/", "allow_hosts": ["127.0.0.1"]}')), "a pity")
    stage = Stage(model)
    for made in http_tools(Connections()):
        stage.tools.add(made)
    one = await stage.ask(agent(tools=("http.get",), options={"allow_hosts": ["127.0.0.1"]}))
    assert "allow_hosts" not in model.asked[0].tools[0].parameters["properties"]
    assert one.of("tool")[0].error["code"] == "llm.bad_tool_args"
    assert "'allow_hosts' is not an argument" in model.asked[1].messages[-1].text
    assert model.asked[0].settings == {}


async def test_turns_are_limited():
    model = Scripted(*[wants(("look", "{}"))] * 3, "never")
    stage = Stage(model)
    stage.tools.register(lambda: 1, "look")
    one = await stage.ask(agent(tools=("look",), max_turns=3))
    assert one.error.code == "agent.max_turns"
    assert len(model.asked) == 3


async def test_each_call_has_an_idempotency_key_of_its_own():
    model, keys = Scripted(wants(("pay", "{}"), ("pay", "{}")), wants(("pay", "{}")), "done"), []
    stage = Stage(model)

    @stage.tools.tool
    async def pay(call: Call) -> None:
        keys.append(call.key)

    await stage.ask(agent(tools=("pay",)))
    assert len(set(keys)) == 3
    assert all(key.startswith("x1/node/") for key in keys)


async def test_known_secrets_do_not_reach_a_model_through_a_tool():
    model = Scripted(wants(("look", "{}")), "done")
    stage = Stage(model)
    stage.tools.register(lambda: {"key": "sk-CANARY"}, "look")
    one = attempted(agent(tools=("look",)), {"prompt": "x"})
    one.call.clean = lambda value: json.loads(json.dumps(value).replace("sk-CANARY", "***"))
    await stage.executor.perform(one.call)
    assert model.asked[1].messages[-1].text == '{"key":"***"}'


# --- a person's yes --------------------------------------------------------------------------------------


def paying(*lines):
    stage, paid = Stage(Scripted(*lines)), []

    @stage.tools.tool(effects="once")
    def pay(amount: int) -> str:
        paid.append(amount)
        return "paid"

    return stage, paid


async def test_a_tool_that_cannot_be_taken_back_asks_a_person_first():
    stage, paid = paying(wants(("pay", '{"amount": 3}')), "thanks")
    work, first = agent(tools=("pay",)), attempted(agent(tools=("pay",)), {"prompt": "x"})
    with pytest.raises(Asks) as asked:
        await stage.executor.perform(first.call)
    assert paid == []
    assert asked.value.detail == {"tool": "pay", "arguments": {"amount": 3}}
    second = attempted(work, {"prompt": "x"}, recorded=tuple(first.records))
    second.call.answers = {asked.value.key: True}
    assert await stage.executor.perform(second.call) == "thanks"
    assert paid == [3]


async def test_a_no_is_told_to_the_model():
    stage, paid = paying(wants(("pay", '{"amount": 3}')), "a pity")
    first = attempted(agent(tools=("pay",)), {"prompt": "x"})
    with pytest.raises(Asks) as asked:
        await stage.executor.perform(first.call)
    second = attempted(agent(tools=("pay",)), {"prompt": "x"}, recorded=tuple(first.records))
    second.call.answers = {asked.value.key: False}
    assert await stage.executor.perform(second.call) == "a pity"
    assert paid == []


async def test_with_approve_never_nobody_is_asked():
    stage, paid = paying(wants(("pay", '{"amount": 3}')), "thanks")
    assert (await stage.ask(agent(tools=("pay",), approve="never"))).result == "thanks"
    assert paid == [3]


async def test_with_approve_always_harmless_tools_ask_too():
    stage = Stage(Scripted(wants(("look", "{}"))))
    stage.tools.register(lambda: 1, "look", effects="none")
    with pytest.raises(Asks):
        await stage.executor.perform(attempted(agent(tools=("look",), approve="always"), {"prompt": "x"}).call)


async def test_a_call_that_was_begun_before_a_crash_asks_again():
    stage, paid = paying(wants(("pay", '{"amount": 3}')), "thanks")
    work, first = agent(tools=("pay",)), attempted(agent(tools=("pay",)), {"prompt": "x"})
    with pytest.raises(Asks) as asked:
        await stage.executor.perform(first.call)
    second = attempted(work, {"prompt": "x"}, recorded=tuple(first.records))
    second.call.answers = {asked.value.key: True}
    await stage.executor.perform(second.call)
    kept = [record for record in (*first.records, *second.records) if record.kind in ("model", "intent")][:2]
    after_crash = attempted(work, {"prompt": "x"}, recorded=tuple(kept))
    after_crash.call.answers = {asked.value.key: True}
    with pytest.raises(Asks, match="may have happened") as again:
        await stage.executor.perform(after_crash.call)
    assert again.value.key != asked.value.key
    assert paid == [3]


async def test_an_attempt_that_sets_no_time_ends_when_the_set_one_is_up():
    async def never(prompt: str) -> str:
        await asyncio.Event().wait()

    stage = Stage()
    stage.agents.register(never, "never")
    stage.executor.timeout = 0.01
    with pytest.raises(TimeoutError):
        await stage.executor.perform(attempted(agent("never"), {"prompt": "x"}).call)


# --- what a crash keeps ----------------------------------------------------------------------------------


@pytest.mark.parametrize("kept", range(6))
async def test_an_attempt_after_a_crash_repeats_no_recorded_call(kept):
    def script():
        return Scripted(wants(("look", '{"n": 1}'), ("look", '{"n": 2}')), "not json", '{"score": 1}')

    calls: list[int] = []

    def staged(model):
        stage = Stage(model)

        @stage.tools.tool
        def look(n: int) -> int:
            calls.append(n)
            return n

        return stage

    whole = await staged(script()).ask(agent(tools=("look",)), schema=SCORE)
    assert [record.kind for record in whole.records] == ["model", "tool", "tool", "model", "model"]
    calls.clear()
    survived = whole.records[:kept]
    model = script()
    model.lines = model.lines[sum(record.kind == "model" for record in survived) :]
    again = await staged(model).ask(agent(tools=("look",)), schema=SCORE, recorded=tuple(survived))
    assert again.result == {"score": 1}
    assert len(calls) == 2 - sum(record.kind == "tool" for record in survived)


async def test_a_reply_that_ended_its_attempt_is_asked_for_again_and_what_came_before_is_not():
    work = agent(tools=("look",), repair=1)
    first, second = Stage(Scripted(wants(("look", "{}")), "no", "still no")), Stage(Scripted('{"score": 1}'))
    for stage in (first, second):
        stage.tools.register(lambda: 1, "look")
    failed = await first.ask(work, schema=SCORE)
    assert failed.error.code == "llm.bad_json"
    assert (await second.ask(work, schema=SCORE, recorded=tuple(failed.records), attempt=2)).result == {"score": 1}


# --- fallbacks and budgets -------------------------------------------------------------------------------


async def test_another_model_takes_over_for_the_rest_of_the_talk():
    busy = Scripted(NodeError("Unavailable", "busy", code="llm.overloaded"))
    other = Scripted(wants(("look", "{}")), "from the other", provider="other")
    stage = Stage(busy, other)
    stage.tools.register(lambda: 1, "look")
    one = await stage.ask(agent(fallback=("other/m2",), tools=("look",)))
    assert one.result == "from the other"
    assert [(record.name, record.error and record.error["code"]) for record in one.of("model")] == [
        ("scripted/m", "llm.overloaded"), ("other/m2", None), ("other/m2", None),
    ]  # fmt: skip
    again = Stage(Scripted(), Scripted(provider="other"))
    again.tools.register(lambda: 1, "look")
    replayed = await again.ask(agent(fallback=("other/m2",), tools=("look",)), recorded=tuple(one.records))
    assert replayed.result == "from the other"


async def test_an_authors_mistake_has_no_fallback():
    wrong = Scripted(NodeError("InvalidInput", "no such model", code="llm.request"))
    one = await Stage(wrong, Scripted("never", provider="other")).ask(agent(fallback=("other/m2",)))
    assert one.error.code == "llm.request"


async def test_the_last_models_failure_is_the_nodes():
    first, second = (
        Scripted(NodeError("Unavailable", "a")),
        Scripted(NodeError("RateLimited", "b", retry_after=7), provider="other"),
    )
    one = await Stage(first, second).ask(agent(fallback=("other/m2",)))
    assert (one.error.kind, one.error.retry_after) == ("RateLimited", 7)


async def test_a_budget_is_checked_before_each_call():
    model = Scripted(*[wants(("look", "{}"))] * 5)
    stage = Stage(model)
    stage.tools.register(lambda: 1, "look")
    one = await stage.ask(agent(tools=("look",), budget={"tokens": 30}))
    assert (one.error.kind, one.error.code) == ("BudgetExceeded", "budget.exceeded")
    assert len(model.asked) == 2
    assert all(record.error is None for record in one.of("model"))


async def test_a_budget_counts_earlier_attempts_and_the_execution():
    spent = await Stage(Scripted("first")).ask()
    again = await Stage(Scripted("second")).ask(
        agent(budget={"tokens": 15}), prompt="other", recorded=tuple(spent.records)
    )
    assert again.error.code == "budget.exceeded"
    context = {"budgets": [{"execution": "x1", "budget": {"usd": 1.0}, "usage": {"usd": 1.5}}]}
    whole = await Stage(Scripted("x"), price=lambda *what: 0.1).ask(context=context)
    assert "the execution's budget of 1 usd is used up" in str(whole.error)


async def test_a_budget_in_money_needs_a_price():
    one = await Stage(Scripted("x")).ask(agent(budget={"usd": 1}))
    assert (one.error.kind, one.error.code) == ("InvalidInput", "budget.price")


async def test_cost_is_recorded_and_unknown_is_not_zero():
    priced = await Stage(Scripted("x"), price=lambda provider, model, usage: 0.25 if model == "m-1" else None).ask()
    assert priced.of("model")[0].usage["usd"] == 0.25
    silent = await Stage(Scripted(ModelReply("x")), price=lambda *what: 0.25).ask()
    assert silent.of("model")[0].usage == {}
    assert Usage().input is None


# the hint of `pay(call: Call)` above is looked up in this module
from nbflow.ports.executors import Call  # noqa: E402


@pytest.mark.parametrize(("most", "words"), [(5, "at its limit of 5 tokens"), (None, "at its limit of tokens")])
async def test_a_cut_reply_says_its_limit(most, words):
    one = await Stage(Scripted(ModelReply("half", stop="length"))).ask(agent(repair=0, max_tokens=most))
    assert str(one.error).endswith(words)
