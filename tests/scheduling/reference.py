"""The policy written the slow, plain way: a list of all that wait, searched from the front at every start.

It shares no code with the engine and knows requests with at most one resource, where the policy has one answer.
"""

from __future__ import annotations

from math import floor


class PlainGate:
    def __init__(self, *, limit, pools, rates, ageing):
        self.limit, self.pools, self.rates, self.ageing = limit, pools, rates, ageing
        self.waiting = []  # (request, number, offered)
        self.running = {}
        self.starts = {name: [] for name in rates}
        self.since = {}  # of (wishes, execution, priority): the span of its last start or beginning
        self.turns = {}
        self.clock = 0
        self.number = 0

    def span(self, moment):
        return floor(moment * self.ageing)

    def flow(self, request):
        return (request.pools, request.rate, request.breaker, request.execution, request.priority)

    def offer(self, request, now):
        self.number += 1
        if not any(r.execution == request.execution for r, *_ in self.waiting):
            self.clock += 1
            self.turns[request.execution] = self.clock
        if not any(self.flow(r) == self.flow(request) for r, *_ in self.waiting):
            self.since[self.flow(request)] = self.span(now)
        self.waiting.append((request, self.number, now))

    def key(self, item):
        request, number, offered = item
        level = self.since[self.flow(request)] - request.priority
        return (level, self.turns[request.execution], self.span(offered), -request.rank, number)

    def fits(self, request, now):
        for name, units in request.pools:
            taken = sum(n for r in self.running.values() for p, n in r.pools if p == name)
            if taken + units > self.pools[name]:
                return False
        if request.rate:
            name, _ = request.rate
            limit = self.rates[name]
            burst = max(1, int(limit))
            starts = self.starts[name]
            if len(starts) >= burst and now < starts[-burst] + burst / limit:
                return False
        return True

    def next(self, now):
        """The most urgent that fits, of those before which nobody waits for the same thing."""
        blocked = set()
        for item in sorted(self.waiting, key=self.key):
            request = item[0]
            wish = request.pools[0][0] if request.pools else request.rate and request.rate[0]
            if wish in blocked:
                continue
            if self.fits(request, now):
                return item
            blocked.add(wish)
        return None

    def admit(self, now):
        started = []
        while (self.limit is None or len(self.running) < self.limit) and (item := self.next(now)):
            self.waiting.remove(item)
            request = item[0]
            self.running[request.execution, request.path] = request
            if request.rate:
                self.starts[request.rate[0]].append(now)
            self.clock += 1
            self.turns[request.execution] = self.clock
            self.since[self.flow(request)] = max(self.since[self.flow(request)], self.span(now))
            started.append(request)
        return started

    def release(self, execution, path):
        self.running.pop((execution, path), None)

    def withdraw(self, execution, path):
        self.waiting = [i for i in self.waiting if (i[0].execution, i[0].path) != (execution, path)]
