"""Who stands before whom, and nothing about what they wait for.

Requests with the same wishes wait in one lane. The order, most urgent first:

1. the level: the priority, raised by one for every span of ``1 / ageing`` seconds without a start;
2. the execution that was served longest ago;
3. of what came in the same span, the longer critical path; then who came first.

A key never changes by waiting alone (all levels rise together), so a heap stays a heap and no step costs more
than a logarithm of the queue. Keys that became worse are put right when they reach the top; keys that became
better are pushed again and the old ones ignored.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from heapq import heappop, heappush
from math import floor
from typing import Any, Generic, Protocol, TypeVar

from nbflow.scheduling.request import Request
from nbflow.scheduling.resources import Resource

Wishes = tuple[tuple[tuple[str, int], ...], tuple[str, float] | None, tuple[str, int, float] | None]
Urgency = tuple[int, int, int, int, int]  # level, turn, span, -rank, number: smaller goes first


class Keyed(Protocol):
    """What stands in a line: `place` is its only valid entry there, `urgency` what its key is by now."""

    place: tuple[Urgency, int, Any] | None

    def urgency(self) -> Urgency | None:
        """The key as of now; None when nothing waits here any more."""
        ...


T = TypeVar("T", bound=Keyed)


class Line(Generic[T]):
    """A heap of keyed things. One that is put again, here or in another line, leaves its old entry behind as void."""

    __slots__ = ("_heap", "_number")

    def __init__(self) -> None:
        self._heap: list[tuple[Urgency, int, T]] = []
        self._number = 0

    def put(self, item: T, key: Urgency) -> None:
        self._number += 1
        item.place = entry = (key, self._number, item)
        heappush(self._heap, entry)

    def top(self) -> T | None:
        """The most urgent, its key put right. What has nothing waiting falls out."""
        heap = self._heap
        while heap:
            entry = heap[0]
            item = entry[2]
            if item.place is not entry:
                heappop(heap)
                continue
            fresh = item.urgency()
            if fresh == entry[0]:
                return item
            heappop(heap)
            item.place = None
            if fresh is not None:
                self.put(item, fresh)
        return None


@dataclass(slots=True, eq=False)
class Account:
    """An execution with requests in line; `turn` numbers its last service."""

    execution: str
    turn: int
    waiting: int = 0


@dataclass(slots=True, eq=False)
class Entry:
    """A request in line or at work; `taken` are the resources it holds."""

    request: Request
    lane: Lane
    flow: Flow
    waiting: bool = True
    taken: tuple[tuple[Place, int], ...] = ()


@dataclass(slots=True, eq=False)
class Flow:
    """The requests of one execution with one priority in one lane; `since` is its last start or its beginning."""

    account: Account
    priority: int
    since: int  # a span
    heap: list[tuple[int, int, int, Entry]] = field(default_factory=list)  # span, -rank, number
    waiting: int = 0
    place: tuple[Urgency, int, Any] | None = None

    def urgency(self) -> Urgency | None:
        heap = self.heap
        while heap and not heap[0][3].waiting:
            heappop(heap)
        if not heap:
            return None
        span, rank, number, _ = heap[0]
        return (self.since - self.priority, self.account.turn, span, rank, number)

    def pop(self) -> Entry:
        """The first in this flow; call when `urgency` is not None."""
        self.waiting -= 1
        return heappop(self.heap)[3]

    def entries(self) -> Iterator[Entry]:
        """All that wait here, in order. Costs the whole flow: for views only."""
        return (entry for *_, entry in sorted(self.heap, key=lambda item: item[:3]) if entry.waiting)


@dataclass(slots=True, eq=False)
class Lane:
    """All requests with the same wishes. `home` is the place it is parked at; None when it may try to start."""

    wishes: Wishes
    wants: tuple[tuple[Place, int], ...]
    flows: dict[tuple[str, int], Flow] = field(default_factory=dict)
    line: Line[Flow] = field(default_factory=Line)
    place: tuple[Urgency, int, Any] | None = None
    home: Place | None = None
    last: Place | None = None  # where it was parked before
    misses: int = 0  # times it was called from one place and found another one taken

    def urgency(self) -> Urgency | None:
        flow = self.line.top()
        return flow.place[0] if flow and flow.place else None


@dataclass(slots=True, eq=False)
class Place:
    """A resource and the lanes parked at it. A `claim` keeps it for one lane; `alarm` is when to look again."""

    resource: Resource
    line: Line[Lane] = field(default_factory=Line)
    claim: Lane | None = None
    alarm: float | None = None


class Queue:
    """Lanes, flows and accounts; who is in them and in which order."""

    __slots__ = ("_accounts", "_ageing", "_number", "_turn")

    def __init__(self, ageing: float) -> None:
        self._ageing = ageing
        self._accounts: dict[str, Account] = {}
        self._number = 0
        self._turn = 0

    def span(self, moment: float) -> int:
        """The number of the span of ``1 / ageing`` seconds a moment falls into."""
        return floor(moment * self._ageing)

    def add(self, request: Request, lane: Lane, now: float) -> Entry:
        """Put a request into its flow of a lane; the lane's own place is the caller's to mind."""
        span = self.span(request.offered or now)
        flow = lane.flows.get((request.execution, request.priority))
        if flow is None:
            flow = Flow(self._account(request.execution), request.priority, span)
            lane.flows[request.execution, request.priority] = flow
        entry = Entry(request, lane, flow)
        self._number += 1
        heappush(flow.heap, (span, -request.rank, self._number, entry))
        flow.waiting += 1
        flow.account.waiting += 1
        key = flow.urgency()
        assert key is not None
        if flow.place is None or key != flow.place[0]:
            lane.line.put(flow, key)
        return entry

    def take(self, lane: Lane, now: float) -> Entry:
        """The most urgent request of a lane leaves the line for good; its execution has had its turn."""
        flow = lane.line.top()
        assert flow is not None
        entry = flow.pop()
        entry.waiting = False
        self._turn += 1
        flow.account.turn = self._turn
        flow.since = max(flow.since, self.span(now))
        self._forget(entry)
        return entry

    def drop(self, entry: Entry) -> None:
        """A waiting request leaves the line without a turn."""
        entry.waiting = False
        entry.flow.waiting -= 1
        self._forget(entry)

    def _account(self, execution: str) -> Account:
        account = self._accounts.get(execution)
        if account is None:
            self._turn += 1
            account = self._accounts[execution] = Account(execution, self._turn)
        return account

    def _forget(self, entry: Entry) -> None:
        flow, account = entry.flow, entry.flow.account
        account.waiting -= 1
        if not flow.waiting:
            del entry.lane.flows[account.execution, flow.priority]
        if not account.waiting:
            del self._accounts[account.execution]
