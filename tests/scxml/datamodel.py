"""Expressions of an SCXML document, in Python or simple ECMAScript, as expressions of nbflow.

Declared names become `ctx.NAME`, `_event` becomes `event`, `In('s')` becomes a look at `execution.states`.
What cannot be evaluated in SCXML either (a syntax error) becomes an expression that fails when it is run.
"""

from __future__ import annotations

import ast
import builtins
import json
from collections.abc import Callable

from tests.scxml.ecmascript import NotEcmascript, Term, condition, translate
from tests.scxml.unsupported import Unsupported

FAILS = "1 / 0"
PROCESSOR = "http://www.w3.org/TR/scxml/#SCXMLEventProcessor"
TYPES = (PROCESSOR, "http://www.w3.org/TR/scxml/", "http://www.w3.org/TR/scxml", "scxml")
ORIGIN = "event.get('origin', '#_scxml_' + execution.id)"

FUNCTIONS = frozenset(
    "abs all any bool dict enumerate float int len list max min range round sorted str sum zip".split()
)
ROOTS = frozenset({"ctx", "event", "execution", "inputs", "env", "item", "index"})
"""Names that a translated expression means something by, so that no bound name may be one of them."""

INVOKED = "(event.get('invoke') or '').replace('_inv', '.inv')"
SYSTEM = {
    "_event": "event", "_sessionid": "execution.id", "_name": "execution.workflow",
    "_ioprocessors": "execution.ioprocessors",
}  # fmt: skip
EVENT_FIELDS = {
    "name": f"('done.invoke.' + {INVOKED} if event.name == 'done.' + (event.get('invoke') or '.') else event.name)",
    "data": "event.get('data')",
    "type": "event.get('type')",
    "sendid": "event.get('id')",
    "invokeid": INVOKED,
    "origin": f"({ORIGIN} if event.get('type') == 'external' else None)",
    "origintype": f"('{PROCESSOR}' if event.get('type') == 'external' else None)",
}


class Translator:
    """Translates for one document; `names` are its data ids, in ECMAScript when `ecmascript`."""

    def __init__(self, *, ecmascript: bool = False) -> None:
        self.names: dict[str, None] = {}
        self.ecmascript = ecmascript

    def expression(self, text: str) -> str:
        """The expression, or one that fails for a text that is none in the document's own language."""
        if self.ecmascript:
            return self._ecmascript(text, lambda term: term.text)
        tree = self._parse(text)
        if tree is None:
            return FAILS
        return ast.unparse(ast.fix_missing_locations(_Rewrite(self).visit(tree)))

    def condition(self, text: str) -> str:
        """The expression as a condition: what counts as true is the language's own matter."""
        return self._ecmascript(text, condition) if self.ecmascript else self.expression(text)

    def value(self, text: str) -> str:
        """The expression as a value of a machine."""
        return "=" + self.expression(text)

    def items(self, text: str) -> str:
        """The expression as what `foreach` goes through: in Python also the keys of a mapping, or characters."""
        return self.expression(text) if self.ecmascript else f"list({self.expression(text)})"

    def constant(self, text: str) -> object:
        """The value of a literal; KeyError when it is none."""
        try:
            if self.ecmascript:
                return ast.literal_eval(self.expression(text))
            tree = self._parse(text)
            return _plain(ast.literal_eval(tree)) if tree is not None else _none()
        except (ValueError, SyntaxError, TypeError, Unsupported):
            raise KeyError(text) from None

    def content(self, text: str) -> object:
        """Text inside an element: a literal if it is one, JSON, or else the words. None of it is an expression."""
        try:
            found = self.constant(text.strip())
        except KeyError:
            try:
                found = json.loads(text)
            except ValueError:
                found = " ".join(text.split())
        return literal(found)

    def name(self, name: str) -> str:
        """What a name is in an expression; nothing when it is not declared."""
        if name.startswith("_event."):
            field = name[7:]
            return EVENT_FIELDS.get(field, f"event.{field}")
        if name in SYSTEM:
            return SYSTEM[name]
        if name not in self.names and name.startswith("_"):
            raise Unsupported(f"the name {name}")
        return f"ctx[{name!r}]" if name in self.names else ""

    def _ecmascript(self, text: str, made: Callable[[Term], str]) -> str:
        try:
            return made(translate(text, self.name))
        except NotEcmascript:
            return FAILS

    def _parse(self, text: str) -> ast.expr | None:
        source = text.strip()
        try:
            return ast.parse(" ".join(source.split()) if "'" not in source else source, mode="eval").body
        except SyntaxError:
            return None


def literal(value: object) -> object:
    """A value that a machine takes as it is, whatever its texts look like."""
    match value:
        case str() if value.startswith(("=", "\\")) or "{{" in value:
            return f"={value!r}"
        case list():
            return [literal(item) for item in value]
        case dict():
            return {key: literal(item) for key, item in value.items()}
    return value


def _plain(value: object) -> object:
    if isinstance(value, tuple | set | bytes | complex):
        raise Unsupported(f"a {type(value).__name__} as data")
    for inner in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        _plain(inner)
    return value


def _none() -> object:
    raise KeyError


class _Rewrite(ast.NodeTransformer):
    """`bound` are the names that a comprehension around gives, as they are written here."""

    def __init__(self, owner: Translator) -> None:
        self.owner = owner
        self.bound: dict[str, str] = {}

    def visit_Name(self, node: ast.Name) -> ast.AST:
        if node.id in self.bound:
            return ast.Name(self.bound[node.id], ast.Load())
        match node.id:
            case name if name in SYSTEM:
                return _parsed(SYSTEM[name])
            case name if name in self.owner.names or not name.startswith("_"):
                return _parsed(f"ctx.{name}" if name.isidentifier() else FAILS)
            case name:
                raise Unsupported(f"the name {name}")

    def visit_ListComp(self, node: ast.ListComp) -> ast.AST:
        return self._comprehension(node)

    def visit_SetComp(self, node: ast.SetComp) -> ast.AST:
        return self._comprehension(node)

    def visit_GeneratorExp(self, node: ast.GeneratorExp) -> ast.AST:
        return self._comprehension(node)

    def visit_DictComp(self, node: ast.DictComp) -> ast.AST:
        return self._comprehension(node)

    def _comprehension(self, node: ast.ListComp | ast.SetComp | ast.GeneratorExp | ast.DictComp) -> ast.AST:
        """What a clause goes through is seen before its own names are, as in Python."""
        outside = self.bound
        for clause in node.generators:
            clause.iter = self.visit(clause.iter)
            self.bound = dict(self.bound)
            for name in ast.walk(clause.target):
                if isinstance(name, ast.Name):
                    self.bound[name.id] = name.id + "_" if name.id in ROOTS else name.id
                    name.id = self.bound[name.id]
            clause.ifs = [self.visit(condition) for condition in clause.ifs]
        for part in ("key", "value", "elt"):
            if hasattr(node, part):
                setattr(node, part, self.visit(getattr(node, part)))
        self.bound = outside
        return node

    def visit_Constant(self, node: ast.Constant) -> ast.AST:
        """The processor of events has several names and is one."""
        return ast.Constant(PROCESSOR) if node.value in TYPES else node

    def visit_Attribute(self, node: ast.Attribute) -> ast.AST:
        if isinstance(node.value, ast.Name) and node.value.id == "_event":
            return _parsed(EVENT_FIELDS.get(node.attr, f"event.{node.attr}"))
        return ast.Attribute(self.visit(node.value), node.attr, ast.Load())

    def visit_Call(self, node: ast.Call) -> ast.AST:
        if isinstance(node.func, ast.Name):
            if node.func.id in ("In", "hasattr") and not node.args:
                return _parsed(FAILS)
            if node.func.id == "In":
                return ast.Compare(self.visit(node.args[0]), [ast.In()], [_parsed("execution.states")])
            if node.func.id == "hasattr" and isinstance(node.args[0], ast.Name) and node.args[0].id == "_event":
                return ast.Constant(value=True)
            return self._named_call(node, node.func)
        return self.generic_visit(node)

    def _named_call(self, node: ast.Call, called: ast.Name) -> ast.AST:
        """Of a function that there is. One that is in Python alone is no fault of the document."""
        if called.id in self.owner.names or called.id in self.bound or not hasattr(builtins, called.id):
            return _parsed(FAILS)
        if called.id not in FUNCTIONS:
            raise Unsupported(f"the function {called.id}")
        node.args = [self.visit(argument) for argument in node.args]
        node.keywords = [self.visit(keyword) for keyword in node.keywords]
        return node

    def visit_Compare(self, node: ast.Compare) -> ast.AST:
        """Only what is looked into may be a tuple or a set."""
        node.left = self.visit(node.left)
        for place, (op, other) in enumerate(zip(node.ops, node.comparators, strict=True)):
            if isinstance(op, ast.In | ast.NotIn) and isinstance(other, ast.Tuple | ast.Set):
                other = ast.List(other.elts, ast.Load())
            node.comparators[place] = self.visit(other)
        return node

    def visit_Tuple(self, node: ast.Tuple) -> ast.AST:
        raise Unsupported("tuples")

    def visit_Set(self, node: ast.Set) -> ast.AST:
        raise Unsupported("sets")

    def visit_BinOp(self, node: ast.BinOp) -> ast.AST:
        if isinstance(node.op, ast.BitOr | ast.BitAnd | ast.BitXor | ast.LShift | ast.RShift | ast.MatMult):
            raise Unsupported("operators on bits and sets")
        of_text = isinstance(node.left, ast.JoinedStr) or isinstance(getattr(node.left, "value", 0), str)
        if isinstance(node.op, ast.Mod) and of_text:
            raise Unsupported("formatting with %")
        return self.generic_visit(node)

    def visit_Lambda(self, node: ast.Lambda) -> ast.AST:
        raise Unsupported("functions as data")

    def visit_NamedExpr(self, node: ast.NamedExpr) -> ast.AST:
        raise Unsupported("assignment inside an expression")


def _parsed(text: str) -> ast.expr:
    return ast.parse(text, mode="eval").body
