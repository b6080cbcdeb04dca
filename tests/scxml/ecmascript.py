"""The simple part of ECMAScript as expressions of nbflow: exactly, or not at all.

Where the meaning depends on what kind a value has when it is evaluated, the expression asks for the kind, and reads
`inputs` for kinds of which the meaning differs; that ends the document with `unsupported`. What is a
syntax error in ECMAScript is one here: `NotEcmascript`.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import NamedTuple

from tests.scxml.unsupported import Unsupported

REFUSED = "inputs.unsupported"
_TOKEN = re.compile(
    r"\s+|/\*.*?\*/|//[^\n]*"
    r"|(?P<number>0[xX][0-9a-fA-F]+|(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)"
    r"|(?P<text>'(?:\\.|[^'\\\n])*'|\"(?:\\.|[^\"\\\n])*\")"
    r"|(?P<name>[A-Za-z_$][\w$]*)"
    r"|(?P<more>\+\+|--|=>|<<|>>)"
    r"|(?P<mark>===|!==|==|!=|<=|>=|&&|\|\||[-+*/%!<>?:()\[\]{},.])"
    r"|(?P<odd>.)",
    re.DOTALL,
)
_BEYOND = frozenset("function new var let const class delete void this yield await async import".split())
_STATEMENTS = frozenset("return if else for while do switch case break continue throw try catch with".split())
SHORT = 16
_LEVELS = (
    ("||",),
    ("&&",),
    ("==", "!=", "===", "!=="),
    ("<", ">", "<=", ">=", "in", "instanceof"),
    ("+", "-"),
    ("*", "/", "%"),
)
_ESCAPES = {"n": "\n", "t": "\t", "r": "\r", "b": "\b", "f": "\f", "v": "\v", "0": "\0"}
_SCALAR = ("text", "number", "boolean")


class NotEcmascript(Exception):
    """A syntax error in the document's own language."""


class Term(NamedTuple):
    """An expression, and the kind of its value where that is known."""

    text: str
    kind: str | None = None


def translate(text: str, name: Callable[[str], str]) -> Term:
    """`name` says what a name is here. Raises `NotEcmascript` or `Unsupported`."""
    return _Parser(_tokens(text), name).whole()


def condition(term: Term) -> str:
    """Whether a value counts as true: empty lists and objects do."""
    if term.kind == "boolean":
        return term.text
    return _once(lambda x: Term(f"bool({x.text} or {x.text} == [] or {x.text} == {{}})", "boolean"), term).text


def _once(made: Callable[..., Term], *terms: Term) -> Term:
    """What is made of terms, each of which is evaluated once and written once, however often it is asked about."""
    names = [Term(f"v{place}", term.kind) if len(term.text) > SHORT else term for place, term in enumerate(terms)]
    found = made(*names)
    text = found.text
    for name, term in zip(names, terms, strict=True):
        if name is not term:
            text = f"[{text} for {name.text} in [{term.text}]][0]"
    return Term(text, found.kind)


def _tokens(text: str) -> list[tuple[str, str]]:
    found = [(match.lastgroup, match[match.lastgroup]) for match in _TOKEN.finditer(text) if match.lastgroup]
    for kind, token in found:
        if token in _BEYOND or kind == "more" or (kind == "odd" and token not in "@#\\"):
            raise Unsupported("this much ECMAScript")
        if token in _STATEMENTS or kind == "odd":
            raise NotEcmascript(token)
    return found


class _Parser:
    def __init__(self, tokens: list[tuple[str, str]], name: Callable[[str], str]) -> None:
        self.tokens, self.place, self.name = tokens, 0, name

    def whole(self) -> Term:
        found = self.choice()
        if self.place < len(self.tokens):
            raise NotEcmascript(self.tokens[self.place][1])
        return found

    def peek(self) -> str:
        kind, token = self.tokens[self.place] if self.place < len(self.tokens) else ("end", "")
        return token if kind != "text" else ""

    def take(self, *wanted: str) -> str | None:
        if self.peek() in wanted and self.place < len(self.tokens):
            self.place += 1
            return self.tokens[self.place - 1][1]
        return None

    def need(self, mark: str) -> None:
        if self.take(mark) is None:
            raise NotEcmascript(f"no {mark}")

    def choice(self) -> Term:
        asked = self.binary(0)
        if self.take("?") is None:
            return asked
        yes = self.choice()
        self.need(":")
        no = self.choice()
        return Term(f"({yes.text} if {condition(asked)} else {no.text})", yes.kind if yes.kind == no.kind else None)

    def binary(self, level: int) -> Term:
        if level == len(_LEVELS):
            return self.unary()
        left = self.binary(level + 1)
        while (mark := self.take(*_LEVELS[level])) is not None:
            if mark == "instanceof":
                left = self.instance(left)
                continue
            left = _both(left, mark, self.binary(level + 1))
        return left

    def instance(self, of: Term) -> Term:
        if self.take("Array") is None:
            raise Unsupported("this much ECMAScript")
        return _once(lambda x: Term(f"({_kind(x)} == 'list')", "boolean"), of)

    def unary(self) -> Term:
        if self.take("!"):
            return Term(f"(not {condition(self.unary())})", "boolean")
        if mark := self.take("-", "+"):
            if self.peek() == mark:
                raise Unsupported("this much ECMAScript")
            sign = mark if mark == "-" else ""
            return _once(lambda x: Term(_guarded(f"{sign}{x.text}", (x, "number")), "number"), self.unary())
        if self.take("typeof"):
            return self.kind_of()
        return self.member()

    def kind_of(self) -> Term:
        following = self.tokens[self.place : self.place + 1]
        if following and following[0][0] == "name" and self.named_nothing(following[0][1]):
            self.place += 1
            return Term("'undefined'", "text")
        names = "{'null': 'undefined', 'text': 'string', 'list': 'object'}"
        return _once(lambda of: Term(f"{names}.get({_kind(of)}, {_kind(of)})", "text"), self.unary())

    def named_nothing(self, name: str) -> bool:
        return name not in ("true", "false", "null", "undefined", "In") and not self.name(name)

    def member(self) -> Term:
        of = self.atom()
        while mark := self.take(".", "[", "("):
            if mark == "(":
                raise Unsupported("this much ECMAScript")
            if mark == "[":
                of = _once(_item, of, self.choice())
                self.need("]")
                continue
            if self.place >= len(self.tokens) or self.tokens[self.place][0] != "name":
                raise NotEcmascript("no name after '.'")
            self.place += 1
            name = self.tokens[self.place - 1][1]
            of = _once(lambda x, name=name: _property(x, name), of)
        return of

    def atom(self) -> Term:
        if self.place >= len(self.tokens):
            raise NotEcmascript("it ends too soon")
        kind, token = self.tokens[self.place]
        self.place += 1
        if kind == "number":
            return Term(_number(token), "number")
        if kind == "text":
            return Term(repr(_text(token[1:-1])), "text")
        if kind == "name":
            return self.named(token)
        match token:
            case "(":
                inner = self.choice()
                self.need(")")
                return inner
            case "[":
                return Term("[" + ", ".join(part.text for part in self.parts("]")) + "]", "list")
            case "{":
                return self.object()
        raise NotEcmascript(token)

    def named(self, token: str) -> Term:
        match token:
            case "true" | "false":
                return Term(token.capitalize(), "boolean")
            case "undefined":
                return Term("None", "undefined")
            case "null":
                return Term("None", "null")
            case "In" if self.peek() == "(":
                self.take("(")
                [of] = self.parts(")") or [Term("1 / 0")]
                return Term(f"({of.text} in execution.states)", "boolean")
            case "_event" if self.peek() == ".":
                self.take(".")
                field = self.atom_name()
                return Term(self.name(f"_event.{field}"))
        text = self.name(token)
        return Term(text or "1 / 0")

    def atom_name(self) -> str:
        if self.place >= len(self.tokens) or self.tokens[self.place][0] != "name":
            raise NotEcmascript("no name after '.'")
        self.place += 1
        return self.tokens[self.place - 1][1]

    def parts(self, end: str) -> list[Term]:
        found: list[Term] = []
        while self.take(end) is None:
            found.append(self.choice())
            if self.peek() != end:
                self.need(",")
        return found

    def object(self) -> Term:
        found: list[str] = []
        while self.take("}") is None:
            kind, token = self.tokens[self.place] if self.place < len(self.tokens) else ("", "")
            if kind not in ("name", "text", "number"):
                raise NotEcmascript(token)
            self.place += 1
            self.need(":")
            key = _text(token[1:-1]) if kind == "text" else token
            found.append(f"{key!r}: {self.choice().text}")
            if self.peek() != "}":
                self.need(",")
        return Term("{" + ", ".join(found) + "}", "object")


def _number(token: str) -> str:
    if token[:2] in ("0x", "0X"):
        return str(int(token, 16))
    value = float(token)
    return str(int(value)) if value.is_integer() and abs(value) < 2**53 else repr(value)


def _text(inside: str) -> str:
    def character(found: re.Match[str]) -> str:
        code = found[1]
        if code[0] in "ux" and len(code) > 1:
            return chr(int(code[1:], 16))
        if code.isalnum() and code not in _ESCAPES:
            raise Unsupported("this much ECMAScript")
        return _ESCAPES.get(code, code)

    return re.sub(r"\\(u[0-9a-fA-F]{4}|x[0-9a-fA-F]{2}|.)", character, inside, flags=re.DOTALL)


def _kind(term: Term) -> str:
    """An expression for the kind of a value: a text alone is its own text."""
    x = term.text
    if term.kind is not None:
        return repr("null" if term.kind == "undefined" else term.kind)
    return (
        f"('null' if {x} is None else 'text' if str({x}) == {x} else 'boolean' if str({x}) in ('True', 'False') "
        f"else 'list' if str({x})[:1] == '[' else 'object' if str({x})[:1] == '{{' else 'number')"
    )


def _guarded(text: str, *asked: tuple[Term, str]) -> str:
    """The expression where all these have their kinds, and no other meaning."""
    unknown = [f"{_kind(term)} == {kind!r}" for term, kind in asked if term.kind != kind]
    if any(term.kind not in (None, kind) for term, kind in asked):
        raise Unsupported("this much ECMAScript")
    return f"({text} if {' and '.join(unknown)} else {REFUSED})" if unknown else text


def _both(left: Term, mark: str, right: Term) -> Term:
    """The right side of `&&` and `||` is looked at only when the left side asks for it."""
    kind = left.kind if left.kind == right.kind else None
    match mark:
        case "&&":
            return _once(lambda a: Term(f"({right.text} if {condition(a)} else {a.text})", kind), left)
        case "||":
            return _once(lambda a: Term(f"({a.text} if {condition(a)} else {right.text})", kind), left)
    return _once(lambda a, b: _joined(a, mark, b), left, right)


def _joined(left: Term, mark: str, right: Term) -> Term:
    a, b = left.text, right.text
    match mark:
        case "==" | "!=" | "===" | "!==":
            same = _same(left, right, strict=len(mark) == 3)
            return Term(f"(not {same})" if mark[0] == "!" else same, "boolean")
        case "<" | ">" | "<=" | ">=":
            return Term(_alike(f"({a} {mark} {b})", left, right, ("number", "text")), "boolean")
        case "in":
            return Term(_guarded(f"({a} in {b})", (left, "text"), (right, "object")), "boolean")
        case "+":
            return _sum(left, right)
        case "/" | "%":
            nothing = f"{REFUSED} if {b} == 0 else "
            text = f"{a} / {b}" if mark == "/" else f"abs({a}) % abs({b}) * (1 if {a} >= 0 else -1)"
            return Term(_guarded(f"({nothing}{text})", (left, "number"), (right, "number")), "number")
    return Term(_guarded(f"({a} {mark} {b})", (left, "number"), (right, "number")), "number")


def _alike(text: str, left: Term, right: Term, kinds: tuple[str, ...]) -> str:
    if left.kind is not None and left.kind == right.kind and left.kind in kinds:
        return text
    if left.kind is not None and right.kind is not None:
        raise Unsupported("this much ECMAScript")
    return f"({text} if {_kind(left)} == {_kind(right)} and {_kind(left)} in {kinds!r} else {REFUSED})"


def _sum(left: Term, right: Term) -> Term:
    if left.kind == right.kind and left.kind in ("number", "text"):
        return Term(f"({left.text} + {right.text})", left.kind)
    if "text" not in (left.kind, right.kind):
        numbers = f"{_kind(left)} == {_kind(right)} == 'number'"
        either = f"'text' in ({_kind(left)}, {_kind(right)})"
        joined = f"{_as_text(left)} + {_as_text(right)} if {either} else {REFUSED}"
        return Term(f"({left.text} + {right.text} if {numbers} else {joined})")
    return Term(f"({_as_text(left)} + {_as_text(right)})", "text")


def _as_text(term: Term) -> str:
    """A whole number, true and false are written alike, but for their case."""
    x = term.text
    if term.kind == "text":
        return x
    return (
        f"({x} if {_kind(term)} == 'text' else str({x}).lower() if {_kind(term)} == 'boolean' or "
        f"({_kind(term)} == 'number' and str({x}) == str(int({x}))) else {REFUSED})"
    )


def _same(left: Term, right: Term, *, strict: bool) -> str:
    a, b = left.text, right.text
    if strict and "null" in (left.kind, right.kind) and left.kind != right.kind:
        other = right if left.kind == "null" else left
        return "False" if other.kind is not None else f"({REFUSED} if {other.text} is None else False)"
    if "undefined" in (left.kind, right.kind) or "null" in (left.kind, right.kind):
        return f"({a} is None and {b} is None)" if a != "None" else f"({b} is None)"
    if left.kind is not None and left.kind == right.kind and left.kind in _SCALAR:
        return f"({a} == {b})"
    unlike = "False" if strict else f"False if 'null' in ({_kind(left)}, {_kind(right)}) else {REFUSED}"
    if left.kind is not None and right.kind is not None and left.kind != right.kind:
        if strict:
            return "False"
        raise Unsupported("this much ECMAScript")
    alike = f"{a} == {b} if {_kind(left)} in {_SCALAR} or {a} is None else {REFUSED}"
    return f"(({alike}) if {_kind(left)} == {_kind(right)} else {unlike})"


def _property(of: Term, name: str) -> Term:
    x = of.text
    found = f"{x}.get({name!r}) if {_kind(of)} == 'object' else "
    if name == "length":
        found += f"len({x}) if {_kind(of)} in ('list', 'text') else "
    return Term(f"({found}{x}[0] if {x} is None else {REFUSED})", None)


def _item(of: Term, key: Term) -> Term:
    x, k = of.text, key.text
    return Term(
        f"({x}.get({k}) if {_kind(of)} == 'object' and {_kind(key)} == 'text' else "
        f"({x}[{k}] if 0 <= {k} < len({x}) else None) if {_kind(of)} == 'list' and {_kind(key)} == 'number' else "
        f"{x}[0] if {x} is None else {REFUSED})"
    )
