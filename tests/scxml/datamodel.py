"""Expressions of an SCXML document, in Python or simple ECMAScript, as expressions of nbflow.

Declared names become `ctx.NAME`, `_event` becomes `event`, `In('s')` becomes a look at `execution.states`.
What cannot be evaluated in SCXML either (a syntax error) becomes an expression that fails when it is run.
"""

from __future__ import annotations

import ast
import builtins
import re

FAILS = "1 / 0"
PROCESSOR = "http://www.w3.org/TR/scxml/#SCXMLEventProcessor"
TYPES = (PROCESSOR, "http://www.w3.org/TR/scxml/", "http://www.w3.org/TR/scxml", "scxml")
ORIGIN = "event.get('origin', '#_scxml_' + execution.id)"

FUNCTIONS = frozenset(
    "abs all any bool dict enumerate float int len list max min range round sorted str sum zip".split()
)
ROOTS = frozenset({"ctx", "event", "execution", "inputs", "env", "item", "index"})
"""Names that a translated expression means something by, so that no bound name may be one of them."""

EVENT_FIELDS = {
    "name": "event.name",
    "data": "event.get('data')",
    "type": "event.get('type')",
    "sendid": "event.get('id')",
    "invokeid": "(event.get('invoke') or '').replace('_inv', '.inv')",
    "origin": f"({ORIGIN} if event.get('type') == 'external' else None)",
    "origintype": f"('{PROCESSOR}' if event.get('type') == 'external' else None)",
}


class Unsupported(Exception):
    """A feature of SCXML that neither the machine nor its reader has."""


class Translator:
    """Translates for one document; `names` are its data ids, in ECMAScript when `ecmascript`."""

    def __init__(self, *, ecmascript: bool = False) -> None:
        self.names: dict[str, None] = {}
        self.ecmascript = ecmascript

    def expression(self, text: str) -> str:
        """The expression, or one that fails for a text that is none."""
        tree = self._parse(text)
        if tree is None:
            return FAILS
        return ast.unparse(ast.fix_missing_locations(_Rewrite(self).visit(tree)))

    def value(self, text: str) -> str:
        """The expression as a value of a machine."""
        return "=" + self.expression(text)

    def constant(self, text: str) -> object:
        """The value of a literal; KeyError when it is none."""
        tree = self._parse(text)
        try:
            return ast.literal_eval(tree) if tree is not None else _none()
        except ValueError:
            raise KeyError(text) from None

    def content(self, text: str) -> object:
        """Text inside an element: a literal if it is one, else the words."""
        try:
            return self.constant(text.strip())
        except KeyError:
            return " ".join(text.split())

    def _parse(self, text: str) -> ast.expr | None:
        source = _python(text.strip()) if self.ecmascript else text.strip()
        try:
            return ast.parse(" ".join(source.split()) if "'" not in source else source.strip(), mode="eval").body
        except SyntaxError:
            return None


def _none() -> object:
    raise KeyError


_TOKEN = re.compile(r"'(?:\\.|[^'\\])*'|\"(?:\\.|[^\"\\])*\"|===|!==|&&|\|\||!(?!=)|[A-Za-z_$][\w$]*|\s+|.", re.DOTALL)
_WORDS = {
    "===": "==", "!==": "!=", "&&": " and ", "||": " or ", "!": " not ", "true": "True", "false": "False",
    "null": "None", "undefined": "None",
}  # fmt: skip
_ARRAY = re.compile(r"\b([\w.]+)\s+instanceof\s+Array\b")
_TYPEOF = re.compile(r"typeof\s+([\w.]+)\s*(===?|!==?)\s*['\"]undefined['\"]")


def _python(text: str) -> str:
    """The simple part of ECMAScript, word by word."""
    text = _ARRAY.sub(r"(str(\1)[:1] == '[')", text)
    if re.search(r"\b(function|new|var|instanceof)\b|=>|\+\+|--|(?<![=!<>])=(?!=)", text):
        raise Unsupported("this much ECMAScript")
    text = _TYPEOF.sub(lambda found: f"{found[1]} {'==' if found[2].startswith('=') else '!='} None", text)
    return "".join(_WORDS.get(token, token) for token in _TOKEN.findall(text))


class _Rewrite(ast.NodeTransformer):
    """`bound` are the names that a comprehension around gives, as they are written here."""

    def __init__(self, owner: Translator) -> None:
        self.owner = owner
        self.bound: dict[str, str] = {}

    def visit_Name(self, node: ast.Name) -> ast.AST:
        if node.id in self.bound:
            return ast.Name(self.bound[node.id], ast.Load())
        match node.id:
            case "_event":
                return _parsed("event")
            case "_sessionid":
                return _parsed("execution.id")
            case "_name":
                return _parsed("execution.workflow")
            case "_ioprocessors":
                return _parsed("execution.ioprocessors")
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
        if node.attr == "length" and self.owner.ecmascript:
            return ast.Call(ast.Name("len", ast.Load()), [self.visit(node.value)], [])
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

    def visit_Lambda(self, node: ast.Lambda) -> ast.AST:
        raise Unsupported("functions as data")

    def visit_NamedExpr(self, node: ast.NamedExpr) -> ast.AST:
        raise Unsupported("assignment inside an expression")


def _parsed(text: str) -> ast.expr:
    return ast.parse(text, mode="eval").body
