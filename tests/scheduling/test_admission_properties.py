"""What admission promises for every workload: nothing starves, no capacity is exceeded, rates hold, shares are fair."""

from __future__ import annotations

import math
from collections import Counter
from heapq import heappop, heappush

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nbflow.scheduling import Admission, Request

POOLS = {"gpu": 4, "db": 2, "tape": 1}
RATES = {"mail": 5.0, "model": 1.5, "slow": 0.2}
BREAKERS = {"stripe": (2, 5.0)}


class World:
    """A virtual clock, attempts that take a known time, and a record of who started when."""

    def __init__(self, gate):
        self.gate, self.now = gate, 0.0
        self.ends, self.number = [], 0
        self.running, self.starts = {}, []

    def offer(self, request, seconds, fails=False):
        self.gate.offer(request, self.now)
        self.running[request.execution, request.path] = (request, seconds, fails)

    def begin(self):
        for request in self.gate.admit(self.now):
            _, seconds, fails = self.running[request.execution, request.path]
            self.starts.append((self.now, request))
            self.number += 1
            heappush(self.ends, (self.now + seconds, self.number, request, fails))

    def until(self, end):
        """Let time pass: attempts end, and what time alone opens is asked for when the gate said to ask."""
        self.begin()
        while True:
            alarm = self.gate.next_time(self.now)
            due = min(self.ends[0][0] if self.ends else math.inf, alarm if alarm is not None else math.inf)
            if due > end:
                self.now = end
                return
            self.now = max(self.now, due)
            while self.ends and self.ends[0][0] <= self.now:
                _, _, request, fails = heappop(self.ends)
                self.gate.release(request.execution, request.path, self.now, failed=fails)
            self.begin()

    def drain(self, most=1e6):
        self.until(most)


requests = st.fixed_dictionaries(
    {
        "execution": st.sampled_from(["a", "b", "c"]),
        "priority": st.integers(0, 3),
        "rank": st.integers(0, 5),
        "pools": st.dictionaries(st.sampled_from(sorted(POOLS)), st.integers(1, 4), max_size=3).map(
            lambda pools: tuple(pools.items())
        ),
        "rate": st.one_of(st.none(), st.sampled_from(sorted(RATES.items()))),
        "breaker": st.one_of(st.none(), st.just(("stripe", *BREAKERS["stripe"]))),
    }
)
workloads = st.lists(
    st.tuples(st.sampled_from([0.0, 0.0, 0.1, 2.0]), st.floats(0.0, 4.0), st.booleans(), requests), max_size=40
)


def play(workload, **limits):
    world = World(Admission(pools=POOLS, rates=RATES, **limits))
    for number, (gap, seconds, fails, fields) in enumerate(workload):
        world.until(world.now + gap)
        world.offer(Request(path=f"n{number}", **fields), seconds, fails)
    world.drain()
    return world


@settings(max_examples=150, deadline=None)
@given(workload=workloads, limit=st.one_of(st.none(), st.integers(1, 3)))
def test_every_request_starts_once_and_nothing_is_held_in_the_end(workload, limit):
    world = play(workload, limit=limit)
    assert Counter(request.path for _, request in world.starts) == Counter(f"n{i}" for i in range(len(workload)))
    assert world.gate.running == world.gate.waiting == 0
    assert world.gate.next_time(world.now) is None
    assert all(pool.taken == 0 for _, pool in world.gate._pools.values())
    assert not world.gate._lanes and not world.gate._queue._accounts


@settings(max_examples=150, deadline=None)
@given(workload=workloads, limit=st.one_of(st.none(), st.integers(1, 3)))
def test_no_capacity_is_exceeded_at_any_moment(workload, limit):
    world = play(workload, limit=limit)
    seconds = {request.path: time for request, time, _ in world.running.values()}
    moments = sorted({at for at, _ in world.starts})
    for moment in moments:
        at_work = [r for at, r in world.starts if at <= moment < at + seconds[r.path]]
        for name, capacity in POOLS.items():
            assert sum(min(n, capacity) for r in at_work for pool, n in r.pools if pool == name) <= capacity
        if limit is not None:
            held = [r for r in at_work if r.pools or r.rate or r.breaker or limit is not None]
            assert len(held) <= limit


@settings(max_examples=150, deadline=None)
@given(
    rate=st.sampled_from([0.1, 0.5, 1.0, 1.5, 2.0, 7.0, 10.0, 33.3, 250.0]),
    gaps=st.lists(st.sampled_from([0.0, 0.01, 0.3, 1.0, 2.5]), min_size=1, max_size=120),
)
def test_a_rate_is_kept_over_any_window(rate, gaps):
    world = World(Admission(rates={"r": rate}))
    for number, gap in enumerate(gaps):
        world.until(world.now + gap)
        world.offer(Request("e", f"n{number}", rate=("r", rate)), 0.0)
    world.drain()
    times = [at for at, _ in world.starts]
    assert len(times) == len(gaps)
    burst = max(1, min(int(rate), 100))
    for first in range(len(times)):
        for last in range(first + burst, len(times)):
            # a half-open window just long enough for these starts: never more than its share and one burst
            window = times[last] - times[first]
            assert last - first + 1 <= rate * window + burst + 1e-6
        if first + burst < len(times):
            assert times[first + burst] >= times[first] + burst / rate - 1e-9


@pytest.mark.parametrize(("rate", "seconds"), [(10.0, 1), (1.0, 60), (1.5, 60), (200.0, 1)])
def test_a_rate_is_used_up_and_not_more(rate, seconds):
    world = World(Admission(rates={"r": rate}))
    for number in range(int(rate * seconds * 3)):
        world.offer(Request("e", f"n{number}", rate=("r", rate)), 0.0)
    world.until(seconds * 2.0)
    started = [at for at, _ in world.starts]
    for start in (0.0, seconds / 2, seconds):
        assert len([at for at in started if start <= at < start + seconds - 1e-9]) <= rate * seconds + 1e-6
    assert len([at for at in started if at < seconds]) >= math.floor(rate * seconds)


def test_what_comes_later_with_a_higher_priority_never_starves_the_low():
    world = World(Admission(limit=1, ageing=0.1))
    world.offer(Request("low", "n", priority=0), 1.0)
    world.offer(Request("first", "f", priority=5), 1.0)
    for number in range(200):
        world.offer(Request("high", f"h{number}", priority=5), 1.0)
        world.until(world.now + 1.0)
    waited = next(at for at, request in world.starts if request.execution == "low")
    assert 45.0 <= waited <= 65.0  # five levels at a tenth of a level a second, and a span's rounding


def test_without_ageing_the_low_waits_for_all_the_high():
    world = World(Admission(limit=1, ageing=0.0))
    world.offer(Request("low", "n", priority=0), 1.0)
    for number in range(100):
        world.offer(Request("high", f"h{number}", priority=1), 1.0)
    world.drain()
    assert world.starts[-1][1].execution == "low"


def test_a_large_request_is_not_overtaken_for_ever_by_small_ones():
    world = World(Admission(pools={"gpu": 4}))
    for number in range(4):
        world.offer(Request("small", f"s{number}", pools=(("gpu", 1),)), 1.0 + number / 10)
    world.until(0.5)
    world.offer(Request("large", "l", pools=(("gpu", 4),)), 1.0)
    for number in range(4, 60):
        world.offer(Request("small", f"s{number}", pools=(("gpu", 1),)), 1.0 + number % 7 / 10)
        world.until(world.now + 0.25)
    at = next(at for at, request in world.starts if request.path == "l")
    assert at <= 3.0


def test_one_that_needs_two_pools_is_not_starved_by_those_that_need_one():
    world = World(Admission(pools={"p": 1, "q": 1}))
    world.offer(Request("p", "p0", pools=(("p", 1),)), 1.0)
    world.offer(Request("q", "q0", pools=(("q", 1),)), 1.5)
    world.until(0.1)
    world.offer(Request("both", "both", pools=(("p", 1), ("q", 1))), 1.0)
    for number in range(1, 80):  # the two pools are never free at the same moment of themselves
        world.offer(Request("p", f"p{number}", pools=(("p", 1),)), 1.0)
        world.offer(Request("q", f"q{number}", pools=(("q", 1),)), 1.0)
        world.until(world.now + 1.0)
    at = next(at for at, request in world.starts if request.path == "both")
    assert at <= 15.0


@settings(max_examples=60, deadline=None)
@given(
    sizes=st.lists(st.integers(20, 60), min_size=2, max_size=5).map(lambda sizes: [sizes[0] + 60, *sizes[1:]]),
    limit=st.integers(1, 4),
    late=st.floats(0.0, 15.0),
)
def test_executions_of_one_engine_share_the_places_fairly(sizes, limit, late):
    world = World(Admission(limit=limit, ageing=1.0))
    for number in range(sizes[0]):  # the first has all its requests in line before the others come
        world.offer(Request("e0", f"n{number}"), 1.0)
    world.until(late)
    begun = len(world.starts)
    for index, size in enumerate(sizes[1:], start=1):
        for number in range(size):
            world.offer(Request(f"e{index}", f"n{number}"), 1.0)
    world.drain()
    shares = Counter()
    left = Counter({f"e{i}": size for i, size in enumerate(sizes)}) - Counter(
        r.execution for _, r in world.starts[:begun]
    )
    for _, request in world.starts[begun:]:
        if min(left.values()) == 0:
            break
        shares[request.execution] += 1
        left[request.execution] -= 1
        assert max(shares[f"e{i}"] for i in range(len(sizes))) - min(shares[f"e{i}"] for i in range(len(sizes))) <= 1


def test_equals_of_one_execution_start_in_the_order_they_came():
    gate = Admission(limit=2)
    for number in range(20):
        gate.offer(Request("e", f"n{number}"), 0.0)
    order = []
    while started := gate.admit(0.0):
        order += [request.path for request in started]
        for request in started:
            gate.release("e", request.path, 0.0)
    assert order == [f"n{number}" for number in range(20)]


def test_the_longer_critical_path_goes_first_among_equals_and_priority_before_it():
    gate = Admission(limit=1)
    for path, priority, rank in [("short", 0, 1), ("long", 0, 9), ("urgent", 1, 0), ("middle", 0, 5)]:
        gate.offer(Request("e", path, priority, rank), 0.0)
    order = []
    while started := gate.admit(0.0):
        order += [request.path for request in started]
        gate.release("e", started[0].path, 0.0)
    assert order == ["urgent", "long", "middle", "short"]


def test_what_wants_nothing_passes_at_once_most_urgent_first():
    gate = Admission()
    for path, priority, rank in [("a", 0, 1), ("b", 0, 3), ("c", 2, 0), ("d", 0, 3)]:
        gate.offer(Request("e", path, priority, rank), 0.0)
    assert [request.path for request in gate.admit(0.0)] == ["c", "b", "d", "a"]
    assert gate.admit(0.0) == [] and gate.running == 0


def test_no_step_looks_at_the_whole_queue():
    """The work of a step, counted in comparisons of keys, does not grow with the queue."""

    def cost(waiting):
        gate = Admission(limit=1, pools={"gpu": 1})
        counted = [0]

        class Rank(int):
            def __neg__(self):
                return Rank(-int(self))

            def __eq__(self, other):
                counted[0] += 1
                return int(self) == int(other)

            __hash__ = int.__hash__

        for number in range(waiting):
            gate.offer(Request(f"e{number % 7}", f"n{number}", 0, Rank(1), pools=(("gpu", number % 2),)), 0.0)
        counted[0] = 0
        for _ in range(20):
            for request in gate.admit(0.0):
                gate.release(request.execution, request.path, 0.0)
        return counted[0]

    few, many = cost(200), cost(6400)
    assert few > 0
    assert many <= 3 * few
