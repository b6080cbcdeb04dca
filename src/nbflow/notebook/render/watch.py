"""Follows committed records and says how everything looks now. One fold for the live view, the final picture and
the text progress; a batch of records costs what it touches.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Any

from nbflow.execution import events as e
from nbflow.execution.events import Record
from nbflow.execution.evolve import evolve
from nbflow.execution.state import SETTLED, ExecutionState, NodeState
from nbflow.execution.usage import tokens_of
from nbflow.notebook.render.lettering import clean, seconds, shorten
from nbflow.notebook.render.looks import PENDING, Look
from nbflow.notebook.render.picture import Picture
from nbflow.plan.plan import Branches, ForEach, Loop, Machine, Plan
from nbflow.runtime.explaining import ignored, source_of
from nbflow.spec.chart import Transition

ROUNDS = re.compile(r"\[\d+\]")
WAITS = {
    "ask": "an answer is needed",
    "in_doubt": "may have happened: decide",
    "effect": "mocked: give a result",
    "wait": "waits for its time",
    "listen": "waits for its event",
    "breaker": "its tool rests after failures",
    "approval": "asks for your yes",
    "machine": "waits for an event",
    "workflow": "its workflow waits",
}
FIRST = ("held", "running", "waiting", "suspended")  # of many instances, the phase that is shown
LAST = ("failed", "completed", "cancelled", "skipped")


class Watch:
    """The looks of one execution, in step with its records."""

    def __init__(self, plan: Plan, picture: Picture) -> None:
        self.plan, self.picture = plan, picture
        self.state = ExecutionState(plan)
        self.wires: dict[str, str] = {}
        self.known, self.settled = len(plan.body.nodes), 0
        self.tokens, self.cost = 0, 0.0
        self._paths: dict[str, list[str]] = {}  # box key → the paths that were seen for it
        self._phases: dict[str, str] = {}
        self._totals: dict[str, int] = {}  # nodes by phase
        self._counts: dict[str, dict[str, int]] = {}
        self._held: dict[str, None] = {}
        self._gates: dict[str, dict[str, str]] = {}
        for (source, target), wire in picture.gates.items():
            self._gates.setdefault(source, {})[target] = wire
        self._leaving: dict[str, list[str]] = {}
        for link in picture.wires:
            self._leaving.setdefault(link.source, []).append(link.key)
        self._owner = _owners(picture)
        self._states: dict[str, str] = {}  # key of a state → how it looks
        self._transitions: dict[int, dict[int, Transition]] = {}  # by chart and number

    # --- in --------------------------------------------------------------------------------------------

    def fold(self, records: Iterable[Record]) -> dict[str, None]:
        """Take records in; returns the keys of all boxes, clusters and wires that may look different now."""
        changed: dict[str, None] = {}
        for record in records:
            evolve(self.state, record)
            for path in self._touched(record.event):
                self._see(path, changed)
            self._count(record.event)
            self._choose(record.event, changed)
            if isinstance(record.event, e.Transitioned):
                self._move(record.event, changed)
        return changed

    def hold(self, paths: Sequence[str]) -> dict[str, None]:
        """The paths that a gate holds now; returns the keys that may look different."""
        before, self._held = self._held, dict.fromkeys(paths)
        changed: dict[str, None] = {}
        for path in (*before, *self._held):
            self._see(path, changed)
        return changed

    def _touched(self, event: e.Event) -> Iterable[str]:
        if isinstance(
            event,
            e.ExecutionEnding
            | e.ExecutionSuspended
            | e.ExecutionRecovered
            | e.ExecutionFailed
            | e.ExecutionCancelled
            | e.ExecutionCompleted,
        ):
            return list(self.state.nodes)
        node = getattr(event, "node", None)
        touched = [node] if isinstance(node, str) and node else []
        touched += getattr(event, "activated", ())
        touched += [path for path, _ in getattr(event, "skipped", ())]
        touched += getattr(event, "cancelled", ())
        owner = self.state.nodes.get(node) if node else None
        if owner is not None and owner.phase in SETTLED and owner.opened:
            touched += [inner.path for frame in owner.opened for inner in self.state.under(frame)]
        return touched

    def _see(self, path: str, changed: dict[str, None]) -> None:
        key = self.picture.places.get(ROUNDS.sub("", path))
        node = self.state.nodes.get(path)
        if node is None:
            return
        phase, before = node.phase, self._phases.get(path)
        if phase != before:
            self._turned(path, phase, before)
        if key is None:
            return
        changed[key] = None
        counts = self._counts.setdefault(key, {})
        if before is None:
            self._paths.setdefault(key, []).append(path)
        else:
            counts[before] -= 1
        counts[phase] = counts.get(phase, 0) + 1
        if phase in ("skipped", "cancelled", "failed") and node.handled is None and len(self._paths[key]) == 1:
            for wire in self._leaving.get(key, ()):
                self._mark(wire, "dead", changed)
            changed |= {inner: None for inner, owner in self._owner.items() if owner == key}

    def _turned(self, path: str, phase: str, before: str | None) -> None:
        """A node came from one phase to another; `before` is None for one that is new."""
        self._phases[path] = phase
        self._totals[phase] = self._totals.get(phase, 0) + 1
        if before is not None:
            self._totals[before] -= 1
        self.settled += (phase in SETTLED) - (before in SETTLED)
        if phase in SETTLED:
            self._held.pop(path, None)  # it was let go, whether the gate was asked since or not

    def _mark(self, wire: str, state: str, changed: dict[str, None]) -> None:
        if self.wires.get(wire) != state:
            self.wires[wire] = state
            changed[wire] = None

    def _choose(self, event: e.Event, changed: dict[str, None]) -> None:
        if not isinstance(event, e.NodeCompleted | e.NodeFailed) or event.chosen is None:
            return
        key = self.picture.places.get(ROUNDS.sub("", event.node), "")
        for target, wire in self._gates.get(key, {}).items():
            self._mark(wire, "live" if target in event.chosen else "dead", changed)

    def _move(self, event: e.Transitioned, changed: dict[str, None]) -> None:
        """The states of a chart: active ones, and those it has been in."""
        path = event.node or ""
        keys = self.picture.states.get(ROUNDS.sub("", path), {})
        active = set(event.snapshot.get("configuration", ()))
        passed = self._passed(path, event.snapshot.get("taken", ()))
        over = event.snapshot.get("phase") == "done"
        for state, key in keys.items():
            before = self._states.get(key, "pending")
            phase = (
                ("completed" if over else "running")
                if state in active
                else "pending"
                if before == "pending" and state not in passed
                else "completed"
            )
            if phase != before:
                self._states[key] = phase
                changed[key] = None

    def _passed(self, path: str, taken: Sequence[int]) -> set[str]:
        """The states that a move went through, also those in which it did not rest."""
        node = self.state.nodes.get(path)
        if not taken or node is None or not isinstance(node.node.work, Machine):
            return set()
        chart = node.node.work.chart
        if id(chart) not in self._transitions:
            self._transitions[id(chart)] = {each.number: each for each in chart.transitions()}
        found = [self._transitions[id(chart)][number] for number in taken]
        return {chart.states[state].id for each in found for state in (each.source, *each.targets)}

    def _count(self, event: e.Event) -> None:
        if isinstance(event, e.CallRecorded):
            usage = event.usage
            self.tokens += tokens_of(usage)
            self.cost += float(usage.get("usd") or 0.0)
        elif isinstance(event, e.NodeExpanded) and event.node in self.state.nodes:
            self.known += _opened(self.state.nodes[event.node], event)

    # --- out -------------------------------------------------------------------------------------------

    def look(self, key: str) -> Look:
        """How a box or cluster looks; of many rounds or items, all of them together."""
        if key in self._states:
            return Look(self._states[key])
        paths = self._paths.get(key)
        if not paths:
            return self._unreached(key)
        node = self.state.nodes[paths[-1]]
        if len(paths) == 1:
            return self._one(node)
        counts = self._counts[key]
        phase = self._phase(key, counts, paths)
        done = sum(counts.get(name, 0) for name in ("completed", "failed", "skipped", "cancelled"))
        note = ""
        if phase in ("failed", "waiting"):
            worst = next((self.state.nodes[path] for path in paths if self.state.nodes[path].phase == phase), node)
            note = _note(worst)
        return Look(phase, note, f"{done}/{len(paths)}")

    def _unreached(self, key: str) -> Look:
        owner = self._owner.get(key)
        phase = self.look(owner).phase if owner is not None else "pending"
        return Look(phase) if phase in ("skipped", "cancelled") else PENDING

    def looks(self) -> dict[str, Look]:
        return {item.key: self.look(item.key) for item in self.picture.items()}

    def paths(self, key: str) -> tuple[str, ...]:
        """The paths (rounds, items) behind a box."""
        return tuple(self._paths.get(key, ()))

    def machines(self, key: str) -> tuple[str, ...]:
        """The paths of the machine whose state a box or cluster is."""
        for path, keys in self.picture.states.items():
            if key in keys.values():
                return tuple(found for found in self.state.nodes if ROUNDS.sub("", found) == path)
        return ()

    def _phase(self, key: str, counts: dict[str, int], paths: list[str]) -> str:
        if any(path in self._held for path in paths):
            return "held"
        for phase in FIRST:
            if counts.get(phase):
                return phase
        if counts.get("scheduled"):
            return "running" if counts.get("completed") else "scheduled"
        return next((phase for phase in LAST if counts.get(phase)), "pending")

    def _one(self, node: NodeState) -> Look:
        if node.path in self._held:
            return Look("held", "held here", _badge(node))
        since = node.started if node.phase == "running" else None
        return Look(node.phase, _note(node), _badge(node), since)

    def counts(self) -> dict[str, int]:
        """How many nodes are in each phase, bodies included."""
        counts = {phase: count for phase, count in self._totals.items() if count}
        pending = self.known - len(self._phases)
        return counts | ({"pending": pending} if pending > 0 else {})


def _owners(picture: Picture) -> dict[str, str]:
    """The node around each box or cluster that stands in a node's body."""
    clusters = {cluster.key: cluster for cluster in picture.clusters}
    owners: dict[str, str] = {}
    for key, place in [(box.key, box.cluster) for box in picture.boxes] + [(c.key, c.parent) for c in picture.clusters]:
        while place is not None and not clusters[place].node:
            place = clusters[place].parent
        if place is not None:
            owners[key] = place
    return owners


def _opened(owner: NodeState, event: e.NodeExpanded) -> int:
    """How many more nodes are known of now that bodies opened."""
    work = owner.node.work
    if isinstance(work, Loop):
        return len(work.body.nodes) * len(event.frames)
    if event.total is None:
        return 0
    if isinstance(work, ForEach):
        return len(work.body.nodes) * event.total
    return sum(len(body.nodes) for _, body in work.bodies) if isinstance(work, Branches) else 0


def _badge(node: NodeState) -> str:
    work = node.node.work
    if node.opened is not None and isinstance(work, Loop):
        return f"{len(node.opened)}/{work.max}" if work.max else f"{len(node.opened)}"
    if node.opened is not None:
        return f"{len(node.opened) - node.open}/{node.total if node.total is not None else len(node.opened)}"
    if node.phase in ("completed", "failed") and node.started is not None and node.ended is not None:
        took = node.ended - node.started
        return seconds(took) if took >= 0.0005 and node.attempt else ""
    return ""


def _note(node: NodeState) -> str:
    if node.phase == "failed":
        return error_line(node.error)
    if node.phase == "waiting":
        return _waiting(node)
    if node.phase in ("skipped", "cancelled"):
        return shorten(node.reason or "", 80)
    if node.phase == "running":
        return f"attempt {node.attempt}" if node.attempt > 1 and node.opened is None else ""
    if node.phase == "completed":
        return _ending(node)
    return ""


def _waiting(node: NodeState) -> str:
    if node.reason == "retry":
        return f"again after {error_line(node.error)}"
    if node.unheard:
        return shorten(f"{WAITS['machine']}; ignored {ignored(node)}", 80)
    return WAITS.get(node.reason or "", clean(node.reason or ""))


def _ending(node: NodeState) -> str:
    if node.handled:
        return f"handled: {error_line(node.error)}"
    if node.taken:
        return shorten(source_of(node.taken).replace("taken", "kept"), 34)
    return ""


def error_line(error: Any, limit: int = 160) -> str:
    """An error as one line of at most `limit` characters: its kind and words."""
    if not isinstance(error, dict):
        return ""
    kind, message = clean(error.get("kind") or "error"), clean(error.get("message") or "")
    return shorten(message if message.startswith(kind) else f"{kind}: {message}", limit)
