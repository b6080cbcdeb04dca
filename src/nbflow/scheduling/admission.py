"""Who may start now. Everything that limits starts is known here and nowhere else.

A request that wants nothing limited passes at once. The others wait in lanes (one for each set of wishes). A lane
that finds a resource taken is parked there and called again when that resource has room, so nothing polls.
At a resource the most urgent goes first, also when it needs more units than the next: small requests do not
overtake a large one for ever. A lane that keeps missing one resource while it waits for another gets a claim:
then all it needs is kept for it until it has started. Hence nothing starves while running attempts end.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping
from heapq import heappop, heappush
from operator import attrgetter
from typing import TypeVar

from nbflow.errors import InvariantBroken
from nbflow.scheduling.breakers import Breaker
from nbflow.scheduling.queue import Entry, Flow, Lane, Line, Place, Queue, Urgency, Wishes
from nbflow.scheduling.rates import Rate
from nbflow.scheduling.request import Request
from nbflow.scheduling.resources import Pool, Resource

AGEING = 0.1  # levels a second: what has waited ten seconds goes before what is one priority higher
PATIENCE = 8  # misses before a lane gets a claim

R = TypeVar("R", bound=Resource)
_urgency = attrgetter("priority", "rank")


class Admission:
    """The gate of one engine.

    `limit` is the number of attempts at work at once, `pools` are capacities and `rates` starts a second, by name.
    `ageing` is how many levels of priority a second of waiting is worth (0: none, and then the low may starve).

    >>> gate = Admission(pools={"gpu": 1})
    >>> for path in ("a", "b"):
    ...     gate.offer(Request("e1", path, pools=(("gpu", 1),)), now=0.0)
    >>> [request.path for request in gate.admit(0.0)], gate.verdict("e1", "b", 0.0)
    (['a'], 'waiting for pool gpu (1 of 1 taken), next in line')
    >>> gate.release("e1", "a", 1.0)
    >>> [request.path for request in gate.admit(1.0)]
    ['b']
    """

    def __init__(
        self,
        *,
        limit: int | None = None,
        pools: Mapping[str, int] | None = None,
        rates: Mapping[str, float] | None = None,
        ageing: float = AGEING,
    ) -> None:
        self.limit = limit
        self.warnings: dict[str, str] = {}  # by pool name: what nobody set, or nobody can have
        self._queue = Queue(ageing)
        self._free: list[Request] = []
        self._entries: dict[tuple[str, str], Entry] = {}
        self._running = 0
        self._lanes: dict[Wishes, Lane] = {}
        self._ready: Line[Lane] = Line()
        self._claims: deque[Lane] = deque()
        self._alarms: list[tuple[float, int, Place]] = []
        self._alarm_number = 0
        self._pools: dict[str, tuple[Place, Pool]] = {}
        self._rates: dict[str, tuple[Place, Rate]] = {}
        self._breakers: dict[str, tuple[Place, Breaker]] = {}
        for name, capacity in (pools or {}).items():
            self.set_pool(name, capacity)
        for name, rate in (rates or {}).items():
            self.set_rate(name, rate)

    # ---- what the engine says -----------------------------------------------------------------------

    def offer(self, request: Request, now: float) -> None:
        """A wish to start; `admit` answers. Raises `InvariantBroken` when this attempt is already known."""
        if self.limit is None and not request.pools and request.rate is None and request.breaker is None:
            self._free.append(request)
            return
        key = (request.execution, request.path)
        if key in self._entries:
            raise InvariantBroken(f"{request.path} of {request.execution} was offered twice")
        lane = self._lane(request)
        self._entries[key] = self._queue.add(request, lane, now)
        self._stand(lane)
        if lane.home:
            self._stir(lane.home, now)

    def admit(self, now: float) -> list[Request]:
        """Those that may start now, most urgent first. They count as running until `release`."""
        started, self._free = self._free, []
        if len(started) > 1:
            started.sort(key=_urgency, reverse=True)
        if self._lanes:
            self._ring(now)
            started.extend(self._start(now))
        return started

    def release(self, execution: str, path: str, now: float, *, failed: bool = False) -> None:
        """A running attempt ended. What never had to be counted may be released too."""
        self._give(execution, path, now, failed)

    def withdraw(self, execution: str, path: str, now: float = 0.0) -> None:
        """A wish that is no more. One that runs gives back what it holds and says nothing about its breaker."""
        entry = self._entries.get((execution, path))
        if entry is None:
            if self._free:
                self._free = [r for r in self._free if r.path != path or r.execution != execution]
        elif entry.waiting:
            del self._entries[execution, path]
            self._queue.drop(entry)
            self._settle(entry.lane, now)
        else:
            self._give(execution, path, now, None)

    def set_pool(self, name: str, capacity: int, now: float = 0.0) -> None:
        """Set the capacity of a pool. What already runs in it goes on."""
        if capacity < 0:
            raise ValueError(f"pool {name} cannot have {capacity} units")
        self.warnings.pop(name, None)
        place, pool = self._pools.setdefault(name, _new(Pool(name, capacity)))
        pool.capacity, pool.known = capacity, True
        self._stir(place, now)

    def set_rate(self, name: str, limit: float, now: float = 0.0) -> None:
        """Set the starts a second under a name, whatever nodes say."""
        place, rate = self._rates.setdefault(name, _new(Rate(name, limit)))
        rate.set(limit)
        rate.fixed = True
        place.alarm = None
        self._stir(place, now)

    # ---- what the engine asks -----------------------------------------------------------------------

    @property
    def running(self) -> int:
        """Attempts at work that are counted: all under a limit, else those that hold something."""
        return self._running

    @property
    def waiting(self) -> int:
        """Attempts that wait."""
        return len(self._entries) - self._running + len(self._free)

    def next_time(self, now: float) -> float | None:
        """When `admit` may give something new by time alone; None when only a release can help. Ask after `admit`."""
        if self.limit is not None and self._running >= self.limit:
            return None
        alarms = self._alarms
        while alarms:
            at, _, place = alarms[0]
            if place.alarm == at and place.line.top() is not None:
                return max(at, now)
            heappop(alarms)
            place.alarm = None if place.alarm == at else place.alarm
        return None

    def verdict(self, execution: str, path: str, now: float) -> str:
        """Why an attempt has not started, for people: ``waiting for pool gpu (2 of 2 taken), 2 ahead``."""
        entry = self._entries.get((execution, path))
        if entry is None:
            return "not waiting"
        if not entry.waiting:
            return "running"
        mine = next(at for at, other in enumerate(entry.flow.entries()) if other is entry)
        return self._words(entry, mine, now)

    def verdicts(self, now: float) -> Iterator[tuple[Request, str]]:
        """The verdicts of all that wait, cheaper than one by one."""
        for lane in list(self._lanes.values()):
            for flow in list(lane.flows.values()):
                for mine, entry in enumerate(flow.entries()):
                    yield entry.request, self._words(entry, mine, now)

    # ---- lanes --------------------------------------------------------------------------------------

    def _lane(self, request: Request) -> Lane:
        wishes = (request.pools, request.rate, request.breaker)
        lane = self._lanes.get(wishes)
        if lane is None:
            lane = self._lanes[wishes] = Lane(wishes, tuple(self._wants(request)))
        return lane

    def _wants(self, request: Request) -> Iterator[tuple[Place, int]]:
        if request.breaker is not None:
            name, failures, reset = request.breaker
            yield self._breakers.setdefault(name, _new(Breaker(name, failures, reset)))[0], 1
        if request.rate is not None:
            yield self._rate(*request.rate), 1
        for name, units in sorted(request.pools):
            yield self._pool(name, units), units

    def _rate(self, name: str, limit: float) -> Place:
        place, rate = self._rates.setdefault(name, _new(Rate(name, limit)))
        if limit < rate.limit and not rate.fixed:
            rate.set(limit)
        return place

    def _pool(self, name: str, units: int) -> Place:
        if name not in self._pools:
            self._pools[name] = _new(Pool(name, 1, known=False))
            self.warnings[name] = f"nobody set the pool {name}: its capacity is 1"
        place, pool = self._pools[name]
        if units > pool.capacity and name not in self.warnings:
            self.warnings[name] = f"a node wants {units} of the pool {name}, which has {pool.capacity}: it takes all"
        return place

    def _stand(self, lane: Lane) -> None:
        """A lane got another first request: it stands in its line by what is now its key."""
        key = lane.urgency()
        assert key is not None
        if lane.place is None or key != lane.place[0]:
            (lane.home.line if lane.home else self._ready).put(lane, key)

    def _settle(self, lane: Lane, now: float) -> None:
        """A lane lost a request: those behind it may go, if it is empty now or less urgent than they are."""
        if lane.flows:
            if lane.home:
                self._stir(lane.home, now)
            return
        self._retire(lane, now)
        for place, _ in lane.wants:
            self._stir(place, now)

    def _retire(self, lane: Lane, now: float) -> None:
        """A lane whose first request is gone stands nowhere and claims nothing; an empty one is forgotten."""
        lane.home, lane.last, lane.place, lane.misses = None, None, None, 0
        if not lane.flows:
            del self._lanes[lane.wishes]
        if lane in self._claims:
            self._claims.remove(lane)
            self._claim(now)

    # ---- starting -----------------------------------------------------------------------------------

    def _start(self, now: float) -> Iterator[Request]:
        while self.limit is None or self._running < self.limit:
            lane = self._ready.top()
            if lane is None:
                return
            blocked = self._blocked(lane, now)
            if blocked is None:
                yield self._take(lane, now)
            else:
                self._park(lane, blocked, now)
            for place, _ in lane.wants:
                self._stir(place, now)

    def _blocked(self, lane: Lane, now: float) -> Place | None:
        """The first place where this lane has to wait."""
        for place, amount in lane.wants:
            if place.claim is not lane and (place.claim is not None or _before(place.line.top(), lane)):
                return place
            if not place.resource.fits(amount, now):
                return place
        return None

    def _take(self, lane: Lane, now: float) -> Request:
        entry = self._queue.take(lane, now)
        entry.taken = tuple((place, place.resource.take(amount, now)) for place, amount in lane.wants)
        self._running += 1
        self._retire(lane, now)
        if lane.flows:
            self._stand(lane)
        return entry.request

    def _give(self, execution: str, path: str, now: float, failed: bool | None) -> None:
        entry = self._entries.pop((execution, path), None)
        if entry is None:
            return
        if entry.waiting:
            raise InvariantBroken(f"{path} of {execution} was released before it was admitted")
        self._running -= 1
        for place, amount in entry.taken:
            place.resource.give(amount, now, failed)
        for place, _ in entry.taken:
            self._stir(place, now)

    # ---- parking ------------------------------------------------------------------------------------

    def _park(self, lane: Lane, place: Place, now: float) -> None:
        assert lane.place is not None
        place.line.put(lane, lane.place[0])
        lane.misses += place is not lane.last
        lane.home = lane.last = place
        self._set_alarm(place, now)
        if lane.misses > PATIENCE and lane not in self._claims:
            self._claims.append(lane)
            self._claim(now)

    def _claim(self, now: float) -> None:
        """What the first of the patient ones needs is kept for it, and for nobody else."""
        for places in (self._breakers, self._rates, self._pools):
            for place, _ in places.values():
                place.claim = None
        if self._claims:
            lane = self._claims[0]
            for place, _ in lane.wants:
                place.claim = lane
            if lane.home:
                self._stir(lane.home, now)

    def _stir(self, place: Place, now: float) -> None:
        """Call the lane that is next here, if there is room for it."""
        lane = place.line.top() if place.claim is None else place.claim
        if lane is None or lane.home is not place or lane.place is None:
            return
        amount = next(units for wanted, units in lane.wants if wanted is place)
        if place.resource.fits(amount, now):
            lane.home = None
            self._ready.put(lane, lane.place[0])
        else:
            self._set_alarm(place, now)

    def _ring(self, now: float) -> None:
        """Look again at what time may have opened."""
        while self._alarms and self._alarms[0][0] <= now:
            at, _, place = heappop(self._alarms)
            if place.alarm == at:
                place.alarm = None
                self._stir(place, now)

    def _set_alarm(self, place: Place, now: float) -> None:
        at = place.resource.opens(now)
        if at is not None and (place.alarm is None or at < place.alarm):
            place.alarm = at
            self._alarm_number += 1
            heappush(self._alarms, (at, self._alarm_number, place))

    # ---- words --------------------------------------------------------------------------------------

    def _words(self, entry: Entry, mine: int, now: float) -> str:
        ahead = self._ahead(entry.lane, entry.flow, mine)
        return f"waiting for {self._reason(entry.lane, now)}, {f'{ahead} ahead' if ahead else 'next in line'}"

    def _reason(self, lane: Lane, now: float) -> str:
        if self.limit is not None and self._running >= self.limit and lane.home is None:
            return f"one of the {self.limit} places"
        place = lane.home or self._blocked(lane, now)
        if place is None:
            return "its turn"
        if place.claim is not None and place.claim is not lane:
            return f"{place.resource.label} (kept for one that has waited longer)"
        return f"{place.resource.label} ({place.resource.state(now)})"

    def _ahead(self, lane: Lane, own: Flow, mine: int) -> int:
        """How many go first, `mine` of its own flow among them: all of more urgent flows, and of equal ones in turn."""
        key = own.urgency()
        assert key is not None
        rivals = (
            flow
            for other in self._lanes.values()
            if lane.home is None or any(place is lane.home for place, _ in other.wants)
            for flow in other.flows.values()
            if flow is not own
        )
        return mine + sum(_share(flow, key, mine) for flow in rivals)


def _new(resource: R) -> tuple[Place, R]:
    return Place(resource), resource


def _before(first: Lane | None, lane: Lane) -> bool:
    return first is not None and first.place is not None and lane.place is not None and first.place[0] < lane.place[0]


def _share(flow: Flow, key: Urgency, mine: int) -> int:
    """How many of a flow go before the request number `mine` of a flow with this key."""
    other = flow.urgency()
    if other is None or other[0] > key[0]:
        return 0
    return flow.waiting if other[0] < key[0] else min(flow.waiting, mine + (other < key))
