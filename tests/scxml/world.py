"""Runs machines beside each other on a virtual clock: what a runtime does for them, in a hundred lines.

Every step takes a microsecond, so that what happens at once keeps its order.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

from nbflow.errors import NbflowError
from nbflow.execution.chart import begin, due, step
from tests.scxml.datamodel import PROCESSOR, TYPES
from tests.scxml.reader import SOURCE, TYPE, Document, beside, read
from tests.scxml.unsupported import Scope

TICK = 1e-6
LONGEST = 600.0
MOST = 20_000


@dataclass
class Session:
    """One running machine. `invoked` is its name and number at its parent."""

    document: Document
    id: str
    parent: Session | None = None
    invoked: tuple[str, int] = ("", 0)
    snapshot: dict = field(default_factory=dict)
    mail: deque = field(default_factory=deque)  # (time, event)
    children: dict[str, Session] = field(default_factory=dict)
    over: bool = False

    def scope(self) -> Scope:
        ioprocessors = {"scxml": {"location": f"#_scxml_{self.id}"}, PROCESSOR: {"location": f"#_scxml_{self.id}"}}
        return Scope(execution={"id": self.id, "workflow": self.document.name, "ioprocessors": ioprocessors})


class World:
    def __init__(self, document: Document) -> None:
        self.now = 1000.0
        self.sessions: list[Session] = []
        self.main = self.open(document, {})

    def open(self, document: Document, given: dict, parent: Session | None = None, invoked: tuple = ("", 0)) -> Session:
        session = Session(document, f"s{len(self.sessions) + 1}", parent, invoked)
        self.sessions.append(session)
        if parent is not None:
            parent.children[invoked[0]] = session
        known = {name for name, _ in document.chart.context}
        given = {name: value for name, value in given.items() if name in known}
        self.after(session, begin(document.chart, given, self.now, session.scope()))
        return session

    def run(self) -> dict:
        """Until the main machine is over or nothing can happen any more; its snapshot."""
        start = self.now
        for _ in range(MOST):
            if self.main.over or not self.once() or self.now - start > LONGEST:
                break
        return self.main.snapshot

    def once(self) -> bool:
        """The earliest thing that is due."""
        waiting = []
        for number, session in enumerate(self.sessions):
            if session.over:
                continue
            timer = due(session.snapshot)
            if timer is not None:
                waiting.append((timer, 0, number))
            if session.mail:
                waiting.append((session.mail[0][0], 1, number))
        if not waiting:
            return False
        at, kind, number = min(waiting)
        self.now = max(self.now + TICK, at)
        session = self.sessions[number]
        event = session.mail.popleft()[1] if kind else None
        before = session.snapshot
        result = step(session.document.chart, before, event, self.now, session.scope())
        for name in session.document.forward:
            if result.event is not None and name in session.children and result.event.get("type") != "timer":
                self.send(session.children[name], dict(result.event))
        self.after(session, result)
        return True

    def after(self, session: Session, result) -> None:
        session.snapshot = result.snapshot
        for effect in result.effects:
            match effect["do"]:
                case "start":
                    self.start(session, effect)
                case "stop":
                    self.stop(session, effect["id"])
                case "emit":
                    self.emit(session, effect["event"])
                case "done":
                    self.end(session, effect["output"])

    def start(self, session: Session, effect: dict) -> None:
        work = session.document.chart.works[effect["work"]]
        given = work.node.fields.get("with")
        scope = Scope({**session.scope(), **effect["roots"]})
        try:
            values = dict(given.evaluate(scope)) if given is not None else {}
            if values.pop(TYPE, TYPES[0]) not in TYPES:
                raise NbflowError("no such type of machine")
        except NbflowError as error:
            session.mail.append((self.now, {"name": "error.execution", "type": "platform", "data": str(error)}))
            return
        source = values.pop(SOURCE, None)
        folder = session.document.folder
        document = session.document.inner[work.id] if source is None else read(beside(folder, str(source)))
        self.open(document, values, session, (work.id, effect["number"]))

    def stop(self, session: Session, name: str) -> None:
        """What the child has said before is still heard, as the word of nobody."""
        child = session.children.pop(name, None)
        if child is not None:
            child.over = True
        for _, event in session.mail:
            if event.get("invoke") == name:
                del event["invoke"], event["number"]

    def send(self, to: Session, event: dict) -> None:
        to.mail.append(
            (self.now, {name: value for name, value in event.items() if name not in ("to", "invoke", "number")})
        )

    def emit(self, session: Session, event: dict) -> None:
        target = event.get("to")
        origin = {"origin": f"#_scxml_{session.id}"}
        if target == "#_parent" and session.parent is not None:
            id, number = session.invoked
            session.parent.mail.append((self.now, {**event, **origin, "invoke": id, "number": number}))
            return
        child = session.children.get(str(target).removeprefix("#_"))
        if child is None:
            child = next((s for s in self.sessions if target == f"#_scxml_{s.id}" and not s.over), None)
        if child is not None:
            self.send(child, {**event, **origin})
            return
        sent = {"id": event["id"]} if "id" in event else {}
        legal = isinstance(target, str) and target.startswith("#_")
        name = "error.communication" if legal else "error.execution"
        session.mail.append((self.now, {"name": name, "type": "platform", "data": None, **sent}))

    def end(self, session: Session, output) -> None:
        session.over = True
        for child in session.children.values():
            child.over = True
        if session.parent is None or session.parent.over:
            return
        states = session.document.chart.states
        said = any(states[session.document.chart.index[id]].output for id in session.snapshot["configuration"])
        id, number = session.invoked
        done = {"name": f"done.{id}", "data": output if said else None, "invoke": id, "number": number}
        session.parent.mail.append((self.now, done))


def verdict(document: Document) -> str:
    """``pass`` or ``fail``: the state in which the document ends."""
    try:
        snapshot = World(document).run()
    except NbflowError:
        return "fail"
    return "pass" if snapshot["phase"] == "done" and "pass" in snapshot["configuration"] else "fail"
