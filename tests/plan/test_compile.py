"""Every verb and field of the language, long and short, becomes what the plan says of it."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import BaseModel

from nbflow.errors import SpecError
from nbflow.plan import plan as p
from nbflow.plan.workflow import diagnose, parse
from nbflow.spec.kinds import BUILT_IN, KindSpec


def node(text: str, **more: Any) -> p.NodePlan:
    body = parse(f"nodes: {{a: {text}, z: {{wait: 1s, join: active}}}}", **more).plan.body
    return body.nodes[0]


POLICIES = [
    ("retry: 3", "retry", p.Retry(3)),
    (
        "retry: {max: 2, delay: 1s, factor: 2, max_delay: 1m, jitter: true, on: [Timeout]}", "retry",
        p.Retry(2, 1.0, 2, 60.0, True, ("Timeout",)),
    ),
    ("timeout: 500ms", "timeout", 0.5),
    ("deadline: 1h30m", "deadline", 5400.0),
    ("cache: true", "cache", True),
    ("cache: 1h", "cache", 3600.0),
    ("priority: -2", "priority", -2),
    ("pool: gpu", "pool", (("gpu", 1),)),
    ("pool: {gpu: 2, disk: 1}", "pool", (("gpu", 2), ("disk", 1))),
    ("rate: 60/min", "rate", ("w/a", 1.0)),
    ("rate: {name: openai, limit: 10/s}", "rate", ("openai", 10.0)),
    ("breaker: {failures: 5, reset: 30s}", "breaker", (5, 30.0)),
    ("where: dask", "where", "dask"),
    ("on_error: continue", "on_error", (p.OnError("continue"),)),
    ("on_error: fail", "on_error", (p.OnError("fail"),)),
    ("on_error: {then: z}", "on_error", (p.OnError("then", then="z"),)),
    (
        "on_error: [{on: [Timeout], continue: true}, {then: z}]", "on_error",
        (p.OnError("continue", on=("Timeout",)), p.OnError("then", then="z")),
    ),
]  # fmt: skip


@pytest.mark.parametrize(("field", "name", "value"), POLICIES, ids=[field for field, _, _ in POLICIES])
def test_a_policy_means_what_it_says(field: str, name: str, value: Any) -> None:
    made = parse(f"name: w\nnodes: {{a: {{tool: f, {field}}}, z: {{wait: 1s}}}}").plan.body.nodes[0]
    assert getattr(made.policies, name) == value


@pytest.mark.parametrize(
    ("join", "meant"),
    [
        ("all", p.Join()), ("active", p.Join("active")), ("first", p.Join("count", 1)), ("race", p.Join("race", 1)),
        ("{n: 2}", p.Join("count", 2)),
    ],
)  # fmt: skip
def test_a_join_means_what_it_says(join: str, meant: p.Join) -> None:
    assert node(f"{{wait: 1s, join: {join}}}").join == meant


def test_an_error_value_is_a_template() -> None:
    (rule,) = node("{tool: f, on_error: {value: {v: =error.kind}}}").policies.on_error
    assert rule.value is not None
    assert rule.value.evaluate({"error": {"kind": "Timeout"}}) == {"v": "Timeout"}


def test_the_other_fields() -> None:
    made = node(
        "{tool: f, if: 1 < 2, output: {score: number}, transform: result.score, mock: 3, breakpoint: true, "
        "effects: once, doc: What it does, tags: [x, y]}"
    )
    assert made.condition is not None
    assert made.schema is not None
    assert made.schema["properties"] == {"score": {"type": "number"}}
    assert made.transform is not None
    assert made.mock is not None
    assert made.transform.evaluate({"result": {"score": 4}}) == 4
    assert made.mock.evaluate({}) == 3
    assert (made.breakpoint, made.effects, made.doc, made.tags) == (True, "once", "What it does", ("x", "y"))
    assert (made.line, made.column) == (1, 9)


def test_a_breakpoint_may_be_a_condition() -> None:
    hold = node("{tool: f, breakpoint: z is None}").breakpoint
    assert not isinstance(hold, bool)
    assert hold.evaluate({"z": None}) is True


def test_tools_and_agents() -> None:
    tool = node("{tool: f, with: {v: 1}}").work
    assert isinstance(tool, p.ToolCall)
    assert (tool.name, tool.arguments.evaluate({})) == ("f", {"v": 1})
    short = node("{agent: Hello}").work
    assert isinstance(short, p.AgentCall)
    assert short.prompt is not None
    assert short.prompt.evaluate({}) == "Hello"
    long = node(
        "{agent: {prompt: x, model: a/b, system: s, messages: [], images: [], tools: [f, g], max_turns: 3, repair: 2, "
        "fallback: [c/d], memory: thread, temperature: 0.5, max_tokens: 10, stream: false, budget: {tokens: 5, usd: 0.1}, "
        "approve: never, options: {top_p: 1}, headers: {h: =secrets.KEY}, auth: =secrets.KEY}, with: {v: 1}}"
    ).work
    assert isinstance(long, p.AgentCall)
    assert (long.model, long.tools, long.max_turns, long.repair, long.fallback) == ("a/b", ("f", "g"), 3, 2, ("c/d",))
    assert (long.memory, long.temperature, long.max_tokens, long.stream) == ("thread", 0.5, 10, False)
    assert (long.budget, long.approve, long.options) == ({"tokens": 5, "usd": 0.1}, "never", {"top_p": 1})
    assert long.headers is not None
    assert long.headers.secret_paths == (("h",),)


def test_choosing_and_setting() -> None:
    made = node("{switch: [{when: 1 < 2, then: z, label: yes}, {else: [z]}]}").work
    assert isinstance(made, p.Switch)
    assert [(case.then, case.label, case.when is None) for case in made.cases] == [
        (("z",), "yes", False), (("z",), None, True),
    ]  # fmt: skip
    assign = node("{set: {v: =1 + 1}}").work
    assert isinstance(assign, p.Assign)
    assert assign.values.evaluate({}) == {"v": 2}


def test_aggregates() -> None:
    best = node("{aggregate: best, with: [1, 2], by: -item}").work
    reduce = node("{aggregate: reduce, with: [1, 2], start: 10, step: acc + item}").work
    assert isinstance(best, p.Aggregate)
    assert isinstance(reduce, p.Aggregate)
    assert best.by is not None
    assert reduce.start is not None
    assert reduce.step is not None
    assert (best.how, best.by.evaluate({"item": 2}), reduce.start.evaluate({})) == ("best", -2, 10)
    assert reduce.step.evaluate({"acc": 1, "item": 2}) == 3


def test_loops_and_parallels() -> None:
    loop = node(
        "{loop: {max: 3, until: x.v > 2, while: loop.n < 5, start: {n: 1}, next: {n: =loop.n + 1}, collect: =x}, "
        "nodes: {x: {set: {v: =loop.n}}}, result: {v: =x.v}}"
    ).work
    assert isinstance(loop, p.Loop)
    assert loop.max == 3
    assert None not in (loop.until, loop.while_, loop.start, loop.next, loop.collect, loop.body.result)
    fan = node(
        "{parallel: {for_each: '[1]', max: 2, collect: =x, on_fail: {allow: 2}}, nodes: {x: {set: {v: =item}}}}"
    ).work
    assert isinstance(fan, p.ForEach)
    assert (fan.max, fan.on_fail) == (2, 2)
    branches = node(
        "{parallel: {branches: {l: {wait: 1s}, r: {nodes: {x: {wait: 1s}}, result: =x}}, on_fail: collect}}"
    ).work
    assert isinstance(branches, p.Branches)
    assert [name for name, _ in branches.bodies] == ["l", "r"]
    assert branches.on_fail == "collect"


def test_workflows_by_name_and_inline() -> None:
    by_name = node("{workflow: other@1.2, with: {v: 1}}").work
    assert isinstance(by_name, p.SubWorkflow)
    assert (by_name.name, by_name.version, by_name.plan) == ("other", "1.2", None)
    inline = node("{workflow: {inputs: [v], nodes: {x: {set: {v: =inputs.v}}}, outputs: {v: =x.v}}, with: {v: 1}}").work
    assert isinstance(inline, p.SubWorkflow)
    assert inline.plan is not None
    assert inline.name == inline.plan.name == "workflow_a"
    assert [name for name, _ in inline.plan.outputs or ()] == ["v"]


def test_waiting_and_telling() -> None:
    ask = node("{ask: {prompt: Publish?, output: boolean, to: me, timeout: 2d, default: false}}").work
    assert isinstance(ask, p.Ask)
    assert (ask.schema, ask.timeout, ask.has_default) == ({"type": "boolean"}, 172800.0, True)
    assert node("{ask: Publish?, output: boolean}").work.schema == {"type": "boolean"}  # type: ignore[union-attr]
    assert node("{wait: 10m}").work == p.Wait(600.0)
    until = node("{wait: {until: 2030-01-31T09:00:00Z}}").work
    assert isinstance(until, p.Wait)
    assert until.until is not None
    emit = node("{emit: {event: order, key: k1}, with: {v: 1}}").work
    assert isinstance(emit, p.Emit)
    assert (emit.event, emit.payload.evaluate({})) == ("order", {"v": 1})
    listen = node("{listen: {event: paid, if: event.id == 1, timeout: 1h}}").work
    assert isinstance(listen, p.Listen)
    assert (listen.event, listen.timeout) == ("paid", 3600.0)


def test_machines_bring_what_they_run() -> None:
    made = parse(
        "machine: {initial: s, states: {s: {invoke: {wait: 1s, as: work}, events: {done.work: t}}, t: {type: final}}}"
    ).plan
    assert made.machine is not None
    assert [work.nodes[0].kind for work in made.machine.works] == ["wait"]
    inner = node("{machine: {initial: s, states: {s: {type: final}}}, with: {v: 1}}").work
    assert isinstance(inner, p.Machine)
    assert inner.arguments is not None


def test_the_fields_of_a_workflow() -> None:
    made = parse(
        """
        name: whole
        version: "2.0"
        doc: All of it
        inputs: {n: {type: integer, default: 3}, url: text}
        timeout: 1h
        priority: 4
        tags: [a]
        pools: {gpu: 2}
        rates: {openai: 60/min}
        budget: {usd: 2}
        triggers:
          - {cron: 0 7 * * 1-5, timezone: Europe/Berlin, inputs: {url: x}}
          - {webhook: new, inputs: {url: =event.body.url}}
        nodes: {a: {set: {v: =inputs.n, u: =inputs.url}}}
        outputs: {v: =a.v, both: [=a.v, =a.u]}
        """
    ).plan
    assert (made.name, made.version, made.doc, made.timeout, made.priority) == ("whole", "2.0", "All of it", 3600.0, 4)
    assert (made.tags, made.pools, made.rates, made.budget) == (("a",), {"gpu": 2}, {"openai": 1.0}, {"usd": 2})
    assert made.inputs["required"] == ["url"]
    assert [trigger["kind"] for trigger in made.triggers] == ["cron", "webhook"]
    assert [name for name, _ in made.outputs or ()] == ["v", "both"]


def test_a_name_from_outside_must_agree() -> None:
    text = "name: one\nnodes: {a: {wait: 1s}}"
    assert parse(text, name="one").name == "one"
    assert parse("nodes: {a: {wait: 1s}}", name="two").name == "two"
    with pytest.raises(SpecError) as refused:
        parse(text, name="two")
    assert [each.code for each in refused.value.diagnostics] == ["schema.name"]


class Shout(BaseModel, extra="forbid"):
    text: str
    times: int = 1


KINDS = {**BUILT_IN, "shout": KindSpec("shout", model=Shout, effects="none")}


def test_a_plug_ins_verb_is_read_by_its_model_and_keeps_templates() -> None:
    made = node("{shout: {text: =z, times: 2}}", kinds=KINDS).work
    assert isinstance(made, p.PluginCall)
    assert made.parameters.evaluate({"z": "hi"}) == {"text": "hi", "times": 2}


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("{shout: {txt: hi}}", "schema.unknown_key"), ("{shout: {}}", "schema.missing"),
        ("{shout: {text: hi, times: many}}", "schema.parameter"), ("{shout: {text: =a, times: many}}", "schema.parameter"),
    ],
)  # fmt: skip
def test_what_does_not_fit_the_model_is_said_at_its_place(text: str, code: str) -> None:
    found = diagnose(f"nodes: {{a: {{set: {{v: 1}}}}, b: {text}}}", kinds=KINDS)
    assert [each.code for each in found] == [code] if code != "schema.unknown_key" else code in [e.code for e in found]


def test_a_verb_is_unknown_without_its_plug_in() -> None:
    found = diagnose("nodes: {a: {shout: {text: hi}}}")
    assert [each.code for each in found] == ["schema.unknown_key"]
