"""The statechart's step, beyond what the documents in `scxml/` prove: timers, work, effects, what is late or ignored."""

from __future__ import annotations

import pytest

from nbflow.errors import NodeError
from nbflow.execution.chart import begin, due, finished, step
from tests.execution.chart_text import Walk, chart

LIFECYCLE = """
    initial: start
    context: {url: null, round: 0, score: 0.0}
    states:
      start: {events: {begin: {to: processing, assign: {url: =event.data.url}}}}
      processing:
        invoke: {workflow: review_article, with: {url: =ctx.url}, as: review}
        events: {done.review: {to: decision, assign: {score: =event.data.score}}, error.review: failed}
        after: {10m: failed}
      decision:
        always:
          - {to: done, if: ctx.score >= 0.8, label: complete}
          - {to: processing, if: ctx.round < 3, label: retry, assign: {round: =ctx.round + 1}}
          - {to: failed}
      done: {type: final}
      failed: {type: final}
"""


def reviewed(walk, score, number):
    return walk.send("done.review", {"score": score}, invoke="review", number=number)


def test_the_picture_of_the_architecture_is_walked():
    walk = Walk(LIFECYCLE)
    assert walk.states == ["start"]
    assert walk.send("begin", {"url": "u"}).states == ["processing"]
    assert reviewed(walk, 0.4, 0).states == ["processing"]  # retry
    assert [walk.chart.states[1].id, walk.context["round"]] == ["start", 1]
    assert reviewed(walk, 0.9, 1).states == ["done"]  # complete
    assert walk.asked("done") == [{"do": "done", "output": {"url": "u", "round": 1, "score": 0.9}}]
    assert [(effect["id"], effect["number"]) for effect in walk.asked("start")] == [("review", 0), ("review", 1)]
    assert finished(walk.snapshot)


def test_the_labels_of_what_was_taken_are_known():
    walk = Walk(LIFECYCLE).send("begin", {"url": "u"})
    labels = {transition.number: transition.label for transition in walk.chart.transitions()}
    reviewed(walk, 0.4, 0)
    assert [labels[number] for number in walk.snapshot["taken"]] == [None, "retry"]


def test_three_rounds_are_enough():
    walk = Walk(LIFECYCLE).send("begin", {"url": "u"})
    for number in range(4):
        reviewed(walk, 0.1, number)
    assert walk.states == ["failed"] and walk.context["round"] == 3


def test_a_timer_fires_once_even_if_nobody_looked_for_long():
    walk = Walk(LIFECYCLE).send("begin", {"url": "u"})
    assert due(walk.snapshot) == walk.now + 600
    walk.now += 10_000
    walk._go(None)
    assert walk.states == ["failed"]
    assert walk.asked("stop") == [{"do": "stop", "id": "review", "number": 0}]
    assert walk._go(None).last.ignored and due(walk.snapshot) is None


def test_a_timer_that_is_not_due_does_nothing():
    walk = Walk(LIFECYCLE).send("begin", {"url": "u"})
    before = walk.snapshot
    walk.now += 599
    assert walk._go(None).last.ignored
    assert walk.snapshot == {**before, "taken": []}


def test_entering_again_starts_the_timer_anew():
    walk = Walk(LIFECYCLE).send("begin", {"url": "u"}).wait(590)
    reviewed(walk, 0.1, 0).wait(590)
    assert walk.states == ["processing"]
    assert walk.wait(11).states == ["failed"]


def test_a_timer_is_heard_by_its_own_transition_alone():
    walk = Walk("{initial: a, states: {a: {events: {'*': b}, after: {5s: c}}, b: {}, c: {}}}")
    assert walk.wait(5).states == ["c"]


def test_timers_with_guards_are_tried_in_order():
    text = "{initial: a, context: {n: 2}, states: {a: {after: {5s: [{to: b, if: ctx.n == 1}, {to: c, if: ctx.n == 2}, d]}}, b: {}, c: {}, d: {}}}"
    assert Walk(text).wait(6).states == ["c"]


def test_a_timer_whose_guards_do_not_hold_is_spent():
    walk = Walk("{initial: a, states: {a: {after: {5s: {to: b, if: 1 == 2}}}, b: {}}}").wait(60)
    assert walk.states == ["a"] and walk.last.ignored and due(walk.snapshot) is None


def test_late_news_of_a_work_that_was_ended_is_ignored():
    walk = Walk(LIFECYCLE).send("begin", {"url": "u"})
    reviewed(walk, 0.1, 0)
    assert walk.states == ["processing"]
    assert reviewed(walk, 0.9, 0).last.ignored  # the first review, again
    assert walk.states == ["processing"]
    assert reviewed(walk, 0.9, 1).states == ["done"]


def test_an_unknown_event_is_said_to_be_ignored_and_changes_nothing():
    walk = Walk(LIFECYCLE)
    before = walk.snapshot
    assert walk.send("unheard_of", 1).last.ignored
    assert walk.snapshot == before and walk.last.event["name"] == "unheard_of"


def test_a_machine_that_is_over_ignores_everything():
    walk = Walk("{initial: a, states: {a: {events: {x: b}}, b: final}}").send("x")
    assert walk.snapshot["phase"] == "done"
    assert walk.send("x").last.ignored and walk.last.effects == ()


def test_a_step_changes_neither_snapshot_nor_event():
    walk = Walk(LIFECYCLE).send("begin", {"url": "u"})
    before, event = walk.snapshot, {"name": "done.review", "data": {"score": 0.1}, "invoke": "review", "number": 0}
    kept = (walk.snapshot, dict(event))
    step(walk.chart, before, event, walk.now)
    assert (before, event) == kept
    before = Walk(LIFECYCLE).snapshot
    step(walk.chart, before, {"name": "begin", "data": {"url": "u"}}, walk.now)
    assert before == Walk(LIFECYCLE).snapshot


def test_a_failing_expression_is_an_event_and_ends_its_block():
    walk = Walk("""
        initial: a
        context: {n: 0, list: []}
        states:
          a:
            entry: [[{assign: {n: 1}}, {assign: {n: "=ctx.list[3]"}}, {assign: {n: 2}}], [{raise: after}]]
            events: {after: {assign: {list: "=[ctx.n]"}}, error.execution: {to: b, assign: {n: =event.data.kind}}}
          b: {}
    """)
    assert walk.states == ["b"] and walk.context == {"n": "EvaluationError", "list": []}


def test_an_error_that_nobody_hears_is_not_lost_in_silence():
    walk = Walk("{initial: a, context: {x: 1}, states: {a: {events: {go: {to: b, if: ctx.x.y > 1}}}, b: {}}}").send(
        "go"
    )
    assert walk.states == ["a"]
    [effect] = walk.asked("warn")
    assert effect["event"]["name"] == "error.execution" and "ctx.x.y" in effect["event"]["data"]["message"]


def test_assignments_of_one_mapping_see_the_old_context():
    walk = Walk("{initial: a, context: {x: 1, y: 2}, states: {a: {events: {swap: {assign: {x: =ctx.y, y: =ctx.x}}}}}}")
    assert walk.send("swap").context == {"x": 2, "y": 1}


def test_a_place_inside_a_value_is_assigned_and_the_old_value_kept():
    walk = Walk(
        "{initial: a, context: {user: {name: ada, age: 3}}, states: {a: {events: {go: {assign: {user.age: 4}}}}}}"
    )
    before = walk.last.snapshot
    assert walk.send("go").context == {"user": {"name": "ada", "age": 4}}
    assert before["context"] == {"user": {"name": "ada", "age": 3}}


def test_the_context_may_hold_itself_without_growing_into_itself():
    walk = Walk("{initial: a, context: {x: 1}, states: {a: {events: {go: {assign: {x: =ctx}}}}}}")
    assert walk.send("go").send("go").context == {"x": {"x": {"x": 1}}}


def test_given_values_go_before_the_first_ones():
    text = "{initial: a, context: {x: 1, y: =ctx.x + 1}, states: {a: {}}}"
    assert Walk(text).context == {"x": 1, "y": 2}
    assert Walk(text, {"y": 9, "z": 3}).context == {"x": 1, "y": 9, "z": 3}


def test_further_roots_are_seen():
    walk = Walk("{initial: a, context: {x: =inputs.n * 2}, states: {a: {}}}", scope={"inputs": {"n": 21}})
    assert walk.context == {"x": 42}


def test_the_active_states_can_be_asked_for():
    walk = Walk("""
        parallel: true
        states:
          p: {initial: p1, states: {p1: {events: {go: p2}}, p2: {}}}
          q: {initial: q1, states: {q1: {events: {look: {to: q2, if: "'p2' in execution.states"}}}, q2: {}}}
    """)
    assert walk.send("look").states == ["p", "p1", "q", "q1"]
    assert walk.send("go").send("look").states == ["p", "p2", "q", "q2"]


def test_a_parallel_machine_ends_when_all_its_regions_have():
    walk = Walk("""
        parallel: true
        states:
          p: {initial: p1, states: {p1: {events: {a: p2}}, p2: final}}
          q: {initial: q1, states: {q1: {events: {b: q2}}, q2: final}}
    """)
    assert walk.send("a").snapshot["phase"] == "running"
    assert walk.send("b").snapshot["phase"] == "done"


def test_transitions_of_the_machine_itself_hold_everywhere():
    walk = Walk("{initial: a, events: {stop: c}, states: {a: {events: {go: b}}, b: {}, c: final}}")
    assert walk.send("go").send("stop").snapshot["phase"] == "done"


def test_events_go_to_the_world_with_their_data():
    walk = Walk(
        "{initial: a, context: {n: 7}, states: {a: {events: {go: {emit: sold, with: {n: =ctx.n}, key: =ctx.n}}}}}"
    ).send("go")
    assert walk.asked("emit") == [
        {"do": "emit", "event": {"name": "sold", "data": {"n": 7}, "type": "external", "key": 7}}
    ]
    assert not walk.last.ignored


def test_a_delayed_event_to_the_world_leaves_when_it_is_due_unless_it_is_cancelled():
    text = """
        initial: a
        states:
          a:
            entry: [{emit: one, delay: 5s, id: first}, {emit: two, delay: 6s, id: second}]
            events: {stop: {cancel: first}}
    """
    assert [effect["event"]["name"] for effect in Walk(text).wait(60).asked("emit")] == ["one", "two"]
    assert [effect["event"]["name"] for effect in Walk(text).send("stop").wait(60).asked("emit")] == ["two"]


def test_a_delayed_raise_outlives_its_state_and_a_timer_does_not():
    walk = Walk("""
        initial: a
        states:
          a: {entry: {raise: later, delay: 5s}, after: {5s: c}, events: {go: b}}
          b: {events: {later: d}}
          c: {}
          d: {}
    """)
    assert walk.send("go").wait(10).states == ["d"]


def test_a_delay_may_be_computed():
    walk = Walk(
        "{initial: a, context: {wait: 1m30s}, states: {a: {entry: {raise: x, delay: =ctx.wait}, events: {x: b}}, b: {}}}"
    )
    assert due(walk.snapshot) == walk.now + 90


def test_a_delay_that_is_none_is_an_error():
    walk = Walk("{initial: a, context: {wait: 3}, states: {a: {entry: {raise: x, delay: =ctx.wait}}}}")
    [effect] = walk.asked("warn")
    assert effect["event"]["data"]["code"] == "machine.action"


def test_a_run_outlives_its_state_and_the_machine_waits_for_it():
    walk = Walk("{initial: a, states: {a: {events: {go: {to: b, run: clean_up, as: cleaning}}}, b: final}}").send("go")
    assert walk.asked("start")[0]["id"] == "cleaning" and walk.asked("stop") == []
    assert walk.snapshot["phase"] == "done" and not finished(walk.snapshot) and walk.asked("done") == []
    walk.send("done.cleaning", 1, invoke="cleaning", number=0)
    assert finished(walk.snapshot) and len(walk.asked("done")) == 1


def test_a_run_can_be_cancelled():
    walk = Walk("{initial: a, states: {a: {entry: {run: long, as: job}, events: {stop: {cancel: job}}}}}").send("stop")
    assert walk.asked("stop") == [{"do": "stop", "id": "job", "number": 0}]


def test_what_runs_gets_the_context_and_the_event_of_its_moment():
    walk = Walk("""
        initial: a
        context: {n: 1}
        states:
          a: {events: {go: {to: b, actions: [{run: first}, {assign: {n: 2}}]}}}
          b: {invoke: {workflow: second}}
    """).send("go", "word")
    roots = [(effect["roots"]["ctx"]["n"], effect["roots"]["event"]["data"]) for effect in walk.asked("start")]
    assert roots == [(1, "word"), (2, "word")]


def test_a_state_that_is_only_passed_through_invokes_nothing():
    walk = Walk("{initial: a, states: {a: {invoke: {workflow: w}, always: b}, b: {}}}")
    assert walk.asked("start") == []


def test_what_runs_twice_has_two_numbers_and_is_cancelled_together():
    walk = (
        Walk("{initial: a, states: {a: {events: {go: {run: w, as: job}, stop: {cancel: job}}}}}").send("go").send("go")
    )
    assert list(walk.snapshot["invocations"]) == ["job[0]", "job[1]"]
    walk.send("done.job", None, invoke="job", number=0)
    assert list(walk.snapshot["invocations"]) == ["job[1]"]
    walk.send("go").send("stop")
    assert [(effect["do"], effect["number"]) for effect in walk.effects] == [
        ("start", 0), ("start", 1), ("start", 2), ("stop", 1), ("stop", 2)
    ]  # fmt: skip


def test_two_regions_may_run_the_same():
    walk = Walk("""
        parallel: true
        states:
          p: {initial: p1, states: {p1: {invoke: w, events: {leave: p2}}, p2: {}}}
          q: {initial: q1, states: {q1: {invoke: w}}}
    """)
    assert list(walk.snapshot["invocations"]) == ["w[0]", "w[1]"]
    assert walk.send("leave").asked("stop") == [{"do": "stop", "id": "w", "number": 0}]


def test_a_final_state_may_say_what_the_machine_gives():
    walk = Walk("{initial: a, context: {n: 4}, states: {a: {type: final, output: {twice: =ctx.n * 2}}}}")
    assert walk.asked("done") == [{"do": "done", "output": {"twice": 8}}]


def test_exits_run_when_the_machine_ends():
    walk = Walk(
        "{initial: a, context: {n: 0}, states: {a: {exit: {emit: left}, events: {go: b}}, b: {type: final, exit: {emit: over}}}}"
    ).send("go")
    assert [effect["event"]["name"] for effect in walk.asked("emit")] == ["left", "over"]


@pytest.mark.parametrize(
    "text",
    [
        "{initial: a, context: {n: 0}, states: {a: {always: {to: b, if: ctx.n == 0}}, b: {always: {to: a, if: ctx.n == 0}}}}",
        "{initial: a, states: {a: {entry: {raise: x}, events: {x: a}}}}",
    ],
)
def test_a_machine_that_never_rests_fails_with_its_place(text):
    with pytest.raises(NodeError) as raised:
        begin(chart(text))
    assert raised.value.code == "machine.livelock" and "never comes to rest" in str(raised.value)


def test_a_thousand_eventless_steps_are_not_too_many():
    text = "{initial: a, context: {n: 0}, states: {a: {always: [{to: b, if: ctx.n == 1000}, {assign: {n: =ctx.n + 1}}]}, b: {}}}"
    assert Walk(text.replace("1000", "999")).states == ["b"]
    with pytest.raises(NodeError):
        Walk(text.replace("1000", "1001"))


def test_an_event_in_between_lets_a_machine_go_on_of_itself_again():
    walk = Walk("""
        initial: a
        context: {n: 0}
        states:
          a: {always: [{to: b, if: ctx.n == 900, raise: more}, {assign: {n: =ctx.n + 1}}]}
          b: {events: {more: {to: c, assign: {n: 0}}}}
          c: {always: [{to: d, if: ctx.n == 900}, {assign: {n: =ctx.n + 1}}]}
          d: {}
    """)
    assert walk.states == ["d"]


def test_an_error_in_the_last_state_is_not_lost_either():
    walk = Walk("{initial: a, context: {x: 1}, states: {a: {type: final, entry: {assign: {x: =ctx.x.y}}}}}")
    assert walk.snapshot["phase"] == "done" and walk.asked("warn")[0]["event"]["name"] == "error.execution"


def test_a_long_list_of_conditions_and_actions():
    walk = Walk("""
        initial: a
        context: {log: [], n: 5}
        states:
          a:
            entry:
              - {if: ctx.n > 3, then: {assign: {log: "=ctx.log + ['big']"}}, else: {assign: {log: "=ctx.log + ['small']"}}}
              - {for_each: "[1, 2]", do: {assign: {log: "=ctx.log + [item * 10 + index]"}}}
              - {for_each: "[7]", assign: {n: =item}}
    """)
    assert walk.context == {"log": ["big", 10, 21], "n": 7}


def test_a_list_of_transitions_names_its_events():
    walk = Walk("{initial: a, states: {a: {events: [{event: [x, y.*], to: b}, {event: '*', to: c}]}, b: {}, c: {}}}")
    assert walk.send("y.z").states == ["b"]


def test_history_without_default_goes_where_its_state_begins():
    walk = Walk("""
        initial: off
        states:
          off: {events: {on: again}}
          work: {initial: one, states: {again: {history: shallow}, one: {events: {next: two}}, two: {}}, events: {off: off}}
    """)
    assert walk.send("on").states == ["work", "one"]
    assert walk.send("next").send("off").send("on").states == ["work", "two"]
