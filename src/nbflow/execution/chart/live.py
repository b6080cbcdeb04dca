"""The machine while it moves: a snapshot made quick to change, and made plain again.

A snapshot is JSON and all there is to know between two events:
`phase` (running, done), `configuration` (active states in document order), `context`, `history`, `timers` (what is
due when), `invocations` (work that runs, as ``name[number]``), `started` (how often each work began), `numbers`
(timers so far), `taken` (the transitions of the last step) and `output` (when done).
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from typing import Any

from nbflow.errors import NbflowError
from nbflow.spec.chart import ROOT, Chart, Transition
from nbflow.spec.expressions import Expression, Value

Snapshot = dict[str, Any]
Event = dict[str, Any]
RUNNING, DONE = "running", "done"


def _execution(around: Mapping[str, Any]) -> Mapping[str, Any]:
    try:
        found: Mapping[str, Any] = around["execution"]
    except KeyError:
        return {}
    return found


def invocation(id: str, number: int) -> str:
    """What one run of a work is known by: ``review[2]``."""
    return f"{id}[{number}]"


class ActionError(NbflowError):
    """An action that its values make impossible."""

    code = "machine.action"


class Roots(dict[str, Any]):
    """What expressions see: the machine's own roots, then those around it."""

    __slots__ = ("around",)

    def __init__(self, own: dict[str, Any], around: Mapping[str, Any]) -> None:
        super().__init__(own)
        self.around = around

    def __missing__(self, root: str) -> Any:
        return self.around[root]


class Live:
    """The working copy. Nothing that came in is changed."""

    __slots__ = (
        "chart", "configuration", "context", "effects", "event", "history", "internal", "invocations", "now",
        "numbers", "output", "phase", "scope", "sending", "started", "taken", "timers", "to_invoke",
    )  # fmt: skip

    def __init__(self, chart: Chart, snapshot: Snapshot, now: float, around: Mapping[str, Any]) -> None:
        self.chart, self.now = chart, now
        self.phase: str = snapshot["phase"]
        active = snapshot["configuration"]
        self.configuration: list[int] = [ROOT, *(chart.index[id] for id in active)] if active else []
        self.context: dict[str, Any] = snapshot["context"]
        self.history: dict[str, list[str]] = snapshot["history"]
        self.timers: list[dict[str, Any]] = snapshot["timers"]
        self.invocations: dict[str, dict[str, Any]] = snapshot["invocations"]
        self.started: dict[str, int] = snapshot["started"]
        self.numbers: int = snapshot["numbers"]
        self.output: Any = snapshot.get("output")
        self.taken: list[int] = []
        self.effects: list[dict[str, Any]] = []
        self.internal: deque[Event] = deque()
        self.to_invoke: dict[int, None] = {}
        self.event: Event | None = None
        self.sending: str | None = None  # the id of the event that is being made
        self.scope = Roots({"ctx": self.context, "event": None}, around)
        self.tell_states()

    def plain(self) -> Snapshot:
        """The snapshot as it is now."""
        states = self.chart.states
        made: Snapshot = {
            "phase": self.phase,
            "configuration": [states[number].id for number in self.configuration if number != ROOT],
            "context": self.context,
            "history": self.history,
            "timers": self.timers,
            "invocations": self.invocations,
            "started": self.started,
            "numbers": self.numbers,
            "taken": self.taken,
        }
        if self.phase == DONE:
            made["output"] = self.output
        return made

    # ---- what expressions see ----

    def hear(self, event: Event | None) -> None:
        self.event = event
        self.scope["event"] = event

    def assign(self, values: list[tuple[tuple[str, ...], Any]]) -> None:
        """Names of the context get values; the old context is left as it was. Raises `ActionError`."""
        context = dict(self.context)
        for path, value in values:
            place = context
            for key in path[:-1]:
                inner = place.get(key)
                if inner is not None and not isinstance(inner, dict):
                    raise ActionError(f"'{'.'.join(path)}' cannot be set: '{key}' has no names inside")
                inner = dict(inner or {})
                place[key] = inner
                place = inner
            place[path[-1]] = value
        self.context = self.scope["ctx"] = context

    def tell_states(self) -> None:
        """`execution.states` for a chart that asks."""
        if self.chart.reads_states:
            states = [self.chart.states[number].id for number in self.configuration if number != ROOT]
            self.scope["execution"] = {**_execution(self.scope.around), "states": states}

    def value(self, value: str | float | Value | None) -> Any:
        """What a template gives now; raises `EvaluationError`."""
        return value.evaluate(self.scope) if isinstance(value, Value) else value

    def holds(self, transition: Transition) -> bool:
        """A guard. One that cannot be evaluated does not hold, and says so as an event."""
        return self.true(transition.condition)

    def true(self, condition: Expression | None) -> bool:
        if condition is None:
            return True
        try:
            return bool(condition.evaluate(self.scope))
        except NbflowError as error:
            self.fail(error)
            return False

    def fail(self, error: NbflowError, **more: Any) -> None:
        """`error.execution`, before any event from outside; with the id of the event that could not be sent."""
        if self.sending is not None:
            more["id"] = self.sending
        problem = {"kind": type(error).__name__, "message": str(error), "code": error.code}
        self.internal.append({"name": "error.execution", "data": problem, "type": "platform", **more})

    # ---- what is kept for later ----

    def set_timer(self, seconds: float, event: Event, **facts: Any) -> None:
        """Due times are absolute, so a timer fires once however long nobody looked."""
        self.numbers += 1
        self.timers = [*self.timers, {"number": self.numbers, "due": self.now + seconds, "event": event, **facts}]

    def drop_timers(self, key: str, value: str) -> None:
        if self.timers:
            self.timers = [timer for timer in self.timers if timer.get(key) != value]

    def begin_work(self, work: int, state: str | None) -> None:
        """Ask for a piece of work; `state` is the one whose exit ends it. Each of one name has its number."""
        id = self.chart.works[work].id
        number = self.started.get(id, 0)
        self.started = {**self.started, id: number + 1}
        begun = {"id": id, "number": number, "work": work, "state": state}
        self.invocations = {**self.invocations, invocation(id, number): begun}
        roots = {"ctx": self.context, "event": self.event}
        self.effects.append({"do": "start", "id": id, "number": number, "work": work, "roots": roots})

    def end_works(self, key: str, value: str | None, *, state: bool) -> None:
        """Ask for the end of pieces of work, with or without a state; what they may still say is not heard."""
        kept: dict[str, dict[str, Any]] = {}
        for name, work in self.invocations.items():
            if work[key] == value and (work["state"] is not None) is state:
                self.effects.append({"do": "stop", "id": work["id"], "number": work["number"]})
            else:
                kept[name] = work
        self.invocations = kept
