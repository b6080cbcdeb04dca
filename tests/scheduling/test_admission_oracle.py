"""Random workloads on a virtual clock: the gate and the plain reference start the same requests in the same order."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from nbflow.scheduling import Admission, Request
from tests.scheduling.reference import PlainGate

POOLS = {"gpu": 3, "db": 1}
RATES = {"mail": 2.0, "slow": 0.5}

wishes = st.one_of(
    st.just({}),
    st.tuples(st.just("gpu"), st.integers(1, 3)).map(lambda pair: {"pools": (pair,)}),
    st.just({"pools": (("db", 1),)}),
    st.sampled_from(sorted(RATES.items())).map(lambda rate: {"rate": rate}),
)
steps = st.lists(
    st.one_of(
        st.tuples(st.just("offer"), st.integers(0, 2), st.integers(0, 2), st.integers(0, 3), wishes),
        st.tuples(st.just("release"), st.integers(0, 50)),
        st.tuples(st.just("withdraw"), st.integers(0, 50)),
        st.tuples(st.just("tick"), st.sampled_from([0.25, 1.0, 3.0, 15.0])),
    ),
    max_size=60,
)


@settings(max_examples=250, deadline=None)
@given(steps=steps, limit=st.one_of(st.none(), st.integers(1, 4)), ageing=st.sampled_from([0.0, 0.1, 1.0]))
def test_the_gate_starts_what_the_plain_reference_starts(steps, limit, ageing):
    gate = Admission(limit=limit, pools=POOLS, rates=RATES, ageing=ageing)
    plain = PlainGate(limit=limit, pools=POOLS, rates=RATES, ageing=ageing)
    now, offered, running, waiting = 0.0, 0, [], []
    for step in steps:
        match step:
            case ("offer", execution, priority, rank, wish):
                offered += 1
                request = Request(f"e{execution}", f"n{offered}", priority, rank, **wish)
                if limit is None and not wish:
                    continue  # passes at once; the order among them has its own test
                gate.offer(request, now)
                plain.offer(request, now)
                waiting.append(request)
            case ("release", which) if running:
                request = running.pop(which % len(running))
                gate.release(request.execution, request.path, now)
                plain.release(request.execution, request.path)
            case ("withdraw", which) if waiting:
                request = waiting.pop(which % len(waiting))
                gate.withdraw(request.execution, request.path, now)
                plain.withdraw(request.execution, request.path)
            case ("tick", seconds):
                now += seconds
        started = gate.admit(now)
        assert started == plain.admit(now)
        running += started
        waiting = [request for request in waiting if request not in started]
        assert gate.waiting == len(waiting)
        if limit is not None:
            assert gate.running == len(running) <= limit
