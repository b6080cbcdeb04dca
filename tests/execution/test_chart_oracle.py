"""The same random statecharts in nbflow and in python-statemachine: the same states after every event.

Compared are the states, and how often each state was entered and left and each transition taken; not the order of
that within a microstep, which is not the document's in python-statemachine.
"""

from __future__ import annotations

import warnings
from collections import Counter
from xml.etree.ElementTree import fromstring

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from statemachine.io import load

from nbflow.execution.chart import begin, step
from tests.execution.random_charts import EVENTS, charts
from tests.scxml.reader import Reader


class Ours:
    def __init__(self, text, folder):
        self.chart = Reader(folder).document(fromstring(text)).chart
        self.snapshot = begin(self.chart).snapshot

    def send(self, event):
        if self.snapshot["phase"] == "running":
            self.snapshot = step(self.chart, self.snapshot, {"name": event}, 0.0).snapshot

    @property
    def states(self):
        return set(self.snapshot["configuration"])

    @property
    def log(self):
        return self.snapshot["context"]["log"].split()


class Theirs:
    def __init__(self, text, name):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            self.machine = load(text, format="scxml", name=name)()

    def send(self, event):
        self.machine.send(event)

    @property
    def states(self):
        return {state.id for state in self.machine.configuration}

    @property
    def log(self):
        return self.machine.model.log.split()


@settings(
    max_examples=80, deadline=None, suppress_health_check=list(HealthCheck),
    phases=(Phase.explicit, Phase.reuse, Phase.generate),
)  # fmt: skip
@given(text=charts(), events=st.lists(st.sampled_from(EVENTS), max_size=6))
def test_random_charts_go_through_the_same_states(text, events, tmp_path_factory):
    ours = Ours(text, tmp_path_factory.getbasetemp())
    theirs = Theirs(text, "chart")
    for event in [None, *events]:
        if event is not None:
            ours.send(event)
            theirs.send(event)
        assert ours.states == theirs.states, event
        assert Counter(ours.log) == Counter(theirs.log), event
