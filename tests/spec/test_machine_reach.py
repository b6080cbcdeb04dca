"""What can never be reached or taken, and that nothing is said of what can be.

Random machines are run with random events: a transition of which `machine.shadowed` was said is never taken, a state
of which `machine.unreachable` was said never entered, and none ends after it was in a `machine.trap_state`.
"""

from __future__ import annotations

import json
import random
import re

import pytest

from nbflow.errors import NbflowError
from nbflow.execution.chart import begin, step
from nbflow.spec.document import load
from nbflow.spec.kinds import BUILT_IN
from nbflow.spec.machine import read_machine
from tests.execution.chart_text import findings


def said(text, code):
    _, found = findings(text)
    return [(each.message.replace("this transition is ", ""), each.hint) for each in found if each.code == code]


def unreachable(text):
    return [message.removeprefix("nothing leads to state ") for message, _ in said(text, "machine.unreachable")]


PARALLEL = (
    "{initial: p, states: {p: {parallel: true, events: {done.state.p: z}, states: "
    "{q: {initial: q1, states: {q1: {events: {x: %s}}, q2: final}}, r: {initial: r1, states: {r1: {events: {x: r2}}, r2: final}}}}, z: final}}"
)


@pytest.mark.parametrize(
    ("text", "states"),
    [
        ("{initial: c, states: {c: {initial: a, states: {a: {}}, events: {done.state.c: z}}, z: {}}}", ["'z'"]),
        ("{initial: c, states: {c: {initial: a, states: {a: {}, e: final}, events: {done.state.c: z}}, z: {}}}", ["'e'", "'z'"]),
        ("{initial: c, states: {c: {initial: a, states: {a: {events: {x: e}}, e: final}, events: {done.state.c: z}}, z: {}}}", []),
        (PARALLEL % "q2", []),
        (PARALLEL % "q1", ["'q2'", "'z'"]),
        ("{initial: a, states: {a: {events: {x: [{to: b, if: false}, {to: c, if: 1 > 2}, {to: d, if: 'true'}, e]}}, b: {}, c: {}, d: {}, e: {}}}", ["'b'", "'c'", "'e'"]),
        ("{initial: a, states: {a: {always: [{to: b, if: true}, {to: c, if: ctx.n}]}, b: {}, c: {}}}", ["'c'"]),
        ("{initial: a, states: {a: {events: {[x, done.state.a]: z}}, z: {}}}".replace("{[x, done.state.a]: z}", "[{event: [x, done.state.a], to: z}]"), []),
        ("{initial: c, states: {c: {initial: a, entry: {raise: done.state.c}, states: {a: {}}, events: {done.state.c: z}}, z: {}}}", []),
        ("{initial: c, states: {c: {initial: a, states: {a: {}}, events: {done.*: z}}, z: {}}}", []),
        ("{initial: p, states: {p: {initial: a, events: {x: z}, states: {a: {events: {x: b}}, b: {events: {x: a}}}}, z: {}}}", ["'z'"]),
    ],
)  # fmt: skip
def test_a_state_is_reached_only_by_what_can_be_taken(text, states):
    assert unreachable(text) == states


def test_a_state_that_waits_for_an_end_that_never_comes_is_a_dead_end():
    text = (
        "{initial: c, states: {c: {initial: a, states: {a: {}}, events: {done.state.c: z, done.state.d: z}}, z: final}}"
    )
    assert [message for message, _ in said(text, "machine.dead_end")] == [
        "nothing leads out of state 'a', and it is not the end"
    ]
    assert said(text, "machine.unknown_event") == [
        ("'done.state.c' never comes: no state 'c' has an end", "put a state of 'type: final' into 'c'"),
        ("'done.state.d' never comes: no state 'd' has an end", None),
    ]


def test_a_state_from_which_only_such_an_end_leads_on_is_a_trap():
    text = "{initial: c, states: {c: {initial: a, states: {a: {events: {x: b}}, b: {events: {x: a}}}, events: {done.state.c: z, y: {to: z, if: false}}}, z: final}}"
    assert [message for message, _ in said(text, "machine.trap_state")] == [
        "no path leads from 'a' or from any other state to a final state"
    ]
    text = "{initial: s, states: {s: {events: {x: c, y: z}}, c: {initial: a, states: {a: {events: {x: b}}, b: {events: {x: a}}}, events: {done.state.c: z}}, z: final}}"
    assert [message for message, _ in said(text, "machine.trap_state")] == [
        "no path leads from 'a' to a final state", "no path leads from 'b' to a final state",
    ]  # fmt: skip


PARENT = "{initial: p, states: {p: {%s, states: {%s}}, z: {events: {back: p}}}}"


@pytest.mark.parametrize(
    ("parent", "children", "why"),
    [
        ("initial: a, events: {x: z, y: z}", "a: {events: {x: b}}, b: {events: {x: a}}", "'x' always moves a state inside"),
        ("initial: a, events: {x: z, y: z}", "a: {events: {x: b}}, b: {events: {'*': a}}", "'x' always moves a state inside"),
        ("initial: a, events: {x.y: z, y: z}", "a: {events: {x.*: b}}, b: {events: {'x.y': {to: a, if: 1 < 2}}}", "'x.y' always moves a state inside"),
        ("initial: a, events: {x: {assign: {n: 1}}, y: z}", "a: {events: {x: {assign: {n: 2}}}}", "'x' always moves a state inside"),
        ("initial: a, events: {y: z}, always: {to: z, if: ctx.n}", "a: {always: b}, b: {always: [{to: a, if: ctx.n}, z]}", "all states inside move on by themselves"),
        ("parallel: true, events: {x: z, y: z}", "q: {initial: a, states: {a: {events: {x: a}}}}, r: {initial: b, states: {b: {}}}", "'x' always moves a state inside"),
        ("parallel: true, events: {x: {assign: {n: 1}}, y: z}", "q: {events: {x: {assign: {n: 1}}}}, r: {events: {x: {assign: {n: 1}}}}", "'x' always moves a state inside"),
    ],
)  # fmt: skip
def test_a_transition_is_shadowed_when_all_states_inside_go_first(parent, children, why):
    assert [message for message, _ in said(PARENT % (parent, children), "machine.shadowed")][:1] == [
        f"never taken: {why}"
    ]


@pytest.mark.parametrize(
    ("parent", "children"),
    [
        ("initial: a, events: {x: z}", "a: {events: {x: b}}, b: {events: {y: a}}"),
        ("initial: a, events: {x: z}", "a: {events: {x: {to: b, if: ctx.n}}}, b: {events: {x: a}}"),
        ("initial: a, events: {x: z}", "a: {events: {x: b}}, b: final"),
        ("initial: a, events: {x.*: z}", "a: {events: {x.y: b}}, b: {events: {x: a}}"),
        ("initial: a, after: {5s: z}", "a: {events: {'*': b}}, b: {events: {'*': a}}"),
        ("initial: a, events: {x: z}", "a: {events: {x: b}}, b: {events: {x: {to: a, if: false}}}"),
        ("initial: a, always: {to: z, if: ctx.n}", "a: {always: b}, b: {}"),
        ("parallel: true, events: {x: {assign: {n: 1}}}", "q: {events: {x: {assign: {n: 1}}}}, r: {}"),
        ("parallel: true, events: {x: z}", "q: {events: {x: {assign: {n: 1}}}}, r: {}"),
        ("parallel: true, events: {x: z}", "q: {initial: a, states: {a: {events: {x: b}}, b: {}}}, r: {}"),
    ],
)
def test_a_transition_is_not_shadowed_while_one_state_lets_it_through(parent, children):
    assert said(PARENT % (parent, children), "machine.shadowed") == []


def test_nothing_is_heard_in_a_state_that_is_left_at_once():
    text = "{initial: a, states: {a: {always: [{to: b, if: ctx.n}, c], events: {x: b}, after: {5s: b}}, b: {}, c: {}}}"
    assert [message for message, _ in said(text, "machine.shadowed")] == [
        "never taken: an 'always' leads on before anything is heard here"
    ] * 2


@pytest.mark.parametrize(
    ("states", "wrong"),
    [
        ("{a: {always: {to: b, if: true}}, b: {always: {to: a, if: 'true'}}}", True),
        ("{a: {always: [{to: z, if: false}, b]}, b: {always: {to: a, if: 1 < 2}}, z: {}}", True),
        ("{a: {always: {to: b, if: false}}, b: {always: a}}", False),
        ("{a: {always: {to: b, if: 1 / 0}}, b: {always: a}}", False),
    ],
)
def test_a_condition_that_nothing_can_change_is_none(states, wrong):
    assert bool(said(f"{{initial: a, states: {states}}}", "machine.always_cycle")) is wrong


def test_a_history_may_lead_to_where_its_default_does_not():
    text = (
        "{initial: p, states: {p: {initial: a, events: {rest: q}, states: {a: {events: {x: b}}, b: {events: {y: z}}, "
        "h: {history: deep, to: c}, c: {events: {loop: c}}}}, q: {events: {back: h}}, z: final}}"
    )
    assert said(text, "machine.trap_state") == []


@pytest.mark.parametrize(
    "states",
    [
        "{h: {history: shallow}, a: {}}",
        "{h: {history: shallow, to: h}, a: {}}",
        "{h: {history: shallow, to: g}, g: {history: deep, to: h}, a: {}}",
    ],
)
def test_a_history_that_stands_for_itself_is_an_error(states):
    found = said(f"{{initial: c, states: {{c: {{initial: h, states: {states}}}}}}}", "machine.history")
    assert (
        "'h' stands for itself while nothing is remembered",
        "say with 'to' where to go then: a state that is no history",
    ) in found


def test_checks_take_no_longer_for_wide_machines():
    """Parallel states of many regions, and a parent of many events around many states: each state is looked at once."""
    regions = ", ".join(f"s{n}: {{initial: a{n}, states: {{a{n}: {{events: {{e{n}: a{n}}}}}}}}}" for n in range(2000))
    _, found = findings(f"{{initial: p, states: {{p: {{parallel: true, states: {{{regions}}}}}}}}}")
    assert found == []
    inside = ", ".join(f"s{n}: {{events: {{'*': s{(n + 1) % 2000}}}}}" for n in range(2000))
    events = ", ".join(f"e{n}: z" for n in range(2000))
    _, found = findings(
        f"{{initial: p, states: {{p: {{initial: s0, events: {{{events}}}, states: {{{inside}}}}}, z: {{}}}}}}"
    )
    assert len([each for each in found if each.code == "machine.shadowed"]) == 2000


def test_a_transition_in_a_list_is_shown_where_it_stands():
    _, found = findings("{initial: a, states: {a: {events: {x: [{to: b, if: true}, {to: c}]}}, b: {}, c: {}}}")
    assert [(each.line, each.column) for each in found if each.code == "machine.shadowed"] == [(1, 59)]


@pytest.mark.parametrize(
    ("transition", "hint"),
    [
        ("a", "internal: true"),
        ("{to: a, internal: true}", None),
        ("q", "move states inside it instead"),
        ("r", "to tell another region something, raise an event"),
        ("z", None),
    ],
)
def test_a_region_that_is_left_takes_the_others_with_it(transition, hint):
    text = "{initial: p, states: {p: {parallel: true, states: {q: {initial: a, events: {x: %s}, states: {a: {}, b: {}}}, r: {}}}, z: {}}}"
    assert [hint for _, hint in said(text % transition, "machine.region")] == ([hint] if hint else [])


# ---- random machines ----

EVENTS = ("x", "x.y", "y", "*", "x.*")
GUARDS = (None, None, None, None, "true", "1 < 2", "false", "ctx.n % 2 == 0", "ctx.n < 3")


class Machines:
    """Random machines, some with constant guards, ends and parallel states."""

    def __init__(self, seed):
        self.random = random.Random(seed)
        self.ids = []
        self.here = 0

    def machine(self):
        made = self.states(3)
        made["context"] = {"n": 0, "seen": []}
        for id, state in made["states"].items():
            self.fill(id, state)
        return made

    def states(self, depth):
        found = {}
        for _ in range(self.random.randint(2, 3)):
            id = f"s{len(self.ids)}"
            self.ids.append(id)
            found[id] = self.state(depth - 1) if self.random.random() < 0.8 else {"type": "final"}
        first = self.random.choice(list(found))
        if depth < 3 and self.random.random() < 0.4:
            id = f"s{len(self.ids)}"
            self.ids.append(id)
            found[id] = {"history": self.random.choice(["shallow", "deep"])}
        return {"states": found, "initial": first}

    def state(self, depth):
        if depth == 0 or self.random.random() < 0.5:
            return {}
        made = self.states(depth)
        if self.random.random() < 0.4 and all(state.get("type") != "final" for state in made["states"].values()):
            return {"states": made["states"], "parallel": True}
        return made

    def fill(self, id, state):
        for inner_id, inner in state.get("states", {}).items():
            self.fill(inner_id, inner)
        self.here = int(id[1:])
        if state.get("type") == "final" or "history" in state:
            return
        state["events"] = [
            {"event": self.event(), **self.transition()} for _ in range(self.random.choice([0, 1, 1, 2]))
        ]
        if self.random.random() < 0.3:
            state["always"] = [self.transition() for _ in range(self.random.randint(1, 2))]

    def event(self):
        return (
            f"done.state.{self.random.choice(self.ids)}" if self.random.random() < 0.3 else self.random.choice(EVENTS)
        )

    def transition(self):
        guard = self.random.choice(GUARDS)
        made = {"assign": {"n": "=ctx.n + 1"}, **({"if": guard} if guard else {})}
        if self.random.random() < 0.85:
            near = [id for id in self.ids if abs(int(id[1:]) - self.here) < 3]
            made["to"] = self.random.choice(self.ids if self.random.random() < 0.2 else near)
        return made


def walk(chart, draw):
    """(transitions taken, states entered) of every step, until it ends or goes round for ever."""
    try:
        made = begin(chart)
        yield made.snapshot
        for _ in range(12):
            if made.snapshot["phase"] == "done":
                return
            made = step(chart, made.snapshot, {"name": draw.choice(["x", "x.y", "y", "z"])}, 0.0)
            yield made.snapshot
    except NbflowError:
        return


def test_what_is_said_of_random_machines_is_true():
    checked = dict.fromkeys(("machine.shadowed", "machine.unreachable", "machine.trap_state", "machine.dead_end"), 0)
    for seed in range(300):
        found = []
        machine = Machines(seed).machine()
        chart = read_machine(load(json.dumps(machine)), found.append, kinds=BUILT_IN)
        if chart is None:
            continue
        never = {(each.line, each.column) for each in found if each.code == "machine.shadowed"}
        names = {code: named(found, code) for code in checked}
        for each in found:
            if each.code in checked:
                checked[each.code] += 1
        number = {each.number: (each.line, each.column) for each in chart.transitions()}
        for way in range(5):
            stuck = False
            for snapshot in walk(chart, random.Random(way)):
                where = f"seed {seed}, way {way}: {json.dumps(machine)}"
                assert never.isdisjoint(number[taken] for taken in snapshot["taken"]), where
                active = set(snapshot["configuration"])
                assert active.isdisjoint(names["machine.unreachable"]), where
                assert not (stuck and snapshot["phase"] == "done"), where
                stuck = bool(active & (names["machine.trap_state"] | names["machine.dead_end"]))
    assert all(count > 20 for count in checked.values()), checked


def named(found, code):
    return {name for each in found if each.code == code for name in re.findall(r"'(s\d+)'", each.message)[:1]}


@pytest.mark.parametrize(
    "states",
    [
        "s8: {initial: inner, states: {mid: {initial: inner, states: {inner: {}}, events: {go: other}}, other: {events: {x: end}}}}",
        "s8: {initial: inner, states: {mid: {parallel: true, states: {inner: {}, r2: {events: {go: other}}}}, other: {events: {x: end}}}}",
    ],
)
def test_what_is_around_a_deep_beginning_is_entered_too(states):
    _, found = findings(f"{{initial: s8, states: {{{states}, end: final}}}}")
    assert [each.code for each in found] == []


def test_a_timer_after_one_that_leaves_never_fires():
    text = "{initial: a, states: {a: {after: {2s: c, 1s: b}}, b: final, c: final}}"
    assert [message for message, _ in said(text, "machine.shadowed")] == ["never taken: '1s' comes first and leaves"]
    assert unreachable(text) == ["'c'"]
    for after in (
        "{1s: {to: b, if: ctx.n}, 2s: c}",
        "{1s: {assign: {n: 1}}, 2s: c}",
        "{1s: c, 500ms: {to: b, if: ctx.n}}",
    ):
        text = f"{{initial: a, states: {{a: {{after: {after}, events: {{x: [b, c]}}}}, b: final, c: final}}}}"
        assert not [each for each in said(text, "machine.shadowed") if "comes first" in each[0]]


REGIONS = "{initial: p, states: {p: {parallel: true, states: {r1: %s, r2: %s}}, f: final}}"


def test_a_region_loses_to_an_earlier_one_that_leaves():
    text = REGIONS % (
        "{initial: a, states: {a: {events: {go: f}}}}",
        "{initial: c, states: {c: {events: {go: d}}, d: {}}}",
    )
    assert [message for message, _ in said(text, "machine.shadowed")] == [
        "never taken: 'go' makes region 'r1', which stands first, leave 'p'"
    ]
    assert unreachable(text) == ["'d'"]


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("{initial: a, states: {a: {events: {go: {to: f, if: ctx.n}}}}}", "{initial: c, states: {c: {events: {go: d}}, d: {}}}"),
        ("{initial: a, states: {a: {events: {x: b}}, b: {events: {go: f}}}}", "{initial: c, states: {c: {events: {go: d}}, d: {}}}"),
        ("{initial: c, states: {c: {events: {go: d}}, d: {}}}", "{initial: a, states: {a: {events: {go: f}}}}"),
        ("{initial: a, states: {a: {events: {go: f}}}}", "{initial: c, states: {c: {events: {go: {assign: {n: 1}}, x: d}}, d: {}}}"),
        ("{initial: a, states: {a: {events: {go.on: f}}}}", "{initial: c, states: {c: {events: {go.*: d}}, d: {}}}"),
    ],
)  # fmt: skip
def test_a_region_does_not_lose_what_is_not_always_taken_from_it(first, second):
    assert said(REGIONS % (first, second), "machine.shadowed") == []
    assert "'d'" not in unreachable(REGIONS % (first, second))


def test_an_always_cycle_in_a_region_is_found():
    cycle = "{initial: a, states: {a: {always: b}, b: {always: a}}}"
    assert said(REGIONS % (cycle, "{events: {x: f}}"), "machine.always_cycle")
    assert not said(REGIONS % (cycle, "{always: {to: f, if: ctx.n}}"), "machine.always_cycle")


def test_a_context_that_has_no_names_has_none():
    text = "{initial: a, context: {}, states: {a: {events: {x: {assign: {n: 1}}, y: {to: a, if: ctx.m}}}}}"
    assert len(said(text, "machine.unknown_context")) == 2
    assert said(text.replace("context: {}, ", ""), "machine.unknown_context") == []


def test_regions_that_are_all_stuck_are_a_dead_end():
    stuck = "{initial: %s1, states: {%s1: {events: {x: %s2}}, %s2: {}}}"
    text = REGIONS % (stuck.replace("%s", "a"), stuck.replace("%s", "b"))
    message = "nothing leads out of 'p' once it is in a2 and b2"
    assert message in [each for each, _ in said(text, "machine.dead_end")]
    for open_ in (
        text.replace("b2: {}", "b2: {events: {y: f}}"),
        text.replace("{parallel: true", "{parallel: true, events: {y: f}"),
    ):
        assert message not in [each for each, _ in said(open_, "machine.dead_end")]
    ends = text.replace("a2: {}", "a2: final").replace("b2: {}", "b2: final")
    assert said(ends.replace("{parallel: true", "{parallel: true, events: {done.state.p: f}"), "machine.dead_end") == []


def test_timers_of_no_time_that_go_round_are_a_cycle():
    text = "{initial: a, states: {a: {after: {0s: b}}, b: {after: {%s: a}, events: {x: z}}, z: final}}"
    assert [message for message, _ in said(text % "0s", "machine.always_cycle")] == [
        "'a' → 'b' → 'a' goes round for ever: no 'after: 0s' of it has a condition that may fail"
    ]
    assert said(text % "1s", "machine.always_cycle") == []
    once = "{initial: a, after: {0s: b}, states: {a: {events: {x: z}}, b: {events: {x: z}}, z: final}}"
    assert said(once, "machine.always_cycle") == []
