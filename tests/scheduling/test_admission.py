"""Single cases: words, withdrawals, breakers, pools nobody set."""

from __future__ import annotations

import pytest

from nbflow.errors import InvariantBroken
from nbflow.scheduling import Admission, Request

GPU = (("gpu", 1),)
STRIPE = ("stripe", 2, 30.0)


def started(gate, now=0.0):
    return [request.path for request in gate.admit(now)]


def offer(gate, *paths, now=0.0, execution="e", **fields):
    for path in paths:
        gate.offer(Request(execution, path, **fields), now)


def test_a_verdict_names_the_pool_and_how_many_are_ahead():
    gate = Admission(pools={"gpu": 2})
    offer(gate, "a", "b", "c", "d", "e", pools=GPU)
    assert started(gate) == ["a", "b"]
    assert gate.verdict("e", "c", 0.0) == "waiting for pool gpu (2 of 2 taken), next in line"
    assert gate.verdict("e", "e", 0.0) == "waiting for pool gpu (2 of 2 taken), 2 ahead"
    assert gate.verdict("e", "a", 0.0) == "running"
    assert gate.verdict("e", "z", 0.0) == "not waiting"


def test_a_verdict_counts_the_turns_of_other_executions():
    gate = Admission(pools={"gpu": 1})
    offer(gate, "a", "b", "c", pools=GPU, execution="one")
    offer(gate, "x", "y", pools=GPU, execution="two")
    assert started(gate) == ["a"]
    ahead = {(r.execution, r.path): text.rpartition(", ")[2] for r, text in gate.verdicts(0.0)}
    assert ahead == {
        ("two", "x"): "next in line",
        ("one", "b"): "1 ahead",
        ("two", "y"): "2 ahead",
        ("one", "c"): "3 ahead",
    }


def test_the_verdicts_come_true():
    gate = Admission(limit=1)
    for execution in ("one", "two", "three"):
        offer(gate, "a", "b", "c", execution=execution)
    gate.admit(0.0)
    promised = {}
    for request, text in gate.verdicts(0.0):
        word = text.rpartition(", ")[2]
        promised[request.execution, request.path] = 0 if word == "next in line" else int(word.split()[0])
    running, order = ("one", "a"), []
    while promised and len(order) < len(promised):
        gate.release(*running, 0.0)
        [request] = gate.admit(0.0)
        running = (request.execution, request.path)
        order.append(running)
    assert [promised[key] for key in order] == list(range(len(promised)))


def test_a_verdict_names_the_limit():
    gate = Admission(limit=1)
    offer(gate, "a", "b")
    gate.admit(0.0)
    assert gate.verdict("e", "b", 0.0) == "waiting for one of the 1 places, next in line"


def test_a_verdict_names_the_rate_and_when_it_opens():
    gate = Admission()
    offer(gate, "a", "b", rate=("mail", 0.5))
    assert started(gate) == ["a"]
    assert gate.verdict("e", "b", 0.5) == "waiting for rate mail (next start in 1.5 s), next in line"
    assert gate.next_time(0.5) == 2.0
    assert started(gate, 1.9) == []
    assert started(gate, 2.0) == ["b"]


def test_a_pool_nobody_set_has_one_unit_and_a_warning():
    gate = Admission()
    offer(gate, "a", "b", pools=(("tape", 1),))
    assert started(gate) == ["a"]
    assert list(gate.warnings) == ["tape"] and "nobody set" in gate.warnings["tape"]
    gate.set_pool("tape", 2)
    assert started(gate) == ["b"] and not gate.warnings


def test_one_that_wants_more_than_there_is_gets_all_of_it_alone():
    gate = Admission(pools={"gpu": 2})
    offer(gate, "small", pools=GPU)
    offer(gate, "huge", pools=(("gpu", 5),))
    offer(gate, "later", pools=GPU)
    assert started(gate) == ["small"]
    gate.release("e", "small", 1.0)
    assert started(gate, 1.0) == ["huge"] and "takes all" in gate.warnings["gpu"]
    gate.release("e", "huge", 2.0)
    assert started(gate, 2.0) == ["later"]


def test_pools_are_taken_all_or_not_at_all():
    gate = Admission(pools={"gpu": 1, "db": 1})
    offer(gate, "db_only", pools=(("db", 1),))
    assert started(gate) == ["db_only"]
    offer(gate, "both", pools=(("gpu", 1), ("db", 1)))
    offer(gate, "gpu_only", pools=GPU)
    assert started(gate) == ["gpu_only"]
    gate.release("e", "db_only", 1.0)
    assert started(gate, 1.0) == []
    gate.release("e", "gpu_only", 2.0)
    assert started(gate, 2.0) == ["both"]


def test_a_pool_of_no_units_holds_all_until_it_is_set():
    gate = Admission(pools={"gpu": 0})
    offer(gate, "a", pools=GPU)
    assert started(gate) == []
    gate.set_pool("gpu", 1)
    assert started(gate) == ["a"]


def test_withdrawing_the_first_lets_those_behind_it_go():
    gate = Admission(pools={"gpu": 2})
    offer(gate, "running", pools=GPU)
    offer(gate, "large", pools=(("gpu", 2),))
    offer(gate, "small", pools=GPU)
    assert started(gate) == ["running"]
    gate.withdraw("e", "large")
    assert started(gate) == ["small"]
    assert gate.waiting == 0


def test_withdrawing_the_most_urgent_of_many_lets_what_is_now_first_go():
    gate = Admission(pools={"gpu": 2})
    offer(gate, "running", pools=GPU)
    gate.admit(0.0)
    offer(gate, "large", priority=2, pools=(("gpu", 2),))
    offer(gate, "large_later", pools=(("gpu", 2),))
    offer(gate, "small", priority=1, pools=GPU)
    assert started(gate) == []
    gate.withdraw("e", "large")
    assert started(gate) == ["small"]


def test_a_more_urgent_small_request_passes_a_large_one_that_waits():
    gate = Admission(pools={"gpu": 2})
    offer(gate, "running", pools=GPU)
    gate.admit(0.0)
    offer(gate, "large", priority=1, pools=(("gpu", 2),))
    offer(gate, "small", pools=GPU)
    assert started(gate) == []
    offer(gate, "urgent", priority=2, pools=GPU)
    assert started(gate) == ["urgent"]


def test_withdrawing_a_running_one_gives_back_what_it_holds():
    gate = Admission(pools={"gpu": 1})
    offer(gate, "a", "b", pools=GPU)
    gate.admit(0.0)
    gate.withdraw("e", "a")
    assert started(gate) == ["b"]


def test_withdrawing_before_admit_forgets_what_wants_nothing():
    gate = Admission()
    offer(gate, "a", "b")
    gate.withdraw("e", "a")
    assert started(gate) == ["b"]


def test_a_breaker_opens_after_failures_in_a_row_and_is_tried_with_one():
    gate = Admission()
    offer(gate, "a", breaker=STRIPE)
    gate.admit(0.0)
    gate.release("e", "a", 0.0, failed=True)
    offer(gate, "ok", breaker=STRIPE)
    gate.admit(0.0)
    gate.release("e", "ok", 0.0)  # a success in between begins the count anew
    offer(gate, "b", "c", breaker=STRIPE)
    assert started(gate) == ["b", "c"]
    gate.release("e", "b", 1.0, failed=True)
    gate.release("e", "c", 1.0, failed=True)
    offer(gate, "d", "f", breaker=STRIPE, now=1.0)
    assert started(gate, 1.0) == []
    assert gate.verdict("e", "d", 2.0) == "waiting for breaker stripe (open for 29.0 s more), next in line"
    assert gate.next_time(2.0) == 31.0
    assert started(gate, 31.0) == ["d"]
    assert gate.verdict("e", "f", 31.0) == "waiting for breaker stripe (one request is trying it), next in line"
    gate.release("e", "d", 32.0, failed=True)
    assert started(gate, 61.9) == []
    assert started(gate, 62.0) == ["f"]
    gate.release("e", "f", 63.0)
    offer(gate, "g", "h", breaker=STRIPE, now=63.0)
    assert started(gate, 63.0) == ["g", "h"]


def test_a_withdrawn_probe_lets_the_next_one_try():
    gate = Admission()
    offer(gate, "a", breaker=("stripe", 1, 10.0))
    gate.admit(0.0)
    gate.release("e", "a", 0.0, failed=True)
    offer(gate, "b", "c", breaker=("stripe", 1, 10.0))
    assert started(gate, 10.0) == ["b"]
    gate.withdraw("e", "b", 11.0)
    assert started(gate, 11.0) == ["c"]


def test_old_news_does_not_touch_an_open_breaker():
    gate = Admission()
    offer(gate, "a", "b", "late", breaker=STRIPE)
    gate.admit(0.0)
    gate.release("e", "a", 1.0, failed=True)
    gate.release("e", "b", 1.0, failed=True)
    gate.release("e", "late", 2.0)
    offer(gate, "c", breaker=STRIPE, now=2.0)
    assert started(gate, 2.0) == []


def test_a_rate_set_for_the_engine_is_not_changed_by_nodes():
    gate = Admission(rates={"mail": 2.0})
    offer(gate, "a", "b", rate=("mail", 0.1))
    assert started(gate) == ["a", "b"]


def test_of_two_nodes_that_name_one_rate_the_lower_holds():
    gate = Admission()
    offer(gate, "a", rate=("mail", 10.0))
    offer(gate, "b", rate=("mail", 0.5))
    assert started(gate) == ["a"]
    assert gate.next_time(0.0) == 2.0


def test_time_alone_gives_nothing_while_all_places_are_taken():
    gate = Admission(limit=1)
    offer(gate, "a", "b", rate=("mail", 1.0))
    gate.admit(0.0)
    assert gate.next_time(0.0) is None
    gate.release("e", "a", 0.2)
    assert started(gate, 0.2) == [] and gate.next_time(0.2) == 1.0


def test_an_attempt_offered_twice_or_released_unstarted_is_a_defect():
    gate = Admission(limit=1)
    offer(gate, "a", "b")
    gate.admit(0.0)
    with pytest.raises(InvariantBroken):
        offer(gate, "a")
    with pytest.raises(InvariantBroken):
        gate.release("e", "b", 0.0)


def test_an_earlier_offer_keeps_its_age_when_offered_again():
    gate = Admission(limit=1, ageing=0.1)
    offer(gate, "running", now=1000.0)
    gate.admit(1000.0)
    offer(gate, "urgent", priority=3, now=1000.0, execution="young")
    gate.offer(Request("old", "n", offered=900.0), 1000.0)
    gate.release("e", "running", 1000.0)
    assert started(gate, 1000.0) == ["n"]
