"""The part of Python that is the language: what may stand in a tree, and what to say of what may not."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from nbflow.spec.expressions import functions, methods
from nbflow.spec.expressions.errors import ExpressionError
from nbflow.spec.names import did_you_mean, listed

if TYPE_CHECKING:
    from nbflow.spec.expressions.parsing import Parsed

_FREE = (
    ast.BinOp, ast.UnaryOp, ast.BoolOp, ast.IfExp, ast.List, ast.Tuple, ast.Set, ast.ListComp, ast.SetComp,
    ast.DictComp, ast.JoinedStr, ast.Slice, ast.Add, ast.Sub, ast.Mult, ast.Div, ast.FloorDiv, ast.Mod, ast.Pow,
    ast.UAdd, ast.USub, ast.Not, ast.And, ast.Or, ast.Eq, ast.NotEq, ast.Lt, ast.LtE, ast.Gt, ast.GtE, ast.In,
    ast.NotIn, ast.Is, ast.IsNot, ast.Load, ast.Store,
)  # fmt: skip

_REFUSED: dict[type[ast.AST], str] = {
    ast.Lambda: "functions cannot be defined here (lambda)",
    ast.NamedExpr: ":= is not in the language",
    ast.Await: "await is not in the language",
    ast.Yield: "yield is not in the language",
    ast.YieldFrom: "yield is not in the language",
    ast.Starred: "* for several values is not in the language",
    ast.MatMult: "@ is not in the language",
    ast.BitOr: "| is not in the language; there are no filters either",
    ast.BitAnd: "& is not in the language; write 'and'",
    ast.BitXor: "^ is not in the language; a power is **",
    ast.LShift: "<< is not in the language",
    ast.RShift: ">> is not in the language",
    ast.Invert: "~ is not in the language; write 'not'",
}

CONSTANT_NAMES: dict[str, Any] = {"true": True, "false": False, "null": None}


def check(tree: ast.expr, parsed: Parsed) -> None:
    """Raises ExpressionError at the first node that is not in the language."""
    _Check(parsed).visit(tree, top=True)


def _forbidden(message: str, at: int, hint: str | None = None, length: int = 1) -> ExpressionError:
    return ExpressionError("expr.forbidden", message, at, hint, length)


class _Check:
    """Goes over a tree, deepest last; `parsed` tells places."""

    def __init__(self, parsed: Parsed):
        self._parsed = parsed
        self._special: dict[type[ast.AST], Callable[[Any], None]] = {
            ast.Name: self._name,
            ast.Constant: self._constant,
            ast.Attribute: self._attribute,
            ast.Subscript: self._subscript,
            ast.Call: self._call,
            ast.Compare: self._compare,
            ast.Dict: self._dict,
            ast.comprehension: self._comprehension,
            ast.FormattedValue: self._nothing,
            ast.keyword: self._nothing,
            ast.GeneratorExp: self._generator,
        }
        self._arguments: set[int] = set()  # generators that stand where one may

    def visit(self, tree: ast.expr, *, top: bool = False) -> None:
        waiting: list[ast.AST] = [tree]
        while waiting:
            node = waiting.pop()
            special = self._special.get(type(node))
            if special is not None:
                special(node)
            elif not isinstance(node, _FREE):
                self._refuse(node, tree)
            children = list(ast.iter_child_nodes(node))
            if isinstance(node, ast.Call):
                children[0:1] = _called_on(node.func)
            waiting.extend(reversed(children))

    def _refuse(self, node: ast.AST, tree: ast.expr) -> None:
        message = _REFUSED.get(type(node), f"{type(node).__name__} is not in the language")
        place = node if isinstance(node, ast.expr) else _holder(tree, node)
        hint = "write … if … else …, or a listed function" if isinstance(node, ast.Lambda) else None
        at = self._parsed.start(place)
        if isinstance(node, ast.operator) and isinstance(place, ast.BinOp):
            at = operator_offset(self._parsed, place)
            attempted = re.match(r"\s*(\w+)", self._parsed.text[at + 1 :])
            if isinstance(node, ast.BitOr) and attempted:
                message = f"there are no filters: '| {attempted.group(1)}' is not in the language"
        raise _forbidden(message, at, hint)

    def _nothing(self, node: ast.AST) -> None:
        """What is decided elsewhere."""

    def _name(self, node: ast.Name) -> None:
        if node.id.startswith("__"):
            at = self._parsed.start(node)
            raise _forbidden(f"names that begin with __ cannot be used ({node.id})", at, length=len(node.id))

    def _constant(self, node: ast.Constant) -> None:
        if node.value is not None and type(node.value) not in (str, int, float, bool):
            what = {bytes: "bytes", complex: "an imaginary number"}.get(type(node.value), "...")
            raise _forbidden(f"{what} cannot be written here", self._parsed.start(node))

    def _attribute(self, node: ast.Attribute) -> None:
        if node.attr.startswith("__"):
            at = self._parsed.end(node) - len(node.attr)
            hint = f'if it is a key of your data, write ["{node.attr}"]'
            raise _forbidden(f"names that begin with __ cannot be used ({node.attr})", at, hint, len(node.attr))

    def _subscript(self, node: ast.Subscript) -> None:
        if isinstance(node.slice, ast.Tuple) and any(isinstance(part, ast.Slice) for part in node.slice.elts):
            raise _forbidden("a list has one dimension: one slice between [ ]", self._parsed.start(node.slice))

    def _call(self, node: ast.Call) -> None:
        if any(keyword.arg is None for keyword in node.keywords):
            raise _forbidden("** for several values is not in the language", self._parsed.start(node))
        if isinstance(node.func, ast.Name):
            self._function(node, node.func.id)
        elif isinstance(node.func, ast.Attribute):
            self._method(node, node.func)
        elif not isinstance(node.func, ast.Lambda):
            raise _forbidden("only functions and methods with a name can be called", self._parsed.start(node))

    def _function(self, node: ast.Call, name: str) -> None:
        at = self._parsed.start(node)
        if name not in functions.FUNCTIONS:
            hint = did_you_mean(name, functions.FUNCTIONS)
            if name in methods.METHODS:
                hint = f"it is a method: write value.{name}(…)"
            hint = hint or f"the functions are {listed(functions.FUNCTIONS, most=30)}"
            message = f"there is no function '{name}'"
            raise ExpressionError("expr.unknown_function", message, at, hint, len(name))
        self._keywords(node, functions.KEYWORDS.get(name, frozenset()), name)
        if name in functions.GENERATORS:
            self._arguments.update(id(argument) for argument in node.args)

    def _method(self, node: ast.Call, func: ast.Attribute) -> None:
        self._attribute(func)
        name = func.attr
        if name not in methods.METHODS:
            at = self._parsed.end(func) - len(name)
            hint = did_you_mean(name, methods.METHODS) or f"the methods are {listed(sorted(methods.METHODS), most=40)}"
            message = f"there is no method '{name}'"
            raise ExpressionError("expr.unknown_function", message, at, hint, len(name))
        self._keywords(node, methods.KEYWORDS.get(name, frozenset()), name)
        if name in methods.GENERATORS:
            self._arguments.update(id(argument) for argument in node.args)

    def _keywords(self, node: ast.Call, known: frozenset[str] | None, name: str) -> None:
        for keyword in node.keywords:
            if known is not None and keyword.arg not in known:
                hint = did_you_mean(str(keyword.arg), known) or (f"it has {listed(sorted(known))}" if known else None)
                raise _forbidden(f"{name}() has no argument '{keyword.arg}'", self._parsed.start(keyword), hint)

    def _compare(self, node: ast.Compare) -> None:
        operands = [node.left, *node.comparators]
        for index, operator in enumerate(node.ops):
            if isinstance(operator, (ast.Is, ast.IsNot)) and not (
                is_null(operands[index + 1]) or (is_null(operands[index]) and len(node.ops) == 1)
            ):
                sign = "==" if isinstance(operator, ast.Is) else "!="
                word = "is" if isinstance(operator, ast.Is) else "is not"
                at = self._parsed.start(operands[index + 1])
                raise _forbidden(f"'{word}' compares with None only", at, f"write {sign}")

    def _dict(self, node: ast.Dict) -> None:
        if any(key is None for key in node.keys):
            at = self._parsed.start(node)
            raise _forbidden("** for several values is not in the language", at, "write dict(a, key=value)")

    def _comprehension(self, node: ast.comprehension) -> None:
        if node.is_async:
            raise _forbidden("async is not in the language", self._parsed.start(node.target))
        self._target(node.target)

    def _target(self, target: ast.expr) -> None:
        if isinstance(target, (ast.Tuple, ast.List)):
            for part in target.elts:
                self._target(part)
        elif not isinstance(target, ast.Name):
            raise _forbidden("what follows 'for' is a name", self._parsed.start(target))
        elif target.id in CONSTANT_NAMES:
            raise _forbidden(f"'{target.id}' is a value and cannot be a name", self._parsed.start(target))

    def _generator(self, node: ast.GeneratorExp) -> None:
        if id(node) not in self._arguments:
            raise _forbidden(
                "a comprehension needs [ ] around it here", self._parsed.start(node), "write [… for … in …]"
            )


def _called_on(func: ast.expr) -> list[ast.AST]:
    """What a call reads besides its arguments: the value a method is called on."""
    if isinstance(func, ast.Attribute):
        return [func.value]
    return [func] if isinstance(func, ast.Lambda) else []


def is_null(node: ast.expr) -> bool:
    """None, or null."""
    if isinstance(node, ast.Constant):
        return node.value is None
    return isinstance(node, ast.Name) and node.id == "null"


def operator_offset(parsed: Parsed, node: ast.BinOp) -> int:
    """Where the sign of an operation stands, between its sides."""
    start, end = parsed.end(node.left), parsed.start(node.right)
    found = re.search(r"[^\s()]", parsed.text[start:end])
    return start + found.start() if found else start


def _holder(tree: ast.expr, wanted: ast.AST) -> ast.expr:
    """The expression that an operator or keyword belongs to."""
    for node in ast.walk(tree):
        if isinstance(node, ast.expr) and wanted in ast.iter_child_nodes(node):
            return node
    return tree


# ---- texts that are no Python, and what their author meant

_STRINGS = re.compile(r"'(?:\\.|[^'\\])*'|\"(?:\\.|[^\"\\])*\"")
_SIGNS: tuple[tuple[str, str, str], ...] = (
    (r"&&", "&& is not in the language", "write 'and'"),
    (r"\|\|", "|| is not in the language", "write 'or'"),
    (r"===", "=== is not in the language", "write =="),
    (r"!==", "!== is not in the language", "write !="),
    (r"<>", "<> is not in the language", "write !="),
    (r"!(?!=)", "! is not in the language", "write 'not'"),
    (r"\?\?", "?? is not in the language", "write 'a if a is not None else b'"),
    (r"\?\.", "?. is not in the language", "write 'a.b if a is not None else None'"),
    (r"\?", "? is not in the language", "write 'a if condition else b'"),
    (r"\$\{?\{?", "${{ }} cannot stand inside an expression", "write the name alone"),
    (r"=>", "=> is not in the language", "for 'at least' write >="),
    (r"=<", "=< is not in the language", "for 'at most' write <="),
    (r"\+\+|--(?=\s*$)", "++ and -- are not in the language", "write + 1 or - 1"),
    (r"(?<![=!<>:])=(?!=)", "= assigns; use == to compare", "write =="),
    (r";", "; is not in the language: an expression is one value", ""),
)
_KEYWORD_FIELD = re.compile(
    r"\.\s*(?P<word>False|None|True|and|as|assert|async|await|break|class|continue|def|del|elif|else|except|finally|for"
    r"|from|global|if|import|in|is|lambda|nonlocal|not|or|pass|raise|return|try|while|with|yield)\b"
)
_STATEMENT = re.compile(r"\s*(import|from|def|class|return|for|while|if|with|try|del|raise|assert|print)\b")
_DIGIT_FIELD = re.compile(r"(?<=[\w\])])\.(\d+)")
_DASHED_FIELD = re.compile(r"\.[A-Za-z_]\w*(?:-\w+)+")


def sign_trap(text: str) -> ExpressionError | None:
    """A sign of another language, or a single =."""
    bare = _bare(text)
    for pattern, message, hint in _SIGNS:
        found = re.search(pattern, bare)
        if found and not (found.group() == "=" and _is_keyword_argument(bare, found.start())):
            return ExpressionError("expr.syntax", message, found.start(), hint or None, len(found.group()))
    return None


def _bare(text: str) -> str:
    """The text with its strings blotted out, every character in its place."""
    return _STRINGS.sub(lambda found: "'" + "_" * (len(found.group()) - 2) + "'", text)


def _is_keyword_argument(text: str, at: int) -> bool:
    before = text[:at]
    return before.count("(") > before.count(")") and re.search(r"[(,]\s*\w+\s*$", before) is not None


def word_trap(text: str) -> ExpressionError | None:
    """A keyword or a number after a dot, or a statement."""
    text = _bare(text)
    found = _KEYWORD_FIELD.search(text)
    if found:
        word = found.group("word")
        message, hint = f"'{word}' is a word of the language, so it cannot follow a dot", f'write ["{word}"]'
        return ExpressionError("expr.syntax", message, found.start("word"), hint, len(word))
    number = _DIGIT_FIELD.search(text)
    if number:
        message, hint = "a place in a list stands in [ ]", f"write [{number.group(1)}]"
        return ExpressionError("expr.syntax", message, number.start(), hint)
    statement = _STATEMENT.match(text)
    if statement:
        word = statement.group(1)
        better = {"if": "write 'a if condition else b'", "for": "write [… for … in …]"}.get(word)
        message = f"'{word}' begins a statement; an expression is one value"
        return ExpressionError("expr.syntax", message, statement.start(1), better, len(word))
    return None
