"""Executable content of SCXML as actions of a machine."""

from __future__ import annotations

import ast
import re
from xml.etree.ElementTree import Element

from tests.scxml.datamodel import FAILS, TYPES, Translator
from tests.scxml.unsupported import Unsupported

FAIL = {"assign": {"failure": "=" + FAILS}}

_NUMBER = re.compile(r"\.\d")
_STATEMENT = re.compile(r"(?:var\s+|let\s+)?([A-Za-z_$][\w$]*)\s*([-+*/%]?)=(?!=)\s*(.+)")
_EVENT = re.compile(r"[A-Za-z_][\w-]*(\.[\w-]+)*", re.ASCII)


def event_name(name: str) -> str:
    if name and not _EVENT.fullmatch(name):
        raise Unsupported(f"the event name {name}")
    return name


def tag(element: Element) -> str:
    return element.tag.rpartition("}")[2] if isinstance(element.tag, str) else ""


def duration(text: str) -> str:
    """``.5s`` as ``0.5s``."""
    text = text.strip()
    return "0" + text if _NUMBER.match(text) else text


class Content:
    """Translates the actions of one document."""

    def __init__(self, translator: Translator) -> None:
        self.translator = translator
        self.sends = 0

    def actions(self, parent: Element) -> list[dict]:
        """All executable content inside an element."""
        return [action for element in parent for action in self.one(element)]

    def one(self, element: Element) -> list[dict]:
        match tag(element):
            case "raise":
                return [{"raise": event_name(element.get("event", ""))}]
            case "assign":
                return [self._assign(element)]
            case "if":
                return [self._if(element)]
            case "foreach":
                return [self._foreach(element)]
            case "send":
                return self._send(element)
            case "cancel":
                id = element.get("sendid")
                return [{"cancel": id if id is not None else self.translator.value(element.get("sendidexpr", ""))}]
            case "log":
                return []
            case "script":
                return self._script(element)
            case other:
                raise Unsupported(f"<{other}>")

    def _assign(self, element: Element) -> dict:
        location = _location(element.get("location", ""))
        if location is None or location.partition(".")[0] not in self.translator.names:
            return FAIL
        if "expr" in element.attrib:
            return {"assign": {location: self.translator.value(element.get("expr", ""))}}
        if len(element):
            raise Unsupported("XML as data")
        return {"assign": {location: self.translator.content(element.text or "")}}

    def _script(self, element: Element) -> list[dict]:
        if element.get("src") is not None:
            raise Unsupported("scripts from files")
        if self.translator.ecmascript:
            return self._statements(element.text or "")
        try:
            tree = ast.parse("\n".join(line.strip().rstrip(";") for line in (element.text or "").splitlines()))
        except SyntaxError:
            raise Unsupported("this script") from None
        found = []
        for statement in tree.body:
            match statement:
                case ast.AugAssign(target=ast.Name(id=name)):
                    value = ast.BinOp(ast.Name(name, ast.Load()), statement.op, statement.value)
                    found.append({"assign": {name: self.translator.value(ast.unparse(value))}})
                case ast.Assign(targets=[ast.Name(id=name)], value=value):
                    self.translator.names.setdefault(name)
                    found.append({"assign": {name: self.translator.value(ast.unparse(value))}})
                case _:
                    raise Unsupported("this script")
        return found

    def _statements(self, script: str) -> list[dict]:
        """Of ECMAScript, assignments to names."""
        found = []
        for line in re.split(r"[;\n]", script):
            if not line.strip():
                continue
            statement = _STATEMENT.fullmatch(line.strip())
            if statement is None:
                raise Unsupported("this script")
            name, sign, value = statement.groups()
            self.translator.names.setdefault(name)
            found.append({"assign": {name: self.translator.value(f"{name} {sign} ({value})" if sign else value)}})
        return found

    def _if(self, element: Element) -> dict:
        branches: list[tuple[str | None, list[dict]]] = [(element.get("cond"), [])]
        for child in element:
            if tag(child) in ("elseif", "else"):
                branches.append((child.get("cond"), []))
                for inner in child:  # some documents put the actions inside
                    branches[-1][1].extend(self.one(inner))
            else:
                branches[-1][1].extend(self.one(child))
        return self._branches(branches)

    def _branches(self, branches: list[tuple[str | None, list[dict]]]) -> dict:
        (condition, actions), *rest = branches
        made: dict = {"if": self.translator.condition(condition) if condition else "True", "then": actions}
        if rest:
            made["else"] = rest[0][1] if rest[0][0] is None else [self._branches(rest)]
        return made

    def _foreach(self, element: Element) -> dict:
        item, index = element.get("item", ""), element.get("index")
        names = [name for name in (item, index) if name is not None]
        array = self.translator.items(element.get("array", ""))
        if not all(name.isidentifier() for name in names) or any(_reserved(name) for name in names):
            return FAIL
        for name in names:
            self.translator.names.setdefault(name)
        values = {item: "=item", **({index: "=index"} if index is not None else {})}
        return {"for_each": array, "do": [{"assign": values}, *self.actions(element)]}

    # ---- send ----

    def _send(self, element: Element) -> list[dict]:
        kind, kind_expr = element.get("type"), element.get("typeexpr")
        if kind is not None and "BasicHTTP" in kind:
            raise Unsupported("the BasicHTTP event processor")
        if kind is not None and kind not in TYPES:
            return [FAIL]
        before, id = self._id(element)
        sent = [*before, *self._sent(element, id)]
        if kind_expr is not None:
            return [{"if": f"{self.translator.expression(kind_expr)} in {list(TYPES)!r}", "then": sent, "else": [FAIL]}]
        return sent

    def _id(self, element: Element) -> tuple[list[dict], str | None]:
        location = element.get("idlocation")
        if location is None:
            return [], element.get("id")
        self.sends += 1
        id = f"send{self.sends}"
        return [{"assign": {location: id}}], id

    def _sent(self, element: Element, id: str | None) -> list[dict]:
        event: dict = {"event": self._either(element, "event")}
        data = self.data(element)
        if data is not None:
            event["with"] = data
        if id is not None:
            event["id"] = id
        delay = self._delay(element)
        target, expression = element.get("target"), element.get("targetexpr")
        if expression is not None:
            return self._anywhere(event, delay, self.translator.expression(expression))
        if target is None:
            return [{"raise": {**event, "delay": delay or "0s"}}]
        if target.startswith("#_scxml_"):  # ids are made when sessions begin: no text can know one
            return [{"raise": {"event": "error.communication", **({"id": event["id"]} if "id" in event else {})}}]
        if target == "#_internal":
            return [{"raise": event}]
        return [self._to(event, delay, target if target.startswith("#_") else "=" + FAILS)]

    def _to(self, event: dict, delay: str | None, target: str) -> dict:
        return {"emit": {**event, "to": target, **({"delay": delay} if delay else {})}}

    def _anywhere(self, event: dict, delay: str | None, target: str) -> list[dict]:
        own = f"{target} == '#_scxml_' + execution.id"
        return [
            {
                "if": f"{target} == '#_internal'",
                "then": [{"raise": event}],
                "else": [
                    {
                        "if": own,
                        "then": [{"raise": {**event, "delay": delay or "0s"}}],
                        "else": [self._to(event, delay, "=" + target)],
                    }
                ],
            }
        ]

    def _delay(self, element: Element) -> str | None:
        if "delay" in element.attrib:
            return duration(element.get("delay", ""))
        expression = element.get("delayexpr")
        if expression is None:
            return None
        try:
            return duration(str(self.translator.constant(expression)))
        except KeyError:
            return self.translator.value(expression)

    def _either(self, element: Element, name: str) -> str:
        if name in element.attrib:
            return event_name(element.get(name, ""))
        return self.translator.value(element.get(name + "expr", ""))

    def data(self, element: Element) -> object | None:
        """What an event or invocation carries: `param`, `namelist` and `content`."""
        content = next((child for child in element if tag(child) == "content"), None)
        if content is not None:
            if "expr" in content.attrib:
                return self.translator.value(content.get("expr", ""))
            if len(content):
                raise Unsupported("XML as data")
            return self.translator.content(content.text or "")
        found: dict = {}
        for name in (element.get("namelist") or "").split():
            found[name] = self.translator.value(name) if name in self.translator.names else "=" + FAILS
        for child in element:
            if tag(child) == "param":
                given = child.get("expr") or child.get("location") or ""
                found[child.get("name", "")] = self.translator.value(given)
        return found or None


def _location(text: str) -> str | None:
    """``v['a'].b`` as ``v.a.b``; None when it is no place."""
    try:
        node = ast.parse(text.strip(), mode="eval").body
    except SyntaxError:
        return None
    keys: list[str] = []
    while not isinstance(node, ast.Name):
        match node:
            case ast.Attribute(value=inner, attr=key):
                node = inner
            case ast.Subscript(value=inner, slice=ast.Constant(value=str(key))) if key.isidentifier():
                node = inner
            case ast.Subscript():
                raise Unsupported("assignment to an item")
            case _:
                return None
        keys.append(key)
    return ".".join([node.id, *reversed(keys)])


def _reserved(name: str) -> bool:
    try:
        ast.parse(f"{name} = 1")
    except SyntaxError:
        return True
    return False
