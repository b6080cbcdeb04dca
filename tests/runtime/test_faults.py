"""Faults at four levels: the attempt, the node, what was done, the execution."""

from __future__ import annotations

import asyncio

import pytest

from nbflow.errors import NodeError
from tests.runtime.conftest import House


async def test_an_attempt_is_retried_up_to_max_times(house: House) -> None:
    tries: list[int] = []

    @house.tool
    def flaky() -> str:
        tries.append(1)
        if len(tries) < 3:
            raise ConnectionError("no")
        return "yes"

    ended = await house.run("nodes: {a: {tool: flaky, retry: {max: 2, delay: 1ms}}}")
    assert ended.outputs == {"a": "yes"}
    assert ended.nodes["a"].attempt == 3


async def test_only_the_named_kinds_are_retried(house: House) -> None:
    tries: list[int] = []

    @house.tool
    def flaky() -> str:
        tries.append(1)
        raise KeyError("no")

    ended = await house.run("nodes: {a: {tool: flaky, retry: {max: 5, on: [ConnectionError]}}}")
    assert ended.phase == "failed" and len(tries) == 1
    again = await house.run("nodes: {a: {tool: flaky, retry: {max: 1, on: [LookupError]}}}")
    assert again.nodes["a"].attempt == 2


@pytest.mark.parametrize(
    ("form", "outputs"),
    [
        ("continue", {"v": {"got": None}}),
        ("{value: {x: '${{ error.kind }}'}}", {"v": {"got": {"x": "ValueError"}}}),
    ],
)
async def test_on_error_goes_on_with_null_or_a_value(house: House, form: str, outputs: dict[str, object]) -> None:
    @house.tool
    def bad() -> None:
        raise ValueError("bad")

    ended = await house.run(
        f"nodes: {{a: {{tool: bad, on_error: {form}}}, b: {{set: {{got: =a}}}}}}\noutputs: {{v: =b}}"
    )
    assert ended.phase == "completed"
    assert ended.outputs == outputs
    assert ended.nodes["a"].error["kind"] == "ValueError"


async def test_on_error_then_goes_another_way(house: House) -> None:
    @house.tool
    def bad() -> None:
        raise ValueError("bad")

    ended = await house.run("""
        nodes:
          a: {tool: bad, on_error: {then: rescue}}
          b: {needs: [a], set: {v: 1}}
          rescue: {set: {why: =error.message}}
          end: {needs: [b, rescue], join: active, set: {b: =b, why: =rescue.why}}
        """)
    assert ended.outputs == {"end": {"b": None, "why": "bad"}}
    assert [ended.nodes[id].phase for id in ("a", "b", "rescue")] == ["failed", "skipped", "completed"]


async def test_compensations_run_backwards_and_then_the_workflows_on_error(house: House) -> None:
    said: list[str] = []

    @house.tool
    async def say(text: str) -> str:
        said.append(text)
        return text

    @house.tool
    def bad() -> None:
        raise ValueError("bad")

    ended = await house.run("""
        nodes:
          a: {tool: say, with: {text: a}, compensate: {tool: say, with: {text: "undo ${{ a }} for ${{ error.node }}"}}}
          b: {needs: a, tool: say, with: {text: b}, compensate: [{tool: say, with: {text: undo b}}]}
          c: {needs: b, tool: bad, compensate: {tool: say, with: {text: never}}}
        on_error: {tool: say, with: {text: "failed at ${{ error.node }}: ${{ error.message }}"}}
        """)
    assert ended.phase == "failed"
    assert said == ["a", "b", "undo b", "undo a for c", "failed at c: bad"]


async def test_a_timeout_ends_an_attempt_and_a_deadline_all_of_them(house: House) -> None:
    @house.tool
    async def slow() -> None:
        await asyncio.sleep(60)

    ended = await house.run("nodes: {a: {tool: slow, timeout: 5ms, retry: {max: 1}}}")
    assert ended.error is not None and ended.error["kind"] == "Timeout"
    assert ended.nodes["a"].attempt == 2
    late = await house.run("nodes: {a: {tool: slow, timeout: 1h, deadline: 20ms, retry: 99}}")
    assert late.error is not None and late.error["kind"] == "Timeout"


async def test_the_executions_own_timeout_fails_it(house: House) -> None:
    @house.tool
    async def slow() -> None:
        await asyncio.sleep(60)

    ended = await house.run("timeout: 10ms\nnodes: {a: {tool: slow}}")
    assert ended.phase == "failed"
    assert ended.error is not None and ended.error["code"] == "execution.timeout"


async def test_an_output_that_fails_fails_the_execution(house: House) -> None:
    ended = await house.run("nodes: {a: {set: {n: 0}}}\noutputs: {x: =1 / a.n}")
    assert ended.phase == "failed"
    assert ended.error is not None and ended.error["node"] == "outputs.x"


async def test_an_output_that_reads_a_skipped_node_is_null(house: House) -> None:
    ended = await house.run("""
nodes:
  a: {set: {n: 1}, if: "false"}
  b: {set: {n: 2, zero: 0}}
  c: {set: {n: =1 / b.zero}, on_error: {then: d}}
  d: {set: {n: 3}}
outputs: {whole: =a, field: =a.n, text: "n=${{ a.n }}", tested: "=a.n if a is not None else b.n", failed: =c.n}
""")
    assert ended.phase == "completed"
    assert ended.outputs == {"whole": None, "field": None, "text": None, "tested": 2, "failed": None}


async def test_an_input_expression_that_fails_fails_the_node(house: House) -> None:
    ended = await house.run("nodes: {a: {set: {n: 0}}, b: {set: {x: =1 / a.n}}}")
    assert ended.phase == "failed"
    assert ended.error is not None and ended.error["node"] == "b"


async def test_a_breaker_opens_after_failures_and_refuses(house: House) -> None:
    @house.tool
    def bad() -> None:
        raise ConnectionError("no")

    execution = house.start("""
        nodes:
          p:
            parallel: {for_each: "range(3)", max: 1, on_fail: collect, collect: =b}
            nodes: {b: {tool: bad, breaker: {failures: 2, reset: 50ms}}}
        """)
    await execution
    assert [item["error"]["kind"] for item in execution.outputs["p"]] == ["ConnectionError"] * 3


@pytest.fixture
def pays(house: House) -> list[int]:
    calls: list[int] = []

    @house.tools.tool(effects="once")
    async def pay() -> str:
        calls.append(1)
        if len(calls) == 1:
            await asyncio.Event().wait()
        return "paid"

    @house.tools.tool(effects="once")
    async def late() -> str:
        calls.append(1)
        raise NodeError("Timeout", "the server did not answer in time")

    return calls


@pytest.mark.parametrize("limit", ["timeout: 10ms", "deadline: 10ms"])
async def test_what_may_happen_only_once_is_in_doubt_when_it_took_too_long(
    house: House, pays: list[int], limit: str
) -> None:
    for verb, outputs in (("retry", {"a": "paid"}), ("skip", {"a": "by hand"}), ("fail", None)):
        pays.clear()
        execution = house.start(f"nodes: {{a: {{tool: pay, {limit}, retry: {{max: 3, delay: 1ms}}}}}}")
        await execution.until("a")
        node = execution.nodes["a"]
        assert (node.phase, node.reason, node.detail["error"]["kind"]) == ("waiting", "in_doubt", "Timeout")
        assert "may have happened" in execution.explain("a")
        assert len(pays) == 1
        getattr(execution, verb)("a", *(["by hand"] if verb == "skip" else []))
        await execution.until("completed")
        assert execution.outputs == outputs


@pytest.mark.parametrize(
    ("policy", "phase", "calls"),
    [
        ("retry: {max: 3, delay: 1ms, on: [Timeout]}", "completed", 2),
        ("retry: 3, on_error: {value: 1}", "completed", 1),
        ("retry: 3, on_error: continue", "completed", 1),
    ],
)
async def test_a_policy_that_speaks_of_it_decides(
    house: House, pays: list[int], policy: str, phase: str, calls: int
) -> None:
    execution = await house.run(f"nodes: {{a: {{tool: pay, timeout: 10ms, {policy}}}}}")
    assert (execution.phase, len(pays)) == (phase, calls)


async def test_a_tool_that_says_it_was_too_late_fails_and_is_not_repeated(house: House, pays: list[int]) -> None:
    execution = await house.run("nodes: {a: {tool: late, retry: 3}}")
    assert (execution.phase, execution.error["kind"], len(pays)) == ("failed", "Timeout", 1)


LATE = {
    "ask": "{ask: go?, %s}",
    "listen": "{listen: go, %s}",
    "wait": "{wait: 1h, %s}",
    "machine": "{machine: {initial: s, states: {s: {events: {go: s}}}}, %s}",
    "parallel": "{parallel: {for_each: '[1, 2]'}, nodes: {i: {tool: hang}}, %s}",
    "branches": "{parallel: {branches: {l: {tool: hang}, r: {ask: go?}}}, %s}",
    "loop": "{loop: {max: 2}, nodes: {i: {parallel: {for_each: '[1]'}, nodes: {d: {tool: hang}}}}, %s}",
}


@pytest.mark.parametrize("field", ["timeout: 20ms", "deadline: 20ms"])
@pytest.mark.parametrize("kind", LATE)
async def test_a_node_of_any_kind_ends_when_its_time_is_over(house: House, kind: str, field: str) -> None:
    stopped: list[int] = []

    @house.tool
    async def hang() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            stopped.append(1)

    node = LATE[kind] % field
    failed = await house.run(f"nodes: {{a: {node}}}")
    assert (failed.phase, failed.error["kind"], failed.error["node"]) == ("failed", "Timeout", "a")
    caught = await house.run(f"nodes: {{a: {node[:-1]}, on_error: {{value: =error.kind}}}}, b: {{set: {{v: =a}}}}}}")
    assert caught.outputs == {"b": {"v": "Timeout"}}
    assert all(each.phase != "running" for each in caught.nodes.values())
    again = await house.run(f"nodes: {{a: {node[:-1]}, retry: {{max: 1, delay: 1ms}}}}}}")
    assert (again.phase, again.nodes["a"].attempt) == ("failed", 2 if field.startswith("timeout") else 1)
    expected = {"parallel": 2, "branches": 1, "loop": 1}.get(kind, 0) * (4 if field.startswith("timeout") else 3)
    assert len(stopped) == expected


async def test_a_limit_survives_a_restart(house: House) -> None:
    execution = house.start("nodes: {a: {ask: go?, deadline: 50ms}}")
    await execution.until("a")
    execution._driver.break_off(RuntimeError("the process is gone"))  # type: ignore[union-attr]
    again = await house.new_engine().recover(execution.id)
    await again.until("failed")
    assert again.error["kind"] == "Timeout"
