"""Control kinds, end to end: what each gives."""

from __future__ import annotations

import asyncio
import threading

import pytest

from tests.runtime.conftest import House


async def test_async_code_runs_on_the_loop_and_plain_functions_in_threads(house: House) -> None:
    seen: dict[str, object] = {}

    @house.tool
    async def on_loop() -> int:
        seen["loop"] = (asyncio.get_running_loop(), threading.current_thread())
        return 1

    @house.tool
    def in_thread() -> int:
        seen["thread"] = threading.current_thread()
        return 2

    ended = await house.run("nodes: {a: {tool: on_loop}, b: {tool: in_thread}, c: {set: {sum: =a + b}}}")
    assert ended.outputs == {"c": {"sum": 3}}
    assert seen["loop"] == (asyncio.get_running_loop(), threading.main_thread())
    assert seen["thread"] is not threading.main_thread()


async def test_a_switch_takes_the_first_case_that_holds_and_skips_the_rest(house: House) -> None:
    ended = await house.run(
        """
        inputs: {n: integer}
        nodes:
          s:
            switch:
              - {when: inputs.n > 10, then: big, label: large}
              - {when: inputs.n > 5, then: [middle, also]}
              - {else: small}
          big: {set: {v: big}}
          middle: {set: {v: middle}}
          also: {set: {v: also}}
          small: {set: {v: small}}
          after: {needs: [big], set: {v: after}}
        outputs: {v: =middle.v}
        """,
        {"n": 7},
    )
    assert ended.outputs == {"v": "middle"}
    assert ended.nodes["s"].output == {"chose": ["middle", "also"]}
    assert ended.nodes["big"].phase == "skipped"
    assert ended.nodes["big"].reason == "s chose middle, also"
    assert ended.nodes["after"].phase == "skipped"


async def test_parallel_keeps_the_order_of_items_whatever_comes_first(house: House) -> None:
    @house.tool
    async def slow(n: int) -> int:
        for _ in range(10 - n):
            await asyncio.sleep(0)
        return n * n

    ended = await house.run("""
        nodes:
          p:
            parallel: {for_each: "range(8)", max: 3, collect: =sq}
            nodes: {sq: {tool: slow, with: {n: =item}}}
        """)
    assert ended.outputs == {"p": [n * n for n in range(8)]}
    assert ended.nodes["p[3].sq"].output == 9


async def test_at_most_max_items_run_at_once(house: House) -> None:
    now, most = 0, 0

    @house.tool
    async def busy() -> None:
        nonlocal now, most
        now += 1
        most = max(most, now)
        await asyncio.sleep(0.001)
        now -= 1

    await house.run("nodes: {p: {parallel: {for_each: 'range(20)', max: 4}, nodes: {b: {tool: busy}}}}")
    assert most == 4


async def test_an_empty_list_gives_an_empty_list(house: House) -> None:
    ended = await house.run("nodes: {p: {parallel: {for_each: '[]'}, nodes: {b: {set: {x: 1}}}}}")
    assert ended.outputs == {"p": []}


@pytest.mark.parametrize(
    ("mode", "wanted"),
    [
        ("collect", [0, "error", 2]),
        ("{allow: 1}", [0, None, 2]),
    ],
)
async def test_failed_items_are_collected_or_allowed(house: House, mode: str, wanted: list[object]) -> None:
    @house.tool
    def odd(n: int) -> int:
        if n == 1:
            raise ValueError("one")
        return n

    ended = await house.run(f"""
        nodes:
          p:
            parallel: {{for_each: "range(3)", collect: =o, on_fail: {mode}}}
            nodes: {{o: {{tool: odd, with: {{n: =item}}}}}}
        """)
    got = [("error" if isinstance(item, dict) else item) for item in ended.outputs["p"]]
    assert got == wanted


async def test_a_failed_item_fails_fast_and_names_the_node(house: House) -> None:
    cancelled: list[int] = []

    @house.tool
    async def work(n: int) -> int:
        if n == 1:
            raise ValueError("one")
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            cancelled.append(n)
            raise
        return n

    ended = await house.run("""
        nodes:
          p:
            parallel: {for_each: "range(3)"}
            nodes: {o: {tool: work, with: {n: =item}}}
        """)
    assert ended.phase == "failed"
    assert ended.error is not None and ended.error["node"] == "p[1].o"
    assert sorted(cancelled) == [0, 2]
    assert ended.nodes["p[0].o"].phase == "cancelled"


async def test_branches_give_a_mapping_by_name(house: House) -> None:
    ended = await house.run("""
        nodes:
          both:
            parallel:
              branches:
                left: {nodes: {l1: {set: {v: 1}}, l2: {set: {v: =l1.v + 1}}}, result: =l2.v}
                right: {set: {v: 3}}
        """)
    assert ended.outputs["both"]["left"] == 2
    assert ended.nodes["both.left.l1"].output == {"v": 1}


async def test_a_loop_carries_values_and_stops_at_until_or_max(house: House) -> None:
    text = """
        inputs: {stop: integer}
        nodes:
          count:
            loop: {max: 5, until: step.n >= inputs.stop, start: {n: 0}, next: {n: =step.n}}
            nodes: {step: {set: {n: =loop.n + 1}}}
            result: {n: =step.n, rounds: =loop.index + 1, full: =loop.max_reached}
        """
    assert (await house.run(text, {"stop": 3})).outputs["count"] == {"n": 3, "rounds": 3, "full": False}
    assert (await house.run(text, {"stop": 99})).outputs["count"] == {"n": 5, "rounds": 5, "full": True}


async def test_a_loop_sees_the_round_before_and_may_collect_all(house: House) -> None:
    ended = await house.run("""
        nodes:
          l:
            loop: {max: 4, while: loop.index < 3, collect: =x.v}
            nodes: {x: {set: {v: "=previous.x.v * 2 if previous is not None else 1"}}}
        """)
    assert ended.outputs == {"l": [1, 2, 4]}


async def test_bodies_nest_to_any_depth(house: House) -> None:
    ended = await house.run("""
        nodes:
          outer:
            parallel: {for_each: "[1, 2]", collect: =inner}
            nodes:
              inner:
                loop: {max: 2, collect: =leaf}
                nodes:
                  leaf: {parallel: {for_each: "range(item)", collect: =x.v}, nodes: {x: {set: {v: =index}}}}
        """)
    assert ended.outputs == {"outer": [[[0], [0]], [[0, 1], [0, 1]]]}
    assert ended.nodes["outer[1].inner[1].leaf[1].x"].output == {"v": 1}


async def test_first_goes_on_at_the_first_and_race_cancels_the_rest(house: House) -> None:
    cancelled: list[str] = []

    @house.tool
    async def quick() -> str:
        return "quick"

    @house.tool
    async def slow() -> str:
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            cancelled.append("slow")
            raise
        return "slow"

    ended = await house.run("""
        nodes:
          a: {tool: quick}
          b: {tool: slow}
          won: {needs: [a, b], join: race, set: {by: =a, other: =b}}
        outputs: {by: =won}
        """)
    assert ended.outputs == {"by": {"by": "quick", "other": None}}
    assert cancelled == ["slow"]
    assert ended.nodes["b"].phase == "cancelled"


@pytest.mark.parametrize(
    ("how", "items", "wanted"),
    [
        ("list", "{a: 1, b: null, c: 3}", [1, 3]),
        ("concat", "[[1], [2, 3]]", [1, 2, 3]),
        ("concat", "[a, b]", "ab"),
        ("merge", "[{x: {y: 1}}, {x: {z: 2}}]", {"x": {"y": 1, "z": 2}}),
        ("sum", "[1, 2, 3.5]", 6.5),
        ("mean", "[1, 2]", 1.5),
        ("min", "[3, 1]", 1),
        ("max", "[3, 1]", 3),
        ("count", "[1, null, 1]", 2),
        ("first", "[null, 7]", 7),
        ("vote", "[a, b, b, a, c, b]", "b"),
    ],
)
async def test_every_aggregate_gives_what_it_says(house: House, how: str, items: str, wanted: object) -> None:
    ended = await house.run(f"nodes: {{g: {{aggregate: {how}, with: {items}}}}}")
    assert ended.outputs == {"g": wanted}


async def test_best_and_reduce_take_expressions(house: House) -> None:
    ended = await house.run("""
        nodes:
          b: {aggregate: best, by: item.score, with: [{id: a, score: 1}, {id: b, score: 3}]}
          r: {aggregate: reduce, start: 1, step: acc * item, with: [2, 3, 4]}
        """)
    assert ended.outputs == {"b": {"id": "b", "score": 3}, "r": 24}


async def test_a_question_waits_for_an_answer_of_the_right_type(house: House) -> None:
    from nbflow.errors import InputError

    execution = house.start(
        "nodes: {q: {ask: {prompt: 'How many?', output: {n: integer}}}, after: {set: {twice: =q.n * 2}}}"
    )
    await execution.until("q")
    assert execution.phase == "waiting"
    assert execution.nodes["q"].detail["prompt"] == "How many?"
    with pytest.raises(InputError):
        execution.answer("q", {"n": "three"})
    execution.answer("q", {"n": 3})
    await execution
    assert execution.outputs == {"after": {"twice": 6}}


async def test_listeners_hear_what_is_emitted_before_and_after_they_wait(house: House) -> None:
    ended = await house.run("""
        nodes:
          say: {emit: ready, with: {n: 4}}
          late: {needs: [say], listen: {event: ready, if: event.n > 3}}
          early: {listen: ready}
        outputs: {late: =late.n, early: =early.n}
        """)
    assert ended.outputs == {"late": 4, "early": 4}


async def test_a_signal_from_outside_is_heard(house: House) -> None:
    execution = house.start("nodes: {l: {listen: go}}")
    await execution.until("l")
    execution.signal("other", 1)
    execution.signal("go", {"x": 1})
    await execution
    assert execution.outputs == {"l": {"x": 1}}


async def test_wait_ends_when_its_time_has_come(house: House) -> None:
    assert (await house.run("nodes: {w: {wait: 5ms}, a: {needs: w, set: {v: 1}}}")).outputs == {"a": {"v": 1}}


async def test_a_child_workflow_has_its_own_execution(house: House) -> None:
    house.workflows["child"] = (
        "name: child\ninputs: {n: integer}\nnodes: {a: {set: {v: =inputs.n + 1}}}\noutputs: {v: =a.v}"
    )
    ended = await house.run("nodes: {c: {workflow: child, with: {n: 1}}, after: {set: {v: =c.v}}}")
    assert ended.outputs == {"after": {"v": 2}}
    child = await house.engine.open(f"{ended.id}.c")
    assert child.phase == "completed" and child.plan.name == "child"


async def test_workflows_that_call_each_other_for_ever_are_stopped(house: House) -> None:
    house.workflows["one"] = "name: one\nnodes: {a: {workflow: two}}"
    house.workflows["two"] = "name: two\nnodes: {a: {workflow: one}}"
    ended = await house.run("nodes: {a: {workflow: one}}")
    assert ended.phase == "failed"
    assert ended.error is not None and "too deeply" in ended.error["message"]


@pytest.mark.parametrize("waits", ["listen: {event: go, timeout: 10ms}", "ask: {prompt: go?, timeout: 10ms}"])
async def test_a_wait_that_is_over_too_late_is_taken_by_on_error(house: House, waits: str) -> None:
    execution = await house.run(f"nodes: {{a: {{{waits}, on_error: {{value: =error.kind}}}}}}")
    assert execution.outputs == {"a": "Timeout"}


async def test_an_event_that_the_if_of_a_listener_cannot_take_is_passed_over_with_a_warning(house: House) -> None:
    execution = house.start("nodes: {l: {listen: {event: go, if: event.n > 1}}}\noutputs: {l: =l}")
    await execution.until("waiting")
    execution.signal("go", "strange")
    execution.signal("go", {"n": "x"})
    execution.signal("go", {"n": 2})
    assert (await execution).outputs == {"l": {"n": 2}}
    said = [words for _, words in house.engine.warnings]
    assert len(said) == 2
    assert all(words.startswith("l does not take go: ") for words in said)


async def test_a_vote_counts_equal_numbers_together_and_truth_apart(house: House) -> None:
    text = (
        "nodes: {v: {aggregate: vote, with: [true, 1, 1.0, {a: 1}]}, w: {aggregate: vote, with: [[true], [2], [2.0]]}}"
    )
    ended = await house.run(text + "\noutputs: {v: =v, w: =w}")
    assert repr(ended.outputs) == "{'v': 1, 'w': [2]}"
