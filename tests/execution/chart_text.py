"""Charts from the text under `machine:`, and a walk through one."""

from __future__ import annotations

import json
from textwrap import dedent

from nbflow.errors import render
from nbflow.execution.chart import begin, due, step
from nbflow.spec.document import load
from nbflow.spec.kinds import BUILT_IN
from nbflow.spec.machine import read_machine


def findings(text):
    """The chart (or None) and every finding."""
    found = []
    return read_machine(load(dedent(text)), found.append, kinds=BUILT_IN), found


def chart(text):
    made, found = findings(text)
    assert made is not None, "\n".join(map(render, found))
    return made


class Walk:
    """A machine on its way. Every snapshot goes through JSON, as it does through a journal."""

    def __init__(self, text, given=None, scope=None):
        self.chart = chart(text) if isinstance(text, str) else text
        self.now, self.scope = 100.0, scope or {}
        self.last = begin(self.chart, given or {}, self.now, self.scope)
        self.effects = list(self.last.effects)

    @property
    def snapshot(self):
        return json.loads(json.dumps(self.last.snapshot))

    def send(self, name, data=None, **more):
        return self._go({"name": name, "data": data, **more})

    def wait(self, seconds):
        """Time passes; what falls due is fired, in order."""
        end = self.now + seconds
        while (at := due(self.snapshot)) is not None and at <= end:
            self.now = max(self.now, at)
            self._go(None)
        self.now = end
        return self

    def _go(self, event):
        self.last = step(self.chart, self.snapshot, event, self.now, self.scope)
        self.effects += self.last.effects
        return self

    @property
    def states(self):
        return self.last.snapshot["configuration"]

    @property
    def context(self):
        return self.last.snapshot["context"]

    def asked(self, what):
        return [effect for effect in self.effects if effect["do"] == what]
