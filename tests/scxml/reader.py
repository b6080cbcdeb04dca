"""Turns an SCXML document into the text of a `machine:`, and that into a chart, by nbflow's own reader."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from xml.etree.ElementTree import Element, ParseError, fromstring

from nbflow.errors import render
from nbflow.spec.chart import Chart
from nbflow.spec.document import load
from nbflow.spec.kinds import BUILT_IN
from nbflow.spec.machine import read_machine
from nbflow.spec.machine.names import ID, STATE_ID
from tests.scxml.content import Content, event_name, tag
from tests.scxml.datamodel import TYPES, Translator
from tests.scxml.unsupported import Unsupported

TYPE = "scxml_type"
"""The argument of an invocation that says of which type it is, when that is computed."""
SOURCE = "scxml_source"
"""The argument that names the document, when that is computed."""
LATER = {"initial": "nowhere", "states": {"nowhere": "final"}}
"""Stands for a machine that is read when it is invoked."""


class Unreadable(Exception):
    """There is no such file, or it is no XML."""


@dataclass
class Document:
    """A chart with what only its world knows: its name, and which invocations hear all that it hears."""

    chart: Chart
    name: str
    machine: dict
    folder: Path
    forward: dict[str, None] = field(default_factory=dict)
    inner: dict[str, Document] = field(default_factory=dict)  # by the name of the invocation


def read(path: Path) -> Document:
    """Raises `Unreadable` when there is no XML to read, `Unsupported`, or ValueError when the document is broken."""
    try:
        root = fromstring(path.read_bytes())
    except OSError as error:
        raise Unreadable(error.strerror or "it cannot be read") from error
    except (ParseError, ValueError, LookupError) as error:
        raise Unreadable(f"it is no XML: {error}") from error
    return Reader(path.parent).document(root)


def chart_of(machine: dict) -> Chart:
    """The chart of a machine written as data. Raises ValueError with all findings when there are errors."""
    found: list = []
    chart = read_machine(load(json.dumps(machine)), found.append, kinds=BUILT_IN)
    if chart is None:
        raise ValueError("\n".join(render(each) for each in found if each.severity == "error"))
    return chart


class Reader:
    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def document(self, root: Element) -> Document:
        if tag(root) != "scxml":
            raise ValueError(f"<{tag(root)}> is no SCXML document")
        model = root.get("datamodel", "null").lower()
        if model not in ("python", "ecmascript", "c89", "null"):
            raise Unsupported(f"the data model {model}")
        one = _One(self, root, ecmascript=model in ("ecmascript", "c89"))
        machine = one.machine()
        return Document(chart_of(machine), root.get("name", ""), machine, self.folder, one.forward, one.inner)


class _One:
    """One document on its way."""

    def __init__(self, reader: Reader, root: Element, *, ecmascript: bool) -> None:
        self.reader, self.root = reader, root
        self.translator = Translator(ecmascript=ecmascript)
        self.content = Content(self.translator)
        self.late = root.get("binding") == "late"
        self.works: list[str] = [invoke_id(parent, number, child) for parent, number, child in invokes(root)]
        self.forward: dict[str, None] = {}
        self.inner: dict[str, Document] = {}
        self.context: dict = {}

    def machine(self) -> dict:
        for element in self.root.iter():
            if tag(element) == "data":
                self.translator.names.setdefault(_data_id(element.get("id", "")))
        self._data(self.root, late=False)
        entry = [action for element in self.root if tag(element) == "script" for action in self.content.one(element)]
        made: dict = {"context": self.context, "states": self._states(self.root)}
        targets = (self.root.get("initial") or "").split()
        first = [child.get("id") for child in self.root if tag(child) in ("state", "parallel", "final")]
        made["initial"] = targets or first[:1]
        if entry:
            made["entry"] = entry
        return made

    def _states(self, parent: Element) -> dict:
        found = {}
        for number, element in enumerate(parent):
            if tag(element) in ("state", "parallel", "final", "history"):
                id = element.get("id") or f"{parent.get('id') or 'state'}_{number}"
                element.set("id", id)
                if not STATE_ID.match(id):
                    raise Unsupported(f"the id {id}")
                if id in found:
                    raise ValueError(f"two states are called {id}")
                found[id] = self._state(element)
        return found

    def _state(self, element: Element) -> dict:
        kind = tag(element)
        if kind == "history":
            return self._history(element)
        made: dict = {}
        late = self._data(element, late=self.late)
        if kind != "state":
            made["type"] = kind
        states = self._states(element)
        if states:
            made["states"] = states
        if states and kind == "state":
            made["initial"] = self._initial(element, states)
        entry = [self.content.actions(child) for child in element if tag(child) == "onentry"]
        named = [
            {"assign": {child.get("idlocation", ""): invoke_id(element, number, child).replace("_inv", ".inv")}}
            for number, child in _numbered(element, "invoke")
            if "idlocation" in child.attrib
        ]
        made["entry"] = [*([late] if late else []), *entry, *([named] if named else [])]
        made["exit"] = [self.content.actions(child) for child in element if tag(child) == "onexit"]
        self._transitions(element, made)
        invoke = [self._invoke(element, number, child) for number, child in _numbered(element, "invoke")]
        if invoke:
            made["invoke"] = invoke
        done = next((child for child in element if tag(child) == "donedata"), None)
        if done is not None:
            made["output"] = self.content.data(done)
        return {name: value for name, value in made.items() if value not in ([], None)}

    def _history(self, element: Element) -> dict:
        made: dict = {"history": element.get("type", "shallow")}
        transition = next((child for child in element if tag(child) == "transition"), None)
        if transition is not None:
            made["to"] = {"to": transition.get("target", "").split(), "actions": self.content.actions(transition)}
        return made

    def _initial(self, element: Element, states: dict) -> object:
        if element.get("initial"):
            return element.get("initial", "").split()
        inner = next((child for child in element if tag(child) == "initial"), None)
        if inner is None:
            return next((id for id, state in states.items() if "history" not in state), [])
        transition = next((child for child in inner if tag(child) == "transition"), None)
        if transition is None:
            raise ValueError("<initial> has no <transition>")
        return {"to": transition.get("target", "").split(), "actions": self.content.actions(transition)}

    def _transitions(self, element: Element, made: dict) -> None:
        for child in element:
            if tag(child) != "transition":
                continue
            one: dict = {}
            if child.get("event"):
                one["event"] = [name for event in child.get("event", "").split() for name in self._descriptors(event)]
            if child.get("target"):
                one["to"] = child.get("target", "").split()
            if child.get("cond"):
                one["if"] = self.translator.condition(child.get("cond", ""))
            if child.get("type") == "internal":
                one["internal"] = True
            actions = self.content.actions(child)
            if actions or "to" not in one:
                one["actions"] = actions or [{"if": "True", "then": []}]
            made.setdefault("events" if "event" in one else "always", []).append(one)

    def _descriptors(self, event: str) -> list[str]:
        """SCXML's `a` is our `a.*`; its `done.invoke.x` is our `done.x`."""
        event = event.removesuffix(".*").removesuffix(".")
        if event in ("*", ""):
            return ["*"]
        if event in ("done.invoke", "error.invoke"):
            return [*(f"done.{work}" for work in self.works), f"{event}.*"]
        if event.startswith("done.invoke."):
            return ["done." + event[12:].replace(".", "_") + ".*", f"{event}.*"]
        return [event_name(event) + ".*"]

    # ---- data ----

    def _data(self, element: Element, *, late: bool) -> list[dict]:
        """Data of a state: part of the context at once, or set when the state is first entered."""
        first: list[dict] = []
        for model in (child for child in element if tag(child) == "datamodel"):
            for data in model:
                if tag(data) != "data":
                    continue
                id = data.get("id", "")
                value = self._value(data)
                self.context[id] = None if late else value
                if late:
                    first.append({"assign": {id: value}})
        if not first:
            return []
        flag = f"entered_{element.get('id')}"
        self.context[flag] = False
        return [{"if": f"not ctx.{flag}", "then": [{"assign": {flag: True}}, *first]}]

    def _value(self, data: Element) -> object:
        if "expr" in data.attrib:
            return self.translator.value(data.get("expr", ""))
        if "src" in data.attrib:
            return self.translator.content(self._file(data.get("src", "")).read_text(encoding="utf-8"))
        if len(data):
            raise Unsupported("XML as data")
        return self.translator.content(data.text) if data.text and data.text.strip() else None

    def _file(self, source: str) -> Path:
        return beside(self.reader.folder, source)

    # ---- invoke ----

    def _invoke(self, state: Element, number: int, element: Element) -> dict:
        kind = element.get("type")
        if kind is not None and kind not in TYPES:
            raise Unsupported(f"invoking {kind}")
        name = invoke_id(state, number, element)
        if "srcexpr" in element.attrib:
            made: dict = {"machine": LATER, "as": name}
        else:
            if name in self.inner:
                raise Unsupported(f"two invocations with the id {name}")
            self.inner[name] = self._invoked(element)
            made = {"machine": self.inner[name].machine, "as": name}
        if element.get("autoforward") == "true":
            self.forward[name] = None
        given = {param.get("name", ""): param for param in element if tag(param) == "param"}
        values = {name: self.translator.value(p.get("expr") or p.get("location") or "") for name, p in given.items()}
        values |= {name: self.translator.value(name) for name in (element.get("namelist") or "").split()}
        if "typeexpr" in element.attrib:
            values[TYPE] = self.translator.value(element.get("typeexpr", ""))
        if "srcexpr" in element.attrib:
            values[SOURCE] = self.translator.value(element.get("srcexpr", ""))
        if values:
            made["with"] = values
        finalize = next((part for part in element if tag(part) == "finalize"), None)
        if finalize is not None and len(finalize):
            made["finalize"] = self.content.actions(finalize)
        return made

    def _invoked(self, element: Element) -> Document:
        content = next((child for child in element if tag(child) == "content"), None)
        if "src" in element.attrib:
            return read(self._file(element.get("src", "")))
        if content is None or not len(content):
            raise Unsupported("an invocation whose content is computed")
        return self.reader.document(content[0])


def _data_id(id: str) -> str:
    if id and not ID.match(id):
        raise Unsupported(f"the data id {id}")
    return id


def beside(folder: Path, source: str) -> Path:
    """Only what lies in the document's folder or below it is read."""
    path = folder / source.removeprefix("file:")
    if not path.is_file() or not path.resolve().is_relative_to(folder.resolve()):
        raise Unsupported(f"what is not beside the document: {source}")
    return path


def _numbered(element: Element, name: str) -> list[tuple[int, Element]]:
    return list(enumerate(child for child in element if tag(child) == name))


def invokes(root: Element) -> list[tuple[Element, int, Element]]:
    """The invocations of this document, not of those inside it."""
    found = []
    waiting = [root]
    while waiting:
        element = waiting.pop()
        found += [(element, number, child) for number, child in _numbered(element, "invoke")]
        waiting += [child for child in element if tag(child) in ("state", "parallel")]
    return found


def invoke_id(state: Element, number: int, element: Element) -> str:
    return element.get("id") or f"{state.get('id')}_inv{number}"
