"""What the reader of machines makes of a text, and everything it finds wrong with one."""

from __future__ import annotations

import pytest

from nbflow.spec.chart import Emit, Raise, Run
from tests.execution.chart_text import chart, findings


def found(text, code):
    _, all_found = findings(text)
    return [each for each in all_found if each.code == code]


def one(text, code):
    [each] = found(text, code)
    return each


# ---- what is read ----


def test_states_stand_in_document_order_with_their_kin():
    made = chart("""
        initial: a
        states:
          a: {initial: b, states: {b: {events: {x: d}}, c: {}}, events: {y: c}}
          d: {parallel: true, states: {e: {}, f: {}}, events: {z: a}}
    """)
    assert [state.id for state in made.states] == ["", "a", "b", "c", "d", "e", "f"]
    assert [state.kind for state in made.states] == [
        "compound", "compound", "atomic", "atomic", "parallel", "atomic", "atomic"
    ]  # fmt: skip
    a, b = made.states[1], made.states[2]
    assert (a.children, a.last, a.initial) == ((2, 3), 3, (2,))
    assert b.ancestors == (1, 0)


def test_a_transition_may_be_short_long_or_a_list():
    made = chart("""
        initial: a
        states:
          a: {events: {x: b, y: {to: b, label: why}, z: [{to: b, if: 1 < 2}, a]}, always: {to: b, if: ctx.n}, after: {5s: b}}
          b: {events: {back: a}}
    """)
    a = made.states[1]
    assert [(t.events, t.targets, t.label) for t in a.transitions] == [
        (("x",), (2,), None), (("y",), (2,), "why"), (("z",), (2,), None), (("z",), (1,), None), ((), (2,), None),
    ]  # fmt: skip
    assert a.transitions[-1].timer == "after.5s.a" and a.timers == (("after.5s.a", 5.0),)
    assert a.always[0].condition.text == "ctx.n"


def test_actions_keep_their_order_and_what_stands_beside_them():
    made = chart("""
        initial: a
        states:
          a:
            entry: {assign: {n: 1}, raise: one, emit: {event: two, with: {x: 1}, to: parent}}
            exit: [{raise: three, delay: 5s, id: t}, {run: clean_up, with: {y: 2}}]
    """)
    [entry] = made.states[1].entry
    assert [type(action).__name__ for action in entry] == ["Assign", "Raise", "Emit"]
    assert isinstance(entry[2], Emit) and entry[2].to == "parent" and entry[2].payload.evaluate({}) == {"x": 1}
    [[late, run]] = made.states[1].exit
    assert isinstance(late, Raise) and (late.event, late.delay, late.id) == ("three", 5.0, "t")
    assert isinstance(run, Run) and made.works[run.work].id == "clean_up"


def test_a_work_is_a_node_with_a_name():
    made = chart("""
        initial: a
        states:
          a:
            invoke:
              - {tool: http.get, with: {url: =ctx.url}, as: page}
              - other-flow@2
              - {machine: {initial: s, states: {s: final}}}
    """)
    assert [(work.id, work.node.kind) for work in made.works] == [
        ("page", "tool"), ("other_flow", "workflow"), ("a", "machine")
    ]  # fmt: skip
    assert made.works[2].node.verb["chart"].states[1].id == "s"


def test_all_that_is_evaluated_can_be_checked_by_name():
    made = chart("""
        initial: a
        context: {n: =inputs.n}
        states: {a: {entry: {assign: {n: =one.x}}, always: {to: b, if: two > 1}}, b: {entry: {for_each: three, do: {assign: {n: =item}}}}}
    """)
    roots = [(reference.root, sorted(read.roots)) for read in made.reads for reference in read.template.references]
    assert roots == [
        ("inputs", ["ctx", "event"]), ("one", ["ctx", "event"]), ("two", ["ctx", "event"]),
        ("three", ["ctx", "event"]), ("item", ["ctx", "event", "index", "item"]),
    ]  # fmt: skip


def test_null_and_final_are_states():
    made = chart("{initial: a, states: {a: {events: {x: b}}, b: final}}")
    assert made.states[2].kind == "final"
    made = chart("initial: a\nstates:\n  a:\n")
    assert made.states[1].kind == "atomic"


# ---- what is wrong ----


@pytest.mark.parametrize(
    ("text", "code", "line", "column", "hint"),
    [
        ("{states: {open: {events: {close: closed}}, closed: {type: final}}}", "machine.no_initial", 1, 1, "initial: open"),
        ("{initial: opn, states: {open: {}}}", "machine.unknown_state", 1, 11, "did you mean 'open'?"),
        ("{initial: a, states: {a: {events: {x: c}}, b: {}}}", "machine.unknown_state", 1, 39, None),
        ("{initial: a, states: {a: {states: {b: {}}}}}", "machine.no_initial", 1, 23, "initial: b"),
        ("{initial: a, states: {}}", "machine.no_states", 1, 1, None),
        ("{initial: a, states: {a: {parallel: true}}}", "machine.no_states", 1, 23, None),
        ("{initial: a, states: {a: {events: {x: b}}, b: {initial: a, states: {c: {}}}}}", "machine.region", 1, 57, None),
        (
            "{initial: a, states: {a: {initial: b, states: {b: {}}}, c: {initial: b, states: {b: {}}}}}",
            "machine.duplicate_state", 1, 82, "names are unique in the whole machine",
        ),
        ("{initial: a, states: {a: {events: {x: [{to: [b, c]}]}}, b: {}, c: {}}}", "machine.region", 1, 49, None),
        ("{initial: a, states: {a: {events: {go now: b}}, b: {}}}", "machine.event", 1, 36, None),
        ("{initial: a, states: {a: {entry: {raise: 'x.*'}}}}", "machine.event", 1, 42, None),
        ("{initial: a, states: {a: {type: final, events: {x: b}}, b: {}}}", "machine.final", 1, 40, None),
        ("{initial: a, states: {a: {output: 1}}}", "machine.final", 1, 27, None),
        ("{initial: a, states: {a: {}, h: {history: deep}}}", "machine.history", 1, 34, "put it inside a state"),
        ("{initial: a, states: {a: {initial: b, states: {b: {}, h: {history: deep, entry: {raise: x}}}}}}", "machine.history", 1, 74, None),
        ("{initial: a, states: {a: {initial: b, states: {b: {}, h: {history: deep, to: c}}}, c: {}}}", "machine.region", 1, 78, None),
        ("{initial: a, states: {a: {to: b}, b: {}}}", "machine.history", 1, 27, None),
        ("{initial: a, states: {a: {parallel: true, initial: b, states: {b: {}}}}}", "machine.parallel", 1, 43, "remove 'initial'"),
        ("{initial: a, states: {a: {after: {10: b}}, b: {}}}", "type.duration", 1, 35, None),
        ("{initial: a, states: {a: {always: [{if: ctx.x}]}}}", "machine.transition", 1, 36, None),
        ("{initial: a, states: {a: {entry: {then: {raise: e}}}}}", "machine.action", 1, 35, None),
        ("{initial: a, states: {a: {entry: {assign: {n: 1}, delay: 5s}}}}", "machine.action", 1, 51, None),
        ("{initial: a, states: {a: {invoke: {workflow: w, as: 'no good'}}}}", "machine.name", 1, 53, None),
        ("{initial: a, states: {a: {invoke: {workflow: w, as: execution}}}}", "machine.name", 1, 53, None),
        ("{initial: a, states: {a: {invoke: 5}}}", "machine.invoke", 1, 35, None),
        ("{initial: a, states: {a: {evnts: {x: a}}}}", "schema.unknown_key", 1, 27, "did you mean 'events'?"),
        ("{initial: a, context: [n], states: {a: {}}}", "type.mapping", 1, 23, None),
    ],
)  # fmt: skip
def test_an_error_names_its_place(text, code, line, column, hint):
    made, all_found = findings(text)
    each = next(each for each in all_found if each.code == code)
    assert made is None and each.severity == "error"
    assert (each.line, each.column) == (line, column)
    if hint is not None:
        assert each.hint == hint


def test_the_name_of_the_machine_stands_in_what_is_said():
    from nbflow.spec.document import load
    from nbflow.spec.machine import read_machine

    said = []
    read_machine(load("{states: {a: {}}}"), said.append, name="door")
    assert any("machine 'door' has no initial state" in each.message for each in said)


def test_all_findings_come_at_once():
    _, all_found = findings("""
        initial: strt
        states:
          start: {events: {go: don, 'bad event': start}, after: {10: done}}
          done: {type: final, always: start}
    """)
    assert sorted(each.code for each in all_found if each.severity == "error") == [
        "machine.event", "machine.final", "machine.unknown_state", "machine.unknown_state", "type.duration",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "code", "words"),
    [
        ("{initial: a, states: {a: {events: {go: b}}, b: final, lost: {events: {go: b}}}}", "machine.unreachable", "'lost'"),
        ("{initial: a, states: {a: {events: {go: b, end: c}}, b: {events: {go: b}}, c: final}}", "machine.trap_state", "'b'"),
        ("{initial: a, states: {a: {events: {go: b}}, b: {}}}", "machine.dead_end", "'b'"),
        ("{initial: a, states: {a: {always: [b, {to: c, if: ctx.x}]}, b: {}, c: {}}}", "machine.shadowed", "no condition"),
        ("{initial: a, states: {a: {events: {x: [b, c]}}, b: {}, c: {}}}", "machine.shadowed", "'x' before it"),
        ("{initial: a, states: {a: {events: {'*': b, x: c}}, b: {}, c: {}}}", "machine.shadowed", "'*' before it"),
        ("{initial: a, states: {a: {events: {x.*: b, x.y: c}}, b: {}, c: {}}}", "machine.shadowed", "'x.*' before it"),
        ("{initial: a, states: {a: {after: {5s: [b, c]}}, b: {}, c: {}}}", "machine.shadowed", "no condition"),
        (
            "{initial: p, states: {p: {parallel: true, states: {r: {initial: a, states: {a: {events: {x: d}}}}, s: {initial: c, states: {c: {}, d: {}}}}}}}",
            "machine.region", "another region",
        ),
        ("{initial: a, states: {a: {invoke: {workflow: review}, events: {done.revew: b}}, b: {}}}", "machine.unknown_event", "revew"),
        ("{initial: a, states: {a: {events: {done.state.b: b}}, b: {}}}", "machine.unknown_event", "'b'"),
        ("{initial: a, states: {a: {entry: {cancel: x}}}}", "machine.unknown_event", "'x'"),
        ("{initial: a, context: {score: 1}, states: {a: {always: {to: b, if: ctx.scre > 1}}, b: {}}}", "machine.unknown_context", "'scre'"),
        ("{initial: a, context: {score: 1}, states: {a: {entry: {assign: {scre: 2}}}}}", "machine.unknown_context", "'scre'"),
    ],
)  # fmt: skip
def test_a_warning_does_not_keep_the_machine_from_running(text, code, words):
    made, all_found = findings(text)
    warnings = [each for each in all_found if each.code == code]
    assert made is not None and len(warnings) == 1
    assert warnings[0].severity == "warning" and words in warnings[0].message


def test_a_slip_in_a_transition_is_one_finding():
    _, all_found = findings("{initial: a, states: {a: {events: {x: {too: b}}}, b: {}}}")
    assert [(each.code, each.hint) for each in all_found] == [("schema.unknown_key", "did you mean 'to'?")]


def test_near_names_are_suggested():
    text = "{initial: a, context: {score: 1}, states: {a: {always: {to: b, if: ctx.scre > 1}}, b: {}}}"
    each = one(text, "machine.unknown_context")
    assert each.hint == "did you mean 'score'?" and each.column == 68


@pytest.mark.parametrize(
    ("states", "error"),
    [
        ("{a: {always: b}, b: {always: a}}", True),
        ("{a: {always: {assign: {n: 1}}}}", True),
        ("{a: {always: a}}", True),
        ("{a: {always: {to: b, if: ctx.n}}, b: {always: a}}", False),
        ("{a: {always: [{to: c, if: ctx.n}, b]}, b: {always: a}, c: {}}", False),
        ("{a: {always: b}, b: {initial: c, states: {c: {}}, always: {to: a, if: ctx.n}}}", False),
        ("{a: {always: b}, b: {initial: c, states: {c: {always: a}}}}", True),
        ("{a: {always: b}, b: final}", False),
    ],
)
def test_what_goes_round_for_ever_is_an_error_only_when_that_is_sure(states, error):
    assert bool(found(f"{{initial: a, states: {states}}}", "machine.always_cycle")) is error


@pytest.mark.parametrize(
    "text",
    [
        "{initial: open, states: {open: {events: {close: closed}}, closed: {type: final}}}",
        "{initial: a, states: {a: {events: {x: b}}, b: {events: {y: a}}}}",
        "{initial: a, events: {stop: z}, states: {a: {events: {x: b}}, b: {}, z: final}}",
        "{initial: p, states: {p: {parallel: true, events: {done.state.p: z}, states: {"
        "q: {initial: q1, states: {q1: {events: {x: q2}}, q2: final}}, r: {initial: r1, states: {r1: {events: {x: r2}}, r2: final}}}}, z: final}}",
        "{initial: c, states: {c: {initial: c1, states: {c1: {events: {x: c2}}, c2: final}, events: {done.state.c: z}}, z: final}}",
        "{initial: a, states: {a: {invoke: {workflow: w, as: v}, events: {done.v: z, error.v: z, error.*: z, done.*: z}}, z: final}}",
        "{initial: s, states: {s: {events: {x: t}, initial: a, states: {a: {events: {y: b}}, b: {}, h: {history: deep}}}, t: {events: {back: h}}}}",
    ],
)  # fmt: skip
def test_nothing_is_said_about_a_sound_machine(text):
    made, all_found = findings(text)
    assert made is not None and all_found == []


def test_checks_take_no_longer_for_more_states_than_there_are_more():
    """A chain of 3,000 states: every check goes through it without recursion."""
    states = ", ".join(f"s{n}: {{events: {{go: s{n + 1}}}}}" for n in range(3000))
    made, all_found = findings(f"{{initial: s0, states: {{{states}, s3000: final}}}}")
    assert made is not None and len(made.states) == 3002 and all_found == []
